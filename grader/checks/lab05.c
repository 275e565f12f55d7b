/* The checks of lab 5: timeouts. 15 points.
 *
 * These checks are about time, and the machine may be busy. So no check says how late something may
 * come. Something comes before or after something else; or the program sleeps longer than a right
 * one has reason to (struct patience). A check may require that something does not come early,
 * because a busy machine makes nothing early. */
#include <ctype.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/play/check_run.h"
#include "grader/play/peer_expect.h"
#include "grader/play/peer_receive.h"
#include "grader/play/peer_send.h"
#include "grader/play/place.h"
#include "grader/play/port.h"
#include "grader/play/server_rules.h"
#include "grader/play/standing.h"
#include "grader/play/trail.h"
#include "grader/words/quote.h"

enum { EARLY = 5 /* milliseconds that clocks and their rounding may differ by */ };

/* --- Waiting ---------------------------------------------------------------------------------- */

static bool is_past(void *argument) {
  return recording_clock() >= *(double *)argument;
}

static void let_pass(struct exchange *exchange, double milliseconds) {
  double end = recording_clock() + milliseconds;
  exchange_await(exchange, is_past, &end);
}

/* The program has a timer of so many milliseconds. Let half of them pass: it may sleep through all
 * of them, although a program that sleeps for a second is taken for one that is stuck. */
static void sleep_half(struct exchange *exchange, int milliseconds) {
  let_pass(exchange, milliseconds / 2.0);
  exchange_touch(exchange);
}

/* Wait for something, but only until the program has slept for that long after everything was
 * sent. */
struct patience {
  struct exchange *exchange;
  double seconds;
  bool (*condition)(void *argument);
  void *argument;
};

static bool has_come_or_sleeps(void *argument) {
  const struct patience *patience = argument;
  const struct exchange *exchange = patience->exchange;
  return patience->condition(patience->argument) ||
         (exchange_idle(exchange) >= patience->seconds &&
          recording_clock() - exchange->touched >= patience->seconds * 1e3);
}

/* Returns whether it has come. */
static bool await_before_sleep(struct exchange *exchange, double seconds,
                               bool (*condition)(void *argument), void *argument) {
  struct patience patience = {
      .exchange = exchange, .seconds = seconds, .condition = condition, .argument = argument};
  return exchange_await(exchange, has_come_or_sleeps, &patience) && condition(argument);
}

/* The entry of the recording where the program has reset a stream of this connection, or -1. */
static long find_reset(const struct peer *peer) {
  return peer_find_frame(peer, NGHTTP2_RST_STREAM, 0);
}

/* --- The client ------------------------------------------------------------------------------- */

static const char TIMED_OUT[] = "request timed out\n";

enum { FIELDS = 6, BODY = 4096, SMALL = 2048, LARGE = 100 * 1024 };

/* A client that has asked, and waits. */
struct asked {
  struct exchange *exchange;
  struct peer *peer;
  int32_t stream_id;
  double started; /* recording_clock(), before the program was */
  char url[128];
  char status[4]; /* the response: its status, ... */
  size_t field_count;
  char names[FIELDS][16];
  char values[FIELDS][128];
  char body[BODY]; /* ... and what send_text has sent of its body */
};

/* Whether the program has ended, as it does when its time is over. */
static bool gave_up(struct exchange *exchange) {
  return program_ended(exchange->program) &&
         strcmp(program_stdout(exchange->program, NULL), TIMED_OUT) == 0;
}

/* A timer that fires too early: perhaps it got its time as the time between two events. */
static void fail_if_swapped(struct exchange *exchange, const char *callback, long frame,
                            double milliseconds) {
  struct probe_timer timer;
  char texts[2][64];
  if (!place_timer(exchange, callback, &timer) || timer.timeout != 0 ||
      timer.repeat != (int64_t)milliseconds)
    return;
  snprintf(texts[0], sizeof texts[0], "timeout %.0f, repeat 0", milliseconds);
  snprintf(texts[1], sizeof texts[1], "timeout 0, repeat %.0f", milliseconds);
  exchange_fail_at(exchange, frame, texts[0], texts[1],
                   "timeout-and-repeat-swapped| Your program passes 0 as the timeout, and the time "
                   "as repeat: uv_timer_start wants the timeout first.");
}

static _Noreturn void fail_early(struct exchange *exchange, long frame, int milliseconds) {
  char expected[64];
  snprintf(expected, sizeof expected, "nothing for %d ms", milliseconds);
  exchange->finding.todo_of_place = 1;
  fail_if_swapped(exchange, "on_timeout", frame, milliseconds);
  exchange->finding.todo_of_place = 0;
  exchange_fail_at(
      exchange, frame, expected, NULL,
      "request-given-up-before-time| Your client gives the request up before its time is over.");
}

/* Start the program and wait for its request. On a very busy machine its time may be over before
 * there is a connection: then try again. On any machine, it must not give up before its time is
 * over. Nobody can tell a program that is kept from connecting from one that computes instead: so
 * the last try is the program's own failure, and not the grader's. */
static void start_and_wait(struct exchange *exchange, const char *url, int timeout) {
  enum { TIMES = 20, STANDARD = 100 };
  char number[16];
  snprintf(number, sizeof number, "%d", timeout);
  for (int i = 0; i < TIMES; i++) {
    double started = recording_clock();
    if (timeout)
      exchange_start(exchange, "client", "--timeout", number, url, NULL);
    else
      exchange_start(exchange, "client", url, NULL);
    if (peer_await_request(exchange) || !gave_up(exchange))
      return;
    if (recording_clock() - started < (timeout ? timeout : STANDARD) - EARLY)
      fail_early(exchange, -1, timeout ? timeout : STANDARD);
    exchange->peers_accepted = exchange->peer_count;
    exchange_extend(exchange);
  }
  exchange_fail_at(
      exchange, -1, "a TCP connection to the server, and a request", NULL,
      "client-makes-no-request| Your client makes no request before its time is over.");
}

/* Nobody knows beforehand what the client has to print. Any status has a body but these. */
static void choose_response(struct asked *asked) {
  struct exchange *exchange = asked->exchange;
  unsigned status;
  do
    status = 200 + exchange_random(exchange, 400);
  while (status == 204 || status == 205 || status == 304);
  snprintf(asked->status, sizeof asked->status, "%u", status);
  asked->field_count = 2 + exchange_random(exchange, FIELDS - 1);
  for (size_t i = 0; i < asked->field_count; i++) {
    exchange_random_text(exchange, asked->names[i], 8 + exchange_random(exchange, 6));
    exchange_random_text(exchange, asked->values[i], 1 + exchange_random(exchange, 120));
  }
  if (exchange_random(exchange, 2) == 0) /* two fields may have one name */
    memcpy(asked->names[1], asked->names[0], sizeof asked->names[0]);
}

/* The request asks for what the URL has. */
static void expect_get(struct asked *asked, const char *path) {
  const char *authority = strstr(asked->exchange->url, "://") + strlen("://");
  const char *const fields[][2] = {{":method", "GET"}, {":authority", authority}};
  long frame = peer_stream(asked->peer, asked->stream_id)->frame;
  const char *seen = peer_field(asked->peer, asked->stream_id, ":path");
  if (!seen || strcmp(seen, path) != 0)
    exchange_fail_at(asked->exchange, frame, path, seen,
                     "asks-another-path-url| Your client requests another path than the URL has.");
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    seen = peer_field(asked->peer, asked->stream_id, fields[i][0]);
    if (!seen || strcmp(seen, fields[i][1]) != 0)
      exchange_fail_at(asked->exchange, frame, fields[i][1], seen,
                       "request-not-as-url-says| The %s of your client's request is wrong.",
                       fields[i][0]);
  }
}

