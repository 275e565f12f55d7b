/*
 * drain: check a server that ends connections which are idle or slow, and that drains.
 *
 *   drain PROGRAM
 *
 * Starts PROGRAM several times, comes to it frame by frame, and sends it signals. Streams are in
 * progress as long as the check does not end their requests, so nothing depends on how fast the
 * machine is. Prints a line for each rule of lab05-timeouts/bonus/drain.md, as subject.h says. The
 * status is 0 if there could be checks.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "grader/bonus/subject.h"
#include "grader/bonus/wire.h"

enum { SHORT_MS = 300, LONG_MS = 60000, END_MS = 8000, LAST_ID = 0x7fffffff, HALF = 4 };

static char reason[600];

/* --- Requests --------------------------------------------------------------------------------- */

/* A POST whose body is still to come: the stream is in progress. */
static size_t make_post(struct wire *wire, uint8_t *block, size_t size) {
  const nghttp2_nv fields[] = {field_make(":method", "POST"), field_make(":scheme", "http"),
                               field_make(":authority", "localhost"), field_make(":path", "/")};
  return wire_compress(wire, fields, 4, block, size);
}

static void begin_post(struct wire *wire, int32_t stream_id) {
  uint8_t block[200];
  size_t length = make_post(wire, block, sizeof block);
  wire_send(wire, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream_id, block, length);
}

/* End the request, and wait for the response. Returns whether it has come to its end. */
static bool finish_post(struct wire *wire, int32_t stream_id) {
  wire_send(wire, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream_id, NULL, 0);
  return wire_expect_end(wire, stream_id);
}

/* --- What came -------------------------------------------------------------------------------- */

/* The GOAWAY number `index` in what has come, or -1. */
static long find_goaway(const struct wire *wire, int index) {
  long at = -1;
  for (int i = 0; i <= index; i++)
    if ((at = wire_find(wire, NGHTTP2_GOAWAY, 0, (size_t)(at + 1))) < 0)
      return -1;
  return at;
}

static bool is_goaway(const struct wire *wire, long at, uint32_t error_code, int32_t last) {
  return at >= 0 && wire->entries[at].frame->error_code == error_code &&
         (last < 0 || wire->entries[at].frame->last_stream_id == last);
}

/* The PING of the server, which may come before the GOAWAY or after it; or NULL. */
static const struct frame *find_ping(const struct wire *wire) {
  for (size_t i = 0; i < wire->count; i++)
    if (wire->entries[i].frame->type == NGHTTP2_PING &&
        !(wire->entries[i].frame->flags & NGHTTP2_FLAG_ACK))
      return wire->entries[i].frame;
  return NULL;
}

static const char *expected(const char *what, const struct wire *wire) {
  snprintf(reason, sizeof reason, "expected: %s; seen: %s", what,
           wire ? wire_words(wire, WIRE_ANY, 0) : "no connection");
  return reason;
}

static void say(const char *rule, const char *why) {
  if (why)
    subject_say(rule, "%s", why);
  else
    subject_say(rule, NULL);
}

/* The connection ends with this GOAWAY, not before SHORT_MS are over, since `begin`. Returns NULL,
 * or why not. */
static const char *ends(struct wire *wire, uint32_t error_code, uint64_t begin, const char *what) {
  long at = wire_expect(wire, NGHTTP2_GOAWAY, 0, 0);
  if (!is_goaway(wire, at, error_code, -1) || !wire_expect_close(wire))
    return expected(what, wire);
  if (wire->entries[at].time + 1 >= begin + SHORT_MS)
    return NULL;
  snprintf(reason, sizeof reason, "it comes %d ms too early",
           (int)(begin + SHORT_MS - wire->entries[at].time));
  return reason;
}

/* --- Time-outs -------------------------------------------------------------------------------- */

/* A client that says nothing at all; and one that says something in the middle. */
static const char *check_idle(const char *address) {
  static const char what[] = "GOAWAY(NO_ERROR), then the end, when --idle is over";
  uint64_t begin = wire_now();
  struct wire *silent = wire_connect(address, true);
  struct wire *talks = wire_connect(address, false);
  const char *why = "no connection";
  if (silent && talks) {
    wire_settle(talks);
    wire_read(talks, SHORT_MS / 2); /* nothing should come, */
    uint64_t later = wire_now();
    bool answered = wire_settle(talks); /* unless we are too late ourselves */
    why = ends(silent, NGHTTP2_NO_ERROR, begin, what);
    if (!why)
      why = ends(talks, NGHTTP2_NO_ERROR, answered ? later : begin, what);
  }
  wire_free(silent);
  wire_free(talks);
  return why;
}

