/*
 * calm: check a server that ends the connection of a client that opens and cancels streams.
 *
 *   calm PROGRAM
 *
 * Starts PROGRAM, comes to it as honest and as hostile clients, and ends it with SIGTERM. Prints a
 * line for each rule of lab03-server/bonus/calm.md, as subject.h says. The status is 0 if there
 * could be checks.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "common/client.h"
#include "common/field.h"
#include "grader/bonus/subject.h"

/* PROGRAM allows LIMIT cancelled streams in a window of SHORT_MS or LONG_MS. Its works take longer
 * than all checks. */
enum { LIMIT = 10, SHORT_MS = 200, LONG_MS = 1000, DEADLINE_MS = 8000, STEPS = 3, CLIENTS = 3 };

/* A client opens streams, asks whether they have arrived, and cancels them. */
struct step {
  uint64_t wait; /* before it, in milliseconds */
  int streams;   /* 0: there is no such step */
};

/* One client, and what happened to it. */
struct visit {
  struct step steps[STEPS + 1];
  bool provokes; /* it makes the server reset the streams, by bodies that are too long */
  bool leaves;   /* it closes the connection, and cancels nothing */

  struct meeting *meeting;
  struct client *client;
  struct stream *streams[4 * LIMIT];
  uv_timer_t timer;
  size_t step;
  bool cancelled;  /* the streams of this step */
  int busy;        /* as the server has said last; -1: never */
  char answer[16]; /* to GET /busy */
  size_t length;   /* of the answer */
  bool is_calm;    /* the server has sent GOAWAY(ENHANCE_YOUR_CALM) */
  bool served;     /* it has answered after the last step */
};

/* Several clients at once. */
struct meeting {
  uv_loop_t loop;
  uv_timer_t deadline;
  struct visit visits[CLIENTS];
  int count, left;
  int unfinished; /* clients that are neither served nor gone */
};

static void begin_step(struct visit *visit);

/* --- A step ----------------------------------------------------------------------------------- */

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct visit *visit = user;
  (void)stream;
  for (size_t i = 0; i < length && visit->length + 1 < sizeof visit->answer; i++)
    visit->answer[visit->length++] = (char)data[i];
}

static void open_streams(struct visit *visit) {
  const nghttp2_nv fields[] = {field_make("content-length", "1")};
  for (int i = 0; i < visit->steps[visit->step].streams; i++)
    visit->streams[i] = visit->provokes ? client_request(visit->client, "POST", "/", fields, 1,
                                                         STREAM_LENGTH_UNKNOWN)
                                        : client_request(visit->client, "GET", "/", NULL, 0, 0);
}

static void cancel_streams(struct visit *visit) {
  for (int i = 0; i < visit->steps[visit->step].streams; i++)
    if (visit->streams[i] && visit->provokes)
      stream_end(visit->streams[i], "too long", 8);
    else if (visit->streams[i])
      stream_close(visit->streams[i], NGHTTP2_CANCEL);
}

static void ask(struct visit *visit);

/* This client is served, or gone. Who is served stays until nobody is left: so the server has all
 * of them at the same time. */
static void finish(struct visit *visit) {
  struct meeting *meeting = visit->meeting;
  if (--meeting->unfinished > 0)
    return;
  for (int i = 0; i < meeting->count; i++)
    if (meeting->visits[i].client)
      client_close(meeting->visits[i].client);
}

/* The server has answered GET /busy: so it has seen all that was sent before. */
static void on_answer(struct stream *stream, void *user) {
  struct visit *visit = user;
  (void)stream;
  visit->answer[visit->length] = '\0';
  visit->busy = atoi(visit->answer);
  if (visit->leaves) {
    shutdown(transport_descriptor(connection_transport(client_connection(visit->client))),
             SHUT_RDWR);
  } else if (!visit->cancelled) {
    visit->cancelled = true;
    cancel_streams(visit);
    ask(visit);
  } else if (visit->steps[++visit->step].streams > 0) {
    begin_step(visit);
  } else {
    visit->served = true;
    finish(visit);
  }
}