/* Start the program with that timeout, in milliseconds; 0: without one. Call peer_listen before. */
static struct asked start_client(struct exchange *exchange, int timeout) {
  char path[32] = "/";
  exchange_random_text(exchange, path + 1, 12);
  struct asked asked = {.exchange = exchange};
  snprintf(asked.url, sizeof asked.url, "%s%s", exchange->url, path);
  choose_response(&asked);
  asked.started = recording_clock();
  start_and_wait(exchange, asked.url, timeout);
  asked.peer = peer_accept(exchange);
  peer_handshake(asked.peer);
  asked.stream_id = peer_expect_request(asked.peer);
  expect_get(&asked, path);
  return asked;
}

static bool is_reset_or_closed(void *argument) {
  const struct asked *asked = argument;
  return peer_stream(asked->peer, asked->stream_id)->reset || asked->peer->closed_by_program;
}

/* The program should have given up by now. If it says that it did, the timer is right, but not what
 * it does when it fires. */
static _Noreturn void fail_waiting_on(struct asked *asked, int milliseconds, int todo) {
  struct exchange *exchange = asked->exchange;
  bool told = strstr(program_stdout(exchange->program, NULL), TIMED_OUT) != NULL;
  char expected[64];
  struct buffer seen = {0};
  snprintf(expected, sizeof expected, "RST_STREAM CANCEL on stream %d", asked->stream_id);
  standing_waiting(&seen, exchange);
  exchange->finding.section = told ? "6.4" : NULL;
  exchange->finding.todo_of_place = told ? 2 : todo;
  if (told)
    exchange_fail_at(exchange, -1, expected, seen.bytes,
                     "says-request-timed-out-not| Your client prints that the request timed out, "
                     "but does not reset the stream.");
  if (trail_with(exchange, "on_timeout")) {
    exchange->finding.todo_of_place = 2;
    exchange_fail_at(exchange, -1, expected, seen.bytes,
                     "fired-not-done| The timer of your client has fired, and on_timeout has run: "
                     "but neither its line has come (fflush?) nor RST_STREAM.");
  }
  exchange_fail_at(exchange, -1, expected, seen.bytes,
                   "waits-though-nothing-come-longer| Your client goes on waiting, though nothing "
                   "has come for longer than %d ms.",
                   milliseconds);
}

static bool has_ended(void *argument) {
  const struct asked *asked = argument;
  return program_ended(asked->exchange->program);
}

/* The program has ended its loop itself, though something was left in it. */
static void fail_if_stopped(struct exchange *exchange) {
  struct probe probe;
  if (!program_probe(exchange->program, &probe) || probe.stops == 0)
    return;
  int todo = place_of_text(exchange, "uv_stop(");
  if (todo > 0)
    finding_blame(&exchange->finding, todo);
  exchange->finding.section = "";
  exchange_fail_at(exchange, -1, "the loop ends by itself, once nothing is left in it",
                   "uv_stop, with the timer still there",
                   "loop-stopped| Your client calls uv_stop: so its loop ends before "
                   "on_stream_close has closed the timer.");
}

/* The connection is closed, and so the program ends: nothing is left in its loop. */
static void expect_end(struct asked *asked) {
  struct exchange *exchange = asked->exchange;
  bool ended = exchange_await(exchange, has_ended, asked);
  bool left = !ended || strstr(program_stderr(exchange->program, NULL), "the timer was not closed");
  if (left && trail_without(exchange, "end_timer")) {
    exchange->finding.todo_of_place = 3;
    exchange_fail_at(exchange, -1, "end_timer, once the stream is closed", NULL,
                     "end-timer-not-called| Here your client did not call end_timer: so its loop "
                     "still has the timer when everything else is done. A timer that has fired "
                     "must be closed, too.");
  }
  if (left)
    fail_if_stopped(exchange);
  exchange->finding.todo_of_place = 1;
  exchange->finding.section = ""; /* this is about libuv */
  if (!ended)
    exchange_fail_at(exchange, -1, "your program ends", NULL,
                     "all-done-still-not-end| Everything is done, but your client does not end: "
                     "does it close its timer?");
  if (left)
    exchange_fail_at(exchange, -1, "uv_close for the timer, once the request is over",
                     "the end of the loop, with the timer still there",
                     "timer-never-closed| Your client never closes the timer.");
  exchange->finding.todo_of_place = 0;
  exchange->finding.section = NULL;
}

/* The connection is not closed before RST_STREAM and GOAWAY are sent. */
static void expect_not_dropped(struct asked *asked) {
  struct exchange *exchange = asked->exchange;
  const struct peer *peer = asked->peer;
  struct probe probe;
  char expected[64];
  if (!peer->closed_by_program || find_reset(peer) >= 0 ||
      peer_find_frame(peer, NGHTTP2_GOAWAY, 0) >= 0)
    return;
  bool reset = program_probe(exchange->program, &probe) && probe.given_up > 0;
  snprintf(expected, sizeof expected, "RST_STREAM CANCEL on stream %d, GOAWAY", asked->stream_id);
  exchange->finding.section = "6.4";
  exchange_fail_at(exchange, -1, expected, "the connection is closed without either",
                   reset ? "closed-before-reset| Your client resets the stream, but closes the "
                           "connection before RST_STREAM is sent: client_close sends what still "
                           "waits, client_free and exit do not."
                         : "closed-without-reset| Your client closes the connection, and does not "
                           "reset the stream before that.");
}

/* The line on standard output, and nothing else. */
static void expect_timeout_told(struct exchange *exchange) {
  exchange_expect_output(
      exchange,
      "request-timed-out-not-told| Your client does not report the time-out as the contract says.",
      TIMED_OUT, strlen(TIMED_OUT));
}

/* The program must have sent only RST_STREAM(CANCEL) and a goodbye, say so, and fail. */
static void expect_timeout(struct asked *asked, int milliseconds, int todo) {
  struct exchange *exchange = asked->exchange;
  if (!exchange_await(exchange, is_reset_or_closed, asked))
    fail_waiting_on(asked, milliseconds, todo);
  expect_not_dropped(asked);
  peer_expect_reset(asked->peer, asked->stream_id, NGHTTP2_CANCEL);
  peer_expect_goodbye(asked->peer);
  expect_end(asked);
  expect_timeout_told(exchange);
  const char *error = program_stderr(exchange->program, NULL);
  if (*error)
    exchange_fail_at(exchange, -1, "nothing on standard error", error,
                     "time-out-told-error-too| Your client reports the time-out as an error too.");
  exchange_expect_status(exchange, 1);
}

