/*
 * retry: check a client that tries again.
 *
 *   retry PROGRAM
 *
 * Is a server that does to each try of PROGRAM what a rule says. Prints a line for each rule of
 * lab05-timeouts/bonus/retry.md, as subject.h says. The status is 0 if there could be checks.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "common/server.h"
#include "grader/bonus/subject.h"
#include "grader/play/port.h"

enum { TRIES = 4, PAUSE_MS = 20, LATER_MS = 1 };

/* What the server does to a try. */
enum act {
  ANSWER,  /* 200, and the body */
  FAIL,    /* 500, and the body: a response, too */
  REFUSE,  /* RST_STREAM(REFUSED_STREAM) */
  RESET,   /* RST_STREAM(INTERNAL_ERROR) */
  LOSE,    /* close the connection */
  ABOVE,   /* GOAWAY: the stream is above the last one that will be processed */
  NOT_YET, /* GOAWAY: the stream is the last one; then RESET */
  HALF,    /* 200 and half a body; then RESET */
};

static const char *const words[] = {"a response",
                                    "a response with status 500",
                                    "RST_STREAM(REFUSED_STREAM)",
                                    "RST_STREAM(INTERNAL_ERROR)",
                                    "the end of the connection",
                                    "GOAWAY below its stream",
                                    "GOAWAY with its stream, and RST_STREAM",
                                    "half a response"};

/* What PROGRAM is to do, what happens to its tries (after the last act: ANSWER), and what came. */
struct story {
  const char *method, *body; /* a body of NULL: none */
  enum act acts[TRIES + 1];

  struct subject_run run;
  int requests, wrong; /* "wrong": with another method or body */
  uint64_t times[2 * TRIES];
  uv_loop_t loop;
  uv_timer_t later; /* resets `late` */
  struct stream *late;
  struct buffer received; /* of the body of this try */
};

/* --- The server ------------------------------------------------------------------------------- */

static void reset_late(uv_timer_t *timer) {
  struct story *story = timer->data;
  stream_close(story->late, NGHTTP2_INTERNAL_ERROR);
  stream_release(story->late);
  story->late = NULL;
}

/* What was sent leaves first. */
static void reset_later(struct story *story, struct stream *stream) {
  if (story->late)
    return;
  story->late = stream_keep(stream);
  uv_timer_start(&story->later, reset_late, LATER_MS, 0);
}

static void say_goaway(struct stream *stream, int32_t last) {
  nghttp2_submit_goaway(connection_session(stream_connection(stream)), NGHTTP2_FLAG_NONE, last,
                        NGHTTP2_NO_ERROR, NULL, 0);
}

static void answer(struct stream *stream, int status) {
  if (stream_respond(stream, status, NULL, 0, 6) == 0)
    stream_end(stream, "answer", 6);
}

static void do_act(struct story *story, struct stream *stream, enum act act) {
  switch (act) {
  case ANSWER: answer(stream, 200); break;
  case FAIL: answer(stream, 500); break;
  case REFUSE: stream_close(stream, NGHTTP2_REFUSED_STREAM); break;
  case RESET: stream_close(stream, NGHTTP2_INTERNAL_ERROR); break;
  case LOSE:
    shutdown(transport_descriptor(connection_transport(stream_connection(stream))), SHUT_RDWR);
    break;
  case ABOVE: say_goaway(stream, 0); break;
  case NOT_YET:
    say_goaway(stream, stream_id(stream));
    reset_later(story, stream);
    break;
  case HALF:
    if (stream_respond(stream, 200, NULL, 0, 6) == 0)
      stream_write(stream, "ans", 3);
    reset_later(story, stream);
    break;
  }
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct story *story = user;
  (void)stream;
  buffer_append(&story->received, data, length);
}

/* The request is complete. */
static void on_end(struct stream *stream, void *user) {
  struct story *story = user;
  int index = story->requests++;
  const char *body = story->body ? story->body : "";
  const char *received = story->received.bytes ? story->received.bytes : "";
  story->wrong += strcmp(stream_method(stream), story->method) != 0 || strcmp(received, body) != 0;
  if (index < 2 * TRIES)
    story->times[index] = uv_now(&story->loop);
  do_act(story, stream, index <= TRIES ? story->acts[index] : ANSWER);
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events events = {.on_data = on_data, .on_end = on_end};
  struct story *story = user;
  buffer_clear(&story->received);
  stream_set_events(stream, &events, story);
}