static void ask(struct visit *visit) {
  static const struct stream_events events = {.on_data = on_data, .on_end = on_answer};
  struct stream *stream = client_request(visit->client, "GET", "/busy", NULL, 0, 0);
  visit->length = 0;
  if (stream)
    stream_set_events(stream, &events, visit);
}

static void on_time(uv_timer_t *timer) {
  struct visit *visit = timer->data;
  visit->cancelled = false;
  if (!visit->client)
    return;
  open_streams(visit);
  ask(visit);
}

static void begin_step(struct visit *visit) {
  uv_timer_start(&visit->timer, on_time, visit->steps[visit->step].wait, 0);
}

/* --- Visits ----------------------------------------------------------------------------------- */

static void on_gone(struct client *client, const char *error, void *user) {
  static const char calm[] = "the peer sent GOAWAY(ENHANCE_YOUR_CALM)";
  struct visit *visit = user;
  (void)client;
  visit->client = NULL;
  visit->is_calm = error && strncmp(error, calm, strlen(calm)) == 0;
  uv_close((uv_handle_t *)&visit->timer, NULL);
  if (!visit->served)
    finish(visit);
  if (--visit->meeting->left == 0)
    uv_close((uv_handle_t *)&visit->meeting->deadline, NULL);
}

static void on_deadline(uv_timer_t *timer) {
  struct meeting *meeting = timer->data;
  for (int i = 0; i < meeting->count; i++) {
    if (meeting->visits[i].client)
      uv_close((uv_handle_t *)&meeting->visits[i].timer, NULL);
    client_free(meeting->visits[i].client);
    meeting->visits[i].client = NULL;
  }
  uv_close((uv_handle_t *)timer, NULL);
}

static void begin_visit(struct meeting *meeting, const struct url *url, struct visit *visit) {
  const struct client_config config = {.on_close = on_gone, .user = visit};
  visit->meeting = meeting;
  visit->busy = -1;
  visit->client = client_connect(&meeting->loop, url, &config);
  if (!visit->client)
    return;
  meeting->left++;
  meeting->unfinished++;
  uv_timer_init(&meeting->loop, &visit->timer);
  visit->timer.data = visit;
  begin_step(visit);
}

/* Come to `address` as all of these clients at once. */
static void meet(struct meeting *meeting, const char *address) {
  struct url url;
  if (url_parse(&url, address) != 0)
    return;
  uv_loop_init(&meeting->loop);
  uv_timer_init(&meeting->loop, &meeting->deadline);
  meeting->deadline.data = meeting;
  uv_timer_start(&meeting->deadline, on_deadline, DEADLINE_MS, 0);
  for (int i = 0; i < meeting->count; i++)
    begin_visit(meeting, &url, &meeting->visits[i]);
  uv_run(&meeting->loop, UV_RUN_DEFAULT);
  uv_loop_close(&meeting->loop);
  url_free(&url);
}

/* --- Rules ------------------------------------------------------------------------------------ */

/* What happened to a client, in words. */
static const char *end_of(const struct visit *visit) {
  if (visit->is_calm)
    return "GOAWAY(ENHANCE_YOUR_CALM)";
  return visit->served ? "served to the end" : "the connection is lost";
}

/* Whether each client was ended or served as it should be; `hostile` is the first that should be
 * ended. If not, say why. */
static bool is_right(const char *rule, const struct meeting *meeting, int hostile) {
  for (int i = 0; i < meeting->count; i++) {
    const struct visit *visit = &meeting->visits[i];
    if (i < hostile ? visit->served : visit->is_calm)
      continue;
    subject_say(rule, "expected: %s; seen: %s",
                i < hostile ? "served to the end" : "GOAWAY(ENHANCE_YOUR_CALM)", end_of(visit));
    return false;
  }
  return true;
}