/* The response with this body has come; the program must print it, and end. */
static void expect_printed_body(struct asked *asked, const void *body, size_t length) {
  char line[192];
  struct buffer output = {0};
  snprintf(line, sizeof line, ":status: %s\n", asked->status);
  buffer_append_text(&output, line);
  for (size_t i = 0; i < asked->field_count; i++) {
    snprintf(line, sizeof line, "%s: %s\n", asked->names[i], asked->values[i]);
    buffer_append_text(&output, line);
  }
  buffer_append_text(&output, "\n");
  exchange_append_body(&output, body, length);
  if (peer_stream(asked->peer, asked->stream_id)->reset)
    exchange_fail_at(asked->exchange, find_reset(asked->peer), "nothing: the response is complete",
                     NULL,
                     "stream-reset-though-response-came| Your client resets the stream, though its "
                     "response came in time.");
  peer_expect_goodbye(asked->peer);
  expect_end(asked);
  exchange_expect_output(
      asked->exchange,
      "response-came-time-not-printed| Your client does not print a response that came in time.",
      output.bytes, output.length);
  buffer_free(&output);
  exchange_expect_status(asked->exchange, 0);
}

/* The name of a field of the response; NULL after the last. */
static const char *name_of(const struct asked *asked, size_t number) {
  return number < asked->field_count ? asked->names[number] : NULL;
}

static void send_head(struct asked *asked, bool end) {
  char(*values)[sizeof asked->values[0]] = asked->values;
  peer_send_headers(asked->peer, asked->stream_id, end, ":status", asked->status, name_of(asked, 0),
                    values[0], name_of(asked, 1), values[1], name_of(asked, 2), values[2],
                    name_of(asked, 3), values[3], name_of(asked, 4), values[4], name_of(asked, 5),
                    values[5], NULL);
}

/* Send a few more letters of the body. */
static void send_text(struct asked *asked) {
  char text[16];
  size_t length = 4 + exchange_random(asked->exchange, 10);
  exchange_random_text(asked->exchange, text, length);
  strncat(asked->body, text, sizeof asked->body - strlen(asked->body) - 1);
  peer_send_data(asked->peer, asked->stream_id, text, length, false);
}

/* Send one letter: no DATA frame with a body is shorter. */
static void send_letter(struct asked *asked) {
  char text[2];
  exchange_random_text(asked->exchange, text, 1);
  strncat(asked->body, text, sizeof asked->body - strlen(asked->body) - 1);
  peer_send_data(asked->peer, asked->stream_id, text, 1, false);
}

/* Answer a client with at least so many bytes that end in `last`, and a status that begins with
 * `status`, and expect them printed. The client that waits for its timer does not end. */
static void expect_body_printed(struct exchange *exchange, size_t least, char last, char status) {
  enum { MORE = 60 * 1024 };
  static char body[LARGE + MORE];
  size_t length = least + exchange_random(exchange, MORE);
  struct asked asked = start_client(exchange, 60000);
  asked.status[0] = status;
  exchange_random_octets(exchange, body, length);
  memset(body + exchange_random(exchange, SMALL / 2), '\0', 1);
  body[length - 1] = last;
  send_head(&asked, false);
  peer_send_body(asked.peer, asked.stream_id, body, length);
  expect_printed_body(&asked, body, length);
}

CHECK(lab05, in_time, .points = 1, .todo = 3, .program = "client", .section = "8.1",
      .sentence = "an answer in time is printed, and no timer is left") {
  peer_listen(exchange);
  expect_body_printed(exchange, SMALL, 'a', '4');
  expect_body_printed(exchange, LARGE, '\n', '5');
  struct asked asked = start_client(exchange, 60000);
  send_head(&asked, true);
  expect_printed_body(&asked, "", 0);
  exchange_expect_silence(exchange);
}

/* A client with this time, in milliseconds, waits for so long, and no longer. 0: without --timeout,
 * for 100 ms. */
static void expect_timeout_after(struct exchange *exchange, int timeout) {
  const int milliseconds = timeout ? timeout : 100;
  struct asked asked = start_client(exchange, timeout);
  sleep_half(exchange, milliseconds);
  if (!await_before_sleep(exchange, milliseconds / 1e3 + 0.15, is_reset_or_closed, &asked))
    fail_waiting_on(&asked, milliseconds, 1);
  if (recording_clock() - asked.started < milliseconds - EARLY)
    fail_early(exchange, find_reset(asked.peer), milliseconds);
  expect_timeout(&asked, milliseconds, 1);
}

CHECK(lab05, timed_out, .points = 1, .todo = 2, .program = "client", .section = "6.4",
      .by_hand = "MISBEHAVE=never",
      .sentence = "no answer for 100 ms: RST_STREAM CANCEL, GOAWAY, status 1") {
  peer_listen(exchange);
  expect_timeout_after(exchange, 0);
}

/* The client sleeps for much longer than an event takes. */
enum { LONG_FOR_NOTHING = 300 };

/* No time at all is over at once. */
static void expect_no_time(struct exchange *exchange) {
  struct asked asked = {.exchange = exchange};
  exchange_extend(exchange); /* to start a program takes time */
  exchange_start(exchange, "client", "--timeout", "0", exchange->url, NULL);
  if (!await_before_sleep(exchange, LONG_FOR_NOTHING / 1e3, has_ended, &asked))
    exchange_fail_at(exchange, -1, "the line: request timed out", "the client sleeps",
                     "timeout-0-waits| With --timeout 0 your client waits, though its time is over "
                     "at once.");
  expect_timeout_told(exchange);
  exchange_expect_status(exchange, 1);
}

CHECK(lab05, timeout, .points = 1, .todo = 1, .program = "client", .section = NULL,
      .sentence = "--timeout gives it more time") {
  char host[16];
  snprintf(host, sizeof host, "127.%u.%u.%u", exchange_random(exchange, 250),
           exchange_random(exchange, 250), 2 + exchange_random(exchange, 250));
  exchange->host = host;
  peer_listen(exchange);
  expect_timeout_after(exchange, 180 + (int)exchange_random(exchange, 1000));
  expect_no_time(exchange);
}

/* What a server may send, one piece after the other; the last ends the response. */
enum { REQUEST, INFORM, INFORM_AGAIN, HEAD, DATA, DATA_AGAIN, TRAILERS, PIECES };

static const char *const pieces[PIECES] = {
    [REQUEST] = "the request itself",
    [INFORM] = "an informational response (1xx)",
    [INFORM_AGAIN] = "an informational response (1xx), once more",
    [HEAD] = "the header block of the response",
    [DATA] = "DATA",
    [DATA_AGAIN] = "DATA of one byte",
    [TRAILERS] = "trailers",
};

/* Any informational response but 100 and 101, which mean more (RFC 9110, section 15.2). */
static void send_informational(struct asked *asked) {
  char status[4];
  snprintf(status, sizeof status, "%u", 102 + exchange_random(asked->exchange, 98));
  peer_send_headers(asked->peer, asked->stream_id, false, ":status", status, NULL);
}

static void send_trailers(struct asked *asked) {
  char name[16];
  exchange_random_text(asked->exchange, name, 8 + exchange_random(asked->exchange, 6));
  peer_send_headers(asked->peer, asked->stream_id, true, name, "t", NULL);
}

/* Several at once come before the last one of a kind: each restarts the timer, and not only the
 * first ones. */
