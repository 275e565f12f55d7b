/*
 * lecture: requests that `make demo` shows and that no lab's program makes.
 *
 *   lecture ask [--patience MS] URL PATH...
 *   lecture race [--requests N] [--delay MS]
 *   lecture loss [--delay MS]
 *
 * ask: GET each PATH, all at once on one connection, and print a line for each answer. If the first
 * one has no answer after MS milliseconds, cancel it; the others go on.
 *
 * race: send the same N requests (24) to the same server, which answers each after MS milliseconds
 * (20), over one connection and over several. Print a line for each way, "1 connection, all at once
 * 21.3 ms": the time from the first connect to the end of the last response, the median of three
 * rounds. Server and clients are in this process, on one loop.
 *
 * loss: send four requests; the TCP segment with the first answer arrives MS milliseconds (200)
 * late. Over one connection all four wait for it, over four only one does.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/client.h"
#include "common/number.h"
#include "common/server.h"
#include "common/url.h"
#include "grader/lecture/ask.h"
#include "grader/lecture/loss.h"

/* --- A server that thinks about each request -------------------------------------------------- */

struct thought {
  uv_timer_t timer;
  struct stream *stream;
};

struct race {
  uv_loop_t *loop;
  long delay; /* milliseconds */
  struct url url;
  bool failed;
};

static void free_thought(uv_handle_t *timer) {
  struct thought *thought = timer->data;
  stream_release(thought->stream);
  free(thought);
}

static void answer(uv_timer_t *timer) {
  static const char text[] = "Hello World!";
  struct thought *thought = timer->data;
  if (stream_respond(thought->stream, 200, NULL, 0, sizeof text - 1) == 0)
    stream_end(thought->stream, text, sizeof text - 1);
  uv_close((uv_handle_t *)timer, free_thought);
}

static void on_stream(struct stream *stream, void *user) {
  struct race *race = user;
  struct thought *thought = malloc(sizeof *thought);
  if (!thought || uv_timer_init(race->loop, &thought->timer) != 0) {
    free(thought);
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  thought->stream = stream_keep(stream);
  thought->timer.data = thought;
  uv_timer_start(&thought->timer, answer, (uint64_t)race->delay, 0);
}

/* --- Clients ---------------------------------------------------------------------------------- */

/* One connection and its work. */
struct runner {
  struct race *race;
  struct client *client;
  long left;    /* requests still to make */
  long waiting; /* requests without an answer */
  uint64_t finished;
  bool gone;
};

static void ask(struct runner *runner);

static void on_end(struct stream *stream, void *user) {
  struct runner *runner = user;
  if (stream_status(stream) != 200)
    runner->race->failed = true;
  runner->finished = uv_hrtime();
}

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct runner *runner = user;
  (void)stream;
  if (error_code != NGHTTP2_NO_ERROR)
    runner->race->failed = true;
  runner->waiting--;
  if (runner->waiting > 0)
    return;
  if (runner->left > 0 && !runner->race->failed)
    ask(runner);
  else
    client_close(runner->client);
}

static void ask(struct runner *runner) {
  static const struct stream_events events = {.on_end = on_end, .on_close = on_stream_close};
  struct stream *stream = client_request(runner->client, "GET", runner->race->url.path, NULL, 0, 0);
  if (!stream) {
    runner->race->failed = true;
    client_close(runner->client);
    return;
  }
  stream_set_events(stream, &events, runner);
  runner->left--;
  runner->waiting++;
}

static void on_client_close(struct client *client, const char *error, void *user) {
  struct runner *runner = user;
  (void)client;
  if (error) {
    fprintf(stderr, "lecture: %s\n", error);
    runner->race->failed = true;
  }
  runner->gone = true;
}

/* Connect, and ask for `requests`, all at once or one at a time. Returns 0, or -1. */
static int start(struct runner *runner, struct race *race, long requests, bool at_once) {
  *runner = (struct runner){.race = race, .left = requests};
  const struct client_config config = {.on_close = on_client_close, .user = runner};
  runner->client = client_connect(race->loop, &race->url, &config);
  if (!runner->client)
    return -1;
  do {
    ask(runner);
  } while (at_once && runner->left > 0 && !race->failed);
  return 0;
}

/* --- The race --------------------------------------------------------------------------------- */

static bool all_gone(const struct runner *runners, long count) {
  for (long i = 0; i < count; i++)
    if (!runners[i].gone)
      return false;
  return true;
}

