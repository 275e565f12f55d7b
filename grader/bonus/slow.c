/*
 * slow: check a client that gives back its windows for what it has written out, and for no more.
 *
 *   slow PROGRAM
 *
 * Is the server and the user of PROGRAM: it counts what it has sent, what PROGRAM has written out,
 * and the increments of its WINDOW_UPDATE frames. Prints a line for each rule of
 * lab02-requests/bonus/slow.md, as subject.h says. The status is 0 if there could be checks.
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/field.h"
#include "grader/bonus/subject.h"
#include "grader/bonus/wire.h"

enum {
  WINDOW = 65535, /* of a connection, and the largest of a stream */
  SMALL = 3000,   /* another one */
  BODY = 300000,
  FRAME = 16384,
  PAUSES = 3,
};

/* One run of PROGRAM: its downloads, one after the other. */
struct run {
  struct subject_talk talk;
  struct wire *wire;
  int listener;
  size_t window, piece;
  size_t written; /* by the downloads before this one */

  int32_t stream_id; /* of this download */
  size_t length;     /* of its body */
  size_t sent;       /* of it */
  size_t sent_in_all;
  size_t dropped;  /* bytes of broken-off downloads, which the connection may have back */
  char wrong[240]; /* the first thing that is wrong; "" */
};

static uint8_t body[BODY];

/* --- Counting --------------------------------------------------------------------------------- */

/* The sum of the increments on this stream. */
static size_t given(const struct run *run, int32_t stream_id) {
  size_t sum = 0;
  for (size_t i = 0; run->wire && i < run->wire->count; i++) {
    const struct frame *frame = run->wire->entries[i].frame;
    if (frame->type == NGHTTP2_WINDOW_UPDATE && frame->stream_id == stream_id)
      sum += frame->window_increment;
  }
  return sum;
}

/* What it has written out, of all downloads. */
static size_t said(const struct run *run) {
  return run->talk.said.length;
}

/* Keep the first reason only. */
__attribute__((format(printf, 2, 3))) static void blame(struct run *run, const char *why, ...) {
  va_list arguments;
  va_start(arguments, why);
  if (!*run->wrong)
    vsnprintf(run->wrong, sizeof run->wrong, why, arguments);
  va_end(arguments);
}

/* It must never have given back more than it has written out. It wrote first, so what we have read
 * of its output now is not less than what it had written when it sent a frame that has arrived. */
static void judge(struct run *run) {
  size_t written = said(run) - run->written;
  size_t of_stream = run->stream_id ? given(run, run->stream_id) : 0;
  size_t of_connection = given(run, 0);
  if (of_stream > written)
    blame(run, "stream %d: %zu bytes are written out, and WINDOW_UPDATE gives back %zu",
          run->stream_id, written, of_stream);
  if (of_connection > said(run) + run->dropped)
    blame(run, "connection: %zu bytes are written out%s, and WINDOW_UPDATE gives back %zu",
          said(run) + run->dropped, run->dropped ? " or dropped" : "", of_connection);
  for (size_t i = 0; run->wire && i < run->wire->count; i++)
    if (run->wire->entries[i].frame->type == NGHTTP2_WINDOW_UPDATE &&
        run->wire->entries[i].frame->window_increment == 0)
      blame(run, "WINDOW_UPDATE with an increment of 0");
}

/* --- Server and user -------------------------------------------------------------------------- */

/* Wait for frames or output. Returns whether something came. */
static bool hear(struct run *run, int ms) {
  struct pollfd events[] = {{.fd = run->wire->descriptor, .events = POLLIN},
                            {.fd = run->talk.output, .events = POLLIN}};
  size_t before = said(run);
  if (run->wire->closed || ms < 0 || poll(events, 2, ms) <= 0)
    return false;
  bool came = events[0].revents && wire_read(run->wire, 0);
  subject_hear(&run->talk);
  judge(run);
  return came || said(run) > before;
}