static void send_piece(struct asked *asked, size_t number) {
  enum { LEAST = 60, MORE = 140 };
  size_t count = number == INFORM ? 1 + exchange_random(asked->exchange, 4)
                 : number == DATA ? LEAST + exchange_random(asked->exchange, MORE)
                                  : 1;
  for (; count > 0; count--)
    switch (number) {
    case INFORM:
    case INFORM_AGAIN: send_informational(asked); break;
    case HEAD: send_head(asked, false); break;
    case DATA: send_text(asked); break;
    case DATA_AGAIN: send_letter(asked); break;
    default: send_trailers(asked); break;
    }
}

/* Send a response piece by piece, from the piece `first` on. One pause is shorter than `timeout`;
 * two together are longer. Returns the piece after which the program gave up; or the count, if it
 * did not. */
static size_t answer_piece_by_piece(struct asked *asked, int timeout, size_t first) {
  size_t last = 0;
  for (size_t i = first; i < PIECES; i++) {
    let_pass(asked->exchange, 0.6 * timeout);
    if (is_reset_or_closed(asked))
      return last;
    send_piece(asked, i);
    last = i;
  }
  return PIECES;
}

/* It gave up after the header block: does DATA start the timer again? */
static bool is_started_by_data(struct exchange *exchange, int timeout) {
  exchange_wait_for_end(exchange);
  struct asked asked = start_client(exchange, timeout);
  send_piece(&asked, HEAD);
  return answer_piece_by_piece(&asked, timeout, DATA) > DATA;
}

static _Noreturn void fail_inactivity(struct asked *asked, size_t last) {
  char seen[128];
  snprintf(seen, sizeof seen, "it fired, though this had come in time: %s", pieces[last]);
  exchange_fail_at(asked->exchange, find_reset(asked->peer),
                   "a timer that starts again with each piece", seen,
                   "timer-not-start-again-everything| Your client does not restart its timer for "
                   "everything that comes on the stream.");
}

/* restart_timer is called, but does not start a timer that runs. */
static void fail_if_not_started_again(struct exchange *exchange) {
  struct probe probe;
  struct probe_timer timer;
  char seen[128];
  const int64_t times = place_times(exchange, "restart_timer");
  if (times < 2 || !place_timer(exchange, "on_timeout", &timer) || timer.starts >= times ||
      !program_probe(exchange->program, &probe))
    return;
  snprintf(seen, sizeof seen, "%jd calls of restart_timer, %jd of uv_timer_start%s",
           (intmax_t)times, (intmax_t)timer.starts,
           probe.again > 0 ? "; the others call uv_timer_again" : "");
  finding_blame(&exchange->finding, 1);
  exchange->finding.section = "";
  exchange_fail_at(exchange, -1, "uv_timer_start in each call of restart_timer", seen,
                   "restart-does-not-start| Your client calls restart_timer when something comes, "
                   "but restart_timer does not start a timer that already runs%s.",
                   probe.again > 0 ? ": uv_timer_again does nothing without a repeat"
                                   : ": call uv_timer_start in any case");
}

/* It gave up after the first 1xx: does it start the timer again with anything? */
static size_t leave_out_1xx(struct exchange *exchange, int timeout) {
  exchange_wait_for_end(exchange);
  struct asked asked = start_client(exchange, timeout);
  size_t last = answer_piece_by_piece(&asked, timeout, HEAD);
  if (last == HEAD && !is_started_by_data(exchange, timeout)) {
    fail_if_not_started_again(exchange);
    exchange->finding.todo_of_place = 1;
    exchange_fail_at(exchange, -1, "a timer that starts again with each piece",
                     "a timer that is started once",
                     "nothing-comes-stream-starts-timer| Nothing that comes on the stream restarts "
                     "the timer, neither header blocks nor DATA.");
  }
  if (last < PIECES)
    fail_inactivity(&asked, last);
  exchange_wait_for_end(exchange);
  return INFORM;
}

/* A time that could be of any check. 0.6 of it is longer than the default. */
static int any_timeout(struct exchange *exchange) {
  return 180 + (int)exchange_random(exchange, 160);
}

/* On a machine so busy that a pause of 150 ms takes 250, a right program gives up too: so try a
 * second time, with longer pauses. Both are longer than the time-out of a program that always takes
 * the default. */
CHECK(lab05, inactivity, .points = 1, .todo = 3, .program = "client", .section = "8.1",
      .by_hand = "MISBEHAVE=slow",
      .sentence = "each header block and each DATA frame restarts the timer") {
  const int timeouts[] = {any_timeout(exchange), 1000 + (int)exchange_random(exchange, 200)};
  peer_listen(exchange);
  for (int i = 0; i < 2; i++) {
    struct asked asked = start_client(exchange, timeouts[i]);
    size_t last = answer_piece_by_piece(&asked, timeouts[i], INFORM);
    if (last == PIECES) {
      expect_printed_body(&asked, asked.body, strlen(asked.body));
      return;
    }
    if (i == 1 && last == INFORM)
      last = leave_out_1xx(exchange, timeouts[i]);
    if (i == 1)
      fail_inactivity(&asked, last);
    exchange_wait_for_end(exchange);
  }
}

/* The beginning of a response: its header block, and pieces of its body if there is `more`. A pause
 * before each is shorter than the client's time. Returns when the last was sent, if the program has
 * read all of them before it gave up; else 0. */
static double begin_to_answer(struct asked *asked, int timeout, bool more) {
  enum { HEAD_ALONE = 1, WITH_BODY = 3 };
  double sent = 0;
  for (int i = 0; i < (more ? WITH_BODY : HEAD_ALONE); i++) {
    let_pass(asked->exchange, 0.6 * timeout);
    if (is_reset_or_closed(asked))
      return 0;
    sent = recording_clock();
    if (i == 0)
      send_head(asked, false);
    else
      send_text(asked);
    peer_settle(asked->peer);
  }
  return is_reset_or_closed(asked) ? 0 : sent;
}

/* The client has read what was sent then, so from then on it waits as long as before. Without
 * --timeout, too: a program may restart its timer only with one. */
static void expect_restarted(struct asked *asked, double sent, int timeout) {
  exchange_await(asked->exchange, is_reset_or_closed, asked);
  long reset = find_reset(asked->peer);
  if (reset >= 0 && recording_time(&asked->exchange->recording, reset) - sent < timeout - EARLY)
    fail_inactivity(asked, *asked->body ? DATA : HEAD);
}

/* On a very busy machine the time is over before the beginning of the response is there: then give
 * it more time. */
static void expect_stall_noticed(struct exchange *exchange, bool more) {
  const int timeouts[] = {0, 0, 600};
  double sent = 0;
  for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0] && sent == 0; i++) {
    const int timeout = timeouts[i] ? timeouts[i] : 100;
    struct asked asked = start_client(exchange, timeouts[i]);
    sent = begin_to_answer(&asked, timeout, more);
    if (sent > 0)
      expect_restarted(&asked, sent, timeout);
    expect_timeout(&asked, timeout, 3);
  }
}

CHECK(lab05, stalls, .points = 1, .todo = 3, .program = "client", .section = "8.1",
      .sentence = "a response that stalls times out, and is not printed") {
  peer_listen(exchange);
  expect_stall_noticed(exchange, true);
  expect_stall_noticed(exchange, false);
}