/* --- Telling a story -------------------------------------------------------------------------- */

/* Run PROGRAM with these tries and pauses, and this URL. */
static void run(struct story *story, const char *program, const char *url) {
  char tries[16], pause[16];
  const char *arguments[12] = {program, "--tries", tries, "--pause", pause, "-X", story->method};
  snprintf(tries, sizeof tries, "%d", TRIES);
  snprintf(pause, sizeof pause, "%d", PAUSE_MS);
  int count = 7;
  if (story->body) {
    arguments[count++] = "-d";
    arguments[count++] = story->body;
  }
  arguments[count] = url;
  story->run = subject_run(&story->loop, arguments);
}

static void tell(struct story *story, const char *program) {
  char url[64] = "http://localhost:1/", error[256];
  uv_loop_init(&story->loop);
  uv_timer_init(&story->loop, &story->later);
  story->later.data = story;
  const struct server_config config = {.host = "localhost", .on_stream = on_stream, .user = story};
  struct server *server = server_listen(&story->loop, &config, error, sizeof error);
  if (server)
    snprintf(url, sizeof url, "http://localhost:%d/", server_port(server));
  run(story, program, url);
  server_free(server);
  uv_close((uv_handle_t *)&story->later, NULL);
  uv_run(&story->loop, UV_RUN_DEFAULT);
  stream_release(story->late);
  uv_loop_close(&story->loop);
}

static void forget(struct story *story) {
  subject_free(&story->run);
  buffer_free(&story->received);
}

/* --- Rules ------------------------------------------------------------------------------------ */

/* Who is checked, and whether all of its runs have ended by themselves, without a report. */
struct checker {
  const char *program;
  bool ended;
};

/* Whether it has stopped at a TODO, or has not come to its end. Then say so. */
static bool is_unfinished(struct checker *checker, const char *rule, struct story *story) {
  struct subject_run *run = &story->run;
  size_t length = strlen(run->errors.bytes);
  if (length > 0 && run->errors.bytes[length - 1] == '\n')
    run->errors.bytes[length - 1] = '\0';
  const char *end = strrchr(run->errors.bytes, '\n');
  const char *last = end ? end + 1 : run->errors.bytes;
  bool at_todo = strncmp(last, "TODO ", strlen("TODO ")) == 0;
  if ((run->status == 0 || run->status == 1) && !at_todo)
    return false;
  checker->ended = false;
  subject_say(rule, "%s", at_todo ? last : subject_complaint(run));
  return true;
}

/* Whether the story has come to the right end. If not, say why. */
static bool is_right(struct checker *checker, const char *rule, struct story *story, int requests) {
  enum act last = story->acts[requests - 1];
  const char *output = last == ANSWER || last == FAIL ? "answer\n" : "";
  int status = *output ? EXIT_SUCCESS : EXIT_FAILURE;
  if (is_unfinished(checker, rule, story))
    return false;
  if (story->requests != requests)
    subject_say(rule, "a %s gets %s: expected: %d request%s in all; seen: %d", story->method,
                words[story->acts[0]], requests, requests == 1 ? "" : "s", story->requests);
  else if (story->wrong > 0)
    subject_say(rule, "a request has another method or body than yours");
  else if (strcmp(story->run.output.bytes, output) != 0)
    subject_say(rule, "a %s gets %s: expected output: \"%.6s\"; seen: \"%.*s\"", story->method,
                words[story->acts[0]], output, (int)strcspn(story->run.output.bytes, "\n"),
                story->run.output.bytes);
  else if (story->run.status != status)
    subject_say(rule, "expected: status %d; seen: %d", status, story->run.status);
  else
    return true;
  return false;
}

/* Tell these stories, up to one without a method. Each must have so many requests, and the answer
 * of the last one. */
static void check(struct checker *checker, const char *rule, struct story *stories, int requests) {
  bool right = true;
  for (; right && stories->method; stories++) {
    tell(stories, checker->program);
    right = is_right(checker, rule, stories, requests);
    forget(stories);
  }
  if (right)
    subject_say(rule, NULL);
}