/* A stream is in progress for longer than --idle. Another connection shows when that is over. */
static const char *check_busy(const char *address) {
  struct wire *busy = wire_connect(address, false);
  const char *why = "no connection";
  if (busy) {
    begin_post(busy, 1);
    wire_settle(busy);
    struct wire *silent = wire_connect(address, true);
    if (silent)
      wire_expect_close(silent);
    wire_free(silent);
    wire_settle(busy);
    why = NULL;
    if (find_goaway(busy, 0) >= 0 || !finish_post(busy, 1))
      why = expected("a response to the request in progress", busy);
    uint64_t begin = wire_now();
    if (!why)
      why = ends(busy, NGHTTP2_NO_ERROR, begin - SHORT_MS, "GOAWAY(NO_ERROR), then the end");
  }
  wire_free(busy);
  return why;
}

/* Send the beginning of a header block, and then one byte more from time to time. */
static const char *check_trickle(const char *address) {
  struct wire *slow = wire_connect(address, false);
  struct wire *other = wire_connect(address, false);
  uint8_t block[200];
  const char *why = "no connection";
  if (slow && other) {
    make_post(slow, block, sizeof block);
    wire_settle(slow);
    wire_send(slow, NGHTTP2_HEADERS, 0, 1, block, HALF);
    uint64_t begin = wire_now();
    for (size_t i = 0; i < 2; i++) {
      wire_read(other, SHORT_MS * 2 / 3);
      wire_send(slow, NGHTTP2_CONTINUATION, 0, 1, block + HALF + i, 1);
    }
    while (wire_now() < begin + SHORT_MS + SHORT_MS / 3)
      wire_read(other, SHORT_MS / 3);
    wire_settle(other); /* the server has looked at its timers */
    while (wire_read(slow, 0))
      ;
    bool ended = find_goaway(slow, 0) >= 0 || slow->closed;
    why = ended ? ends(slow, NGHTTP2_ENHANCE_YOUR_CALM, begin, "GOAWAY(ENHANCE_YOUR_CALM)")
                : "each frame of the header block gives it more time";
  }
  wire_free(slow);
  wire_free(other);
  return why;
}

/* One connection with half a header block; one that had a block in two pieces, and is in progress
 * for longer. */
static void check_blocks(const char *address) {
  struct wire *whole = wire_connect(address, false);
  struct wire *half = wire_connect(address, false);
  uint8_t block[200];
  const char *why = "no connection";
  if (whole && half) {
    wire_settle(whole); /* no acknowledgement may come in the middle of a header block */
    wire_settle(half);
    size_t length = make_post(whole, block, sizeof block);
    wire_send(whole, NGHTTP2_HEADERS, 0, 1, block, HALF);
    wire_send(whole, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, block + HALF,
              length - HALF);
    wire_settle(whole);
    make_post(half, block, sizeof block);
    uint64_t begin = wire_now();
    wire_send(half, NGHTTP2_HEADERS, 0, 1, block, HALF);
    why = ends(half, NGHTTP2_ENHANCE_YOUR_CALM, begin,
               "GOAWAY(ENHANCE_YOUR_CALM), then the end, when --header is over");
  }
  wire_free(half);
  say("half", why ? why : check_trickle(address));
  if (!whole || !finish_post(whole, 1) || !wire_settle(whole))
    say("whole", expected("a response, because the block was complete", whole));
  else
    say("whole", NULL);
  wire_free(whole);
}

/* --- A drain ---------------------------------------------------------------------------------- */

/* A server that drains, and its client: stream 1 is in progress, and the answer to PING is held. */
struct drain {
  pid_t server;
  char address[64];
  struct wire *wire;
  uint64_t begin; /* before the signal */
};

/* The first GOAWAY, and PING; and nobody can connect any more. */
static bool check_notice(struct drain *drain) {
  struct wire *wire = drain->wire;
  long first = wire_expect(wire, NGHTTP2_GOAWAY, 0, 0);
  wire_settle(wire);
  const char *why = NULL;
  struct wire *other = wire_connect(drain->address, true);
  if (!is_goaway(wire, first, NGHTTP2_NO_ERROR, LAST_ID) || !find_ping(wire) || wire->closed)
    why = expected("GOAWAY(NO_ERROR, last stream 2147483647), and PING", wire);
  else if (other)
    why = "a new client can still connect";
  wire_free(other);
  say("notice", why);
  return !why;
}

/* Stream 3 was on its way. It counts, and the last GOAWAY waits for the answer to PING. */
static bool check_late(struct wire *wire) {
  const char *why = NULL;
  wire_request(wire, 3, "GET", "/");
  if (!wire_expect_end(wire, 3))
    why = expected("a response on stream 3, which was on its way", wire);
  wire_settle(wire);
  if (!why && find_goaway(wire, 1) >= 0)
    why = "the last GOAWAY comes before the answer to PING";
  say("late", why);
  return !why;
}

static bool check_last(struct wire *wire) {
  const struct frame *ping = find_ping(wire);
  wire_send(wire, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, ping->data, ping->data_length);
  long first = find_goaway(wire, 0);
  long last = wire_expect(wire, NGHTTP2_GOAWAY, 0, (size_t)first + 1);
  bool right = is_goaway(wire, last, NGHTTP2_NO_ERROR, 3);
  say("last", right ? NULL : expected("a second GOAWAY(NO_ERROR, last stream 3)", wire));
  return right;
}