CHECK(lab05, other_frames, .points = 1, .todo = 1, .program = "client", .section = "5",
      .by_hand = "MISBEHAVE=never",
      .sentence = "frames outside the stream do not restart its timer") {
  enum { PAUSE = 10, ROUNDS = 50 };
  const int timeout = any_timeout(exchange);
  char expected[64];
  snprintf(expected, sizeof expected, "RST_STREAM CANCEL after %d ms", timeout);
  peer_listen(exchange);
  struct asked asked = start_client(exchange, timeout);
  double end = recording_clock() + 5 * timeout;
  for (int i = 0; (i < ROUNDS || recording_clock() < end) && !is_reset_or_closed(&asked); i++) {
    peer_send_window_update(asked.peer, 0, 1);
    peer_settle(asked.peer);
    let_pass(exchange, PAUSE);
  }
  /* The program's loop has turned all the time: it has answered every PING. If it gives up now that
   * the PINGs have ended, they have kept it waiting. */
  bool late = !is_reset_or_closed(&asked);
  if (late && !await_before_sleep(exchange, 0.5, is_reset_or_closed, &asked))
    fail_waiting_on(&asked, timeout, 1);
  if (late)
    exchange_fail_at(exchange, find_reset(asked.peer), expected,
                     "it came only when no PING and WINDOW_UPDATE came any more",
                     "ping-keeps-request-alive| PING and WINDOW_UPDATE restart the timer: only "
                     "what comes on the stream may.");
  expect_timeout(&asked, timeout, 1);
}

/* Nobody listens there: it says so, at once. */
static void expect_refused_told(struct exchange *exchange) {
  struct port port;
  char url[64];
  if (port_hold(&port) != 0)
    exchange_fault(exchange, "no free port");
  snprintf(url, sizeof url, "http://localhost:%d/", port.number);
  exchange_start(exchange, "client", "--timeout", "60000", url, NULL);
  exchange_expect_error_about(exchange, url);
  snprintf(url, sizeof url, "https://localhost:%d/", port.number);
  exchange_expect_usage(exchange, "client", "--timeout", "60000", url, NULL);
  port_release(&port);
}

static void expect_client_usage(struct exchange *exchange, const char *url) {
  char negative[16];
  exchange_extend(exchange); /* to start a program takes time */
  snprintf(negative, sizeof negative, "-%u", 1 + exchange_random(exchange, 60000));
  exchange_expect_usage(exchange, "client", "--timeout", "soon", url, NULL);
  exchange_expect_usage(exchange, "client", "--timeout", negative, url, NULL);
  exchange_expect_usage(exchange, "client", "--timeout", "5", url, url, NULL);
  exchange_expect_usage(exchange, "client", "--timeout", "5", NULL);
}

/* The server resets the stream, for whatever reason: that is no time-out. */
static void expect_reset_told(struct exchange *exchange, uint32_t code) {
  struct asked asked = start_client(exchange, 60000);
  if (code != NGHTTP2_NO_ERROR && exchange_random(exchange, 2) == 0)
    send_head(&asked, false);
  peer_send_reset(asked.peer, asked.stream_id, code);
  peer_expect_goodbye(asked.peer);
  expect_end(&asked);
  if (strstr(program_stdout(exchange->program, NULL), TIMED_OUT))
    exchange_fail_at(
        exchange, -1, "one line on standard error: \"client: URL: why\"", "request timed out",
        "reset-told-as-time-out| Your client reports a time-out, but it was the server "
        "that reset the stream.");
  exchange_expect_error_about(exchange, asked.url);
}

CHECK(lab05, failure, .of_errors = true, .points = 1, .todo = 3, .program = "client",
      .section = "6.4",
      .sentence = "reset, lost, refused: one line on standard error, status 1, at once") {
  enum { LEFT = NGHTTP2_CANCEL, NAMED = NGHTTP2_HTTP_1_1_REQUIRED + 1 };
  peer_listen(exchange);
  expect_reset_told(exchange, NGHTTP2_CANCEL);
  expect_reset_told(exchange, (LEFT + 1 + exchange_random(exchange, NAMED - 1)) % NAMED);
  struct asked asked = start_client(exchange, 60000);
  send_head(&asked, false);
  peer_abort(asked.peer);
  expect_end(&asked);
  exchange_expect_error_about(exchange, asked.url);
  expect_refused_told(exchange);
  expect_client_usage(exchange, asked.url);
}

/* --- The server ------------------------------------------------------------------------------- */

static struct peer *connect_client(struct exchange *exchange) {
  struct peer *peer = peer_connect(exchange);
  peer_send_preface(peer, NULL, 0);
  return peer;
}

/* A delay, in milliseconds, after which no check still runs. */
static int long_delay(struct exchange *exchange) {
  return 60000 + (int)(chance_next(&exchange->noise) % 60000);
}

/* Start the server with that delay, in milliseconds, and connect. 0: without --delay, so 750. */
static struct peer *start_server(struct exchange *exchange, int delay) {
  char number[16];
  snprintf(number, sizeof number, "%d", delay);
  if (delay)
    exchange_start_server(exchange, "server", "--delay", number, NULL);
  else
    exchange_start_server(exchange, "server", NULL);
  return connect_client(exchange);
}

static void ask(struct peer *peer, int32_t stream_id, const char *path) {
  peer_send_request(peer, stream_id, true, "GET", path);
}

static bool is_answered(void *argument) {
  const struct peer_stream *stream = argument;
  return stream->ended || stream->reset;
}

/* The answer comes although others wait for theirs: the server does not sleep before it. */
static void expect_at_once(struct peer *peer, int32_t stream_id, const char *status,
                           const char *body) {
  bool came = await_before_sleep(peer->exchange, 0.25, is_answered, peer_stream(peer, stream_id));
  if (!came) {
    peer->exchange->finding.section = ""; /* this is about libuv */
    exchange_fail_at(peer->exchange, -1, "an answer at once", "the server sleeps",
                     "sleeps-middle-work-while-one| Your server sleeps inside a handler: meanwhile "
                     "it serves nobody else.");
  }
  peer_expect_answer(peer, stream_id, status, body);
}

/* "pong" comes on that stream, not earlier than `delay` after `asked`. */
static void expect_pong(struct peer *peer, int32_t stream_id, double asked, double delay) {
  peer_expect_answer(peer, stream_id, "200", "pong");
  long frame = peer_stream(peer, stream_id)->frame;
  double came = recording_time(&peer->exchange->recording, frame);
  char expected[64];
  char seen[64];
  snprintf(expected, sizeof expected, "HEADERS after %.0f ms", delay);
  snprintf(seen, sizeof seen, "HEADERS after %.0f ms", came - asked);
  if (came - asked >= delay - EARLY)
    return;
  peer->exchange->finding.section = ""; /* this is about the timer */
  fail_if_swapped(peer->exchange, "on_pong_time", frame, delay);
  exchange_fail_at(peer->exchange, frame, expected, seen,
                   "ping-answered-too-early| Your server answers the ping too early.");
}

/* How often the server has said that a stream was closed. */
static size_t count_closed(const struct exchange *exchange) {
  size_t count = 0;
  const char *line = program_stdout(exchange->program, NULL);
  while ((line = strstr(line, "stream closed\n"))) {
    count++;
    line++;
  }
  return count;
}

struct log {
  const struct exchange *exchange;
  size_t count;
};