/* The milliseconds that `requests` take over this many connections; or -1. */
static double measure(struct race *race, long connections, long requests, bool at_once) {
  struct runner *runners = calloc((size_t)connections, sizeof *runners);
  if (!runners)
    return -1;
  uint64_t begin = uv_hrtime();
  uint64_t end = begin;
  for (long i = 0; i < connections; i++) {
    long share = requests * (i + 1) / connections - requests * i / connections;
    if (start(&runners[i], race, share, at_once) != 0)
      race->failed = runners[i].gone = true;
  }
  while (!all_gone(runners, connections))
    uv_run(race->loop, UV_RUN_ONCE);
  for (long i = 0; i < connections; i++)
    if (runners[i].finished > end)
      end = runners[i].finished;
  free(runners);
  return race->failed ? -1 : (double)(end - begin) / 1e6;
}

static int compare(const void *one, const void *other) {
  double left = *(const double *)one;
  double right = *(const double *)other;
  return (left > right) - (left < right);
}

/* Try every way once in each round, so that a disturbance hits all ways alike. */
static void run(struct race *race, long requests) {
  enum { WAYS = 4, ROUNDS = 3 };
  const struct {
    const char *what;
    long connections;
    bool at_once;
  } ways[WAYS] = {
      {"connection, all at once", 1, true},
      {"connections, one request each", requests, true},
      {"connections, one at a time on each", requests < 6 ? requests : 6, false},
      {"connection, one at a time", 1, false},
  };
  double times[WAYS][ROUNDS];
  for (size_t round = 0; round < ROUNDS; round++)
    for (size_t i = 0; i < WAYS; i++) {
      times[i][round] = measure(race, ways[i].connections, requests, ways[i].at_once);
      if (race->failed)
        return;
    }
  for (size_t i = 0; i < WAYS; i++) {
    qsort(times[i], ROUNDS, sizeof times[i][0], compare);
    printf("%ld %s  %.1f ms\n", ways[i].connections, ways[i].what, times[i][ROUNDS / 2]);
  }
}

/* Let the server listen, run, and free everything. Returns whether all went well. */
static bool hold(struct race *race, long requests) {
  char text[256];
  const struct server_config config = {.on_stream = on_stream, .user = race};
  struct server *server = server_listen(race->loop, &config, text, sizeof text);
  if (!server) {
    fprintf(stderr, "lecture: %s\n", text);
    return false;
  }
  snprintf(text, sizeof text, "http://localhost:%d/", server_port(server));
  if (url_parse(&race->url, text) == 0)
    run(race, requests);
  else
    race->failed = true;
  url_free(&race->url);
  server_close(server);
  uv_run(race->loop, UV_RUN_DEFAULT);
  uv_loop_close(race->loop);
  if (race->failed)
    fprintf(stderr, "lecture: not every request got an answer\n");
  return !race->failed;
}

static int usage(void) {
  fprintf(stderr, "usage: lecture ask [--patience MS] URL PATH...\n"
                  "       lecture race [--requests N] [--delay MS]\n"
                  "       lecture loss [--delay MS]\n");
  return 2;
}

static int ask_main(int count, char **arguments, long patience) {
  struct url url;
  if (count < 2)
    return usage();
  if (url_parse(&url, arguments[0]) != 0 || url.tls) {
    fprintf(stderr, "lecture: %s: not a URL that begins with http://\n", arguments[0]);
    url_free(&url);
    return 2;
  }
  int result = lecture_ask(&url, arguments + 1, (size_t)count - 1, patience);
  url_free(&url);
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int race_main(long requests, long delay) {
  struct race race = {.loop = uv_default_loop(), .delay = delay};
  return hold(&race, requests) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int loss_main(long delay) {
  uv_loop_t *loop = uv_default_loop();
  int result = lecture_loss(loop, (unsigned)delay);
  uv_loop_close(loop);
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"requests", required_argument, NULL, 'r'},
                                          {"delay", required_argument, NULL, 'd'},
                                          {"patience", required_argument, NULL, 'p'},
                                          {0}};
  const char *what = argc > 1 ? argv[1] : "";
  long requests = 24;
  long delay = strcmp(what, "loss") == 0 ? 200 : 20;
  long patience = 0;
  int option;
  while ((option = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1) {
    long number = option == '?' ? -1 : number_parse(optarg, 10000);
    if (number < 0)
      return usage();
    *(option == 'r' ? &requests : option == 'd' ? &delay : &patience) = number;
  }
  optind++; /* getopt_long counted from argv + 1 */
  int status = 2;
  if (strcmp(what, "ask") == 0)
    status = ask_main(argc - optind, argv + optind, patience);
  else if (strcmp(what, "race") == 0 && optind == argc && requests > 0)
    status = race_main(requests, delay);
  else if (strcmp(what, "loss") == 0 && optind == argc)
    status = loss_main(delay);
  else
    usage();
  return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}