/* Stream 5 comes too late; stream 1 is still in progress. */
static void check_finish(struct drain *drain) {
  struct wire *wire = drain->wire;
  wire_request(wire, 5, "GET", "/");
  wire_settle(wire);
  bool refused = wire_find(wire, NGHTTP2_HEADERS, 5, 0) < 0;
  say("refuse", refused ? NULL : "stream 5 came after the last GOAWAY, and has a response");
  bool finished = finish_post(wire, 1) && wire_expect_close(wire);
  say("finish", finished ? NULL : expected("a response on stream 1, then the end", wire));
  int status = finished ? subject_wait(drain->server, END_MS) : -2;
  if (status != -2)
    drain->server = -1;
  if (status == 0)
    say("exit", NULL);
  else if (status == -2)
    say("exit", finished ? "it goes on, though nobody is left" : "stream 1 is not finished");
  else
    subject_say("exit", "expected: status 0; seen: %d", status);
}

/* --- Running ---------------------------------------------------------------------------------- */

/* Start PROGRAM. Returns its process, or -1. */
static pid_t start(const char *program, int idle, int header, int grace, char address[64]) {
  char texts[3][16];
  const int values[] = {idle, header, grace};
  const char *const arguments[] = {program,    "--port", "0",       "--idle", texts[0],
                                   "--header", texts[1], "--grace", texts[2], NULL};
  for (int i = 0; i < 3; i++)
    snprintf(texts[i], sizeof texts[i], "%d", values[i]);
  return subject_start(arguments, address, 64);
}

/* A server that a SIGTERM has reached while stream 1 is in progress. Returns whether it has. */
static bool begin_drain(struct drain *drain, const char *program, int grace) {
  drain->server = start(program, LONG_MS, LONG_MS, grace, drain->address);
  drain->wire = drain->server < 0 ? NULL : wire_connect(drain->address, false);
  if (!drain->wire)
    return false;
  begin_post(drain->wire, 1);
  if (!wire_settle(drain->wire))
    return false;
  drain->wire->holds_pings = true;
  drain->begin = wire_now();
  return kill(drain->server, SIGTERM) == 0;
}

static void end_drain(struct drain *drain) {
  wire_free(drain->wire);
  if (drain->server <= 0)
    return;
  kill(drain->server, SIGKILL);
  subject_wait(drain->server, -1);
}

/* Check the rules of a drain, up to the first that does not hold. Returns how many it has said. */
static int check_rules(struct drain *drain) {
  if (!check_notice(drain))
    return 1;
  if (!check_late(drain->wire))
    return 2;
  if (!check_last(drain->wire))
    return 3;
  check_finish(drain);
  return 6;
}

static void check_drain(const char *program) {
  static const char *const rules[] = {"notice", "late", "last", "refuse", "finish", "exit"};
  struct drain drain = {.server = -1};
  int said = begin_drain(&drain, program, LONG_MS) ? check_rules(&drain) : 0;
  for (int i = said; i < 6; i++)
    say(rules[i], said > 0 ? "see above" : "no request gets into progress: see above");
  end_drain(&drain);
}

/* A second signal, or with `grace` the deadline, ends it at once. */
static void check_end(const char *program, const char *rule, bool by_signal) {
  struct drain drain = {.server = -1};
  bool begun = begin_drain(&drain, program, by_signal ? LONG_MS : SHORT_MS);
  if (begun && by_signal) {
    wire_expect(drain.wire, NGHTTP2_GOAWAY, 0, 0);
    kill(drain.server, SIGTERM);
  }
  int status = begun ? subject_wait(drain.server, END_MS) : -1;
  if (status != -2)
    drain.server = -1;
  if (!begun)
    say(rule, "there is no server to end: see above");
  else if (status == -2)
    say(rule, "it goes on");
  else if (status != 0)
    subject_say(rule, "expected: status 0; seen: %d", status);
  else if (!by_signal && wire_now() + 1 < drain.begin + SHORT_MS)
    say(rule, "it does not wait for its streams until the deadline");
  else
    say(rule, NULL);
  end_drain(&drain);
}

int main(int argc, char **argv) {
  char idle[64], slow[64];
  if (argc != 2) {
    fprintf(stderr, "usage: drain PROGRAM\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  pid_t first = start(argv[1], SHORT_MS, LONG_MS, LONG_MS, idle);
  pid_t second = first < 0 ? -1 : start(argv[1], LONG_MS, SHORT_MS, LONG_MS, slow);
  if (second < 0)
    return EXIT_FAILURE;
  say("idle", check_idle(idle));
  say("busy", check_busy(idle));
  check_blocks(slow);
  check_drain(argv[1]);
  check_end(argv[1], "second", true);
  check_end(argv[1], "deadline", false);
  bool ended = subject_end(first);
  if (subject_end(second) && ended)
    subject_say("end", NULL);
  else
    subject_say("end", "your server ended early, not at all, or not with status 0: see above");
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