static bool is_logged(void *argument) {
  const struct log *log = argument;
  return count_closed(log->exchange) >= log->count;
}

/* Lines are missing. If they come when the server ends, nobody has flushed them; on a terminal they
 * come at once. */
static void fail_if_not_flushed(struct exchange *exchange, const char *expected, size_t count) {
  exchange_let_server_end(exchange);
  if (count_closed(exchange) >= count)
    exchange_fail_at(exchange, -1, expected, "nothing, until your server ends",
                     "stream-closed-not-flushed| Your server logs `stream closed`, but outside a "
                     "terminal the line leaves the program only at its end: call fflush(stdout).");
}

/* Append the last line that speaks of a close, or the last line but those of answers. Returns
 * whether there is one of the first kind. */
static bool find_other_words(const struct exchange *exchange, struct buffer *found) {
  const char *other = NULL;
  bool closed = false;
  for (const char *line = program_stdout(exchange->program, NULL); *line;
       line += strcspn(line, "\n"), line += *line != '\0') {
    size_t length = strcspn(line, "\n");
    const char *word = strcasestr(line, "clos");
    bool says = word && word < line + length;
    bool is_answer = strncmp(line, "GET ", 4) == 0 || strncmp(line, "listening ", 10) == 0;
    if (says || (!closed && !is_answer && length > 0))
      other = line;
    closed = closed || says;
  }
  if (other)
    quote_message(found, other, strcspn(other, "\n"));
  return closed;
}

/* Too few lines: perhaps others say the same. */
static void fail_if_in_other_words(struct exchange *exchange, const char *expected, size_t seen) {
  struct buffer words = {0};
  if (seen == 0 && find_other_words(exchange, &words)) {
    finding_blame(&exchange->finding, labs_todos(exchange->lab).closed);
    exchange_fail_at(exchange, -1, expected, words.bytes,
                     "stream-closed-in-other-words| Your server logs that a stream was closed, but "
                     "in other words than the contract says.");
  }
  buffer_free(&words);
}

static void expect_log(struct exchange *exchange, size_t count) {
  struct log log = {exchange, count};
  exchange_await(exchange, is_logged, &log);
  size_t seen = count_closed(exchange);
  char text[2][64];
  snprintf(text[0], sizeof text[0], "%zu line%s: stream closed", count, count == 1 ? "" : "s");
  snprintf(text[1], sizeof text[1], "%zu", seen);
  if (seen == count)
    return;
  exchange->finding.section = ""; /* this is about the output */
  if (seen < count) {
    fail_if_not_flushed(exchange, text[0], count);
    fail_if_in_other_words(exchange, text[0], seen);
  }
  exchange_fail_at(exchange, -1, text[0], text[1],
                   seen < count
                       ? "stream-closed-before-answer-not| Your server does not log that a "
                         "stream was closed before its answer."
                       : "says-more-once-stream-closed| Your server logs `stream closed` more "
                         "than once, or for a stream that it has answered.");
}

static void expect_nothing(struct peer *peer, int32_t stream_id) {
  if (peer_stream(peer, stream_id)->opened)
    exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame,
                     "nothing on a stream that was reset", NULL,
                     "answers-stream-closed| Your server answers on a closed stream.");
}

/* Whether a line of the output has all three, in any order. */
static bool is_line_with(const char *line, size_t length, const char *const words[3]) {
  for (size_t i = 0; i < 3; i++)
    if (!memmem(line, length, words[i], strlen(words[i])))
      return false;
  return true;
}

/* The server has ended: it must have logged that it has answered this request. */
static void expect_answer_logged(struct exchange *exchange, const char *method, const char *path,
                                 const char *status) {
  const char *const words[3] = {method, path, status};
  const char *output = program_stdout(exchange->program, NULL);
  char expected[96];
  for (const char *line = output, *end; (end = strchr(line, '\n')); line = end + 1)
    if (is_line_with(line, (size_t)(end - line), words))
      return;
  snprintf(expected, sizeof expected, "a line such as: %s %s %s", method, path, status);
  exchange->finding.section = ""; /* this is about the output */
  exchange_fail_at(exchange, -1, expected, output,
                   "answer-not-logged| Your server does not log an answer with the request's "
                   "method and path and with its status.");
}

/* Whether this word is in the line, between blanks or other signs. */
static bool has_word(const char *line, size_t length, const char *word) {
  const size_t size = strlen(word);
  for (const char *found = line;
       (found = memmem(found, length - (size_t)(found - line), word, size)); found++) {
    bool begins = found == line || !isalnum((unsigned char)found[-1]);
    if (begins && !isalnum((unsigned char)found[size])) /* a newline stands behind the line */
      return true;
  }
  return false;
}

/* The server has answered so many pings: it must not log that it has answered more. */
static void expect_pongs_logged(struct exchange *exchange, size_t count) {
  size_t seen = 0;
  for (const char *line = program_stdout(exchange->program, NULL), *end; (end = strchr(line, '\n'));
       line = end + 1)
    seen += strncmp(line, "GET /ping ", 10) == 0 && has_word(line, (size_t)(end - line), "200");
  char texts[2][64];
  snprintf(texts[0], sizeof texts[0], "%zu line%s: GET /ping 200", count, count == 1 ? "" : "s");
  snprintf(texts[1], sizeof texts[1], "%zu such lines", seen);
  exchange->finding.section = "";
  if (seen > count)
    exchange_fail_at(exchange, -1, texts[0], texts[1],
                     "closed-ping-logged-answered| Your server logs an answer to a ping whose "
                     "stream was closed before its answer.");
  exchange->finding.section = NULL;
}

CHECK(lab05, routes, .points = 1, .todo = 4, .program = "server", .section = "8.3.1",
      .sentence = "the routes are those of lab 4; only GET /ping is slow") {
  char delay[16];
  char path[32] = "/";
  exchange_random_text(exchange, path + 1, 8 + exchange_random(exchange, 16));
  snprintf(delay, sizeof delay, "%d", long_delay(exchange));
  exchange_start_server_at_port(exchange, "server", "--delay", delay, NULL);
  struct peer *peer = connect_client(exchange);
  ask(peer, 1, "/ping");
  ask(peer, 3, "/hello-world");
  ask(peer, 5, path);
  peer_send_request(peer, 7, true, "POST", "/ping");
  expect_at_once(peer, 3, "200", "Hello World");
  expect_at_once(peer, 5, "404", "path not found");
  expect_at_once(peer, 7, "404", "path not found");
  server_rules_expect_not_found(peer, 9);
  if (peer_stream(peer, 1)->opened) {
    exchange->finding.section = ""; /* this is about the timer */
    fail_if_swapped(exchange, "on_pong_time", peer_stream(peer, 1)->frame, strtod(delay, NULL));
    exchange_fail_at(exchange, peer_stream(peer, 1)->frame, "nothing on stream 1 for the delay",
                     NULL, "ping-answered-too-early| Your server answers the ping too early.");
  }
  peer_send_reset(peer, 1, NGHTTP2_CANCEL);
  exchange_end_server(exchange);
  exchange_expect_silence(exchange);
  expect_answer_logged(exchange, "GET", "/hello-world", "200");
  expect_answer_logged(exchange, "GET", path, "404");
  expect_answer_logged(exchange, "POST", "/ping", "404");
  exchange_expect_port_taken(exchange, "server", NULL);
  server_rules_expect_usage(exchange, "server", "--delay");
}