/* Wait until it has written `written` bytes of this download, and given back so much of the stream
 * (0: any) and of the connection. Returns whether it has. */
static bool await(struct run *run, size_t written, size_t of_stream, size_t of_connection) {
  uint64_t since = wire_now();
  for (;;) {
    if (said(run) - run->written >= written && given(run, run->stream_id) >= of_stream &&
        given(run, 0) >= of_connection)
      return true;
    if (!hear(run, wire_time_left(since)))
      return false;
  }
}

static void settle(struct run *run) {
  wire_settle(run->wire);
  subject_hear(&run->talk);
  judge(run);
}

/* The user presses keys. */
static void press(struct run *run, const char *keys) {
  if (write(run->talk.input, keys, strlen(keys)) < 0)
    blame(run, "it has ended");
}

/* What it announces as the window of a stream. */
static size_t announced(const struct run *run) {
  size_t window = WINDOW;
  long at = wire_find(run->wire, NGHTTP2_SETTINGS, 0, 0);
  for (size_t i = 0; at >= 0 && i < run->wire->entries[at].frame->setting_count; i++)
    if (run->wire->entries[at].frame->settings[i].id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
      window = run->wire->entries[at].frame->settings[i].value;
  return window;
}

/* Send as much of the body, up to `limit`, as the windows allow. */
static void feed(struct run *run, size_t limit) {
  for (;;) {
    size_t stream_room = announced(run) + given(run, run->stream_id) - run->sent;
    size_t room = WINDOW + given(run, 0) - run->sent_in_all;
    size_t length = limit - run->sent;
    length = length < stream_room ? length : stream_room;
    length = length < room ? length : room;
    length = length < FRAME ? length : FRAME;
    if (length == 0)
      return;
    bool is_last = run->sent + length == run->length;
    wire_send(run->wire, NGHTTP2_DATA, is_last ? NGHTTP2_FLAG_END_STREAM : 0, run->stream_id,
              body + run->sent, length);
    run->sent += length;
    run->sent_in_all += length;
  }
}

/* Wait for the next request. Returns whether it has come. */
static bool await_request(struct run *run) {
  int32_t next = run->stream_id ? run->stream_id + 2 : 1;
  if (!run->wire || wire_expect(run->wire, NGHTTP2_HEADERS, next, 0) < 0)
    return false;
  subject_hear(&run->talk);
  run->written = said(run);
  run->stream_id = next;
  run->sent = 0;
  return true;
}

static void respond(struct run *run, size_t length) {
  const nghttp2_nv fields[] = {field_make(":status", "200")};
  run->length = length;
  wire_send_fields(run->wire, 0, run->stream_id, fields, 1);
}

/* Start PROGRAM with two downloads, and wait for the first request. */
static bool start(struct run *run, const char *program, size_t window, size_t piece) {
  char window_text[16], piece_text[16], url[48];
  const char *const arguments[] = {program,    "--window", window_text, "--piece",
                                   piece_text, url,        "/second",   NULL};
  int port = 0;
  *run = (struct run){.window = window, .piece = piece, .listener = wire_listen(&port)};
  snprintf(window_text, sizeof window_text, "%zu", window);
  snprintf(piece_text, sizeof piece_text, "%zu", piece);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/first", port);
  if (subject_talk(&run->talk, arguments) != 0) {
    perror(program);
    exit(EXIT_FAILURE);
  }
  run->wire = wire_accept(run->listener);
  return await_request(run);
}

/* The user leaves. Returns the exit status; -1 if it has not ended as it should. */
static int end(struct run *run) {
  close(run->listener);
  close(run->talk.input);
  run->talk.input = -1;
  if (run->wire)
    wire_expect_close(run->wire);
  wire_free(run->wire);
  run->wire = NULL;
  return subject_talk_end(&run->talk);
}

/* --- Rules ------------------------------------------------------------------------------------ */

/* Whether all is right so far. If not, say why the rule does not hold: something is wrong, or the
 * program has stopped at a TODO, or `otherwise`. */
static bool holds(struct run *run, const char *rule, bool right, const char *otherwise) {
  if (right && !*run->wrong) {
    subject_say(rule, NULL);
    return true;
  }
  if (run->wire && !run->wire->closed)
    settle(run); /* what it says of itself comes before the answer */
  subject_hear(&run->talk);
  const char *todo = subject_todo(&run->talk);
  if (todo)
    subject_say(rule, "%s", todo);
  else
    subject_say(rule, "%s", *run->wrong ? run->wrong : otherwise);
  return false;
}

static bool is_body(const struct run *run, size_t length) {
  return said(run) - run->written == length &&
         (length == 0 || memcmp(run->talk.said.bytes + run->written, body, length) == 0);
}

/* The server sends all that the window allows, and the user does nothing. */
static bool check_window(struct run *run) {
  char why[120];
  respond(run, 4 * SMALL);
  feed(run, run->length);
  settle(run);
  snprintf(why, sizeof why, "expected: SETTINGS_INITIAL_WINDOW_SIZE %zu; seen: %zu", run->window,
           announced(run));
  if (said(run) > 0)
    blame(run, "no line has come, and it writes out %zu bytes", said(run));
  return holds(run, "window", announced(run) == run->window && !run->wire->closed, why);
}

/* One line, and two at once. */
static bool check_piece(struct run *run) {
  static const char why[] = "expected: one piece for each line, of the body's beginning";
  press(run, "\n");
  bool right = await(run, run->piece, 0, 0);
  settle(run);
  right = right && is_body(run, run->piece);
  press(run, "\n\n");
  right = right && await(run, 3 * run->piece, 0, 0);
  settle(run);
  if (right && !is_body(run, 3 * run->piece))
    blame(run, "3 lines make %zu bytes; expected: %zu", said(run), 3 * run->piece);
  return holds(run, "piece", right, why);
}

/* Go on to the end. What is written out must be given back, up to half a window. */
static bool check_stream(struct run *run) {
  bool right = true;
  size_t written = 3 * run->piece;
  char why[160] = "";
  while (right && written < run->length) {
    written += run->piece;
    press(run, "\n");
    bool is_last = run->sent == run->length;
    size_t least = is_last || written < run->window / 2 ? 0 : written - run->window / 2;
    right = await(run, written, least, 0);
    feed(run, run->length);
  }
  snprintf(why, sizeof why, "%zu bytes are written out, and %zu are given back on the stream",
           said(run), given(run, run->stream_id));
  return holds(run, "stream", right && is_body(run, run->length), why);
}

/* While its user does nothing, nothing comes back. (Its last line came before the response.) */
static bool check_pause(struct run *run) {
  size_t begun = 2 * run->piece;
  press(run, "\n");
  wire_settle(run->wire);
  respond(run, BODY);
  feed(run, run->length);
  bool came = await(run, run->piece, 0, 0);
  press(run, "\n");
  bool right = came && await(run, begun, begun - WINDOW / 2, 0);
  size_t updates = 0, written = 0;
  for (int i = 0; i < PAUSES && right; i++) {
    settle(run);
    if (i > 0 &&
        (updates != wire_count(run->wire, NGHTTP2_WINDOW_UPDATE, WIRE_ANY) || written != said(run)))
      blame(run, "its user does nothing, and it sends WINDOW_UPDATE or writes");
    updates = wire_count(run->wire, NGHTTP2_WINDOW_UPDATE, WIRE_ANY);
    written = said(run);
    feed(run, run->length);
  }
  if (right && !is_body(run, begun))
    blame(run, "2 lines make %zu bytes; expected: %zu", said(run), begun);
  return holds(run, "pause", right,
               came ? "nothing is given back at all"
                    : "a line that came before the response must write out a piece, too");
}

/* The whole body. */
static void check_connection(struct run *run) {
  bool right = true;
  char why[160] = "";
  for (size_t written = 2 * run->piece; right && written < run->length;) {
    written = written + run->piece < run->length ? written + run->piece : run->length;
    press(run, "\n");
    right = await(run, written, 0, written < WINDOW / 2 ? 0 : written - WINDOW / 2);
    feed(run, run->length);
  }
  settle(run);
  snprintf(why, sizeof why, "%zu bytes are written out, and %zu are given back on the connection",
           said(run), given(run, 0));
  holds(run, "connection", right, why);
  if (right && !is_body(run, run->length))
    subject_say("body", "what it has written is not what the server has sent");
  else
    holds(run, "body", right, "it does not come to its end");
}

/* A download breaks off after one piece. The connection must get its window back, and the next
 * download comes. */
static void check_broken(struct run *run, const char *rule, bool by_user) {
  enum { LATER = 20000 };
  char why[160] = "its user has skipped the download: expected: RST_STREAM(CANCEL)";
  bool right = run->wire && run->stream_id == 1;
  if (right) {
    respond(run, BODY);
    feed(run, WINDOW - LATER);
    press(run, "\n");
    right = await(run, run->piece, 0, 0);
    settle(run);
  }
  run->dropped = run->sent - run->piece;
  if (right && by_user) {
    press(run, "n\n");
    right = wire_expect(run->wire, NGHTTP2_RST_STREAM, 1, 0) >= 0;
    run->dropped += LATER; /* on its way: */
    feed(run, WINDOW);
  } else if (right) {
    wire_reset(run->wire, 1, NGHTTP2_INTERNAL_ERROR);
  }
  if (right) {
    settle(run);
    snprintf(why, sizeof why, "%zu bytes have arrived, and %zu are given back on the connection",
             run->sent_in_all, given(run, 0));
    right = given(run, 0) + WINDOW / 2 + 1 >= run->sent_in_all && await_request(run);
  }
  holds(run, rule, right, why);
}

/* Two downloads: a small window, then a large body. */
static bool check_downloads(const char *program) {
  static const char *const rules[] = {"window", "piece", "stream"};
  bool (*const checks[])(struct run *) = {check_window, check_piece, check_stream};
  struct run run;
  bool right = start(&run, program, SMALL, SMALL / 6);
  int at = 0;
  for (; at < 3 && right; at++)
    right = checks[at](&run);
  for (; at < 3; at++)
    holds(&run, rules[at], false, "see above");
  right = right && await_request(&run);
  right = end(&run) == EXIT_SUCCESS && right;
  subject_forget(&run.talk);
  return right;
}

static bool check_large(const char *program) {
  struct run run;
  bool right = start(&run, program, WINDOW, 20000);
  if (right)
    right = check_pause(&run);
  else
    holds(&run, "pause", false, "no request has come");
  if (right) {
    check_connection(&run);
  } else {
    holds(&run, "connection", false, "see above");
    holds(&run, "body", false, "see above");
  }
  right = end(&run) == EXIT_SUCCESS && right;
  subject_forget(&run.talk);
  return right;
}

static bool check_breaks(const char *program, const char *rule, bool by_user) {
  struct run run;
  start(&run, program, WINDOW, 1000);
  check_broken(&run, rule, by_user);
  bool right = end(&run) == (by_user ? EXIT_SUCCESS : EXIT_FAILURE);
  subject_forget(&run.talk);
  return right;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: slow PROGRAM\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  for (size_t i = 0; i < sizeof body; i++)
    body[i] = (uint8_t)(rand() >> 4);
  bool ended = check_downloads(argv[1]);
  ended = check_large(argv[1]) && ended;
  ended = check_breaks(argv[1], "reset", false) && ended;
  ended = check_breaks(argv[1], "skip", true) && ended;
  if (ended)
    subject_say("end", NULL);
  else
    subject_say("end", "see above; or something leaks, or the exit status is wrong");
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