/* Nobody listens, so there are only the pauses to count. */
static void check_connect(struct checker *checker) {
  struct story story = {.method = "POST"};
  char url[64];
  struct port port = {.number = 1, .descriptors = {-1, -1}};
  int tries = 1;
  (void)port_hold(&port);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", port.number);
  uv_loop_init(&story.loop);
  run(&story, checker->program, url);
  uv_loop_close(&story.loop);
  port_release(&port);
  for (const char *at = story.run.errors.bytes; (at = strstr(at, "again in ")); at++)
    tries++;
  bool ended = !is_unfinished(checker, "connect", &story);
  if (ended && tries == TRIES)
    subject_say("connect", NULL);
  else if (ended)
    subject_say("connect", "nobody listens: expected: %d tries; seen: %d", TRIES, tries);
  forget(&story);
}

/* The pauses that it says, of which there must be TRIES - 1. */
static int read_pauses(const struct story *story, long pauses[TRIES]) {
  const char *at = story->run.errors.bytes;
  int count = 0;
  while (count < TRIES && (at = strstr(at, "again in "))) {
    at += strlen("again in ");
    pauses[count++] = strtol(at, NULL, 10);
  }
  return count;
}

/* Let three tries fail, and look at the pauses. Returns false after saying what is wrong. */
static bool watch_pauses(struct checker *checker, long pauses[TRIES]) {
  struct story story = {.method = "GET", .acts = {RESET, RESET, RESET}};
  tell(&story, checker->program);
  bool right = !is_unfinished(checker, "pause", &story);
  if (right && (read_pauses(&story, pauses) != TRIES - 1 || story.requests != TRIES)) {
    subject_say("pause", "expected: %d pauses; seen: %d requests", TRIES - 1, story.requests);
    right = false;
  }
  for (int i = 0, most = PAUSE_MS; right && i < TRIES - 1; i++, most *= 2) {
    long seen = (long)(story.times[i + 1] - story.times[i]);
    right = pauses[i] >= most / 2 && pauses[i] <= most && seen + 2 * LATER_MS >= pauses[i];
    if (!right)
      subject_say("pause", "pause %d: expected: %d to %d ms; said: %ld ms; seen: %ld ms", i + 1,
                  most / 2, most, pauses[i], seen);
  }
  forget(&story);
  return right;
}

/* The pauses of several runs differ. */
static void check_pause(struct checker *checker) {
  long first[TRIES] = {0}, other[TRIES] = {0};
  if (!watch_pauses(checker, first))
    return;
  for (int i = 0; i < 3; i++) {
    if (!watch_pauses(checker, other))
      return;
    if (memcmp(first, other, (TRIES - 1) * sizeof *first) != 0) {
      subject_say("pause", NULL);
      return;
    }
  }
  subject_say("pause", "the pauses are the same in every run: clients that fail together come back "
                       "together");
}

static void check_all(struct checker *checker) {
  check(checker, "refused",
        (struct story[]){{.method = "POST", .body = "order", .acts = {REFUSE, REFUSE}}, {0}}, 3);
  check(checker, "goaway",
        (struct story[]){{.method = "POST", .body = "order", .acts = {ABOVE}}, {0}}, 2);
  check_connect(checker);
  check(checker, "answer", (struct story[]){{.method = "POST", .acts = {REFUSE, FAIL}}, {0}}, 2);
  check(checker, "post",
        (struct story[]){{.method = "POST", .body = "order", .acts = {LOSE}},
                         {.method = "POST", .acts = {NOT_YET}},
                         {.method = "PATCH", .body = "order", .acts = {RESET}},
                         {0}},
        1);
  check(checker, "idempotent",
        (struct story[]){{.method = "GET", .acts = {LOSE}},
                         {.method = "OPTIONS", .acts = {RESET}},
                         {.method = "PUT", .body = "order", .acts = {NOT_YET}},
                         {.method = "DELETE", .acts = {LOSE}},
                         {0}},
        2);
  check(checker, "half", (struct story[]){{.method = "GET", .acts = {HALF}}, {0}}, 2);
  check(checker, "limit",
        (struct story[]){{.method = "GET", .acts = {RESET, RESET, RESET, RESET, RESET}}, {0}},
        TRIES);
  check_pause(checker);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: retry PROGRAM\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  struct checker checker = {.program = argv[1], .ended = true};
  check_all(&checker);
  if (checker.ended)
    subject_say("end", NULL);
  else
    subject_say("end", "see above");
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