/* Let these clients come; say whether the rule holds. Returns that. */
static bool check(const char *address, const char *rule, struct meeting *meeting, int hostile) {
  meet(meeting, address);
  if (!is_right(rule, meeting, hostile))
    return false;
  subject_say(rule, NULL);
  return true;
}

static void check_work(const char *address) {
  struct meeting meeting = {.count = 1, .visits = {{.steps = {{0, LIMIT / 2}}}}};
  meet(&meeting, address);
  const struct visit *visit = &meeting.visits[0];
  if (!is_right("work", &meeting, 1))
    return;
  if (visit->busy == 0)
    subject_say("work", NULL);
  else
    subject_say("work", "%d requests were cancelled, and %d works go on", LIMIT / 2, visit->busy);
}

/* One client leaves with open streams; then another comes. */
static void check_gone(const char *address) {
  struct meeting leaving = {.count = 1, .visits = {{.steps = {{0, 3 * LIMIT}}, .leaves = true}}};
  struct meeting meeting = {.count = 1, .visits = {{.steps = {{0, 1}}}}};
  meet(&leaving, address);
  check(address, "gone", &meeting, 1);
}

static const char unguarded[] = "your server does not end the connection of a hostile client";

/* Returns whether the server ends the connection of a hostile client. */
static bool check_floods(const char *address) {
  struct meeting flood = {.count = 1, .visits = {{.steps = {{0, LIMIT + 1}}}}};
  struct meeting others = {
      .count = 3,
      .visits = {{.steps = {{0, LIMIT}}}, {.steps = {{0, LIMIT}}}, {.steps = {{0, LIMIT + 1}}}}};
  struct meeting provoked = {.count = 1, .visits = {{.steps = {{0, LIMIT + 1}}, .provokes = true}}};
  bool is_guarded = check(address, "flood", &flood, 0);
  if (is_guarded)
    check(address, "others", &others, 2);
  else
    subject_say("others", "%s", unguarded);
  check(address, "provoked", &provoked, 0);
  return is_guarded;
}

/* A window of SHORT_MS. Returns whether the server forgets what was before it. */
static bool check_patience(const char *address, bool is_guarded) {
  struct meeting meeting = {
      .count = 1,
      .visits = {{.steps = {{0, LIMIT}, {SHORT_MS + 50, LIMIT}, {SHORT_MS + 50, LIMIT}}}}};
  if (is_guarded)
    return check(address, "patient", &meeting, 1);
  subject_say("patient", "%s", unguarded);
  return false;
}

/* A window of LONG_MS. */
static void check_sliding(const char *address, bool forgets) {
  struct meeting meeting = {
      .count = 1, .visits = {{.steps = {{0, 1}, {LONG_MS * 8 / 10, LIMIT - 1}, {300, LIMIT - 1}}}}};
  if (forgets)
    check(address, "sliding", &meeting, 0);
  else
    subject_say("sliding", "your server does not forget what was long ago");
}

/* Start PROGRAM with this window. Returns its process, or -1. */
static pid_t start(const char *program, int window, char address[64]) {
  char text[16], limit[16];
  const char *const arguments[] = {program,   "--port", "0",        "--work", "60000",
                                   "--limit", limit,    "--window", text,     NULL};
  snprintf(text, sizeof text, "%d", window);
  snprintf(limit, sizeof limit, "%d", LIMIT);
  return subject_start(arguments, address, 64);
}

int main(int argc, char **argv) {
  char address[64], other[64];
  if (argc != 2) {
    fprintf(stderr, "usage: calm PROGRAM\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  pid_t server = start(argv[1], LONG_MS, address);
  pid_t short_server = server < 0 ? -1 : start(argv[1], SHORT_MS, other);
  if (short_server < 0)
    return EXIT_FAILURE;
  check_work(address);
  check_gone(address);
  bool is_guarded = check_floods(address);
  bool forgets = check_patience(other, is_guarded);
  check_sliding(address, forgets);
  bool ended = subject_end(server);
  if (subject_end(short_server) && ended)
    subject_say("end", NULL);
  else
    subject_say("end", "your server ended early, or not with status 0: see above");
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