CHECK(lab05, slow_ping, .points = 1, .todo = 4, .program = "server", .section = "5",
      .sentence = "GET /ping: pong after 750 ms; meanwhile others are served") {
  struct peer *peer = start_server(exchange, 0);
  peer_expect_settled(peer);
  double asked = recording_clock();
  ask(peer, 1, "/ping");
  ask(peer, 3, "/hello-world");
  expect_at_once(peer, 3, "200", "Hello World");
  expect_pong(peer, 1, asked, 750);
  if (peer_stream(peer, 1)->frame < peer_stream(peer, 3)->frame)
    exchange_fail_at(
        exchange, peer_stream(peer, 1)->frame, "/hello-world is answered first", NULL,
        "hello-world-waits-for-ping| Your server answers /hello-world after the slow ping.");
  exchange_end_server(exchange);
  expect_answer_logged(exchange, "GET", "/ping", "200");
  expect_log(exchange, 0);
}

/* Without a delay, the answer comes at once. */
static void expect_no_delay(struct exchange *exchange) {
  exchange_start_server(exchange, "server", "--delay", "0", NULL);
  struct peer *peer = connect_client(exchange);
  ask(peer, 1, "/ping");
  if (!await_before_sleep(exchange, LONG_FOR_NOTHING / 1e3, is_answered, peer_stream(peer, 1)))
    exchange_fail_at(exchange, -1, "HEADERS at once, with --delay 0", "the server sleeps",
                     "waits-longer-delay-says| Your server waits longer than --delay says.");
  expect_pong(peer, 1, 0, 0);
  exchange_end_server(exchange);
}

/* The delay is long over, and the loop has turned since: it has answered PING twice, and looked at
 * its timers in between. On a very busy machine that takes so long that it proves nothing: then try
 * again. */
CHECK(lab05, delay, .points = 1, .todo = 4, .program = "server", .section = NULL,
      .sentence = "--delay sets how long a ping waits") {
  enum { DEFAULT = 750, TIMES = 4 };
  const int delay = 80 + (int)exchange_random(exchange, 50);
  char expected[64];
  snprintf(expected, sizeof expected, "HEADERS after %d ms", delay);
  struct peer *peer = start_server(exchange, delay);
  for (int i = 0; i < TIMES; i++) {
    int32_t stream_id = 2 * i + 1;
    peer_expect_settled(peer);
    double asked = recording_clock();
    ask(peer, stream_id, "/ping");
    peer_expect_settled(peer);
    let_pass(exchange, 2.5 * delay);
    peer_expect_settled(peer);
    peer_expect_settled(peer);
    double passed = recording_clock() - asked;
    if (!peer_stream(peer, stream_id)->opened)
      exchange_fail_at(exchange, -1, expected, "answers to PING",
                       "waits-longer-delay-says| Your server waits longer than --delay says.");
    expect_pong(peer, stream_id, asked, delay);
    if (passed < DEFAULT)
      break;
  }
  exchange_end_server(exchange);
  expect_no_delay(exchange);
}

/* During this ping an allocation has failed. */
static void expect_reset(struct peer *peer, int32_t stream_id) {
  struct exchange *exchange = peer->exchange;
  const struct peer_stream *stream = peer_stream(peer, stream_id);
  if (!is_answered((void *)stream))
    exchange_fail_at(exchange, -1, "RST_STREAM INTERNAL_ERROR", "the client waits forever",
                     "no-memory-kept-waiting| Without memory for a ping, your server lets its "
                     "client wait forever.");
  exchange->finding.todo_of_place = 4;
  if (stream->reset && stream->error_code != NGHTTP2_INTERNAL_ERROR)
    exchange_fail_at(exchange, find_reset(peer), "RST_STREAM INTERNAL_ERROR", NULL,
                     "no-memory-other-code| Without memory for a ping, your server resets the "
                     "stream with a wrong error code.");
  exchange->finding.todo_of_place = 0;
}

/* A server that has no memory for a ping resets its stream, and answers the next one: so at each
 * place where it allocates some, of which there must be an end. */
static void expect_reset_without_memory(struct exchange *exchange) {
  enum { MOST = 64 };
  exchange->fails = "each allocation";
  struct peer *peer = start_server(exchange, 80);
  exchange->fails = NULL;
  if (program_arm_probe(exchange->program) != 0)
    (void)exchange_expect_failed_call(exchange);
  for (int32_t stream_id = 1;; stream_id += 2) {
    int64_t before = exchange_failed_calls(exchange);
    ask(peer, stream_id, "/ping");
    exchange_await(exchange, is_answered, peer_stream(peer, stream_id));
    if (exchange_failed_calls(exchange) == before) {
      peer_expect_answer(peer, stream_id, "200", "pong");
      break;
    }
    expect_reset(peer, stream_id);
    if (stream_id > 2 * MOST)
      exchange_fail(exchange, "no-memory-no-end| Your server allocates at more than 64 places for "
                              "one ping.");
  }
  exchange_end_server(exchange);
}

/* Ask for a ping, and reset it in the same packet: so it is early. */
static void ask_and_reset(struct peer *peer, int32_t stream_id, uint32_t code) {
  ask(peer, stream_id, "/ping");
  peer_send_reset(peer, stream_id, code);
}

/* Do so with each error code that has a name, and with others. Returns how often. */
static int32_t reset_with_errors(struct peer *peer) {
  enum { NAMED = NGHTTP2_HTTP_1_1_REQUIRED, OTHERS = 5 };
  struct exchange *exchange = peer->exchange;
  size_t order[NAMED + OTHERS];
  size_t count = NAMED + 1 + exchange_random(exchange, OTHERS);
  exchange_shuffle(exchange, order, count);
  for (size_t i = 0; i < count; i++) {
    uint32_t code = 1 + (uint32_t)order[i];
    if (code > NAMED)
      code += exchange_random(exchange, UINT32_MAX - NAMED - OTHERS);
    ask_and_reset(peer, 2 * (int32_t)i + 1, code);
  }
  return (int32_t)count;
}

/* The same without an error: NO_ERROR closes a stream, too. */
static void expect_no_error_logged(struct peer *peer, int32_t stream_id) {
  struct exchange *exchange = peer->exchange;
  struct log log = {exchange, count_closed(exchange) + 1};
  ask_and_reset(peer, stream_id, NGHTTP2_NO_ERROR);
  peer_expect_settled(peer);
  if (exchange_await(exchange, is_logged, &log))
    return;
  exchange->finding.section = "";
  fail_if_not_flushed(exchange, "a line: stream closed", log.count);
  exchange->finding.section = NULL;
  exchange_fail_at(exchange, -1, "a line: stream closed", "none after RST_STREAM NO_ERROR",
                   "no-error-not-logged| Your server does not log that a stream was closed, if "
                   "the error code is NO_ERROR.");
}

