/*
 * predict: what a student is to predict, and what really goes over the wire.
 *
 *   predict --lab 02 --seed N [--pcap FILE]
 *
 * Prints JSON: for each scenario of the lab its name, text, sides, sections and frames, and whether
 * those of stream 0 ("connection") are among them; and the
 * questions of the quiz with their answers. --pcap leaves a capture of all that was played, for
 * Wireshark. predict.py does the rest.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "grader/predict/scenarios.h"

/* One more question of the quiz. */
static void ask(json_t *quiz, const char *question, size_t answer) {
  json_array_append_new(
      quiz, json_pack("{s:s, s:I}", "question", question, "answer", (json_int_t)answer));
}

/* Where TLS hides the frames, the server is the reference server, whose settings are known. */
static void add_tls_questions(json_t *quiz, const struct scenario *scenario,
                              const struct play *play) {
  char text[160];
  snprintf(text, sizeof text, "%s: INITIAL_WINDOW_SIZE of the last client that sends SETTINGS",
           scenario->name);
  ask(quiz, text, play->window);
  snprintf(text, sizeof text,
           "%s: the length, without the frame's header, of that client's HEADERS", scenario->name);
  ask(quiz, text, play->last_headers);
}

/* They can be read in the capture, and nowhere else. */
static void add_questions(json_t *quiz, const struct scenario *scenario, const struct play *play) {
  char text[160];
  if (play->tls) {
    add_tls_questions(quiz, scenario, play);
    return;
  }
  snprintf(text, sizeof text,
           "%s: MAX_CONCURRENT_STREAMS in the server's last SETTINGS without the flag ACK",
           scenario->name);
  ask(quiz, text, play->max_streams);
  snprintf(text, sizeof text,
           "%s: how many frames the client has sent (Wireshark's \"Magic\", the preface, is none)",
           scenario->name);
  ask(quiz, text, play->client_frames);
  if (play->second_headers == 0)
    return;
  snprintf(text, sizeof text,
           "%s: the length, without the frame's header, of the first HEADERS on a stream above 1",
           scenario->name);
  ask(quiz, text, play->second_headers);
}

/* Play one, and describe it. Returns NULL on failure. */
static json_t *play_json(const struct scenario *scenario, struct draw *draw, struct pcap *pcap,
                         unsigned *connection, json_t *quiz) {
  struct play play = {.pcap = pcap, .connection = *connection};
  struct buffer text = {0};
  scenario->run(&play, draw, &text);
  json_t *json =
      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "name", scenario->name, "sides",
                scenario->sides, "sections", scenario->sections, "rfc",
                scenario->rfc ? scenario->rfc : "9113", "text", text.bytes, "frames",
                play.lines.bytes ? play.lines.bytes : "", "connection", play.connection_too);
  if (json_array_size(quiz) < 3)
    add_questions(quiz, scenario, &play);
  *connection = play.connection;
  play_end(&play);
  buffer_free(&text);
  if (!play.failed)
    return json;
  json_decref(json);
  return NULL;
}

/* Play all of the lab's, and print them. Returns 0 or -1. */
static int print_all(const char *lab, uint64_t seed, struct pcap *pcap) {
  struct draw draw = {seed};
  json_t *list = json_array();
  json_t *quiz = json_array();
  unsigned connection = 0;
  int result = 0;
  static const struct scenario *const lists[] = {scenarios, servers_scenarios, secure_scenarios};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    for (const struct scenario *one = lists[i]; one->lab && result == 0; one++)
      if (strcmp(one->lab, lab) == 0)
        result = json_array_append_new(list, play_json(one, &draw, pcap, &connection, quiz));
  json_t *all = json_pack("{s:o, s:o}", "scenarios", list, "quiz", quiz);
  if (result == 0)
    result = all ? json_dumpf(all, stdout, JSON_INDENT(2)) : -1;
  json_decref(all);
  return result;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"lab", required_argument, NULL, 'l'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"pcap", required_argument, NULL, 'p'},
                                          {0}};
  char lab[16] = "";
  long seed = -1;
  const char *file = NULL;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'l': snprintf(lab, sizeof lab, "lab%s", optarg); break;
    case 's': seed = number_parse(optarg, 1000000); break;
    case 'p': file = optarg; break;
    default: optind = argc + 1;
    }
  }
  if (optind != argc || seed < 0 || !*lab) {
    fprintf(stderr, "usage: predict --lab 02 --seed N [--pcap FILE]\n");
    return 2;
  }
  struct pcap *pcap = file ? pcap_new() : NULL;
  int result = print_all(lab, (uint64_t)seed, pcap);
  if (file && (!pcap || pcap_write(pcap, file) != 0)) {
    perror(file);
    result = -1;
  }
  pcap_free(pcap);
  return result == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