CHECK(lab05, closed_early, .points = 1, .todo = 5, .program = "server", .section = "5.1",
      .sentence = "a stream closed early, or without memory, gets no answer; others do") {
  struct peer *peer = start_server(exchange, 0);
  peer_expect_settled(peer);
  const int32_t count = reset_with_errors(peer);
  ask(peer, 2 * count + 1, "/ping");
  peer_expect_answer(peer, 2 * count + 1, "200", "pong");
  for (int32_t i = 0; i < count; i++)
    expect_nothing(peer, 2 * i + 1); /* its timer was before that */
  expect_log(exchange, (size_t)count);
  expect_no_error_logged(peer, 2 * count + 3);
  exchange_end_server(exchange);
  expect_log(exchange, (size_t)count + 1);
  exchange->finding.todo_of_place = labs_todos(exchange->lab).closed;
  expect_pongs_logged(exchange, 1);
  exchange->finding.todo_of_place = 0;
  expect_reset_without_memory(exchange);
}

CHECK(lab05, timer_stopped, .points = 1, .todo = 6, .program = "server", .section = NULL,
      .sentence = "the timer of a closed stream stops at once, and delays nothing") {
  struct peer *peer = start_server(exchange, long_delay(exchange));
  ask(peer, 1, "/ping");
  peer_expect_settled(peer);
  peer_send_reset(peer, 1, NGHTTP2_CANCEL);
  expect_log(exchange, 1);
  expect_nothing(peer, 1);
  exchange_end_server(exchange); /* not when the delay is over */
}

/* Three pings whose clients are lost: the server says so, and not when the delay is over. */
static void lose_clients(struct exchange *exchange) {
  struct peer *leaves = connect_client(exchange);
  struct peer *vanishes = connect_client(exchange);
  ask(leaves, 1, "/ping");
  peer_close(leaves); /* FIN comes right behind */
  ask(vanishes, 1, "/ping");
  ask(vanishes, 3, "/ping");
  peer_expect_settled(vanishes);
  peer_abort(vanishes);
}

CHECK(lab05, lost, .points = 1, .todo = 6, .program = "server", .section = NULL,
      .sentence = "clients are lost while they wait: their streams are closed too") {
  start_server(exchange, long_delay(exchange));
  lose_clients(exchange);
  expect_log(exchange, 3);
  exchange_end_server(exchange);
  /* The same with timers that would fire: a right server answers the steady client after that. */
  const int delay = 1000 + (int)exchange_random(exchange, 60);
  struct peer *steady = start_server(exchange, delay);
  peer_expect_settled(steady);
  double asked = recording_clock();
  lose_clients(exchange);
  double lost = recording_clock();
  ask(steady, 1, "/ping");
  sleep_half(exchange, delay);
  expect_pong(steady, 1, asked, delay); /* all other timers would have fired before */
  exchange_end_server(exchange);
  if (2 * (lost - asked) < delay) /* otherwise the machine is so busy that they may have answers */
    expect_log(exchange, 3);
}

/* Whether a ping is answered: the first client has asked for something else too, and the last for
 * no ping. */
static bool is_any_answered(void *argument) {
  const struct exchange *exchange = argument;
  for (size_t p = 1; p < exchange->peer_count - 1; p++)
    for (size_t i = 0; i < PEER_STREAMS; i++)
      if (exchange->peers[p]->streams[i].ended)
        return true;
  return false;
}

/* One of many pings is not answered. */
static _Noreturn void fail_sleeping_on(struct exchange *exchange) {
  struct buffer seen = {0};
  standing_waiting(&seen, exchange);
  if (!is_any_answered(exchange))
    exchange_fail_at(exchange, -1, "pong after the delay", seen.bytes,
                     "no-ping-answered-timer-not| Your server answers no ping: its timer does not "
                     "fire, or answers nothing.");
  exchange_fail_at(exchange, -1, "pong, soon after the others", seen.bytes,
                   "one-ping-answered-another-asked| Your server answers one ping, but not another "
                   "of the same time: each needs its own timer.");
}

static void ask_many(struct peer *peer, int32_t first, int count, const char *path) {
  for (int i = 0; i < count; i++)
    ask(peer, first + 2 * i, path);
}

/* Requests that are answered at once: the pings behind them have higher streams. */
static void ask_before(struct peer *peer, int count) {
  ask_many(peer, 1, count, "/hello-world");
  for (int i = 0; i < count; i++)
    peer_expect_answer(peer, 2 * i + 1, "200", "Hello World");
}

/* All are answered at about the same time: between the first and the last pass so many seconds. */
static void expect_many(struct peer *peer, int32_t first, int count, double seconds) {
  for (int i = 0; i < count; i++) {
    if (!await_before_sleep(peer->exchange, 0.2 + seconds, is_answered,
                            peer_stream(peer, first + 2 * i)))
      fail_sleeping_on(peer->exchange);
    peer_expect_answer(peer, first + 2 * i, "200", "pong");
  }
}

CHECK(lab05, at_once, .points = 1, .todo = 4, .program = "server", .section = "5",
      .sentence = "hundreds of pings at once, all answered after one delay") {
  enum { LEAST = 4, MOST = 7 };
  const int count = LEAST + (int)exchange_random(exchange, MOST - LEAST + 1);
  const int each = 70 + (int)exchange_random(exchange, 31);
  const int before = 36 + (int)exchange_random(exchange, 60); /* of the first client */
  struct peer *peers[MOST] = {NULL};
  exchange_start_server(exchange, "server", "--delay", "250", NULL);
  for (int p = 0; p < count; p++)
    peers[p] = connect_client(exchange);
  struct peer *other = connect_client(exchange);
  ask_before(peers[0], before);
  double asked = recording_clock();
  for (int p = 0; p < count; p++)
    ask_many(peers[p], p == 0 ? 2 * before + 1 : 1, each, "/ping");
  ask(other, 1, "/hello-world");
  expect_at_once(other, 1, "200", "Hello World");
  for (int p = 0; p < count; p++)
    peer_expect_settled(peers[p]);
  double spread = (recording_clock() - asked) / 1e3; /* between the first timer and the last */
  await_before_sleep(exchange, 0.5, is_any_answered, exchange);
  for (int p = 0; p < count; p++)
    expect_many(peers[p], p == 0 ? 2 * before + 1 : 1, each, spread);
  exchange_end_server(exchange);
  expect_log(exchange, 0);
}

/* Two clients wait for a ping when that signal comes. */
static void end_gracefully(struct exchange *exchange, int signal) {
  const int delay = 80 + (int)exchange_random(exchange, 50);
  struct peer *peers[2];
  double asked[2];
  peers[0] = start_server(exchange, delay);
  peers[1] = connect_client(exchange);
  for (int i = 0; i < 2; i++) {
    asked[i] = recording_clock();
    ask(peers[i], 1, "/ping");
    peer_expect_settled(peers[i]);
    if (i == 0)
      let_pass(exchange, 50); /* so that one is answered long before the other */
  }
  exchange_signal(exchange, signal);
  for (int i = 0; i < 2; i++)
    peer_expect_goaway(peers[i]);
  for (int i = 0; i < 2; i++) {
    expect_pong(peers[i], 1, asked[i], delay);
    peer_expect_close(peers[i]);
  }
  exchange_expect_status(exchange, 0);
}

CHECK(lab05, graceful_end, .points = 1, .todo = 5, .program = "server", .section = "6.8",
      .sentence = "a signal while pings wait: GOAWAY, the pings are answered, status 0") {
  end_gracefully(exchange, SIGTERM);
  end_gracefully(exchange, SIGINT);
}
