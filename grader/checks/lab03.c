/* The checks of lab 3: a server that answers everything. 20 points. */
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grader/play/check_run.h"
#include "grader/play/peer_expect.h"
#include "grader/play/peer_receive.h"
#include "grader/play/peer_send.h"
#include "grader/play/server_rules.h"
#include "grader/play/trail.h"
#include "grader/words/quote.h"

static const char BODY[] = "Hello World!";

enum { BODY_TODO = 3, RESPOND_TODO = 4, FRAME_TODO = 5 };

/* A new client that has sent its preface. */
static struct peer *connect_client(struct exchange *exchange) {
  struct peer *peer = peer_connect(exchange);
  peer_send_preface(peer, NULL, 0);
  return peer;
}

/* Start the server, and connect. */
static struct peer *start_server(struct exchange *exchange) {
  exchange_start_server(exchange, "server", NULL);
  return connect_client(exchange);
}

static bool is_over(void *argument) {
  const struct peer_stream *stream = argument;
  return stream->ended || stream->reset;
}

/* The request on this stream has ended with this frame, and others have been answered: only its end
 * can have gone unnoticed. */
static void expect_end_noticed(struct peer *peer, int32_t stream_id, const char *frame) {
  struct exchange *exchange = peer->exchange;
  char expected[64];
  if (exchange_await(exchange, is_over, peer_stream(peer, stream_id)) ||
      peer_stream(peer, stream_id)->opened || peer->closed_by_program)
    return;
  snprintf(expected, sizeof expected, "a response with END_STREAM on stream %d", stream_id);
  finding_blame(&exchange->finding, FRAME_TODO);
  snprintf(exchange->finding.stands, sizeof exchange->finding.stands, "%s", frame);
  exchange_fail_at(exchange, -1, expected, "nothing on this stream",
                   "end-not-noticed| Your server answers other requests, but not one that ends in "
                   "%s: the flag END_STREAM ends the request, whatever else the frame has.",
                   frame);
}

/* Nothing comes on this stream: blame who has not even tried, if somebody has not. */
static void expect_attempt(struct peer *peer, int32_t stream_id) {
  struct exchange *exchange = peer->exchange;
  struct probe probe;
  char expected[64];
  snprintf(expected, sizeof expected, "a response with END_STREAM on stream %d", stream_id);
  if (exchange_await(exchange, is_over, peer_stream(peer, stream_id)) ||
      peer_stream(peer, stream_id)->opened || peer->closed_by_program)
    return;
  if (trail_without(exchange, "respond")) {
    exchange->finding.todo_of_place = 5;
    exchange_fail_at(exchange, -1, expected, "nothing on this stream",
                     "respond-not-called| Your server did not answer a request: respond has never "
                     "run.");
  }
  if (program_probe(exchange->program, &probe) && probe.depth > 0 && probe.submitted == 0) {
    exchange->finding.todo_of_place = 4;
    exchange_fail_at(exchange, -1, expected, "nothing on this stream",
                     "response-not-submitted| Your server did not answer a request: respond has "
                     "run, but has submitted no response to nghttp2.");
  }
}

/* All responses have status 200, which respond writes. If this one has another, blame it; but
 * another TODO may have refused the request, with 4xx or 5xx. */
static void blame_status(struct peer *peer, int32_t stream_id) {
  const char *status = peer_field(peer, stream_id, ":status");
  if (status && strcmp(status, "200") != 0 && *status != '4' && *status != '5')
    finding_blame(&peer->exchange->finding, RESPOND_TODO);
}

static void send_late_head(struct peer *peer, int32_t stream_id);

static bool has_body_or_is_over(void *argument) {
  return ((const struct peer_stream *)argument)->body.length > 0 || is_over(argument);
}

/* This response should have a body, and has none. Say so if HEAD gets one instead: then on_header
 * or respond has it the wrong way round, and nothing tells from outside which. */
static void expect_no_exchange(struct peer *peer, int32_t stream_id, const char *text) {
  enum { LATE = 1003 }; /* after all streams of most checks */
  if (!*text || stream_id > LATE || peer_stream(peer, stream_id)->body.length > 0)
    return;
  struct peer_stream *head = peer_stream(peer, LATE);
  send_late_head(peer, LATE);
  exchange_await(peer->exchange, has_body_or_is_over, head);
  if (head->body.length > 0)
    exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame,
                     "a body here, and none for HEAD", "no body here, but one for HEAD",
                     "body-for-head-only| Your server answers only HEAD with a body: it is the "
                     "wrong way round.");
}

/* The response has come, without any :status. */
static void expect_status_field(struct peer *peer, int32_t stream_id) {
  const struct peer_stream *stream = peer_stream(peer, stream_id);
  struct exchange *exchange = peer->exchange;
  char name[48];
  if (!stream->headers_complete || stream->fields.length == 0 || stream->reset ||
      peer_field(peer, stream_id, ":status"))
    return;
  snprintf(name, sizeof name, "%.*s", (int)strcspn(stream->fields.bytes, ":\n"),
           stream->fields.bytes);
  exchange->finding.section = "8.3.2";
  finding_blame(&exchange->finding, RESPOND_TODO);
  exchange_fail_at(exchange, stream->frame, ":status before all other fields", name,
                   "status-missing| The response is malformed: it has no :status. Its first field "
                   "is `%s`; the names of pseudo-header fields begin with a colon.",
                   name);
}

/* HEADERS have come without END_STREAM, and nothing more: nghttp2 has not asked for a body. */
static void expect_source_asked(struct peer *peer, int32_t stream_id, const char *text) {
  struct exchange *exchange = peer->exchange;
  const struct peer_stream *stream = peer_stream(peer, stream_id);
  if (!*text || !stream->headers_complete || stream->ended || stream->reset ||
      peer_find_frame(peer, NGHTTP2_DATA, stream_id) >= 0 || !trail_without(exchange, "read_body"))
    return;
  finding_blame(&exchange->finding, RESPOND_TODO);
  exchange_fail_at(exchange, stream->frame, "DATA with END_STREAM after the HEADERS",
                   "HEADERS without END_STREAM, and nothing more",
                   "read-body-never-asked| The response never ends: nghttp2 has never called "
                   "read_body. nghttp2_submit_response takes the header fields and the data "
                   "provider.");
}

/* How many requests the grader has sent to the program, on all connections. */
static size_t requests_sent(const struct exchange *exchange) {
  size_t count = 0;
  for (size_t i = 0; i < exchange->recording.count; i++) {
    const struct frame *frame = exchange->recording.entries[i].frame;
    count += frame && frame->sender == FRAME_FROM_CLIENT && frame->type == NGHTTP2_HEADERS;
  }
  return count;
}

/* read_body has run, and set NGHTTP2_DATA_FLAG_EOF, and its DATA is empty, and this is the only
 * request: nothing that is kept from one response to the next, or of another, can be the cause. */
static void expect_copied_bytes(struct peer *peer, int32_t stream_id, const char *text) {
  struct exchange *exchange = peer->exchange;
  const struct peer_stream *stream = peer_stream(peer, stream_id);
  long data = peer_find_frame(peer, NGHTTP2_DATA, stream_id);
  if (!*text || stream->body.length > 0 || data < 0 || !stream->ended ||
      requests_sent(exchange) != 1)
    return;
  exchange->finding.todo_of_place = BODY_TODO;
  exchange_fail_at(
      exchange, data, BODY, "an empty DATA frame with END_STREAM",
      "read-returns-nothing| The body of the first response is already empty: "
      "read_body sets NGHTTP2_DATA_FLAG_EOF, and returns 0. Return the number of bytes "
      "that you have copied.");
}

/* 200, a date and this body. If content-length is right and the body is not, blame the body. */
static void expect_answer(struct peer *peer, int32_t stream_id, const char *text) {
  expect_attempt(peer, stream_id);
  expect_status_field(peer, stream_id);
  expect_source_asked(peer, stream_id, text);
  peer_expect_response(peer, stream_id);
  blame_status(peer, stream_id);
  expect_copied_bytes(peer, stream_id, text);
  expect_no_exchange(peer, stream_id, text);
  const struct buffer *seen = &peer_stream(peer, stream_id)->body;
  const char *length = peer_field(peer, stream_id, "content-length");
  if (length && strtoul(length, NULL, 10) == strlen(text) && seen->length > 0 &&
      seen->length != strlen(text)) {
    struct buffer quoted[2] = {0};
    quote_text(&quoted[0], text, strlen(text));
    quote_text(&quoted[1], seen->bytes ? seen->bytes : "", seen->length);
    peer->exchange->finding.todo_of_place = 3;
    exchange_fail_at(
        peer->exchange, peer_stream(peer, stream_id)->over_at, quoted[0].bytes, quoted[1].bytes,
        "body-cut| content-length is right, but the body is not: it has %zu bytes instead of %zu.",
        seen->length, strlen(text));
  }
  peer_expect_answer(peer, stream_id, "200", text);
}

/* One GET is answered as it should be. */
static void expect_service(struct peer *peer, int32_t stream_id) {
  peer_send_request(peer, stream_id, true, "GET", "/");
  expect_answer(peer, stream_id, BODY);
}

/* Send a request without a body that is malformed in this way. Returns what is wrong with it. */
static const char *send_malformed(struct peer *peer, int32_t stream_id, enum request_fault fault,
                                  struct request *request) {
  request_make(request, peer->exchange, "GET", "/");
  const char *what = request_spoil(request, fault);
  peer_send_made(peer, stream_id, true, request);
  return what;
}

/* A new client that gets answers to a few requests; the next one is on `stream_id`. */
static struct peer *connect_reading_client(struct exchange *exchange, int32_t *stream_id) {
  struct peer *peer = connect_client(exchange);
  int32_t count = 1 + (int32_t)exchange_random(exchange, 3);
  for (*stream_id = 1; count > 0; count--, *stream_id += 2)
    expect_service(peer, *stream_id);
  return peer;
}

/* A server that counts frames, and reads no fields, would pass most checks of this lab, for all
 * answers are the same. Note whether it answers a malformed request: nghttp2 refuses it by itself,
 * whatever else is wrong with a program. See outcome.c. */
static void try_malformed(struct exchange *exchange) {
  int32_t stream_id;
  struct request request;
  struct peer *peer = connect_reading_client(exchange, &stream_id);
  send_malformed(peer, stream_id, exchange_random(exchange, REQUEST_FAULTS), &request);
  if (!peer_refuses(peer, stream_id) && peer_field(peer, stream_id, ":status"))
    exchange->serves_malformed = true;
}

CHECK(lab03, listening, .by_heart = true, .points = 1, .todo = 1, .section = NULL,
      .sentence = "the server says where it listens, and answers there") {
  expect_service(start_server(exchange), 1);
  exchange_earn(exchange);
  exchange_end_server_by(exchange, SIGINT); /* most others end by SIGTERM */
  exchange_expect_silence(exchange);
}

CHECK(lab03, settings, .by_heart = true, .points = 1, .todo = 1, .section = "3.4",
      .sentence = "SETTINGS come first, and the client's are acknowledged") {
  struct peer *peer = start_server(exchange);
  peer_expect_preface(peer);
  peer_expect_settings_ack(peer);
  expect_service(peer, 1);
  exchange_earn(exchange);
  exchange_end_server(exchange);
}

/* The second of a response whose date is right. */
static time_t date_of(struct peer *peer, int32_t stream_id) {
  struct tm tm = {0};
  (void)strptime(peer_field(peer, stream_id, "date"), "%a, %d %b %Y %H:%M:%S GMT", &tm);
  return timegm(&tm);
}

static bool is_second_over(void *argument) {
  return time(NULL) > *(time_t *)argument;
}

/* The date moves on when time does, on the streams from this one on. A server may read its clock
 * once a second, and not at its beginning. Returns the next stream. */
static int32_t expect_date_moves(struct peer *peer, int32_t stream_id) {
  enum { SECONDS = 3 };
  expect_service(peer, stream_id);
  const time_t first = date_of(peer, stream_id);
  for (int i = 0; i < SECONDS; i++) {
    time_t second = first + i;
    exchange_await(peer->exchange, is_second_over, &second);
    stream_id += 2;
    expect_service(peer, stream_id);
    if (date_of(peer, stream_id) != first)
      return stream_id + 2;
  }
  peer->exchange->finding.todo_of_place = 5;
  exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame,
                   "the date and time of now, in GMT", peer_field(peer, stream_id, "date"),
                   "date-stands-still| The date of the response has not moved on, though time has: "
                   "a date is the time at which your server made the response.");
}

CHECK(lab03, get, .points = 2, .todo = 4, .section = "8.1",
      .sentence = "GET on any path: 200, date, Hello World!, END_STREAM") {
  char path[32] = "/";
  char text[4096];
  exchange_random_text(exchange, path + 1, 16);
  struct peer *peer = start_server(exchange);
  peer_send_request(peer, 1, true, "GET", path);
  expect_answer(peer, 1, BODY);
  expect_service(peer, 3);
  memcpy(path + 10, "?a=%20", 6); /* a query, too */
  peer_send_request(peer, 5, true, "GET", path);
  expect_answer(peer, 5, BODY);
  exchange_random_text(exchange, text, 1000 + exchange_random(exchange, 3000));
  *text = '/';
  peer_send_request_with(peer, 7, true, "GET", text, "cookie", text + 1);
  expect_answer(peer, 7, BODY);
  enum { TWICE_IN = 8 /* it takes a second */ };
  int32_t next = expect_date_moves(peer, 9);
  if (exchange_random(exchange, TWICE_IN) == 0)
    expect_date_moves(peer, next);
  try_malformed(exchange);
  exchange_earn(exchange);
  exchange_end_server(exchange);
}

/* Send a HEAD with :method behind all other fields: their order is free. */
static void send_late_head(struct peer *peer, int32_t stream_id) {
  char authority[32];
  snprintf(authority, sizeof authority, "localhost:%d", peer->exchange->port);
  peer_send_headers(peer, stream_id, true, ":path", "/", ":scheme", "http", ":authority", authority,
                    ":method", "HEAD", NULL);
}

/* A HEAD has a body. Where no field comes behind :method, none can undo the note of it. */
static void fail_head_with_body(struct peer *peer, int32_t stream_id) {
  enum { LATER = 1000 }; /* than all streams of the check */
  struct exchange *exchange = peer->exchange;
  long frame = peer_stream(peer, stream_id)->over_at;
  send_late_head(peer, LATER + 1);
  peer_expect_response(peer, LATER + 1);
  exchange->finding.stream = stream_id;
  exchange->finding.section = "RFC 9110, section 9.3.2";
  if (peer_stream(peer, LATER + 1)->body.length == 0) {
    exchange->finding.todo_of_place = 2;
    exchange_fail_at(
        exchange, frame, "a response without a body, as for every HEAD", "a body",
        "head-note-lost| Your server answers a HEAD with a body, but not if :method is "
        "the last field: a later field undoes the note.");
  }
  exchange_fail_at(
      exchange, frame, "a response without a body, as for every HEAD", "a body",
      "head-answered-body-respond-must| Your server answers a HEAD with a body: "
      "on_header must note the method (TODO 2), and respond must look at it (TODO 4).");
}

/* The response to HEAD has no body; otherwise `what` is the sentence. NULL: find it. */
static void expect_no_body(struct peer *peer, int32_t stream_id, const char *what) {
  peer_expect_response(peer, stream_id);
  if (peer_stream(peer, stream_id)->body.length > 0 && !what)
    fail_head_with_body(peer, stream_id);
  if (peer_stream(peer, stream_id)->body.length > 0) {
    peer->exchange->finding.section = "RFC 9110, section 9.3.2";
    exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->over_at,
                     "a response without a body, as for every HEAD", "a body", "%s", what);
  }
  expect_answer(peer, stream_id, "");
  const char *length = peer_field(peer, stream_id, "content-length");
  if (!length || strtoul(length, NULL, 10) == strlen(BODY))
    return;
  peer->exchange->finding.section = "RFC 9110, section 8.6";
  exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame, "content-length: 12",
                   length,
                   "head-content-length-other| The content-length of the response to HEAD is not "
                   "that of the body that GET gets.");
}

/* The method is not HEAD: there must be a body. Otherwise the check says `what`, about that kind of
 * method. */
static void expect_answer_with_body(struct peer *peer, int32_t stream_id, const char *kind,
                                    const char *what) {
  struct finding *finding = &peer->exchange->finding;
  peer_expect_response(peer, stream_id);
  if (peer_stream(peer, stream_id)->body.length == 0) {
    finding->todo_of_place = 2;
    snprintf(finding->stands, sizeof finding->stands, "%s", kind);
    exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame, BODY,
                     "a response without body", "%s", what);
  }
  expect_answer(peer, stream_id, BODY);
}

/* A method that is like HEAD, but another one, is answered like any other. */
static void expect_no_head(struct peer *peer, int32_t stream_id, const char *method,
                           const char *kind) {
  char what[192];
  snprintf(what, sizeof what,
           "method-like-head| Your server takes the method %s for HEAD: compare all its letters, "
           "their number and their case.",
           method);
  peer_send_request(peer, stream_id, true, method, "/");
  expect_answer_with_body(peer, stream_id, kind, what);
}

/* More letters than HEAD, fewer, small ones, other ones. */
static int32_t expect_no_other_head(struct peer *peer, int32_t stream_id) {
  struct exchange *exchange = peer->exchange;
  char longer[4 + SERVER_RULES_METHOD] = "HEAD";
  char mixed[8] = "HEAD";
  char other[8] = "HEAD";
  char one_more[] = {'H', 'E', 'A', 'D', (char)('A' + exchange_random(exchange, 26)), '\0'};
  server_rules_unknown_method(exchange, longer + strlen("HEAD"));
  server_rules_mix_case(exchange, mixed);
  do
    other[1 + exchange_random(exchange, 3)] = (char)('A' + exchange_random(exchange, 26));
  while (strcmp(other, "HEAD") == 0);
  const char *const methods[][2] = {{longer, "longer"},       {one_more, "longer"},
                                    {"HEA", "shorter"},       {"head", "another case"},
                                    {other, "other letters"}, {mixed, "another case"}};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++, stream_id += 2)
    expect_no_head(peer, stream_id, methods[i][0], methods[i][1]);
  return stream_id;
}

/* A GET with a field of any name that has the value HEAD. */
static void ask_with_head_in_field(struct peer *peer, int32_t stream_id) {
  char name[32];
  exchange_random_text(peer->exchange, name, 4 + exchange_random(peer->exchange, 20));
  peer_send_request_with(peer, stream_id, true, "GET", "/", name, "HEAD");
}

/* Requests that go on, and the first of them that has been answered all the same. */
struct open_requests {
  struct peer *peer;
  const int32_t *streams;
  size_t count;
  int32_t answered;
};

static bool is_one_answered(void *argument) {
  struct open_requests *requests = argument;
  for (size_t i = 0; i < requests->count && requests->answered == 0; i++)
    if (peer_stream(requests->peer, requests->streams[i])->opened)
      requests->answered = requests->streams[i];
  return requests->answered != 0;
}

/* Nothing comes for a while, and none of these requests has ended: none may be answered. */
static void expect_no_answer(struct peer *peer, const int32_t *streams, size_t count) {
  struct open_requests requests = {peer, streams, count, 0};
  if (!exchange_pause(peer->exchange, is_one_answered, &requests))
    return;
  char seen[32];
  snprintf(seen, sizeof seen, "HEADERS on stream %d", requests.answered);
  finding_blame(&peer->exchange->finding, FRAME_TODO);
  exchange_fail_at(peer->exchange, peer_stream(peer, requests.answered)->frame,
                   "nothing before the END_STREAM of the request", seen,
                   "answers-before-request-end| Your server answers before the request has ended.");
}

/* A HEAD and a PUT at once, in any order, which end in any order: each is answered by its own
 * method. Returns the next stream. */
static int32_t expect_own_methods(struct peer *peer, int32_t stream_id) {
  enum { HEAD, PUT };
  struct exchange *exchange = peer->exchange;
  int32_t streams[2];
  uint32_t first = exchange_random(exchange, 2);
  for (uint32_t i = 0; i < 2; i++, stream_id += 2) {
    uint32_t which = first ^ i;
    streams[which] = stream_id;
    peer_send_request(peer, stream_id, false, which == HEAD ? "HEAD" : "PUT", "/");
  }
  expect_no_answer(peer, streams, 2);
  first = exchange_random(exchange, 2);
  for (uint32_t i = 0; i < 2; i++) {
    uint32_t which = first ^ i;
    peer_send_headers(peer, streams[which], true, "x-trailer", "of the request", NULL);
    peer_expect_response(peer, streams[which]);
    bool has_body = peer_stream(peer, streams[which])->body.length > 0;
    if (has_body == (which == HEAD)) {
      exchange->finding.todo_of_place = 2;
      exchange_fail_at(
          exchange, peer_stream(peer, streams[which])->over_at,
          which == HEAD ? "a response without a body, as for every HEAD" : BODY,
          has_body ? "a body" : "a response without body",
          "method-of-other-stream| A HEAD and a PUT are open at once, and your server "
          "answers one by the method of the other: note the method with its stream (TODO "
          "2), and answer with the stream of the frame (TODO 5).");
    }
    expect_answer(peer, streams[which], which == HEAD ? "" : BODY);
  }
  return stream_id;
}

/* A CONNECT names a host, and has neither :scheme nor :path (RFC 9113, section 8.5). The server
 * answers it, or refuses it, and goes on: it is well-formed. */
static void expect_connect(struct peer *peer, int32_t stream_id) {
  peer_send_connect(peer, stream_id);
  if (exchange_await(peer->exchange, is_over, peer_stream(peer, stream_id)))
    return;
  peer->exchange->finding.section = "8.5";
  exchange_fail_at(peer->exchange, -1, "a response, or RST_STREAM, for this CONNECT",
                   peer->closed_by_program ? "the end of the connection" : "nothing on this stream",
                   "connect-not-answered| Your server does not answer a CONNECT. A CONNECT has "
                   "no :path and no :scheme, and is no error of the connection.");
}

/* A GET has been answered with a body, and then a HEAD without one: this one has a body again. */
static void expect_answer_after_head(struct peer *peer, int32_t stream_id, const char *method) {
  char what[192];
  snprintf(what, sizeof what,
           "head-stays| After a HEAD on this connection, your server answers %s without a body, "
           "too: note for each stream whether its method is HEAD.",
           method);
  expect_answer_with_body(peer, stream_id, "", what);
}

CHECK(lab03, methods, .of_fields = true, .points = 2, .todo = 2, .section = "8.3.1",
      .sentence = "PUT, PATCH, any other method: the same answer; HEAD: without a body") {
  char unknown[SERVER_RULES_METHOD];
  const char *const methods[] = {"HEAD",
                                 "PUT",
                                 "DELETE",
                                 "OPTIONS",
                                 "PATCH",
                                 "TRACE",
                                 server_rules_unknown_method(exchange, unknown)};
  size_t order[sizeof methods / sizeof methods[0]];
  bool has_had_head = false;
  struct peer *peer = start_server(exchange);
  int32_t stream_id = 3;
  peer_send_request(peer, 1, true, "GET", "/any/path"); /* what the others are compared with */
  expect_answer(peer, 1, BODY);
  exchange_shuffle(exchange, order, sizeof order / sizeof order[0]);
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++, stream_id += 2) {
    peer_send_request(peer, stream_id, true, methods[order[i]], "/any/path");
    if (order[i] == 0)
      expect_no_body(peer, stream_id, NULL);
    else if (has_had_head)
      expect_answer_after_head(peer, stream_id, methods[order[i]]);
    else
      expect_answer(peer, stream_id, BODY);
    has_had_head = has_had_head || order[i] == 0;
  }
  peer_send_request(peer, stream_id, true, "GET", "/any/path");
  expect_answer_after_head(peer, stream_id, "GET");
  ask_with_head_in_field(peer, stream_id + 2);
  expect_answer(peer, stream_id + 2, BODY);
  stream_id = expect_no_other_head(peer, stream_id + 4);
  send_late_head(peer, stream_id);
  expect_no_body(peer, stream_id, NULL);
  /* A later header block of a stream is its trailers: the request is still a HEAD. */
  peer_send_request(peer, stream_id + 2, false, "HEAD", "/");
  peer_send_headers(peer, stream_id + 2, true, "x-trailer", "of the request", NULL);
  expect_end_noticed(peer, stream_id + 2, "trailers");
  expect_no_body(peer, stream_id + 2,
                 "trailers-request-taken-another-request| Your server takes the trailers of a "
                 "request for another request.");
  stream_id = expect_own_methods(peer, stream_id + 4);
  peer_send_request(peer, stream_id, true, "OPTIONS", "*"); /* RFC 9110, section 9.3.7 */
  expect_answer(peer, stream_id, BODY);
  expect_connect(peer, stream_id + 2);
  expect_service(peer, stream_id + 4);
  exchange_earn(exchange);
  exchange_end_server(exchange);
}

CHECK(lab03, post, .points = 2, .todo = 5, .section = "8.1",
      .sentence = "a request with a body is answered after its end, not before") {
  char text[64];
  exchange_random_text(exchange, text, 40);
  struct peer *peer = start_server(exchange);
  peer_expect_preface(peer);
  peer_send_request(peer, 1, false, "POST", "/send-data");
  peer_send_data(peer, 1, text, 20, false);
  peer_send_request(peer, 3, false, "POST", "/send-data");
  expect_no_answer(peer, (const int32_t[]){1, 3}, 2);
  peer_send_data(peer, 1, text + 20, 20, true);
  expect_answer(peer, 1, BODY);
  peer_send_data(peer, 3, "", 0, true);
  expect_end_noticed(peer, 3, "an empty DATA frame");
  expect_answer(peer, 3, BODY);
  peer_send_padded(peer);
  peer_send_request(peer, 5, true, "GET", "/");
  expect_end_noticed(peer, 5, "HEADERS with padding");
  expect_answer(peer, 5, BODY);
  peer_send_request(peer, 7, false, "POST", "/send-data");
  peer_send_data(peer, 7, text, 20, true);
  expect_end_noticed(peer, 7, "DATA with padding");
  expect_answer(peer, 7, BODY);
  exchange_earn(exchange);
  exchange_end_server(exchange);
}

/* A POST with a body of that length is answered like any other request. */
static void expect_upload(struct peer *peer, int32_t stream_id, size_t length) {
  char *bytes = malloc(length);
  if (!bytes)
    exchange_fault(peer->exchange, "out of memory");
  memset(bytes, 'a' + (int)exchange_random(peer->exchange, 26), length);
  peer_send_request(peer, stream_id, false, "POST", "/send-data");
  peer_send_body(peer, stream_id, bytes, length);
  expect_answer(peer, stream_id, BODY);
  free(bytes);
}

/* The streams from this one on have large numbers, up to the largest that there is: a client may
 * leave out some (section 5.1.1). A HEAD is open meanwhile, whose number has the same last bits. */
static void expect_large_numbers(struct peer *peer, int32_t stream_id) {
  enum { LEAST_BIT = 16, MOST_BIT = 29 };
  struct exchange *exchange = peer->exchange;
  char what[192];
  int32_t bit = LEAST_BIT + (int32_t)exchange_random(exchange, MOST_BIT - LEAST_BIT + 1);
  int32_t large = stream_id + (1 << bit);
  peer_send_request(peer, stream_id, false, "HEAD", "/");
  peer_leave_out(peer, stream_id + 2, large);
  /* Much longer than a window, which the server must open again and again. */
  expect_upload(peer, large, 1200000 + exchange_random(exchange, 1200000));
  peer_send_data(peer, stream_id, "", 0, true);
  snprintf(what, sizeof what,
           "head-taken-for-other-stream| After the POST on stream %d, your server answers the HEAD "
           "on stream %d with a body: keep what you know of a stream in its user data.",
           large, stream_id);
  expect_no_body(peer, stream_id, what);
  peer_leave_out(peer, large + 2, INT32_MAX);
  expect_service(peer, INT32_MAX);
}

CHECK(lab03, hundred_streams, .points = 1, .todo = 1, .section = "5.1.2",
      .sentence = "100 requests at once on one connection, and one with a long body") {
  enum { COUNT = 100 };
  struct peer *peer = start_server(exchange);
  for (int i = 0; i < COUNT; i++)
    peer_send_request(peer, 2 * i + 1, false, "POST", "/");
  for (int i = COUNT - 1; i >= 0; i--)
    peer_send_data(peer, 2 * i + 1, "x", 1, true);
  for (int i = 0; i < COUNT; i++)
    expect_answer(peer, 2 * i + 1, BODY);
  expect_large_numbers(peer, 2 * COUNT + 1);
  try_malformed(exchange);
  exchange_earn(exchange);
  exchange_end_server(exchange);
}

/* The SETTINGS_MAX_CONCURRENT_STREAMS of the server: nghttp2 itself remembers something about that
 * many closed streams. */
static uint32_t max_concurrent_streams(const struct exchange *exchange) {
  for (size_t i = 0; i < exchange->recording.count; i++) {
    const struct frame *frame = exchange->recording.entries[i].frame;
    for (size_t s = 0; frame && frame->sender == FRAME_FROM_SERVER && s < frame->setting_count; s++)
      if (frame->settings[s].id == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return frame->settings[s].value;
  }
  return UINT32_MAX;
}

/* Streams: so many fit into our rounds, and into PEER_STREAMS; our rounds alone do not fill
 * more. */
enum { MOST_KEPT = 600 };

/* Send `count` requests and reset them, and `count` requests that get answers. Put what is
 * allocated after them into `probe`; returns false if that is unknown. */
static bool ask_and_reset(struct peer *peer, int32_t *stream_id, int count, struct probe *probe) {
  for (int i = 0; i < count; i++, *stream_id += 2) {
    peer_send_request(peer, *stream_id, false, "POST", "/");
    peer_send_reset(peer, *stream_id, NGHTTP2_CANCEL);
  }
  for (int i = 0; i < count; i++)
    peer_send_request(peer, *stream_id + 2 * i, true, "GET", "/");
  for (int i = 0; i < count; i++, *stream_id += 2)
    expect_answer(peer, *stream_id, BODY);
  /* Once it has answered PING, the server has handled everything before. */
  const uint8_t round[8] = {'r', 'o', 'u', 'n', 'd', ' ', (uint8_t)(*stream_id / count)};
  peer_send_ping(peer, round);
  peer_expect_ping_ack(peer, round);
  return program_probe(peer->exchange->program, probe);
}

/* What nghttp2 itself keeps of a round's streams: a block for each, if it may keep more than our
 * rounds fill. */
static int kept_by_nghttp2(uint32_t limit, int count) {
  return limit > MOST_KEPT ? 2 * count : 0;
}

/* Whether each round leaves something for each of `count` requests: a block, or that many bytes in
 * a larger one. Other memory is far less: a field that HPACK remembers, such as a new date, or a
 * buffer that exists at one look and not at the next. So most of the blocks are enough. */
static bool grows(const struct probe *probes, int rounds, int count, int kept) {
  enum { BYTES = 16 };
  bool blocks = true;
  bool bytes = true;
  for (int i = 1; i < rounds; i++) {
    blocks = blocks && 4 * (probes[i].blocks - probes[i - 1].blocks - kept) >= (int64_t)3 * count;
    bytes = bytes && probes[i].bytes - probes[i - 1].bytes >= (int64_t)BYTES * count;
  }
  return blocks || (bytes && kept == 0);
}

CHECK(lab03, streams_freed, .by_heart = true, .points = 2, .todo = 6, .section = "5.1",
      .sentence = "the server frees a stream that has ended, even while its client stays") {
  enum { ROUNDS = 3, COUNT = 50 };
  struct probe probes[ROUNDS];
  struct peer *peer = start_server(exchange);
  peer->uses_writer = false; /* else the server's HPACK table would grow and shrink, ... */
  peer->is_plain = true;     /* ... and so it would by other fields each time */
  int32_t stream_id = 1;
  bool known = ask_and_reset(peer, &stream_id, COUNT, &probes[0]);
  uint32_t limit = max_concurrent_streams(exchange);
  /* After these rounds, everything is there that is allocated once, and all that nghttp2 keeps of
   * closed streams. */
  for (uint32_t sent = 0; sent == 0 || (limit <= MOST_KEPT && sent < limit); sent += 2 * COUNT)
    known = ask_and_reset(peer, &stream_id, COUNT, &probes[0]) && known;
  for (int round = 1; round < ROUNDS; round++)
    known = ask_and_reset(peer, &stream_id, COUNT, &probes[round]) && known;
  if (known && grows(probes, ROUNDS, COUNT, kept_by_nghttp2(limit, COUNT))) {
    char seen[128];
    intmax_t bytes = (intmax_t)(probes[ROUNDS - 1].bytes - probes[ROUNDS - 2].bytes);
    snprintf(seen, sizeof seen, bytes > 0 ? "%jd blocks more, %jd bytes" : "%jd blocks more",
             (intmax_t)(probes[ROUNDS - 1].blocks - probes[ROUNDS - 2].blocks), bytes);
    exchange_fail_at(exchange, -1,
                     "as much memory allocated after 50 requests answered and 50 reset as before",
                     seen,
                     "keeps-memory-every-request-streams| Your server keeps memory for every "
                     "request: free each stream when it closes, answered or reset.");
  }
  exchange_end_server(exchange);
}

CHECK(lab03, fifty_connections, .by_heart = true, .points = 1, .todo = 1, .section = "9.1",
      .sentence = "50 connections at once, and others after them") {
  enum { COUNT = 50 };
  struct peer *peers[COUNT];
  exchange_start_server(exchange, "server", NULL);
  for (int i = 0; i < COUNT; i++) {
    peers[i] = connect_client(exchange);
    peer_send_request(peers[i], 1, false, "POST", "/");
  }
  for (int i = 0; i < COUNT; i++)
    peer_send_data(peers[i], 1, "x", 1, true);
  for (int i = 0; i < COUNT; i++)
    expect_answer(peers[i], 1, BODY);
  for (int i = 0; i < COUNT; i++)
    peer_close(peers[i]);
  for (uint32_t left = 30 + exchange_random(exchange, 100); left > 0; left--) {
    struct peer *peer = connect_client(exchange);
    expect_service(peer, 1);
    peer_close(peer);
  }
  exchange_earn(exchange);
  exchange_end_server(exchange);
}

/* So many bytes of the body have come on the stream. */
struct progress {
  struct peer_stream *stream;
  size_t length;
};

static bool has_come(void *argument) {
  const struct progress *progress = argument;
  return progress->stream->body.length >= progress->length;
}

static _Noreturn void fail_beyond_window(struct exchange *exchange) {
  exchange_fail(exchange, "sends-more-clients-window-allows| Your server sends more than the "
                          "client's window allows.");
}

static bool window_is_full(void *argument) {
  const struct progress *progress = argument;
  return progress->stream->counted >= progress->length || progress->stream->ended;
}

/* What has come of the body on this stream is its beginning; `what` is the sentence if not. */
static void expect_beginning(struct peer *peer, int32_t stream_id, const char *what) {
  const struct buffer *seen = &peer_stream(peer, stream_id)->body;
  struct buffer quoted[2] = {0};
  if (seen->length == 0 || seen->length > strlen(BODY) ||
      memcmp(seen->bytes, BODY, seen->length) == 0)
    return;
  quote_text(&quoted[0], BODY, seen->length);
  quote_text(&quoted[1], seen->bytes, seen->length);
  finding_blame(&peer->exchange->finding, BODY_TODO);
  exchange_fail_at(peer->exchange, -1, quoted[0].bytes, quoted[1].bytes, "%s", what);
}

enum { AT_ONCE = 3, FEW = 3 };

/* Responses in pieces, at once. Each window, of one byte at first, opens by any number of bytes:
 * each time the server fills it, with padding or without. */
struct pieces {
  struct progress progress[AT_ONCE];
  size_t opened[AT_ONCE]; /* how often */
  size_t order[FEW];      /* the first opens by 2, 3 and 4 first, in this order */
};

/* Wait until this window is full, and open it, unless the response is over. Returns whether it has
 * opened the window. */
static bool open_window(struct peer *peer, struct pieces *pieces, size_t i, int32_t stream_id) {
  struct exchange *exchange = peer->exchange;
  struct progress *progress = &pieces->progress[i];
  bool full = exchange_await(exchange, window_is_full, progress);
  expect_beginning(peer, stream_id,
                   "bodies-at-once-wrong| Of several responses at once, the body of one is wrong: "
                   "for each stream, your server must know how much of its body it has sent.");
  if (!full)
    return false;
  if (progress->stream->counted > progress->length)
    fail_beyond_window(exchange);
  if (progress->stream->ended)
    return false;
  uint32_t increment = 1 + exchange_random(exchange, (uint32_t)strlen(BODY));
  if (i == 0 && pieces->opened[i] < FEW)
    increment = 2 + (uint32_t)pieces->order[pieces->opened[i]];
  peer_send_window_update(peer, stream_id, increment);
  progress->length += increment;
  pieces->opened[i]++;
  return true;
}

/* On this stream and those after it. Returns the next stream. */
static int32_t expect_pieces(struct peer *peer, int32_t stream_id) {
  enum { MOST = 100 };
  struct pieces pieces = {.opened = {0}};
  bool goes_on = true;
  exchange_shuffle(peer->exchange, pieces.order, FEW);
  for (size_t i = 0; i < AT_ONCE; i++) {
    pieces.progress[i] = (struct progress){peer_stream(peer, stream_id + 2 * (int32_t)i), 1};
    peer_send_request(peer, stream_id + 2 * (int32_t)i, true, "GET", "/");
  }
  for (size_t round = 0; goes_on && round < MOST; round++) {
    size_t order[AT_ONCE];
    exchange_shuffle(peer->exchange, order, AT_ONCE);
    goes_on = false;
    for (size_t i = 0; i < AT_ONCE; i++)
      goes_on = open_window(peer, &pieces, order[i], stream_id + 2 * (int32_t)order[i]) || goes_on;
  }
  for (size_t i = 0; i < AT_ONCE; i++, stream_id += 2)
    expect_answer(peer, stream_id, BODY);
  return stream_id;
}

CHECK(lab03, tiny_window, .points = 2, .todo = 3, .section = "6.9.2",
      .sentence = "a client with a window of one byte gets the body byte by byte") {
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}};
  exchange_start_server(exchange, "server", NULL);
  struct peer *peer = peer_connect(exchange);
  peer->hold_windows = true;
  peer_send_preface(peer, settings, 1);
  peer_send_request(peer, 1, true, "GET", "/");
  for (size_t length = 1; length <= strlen(BODY); length++) {
    struct progress progress = {peer_stream(peer, 1), length};
    bool moved = exchange_await(exchange, has_come, &progress);
    expect_beginning(peer, 1,
                     "body-pieces-wrong| Sent in pieces, the body is wrong: each piece must begin "
                     "where the last one ended.");
    if (!moved) {
      if (length == 1)
        expect_answer(peer, 1, BODY); /* says what is missing from the beginning */
      if (peer_stream(peer, 1)->ended)
        exchange_fail_at(exchange, -1, "END_STREAM with the last byte of the body", NULL,
                         "after-window_update-rest-body-not| Your server ends the response too "
                         "early: after %zu of %zu bytes.",
                         peer_stream(peer, 1)->body.length, strlen(BODY));
      exchange_fail_at(exchange, -1, "DATA with one byte", NULL,
                       "after-window_update-rest-body-not| Your server does not send the rest of "
                       "the body after WINDOW_UPDATE.");
    }
    if (peer_stream(peer, 1)->body.length > length)
      fail_beyond_window(exchange);
    peer_send_window_update(peer, 1, 1); /* also for a final frame without bytes */
  }
  expect_answer(peer, 1, BODY);
  int32_t last = expect_pieces(peer, 3);
  peer_send_request(peer, last, true, "GET", "/");
  peer_settle(peer);
  peer_send_window_update(peer, last, 1000); /* more than the rest */
  expect_answer(peer, last, BODY);
  try_malformed(exchange);
  exchange_earn(exchange);
  exchange_end_server(exchange);
}

/* A few requests, each reset with any error code, also one that nobody knows (RFC 9113, section 7).
 * Returns the next stream. */
static int32_t send_resets(struct peer *peer) {
  enum { RESETS = 4, KNOWN = NGHTTP2_HTTP_1_1_REQUIRED + 1 };
  for (int32_t i = 0; i < RESETS; i++) {
    uint32_t code = exchange_random(peer->exchange, i == 0 ? UINT32_MAX : KNOWN);
    peer_send_request(peer, 2 * i + 1, false, "POST", "/");
    peer_send_reset(peer, 2 * i + 1, code);
  }
  return 2 * RESETS + 1;
}

CHECK(lab03, lost_clients, .by_heart = true, .points = 2, .todo = 6, .section = "6.4",
      .sentence = "clients that vanish, reset or send garbage disturb no other client") {
  struct peer *steady = start_server(exchange);
  expect_service(steady, 1);
  struct peer *vanishes = connect_client(exchange);
  for (int32_t id = 1; id <= 5; id += 2) { /* several streams of one client */
    peer_send_request(vanishes, id, false, "POST", "/");
    peer_send_data(vanishes, id, "half", 4, false);
  }
  struct peer *resets = connect_client(exchange);
  int32_t next = send_resets(resets);
  expect_service(resets, next);
  struct peer *garbage = connect_client(exchange);
  peer_send_request(garbage, 1, false, "POST", "/");
  peer_send_bytes(garbage, "\377\377\377\377garbage\377\377\377\377\377\377\377\377\377", 20);
  struct peer *old = peer_connect(exchange);
  peer_send_bytes(old, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35);
  peer_expect_close(old);
  expect_service(steady, 3);
  peer_abort(vanishes);
  peer_close(resets);
  expect_service(steady, 5);
  expect_service(connect_client(exchange), 1);
  exchange_end_server(exchange);
}

/* A body that is shorter or longer than its content-length. */
static void expect_lengths_compared(struct exchange *exchange) {
  char length[8];
  uint32_t right = 2 + exchange_random(exchange, 100);
  char *body = exchange_random_text(exchange, (char[128]){0}, right);
  for (int longer = 0; longer < 2; longer++) {
    struct peer *peer = connect_client(exchange);
    uint32_t wrong =
        longer ? exchange_random(exchange, right) : right + 1 + exchange_random(exchange, 100);
    snprintf(length, sizeof length, "%u", wrong);
    peer_send_request_with(peer, 1, false, "POST", "/", "content-length", length);
    peer_send_data(peer, 1, body, right, true);
    peer_expect_refusal(peer, 1,
                        longer ? "a body that is longer than its content-length"
                               : "a body that is shorter than its content-length");
  }
}

CHECK(lab03, malformed, .points = 1, .todo = 1, .section = "8.1.1",
      .sentence = "malformed requests are refused, and the server goes on") {
  struct peer *steady = start_server(exchange);
  size_t order[REQUEST_FAULTS];
  exchange_shuffle(exchange, order, REQUEST_FAULTS);
  for (size_t i = 0; i < REQUEST_FAULTS; i++) {
    int32_t stream_id;
    struct request request;
    struct peer *peer = connect_reading_client(exchange, &stream_id);
    const char *what = send_malformed(peer, stream_id, (enum request_fault)order[i], &request);
    peer_expect_refusal(peer, stream_id, what);
  }
  expect_lengths_compared(exchange);
  expect_service(steady, 1);
  exchange_end_server(exchange);
}

/* What is no port, and what is no option, is wrong usage. */
static void expect_wrong_usage(struct exchange *exchange) {
  char large[16];
  snprintf(large, sizeof large, "%u", 65536 + exchange_random(exchange, 34464));
  exchange_expect_usage(exchange, "server", "--port", "http", NULL);
  exchange_expect_usage(exchange, "server", "--port", large, NULL);
  exchange_expect_usage(exchange, "server", "--port", "4294967297", NULL); /* 2^32 + 1 */
  exchange_expect_usage(exchange, "server", "--port", "-1", NULL);
  exchange_expect_usage(exchange, "server", "--port", "0", "more", NULL);
}

CHECK(lab03, port_taken, .of_errors = true, .points = 1, .todo = 1, .section = NULL,
      .sentence = "a taken port: status 1; an invalid port: 2; any free port, and the default") {
  exchange_expect_port_taken(exchange, "server", NULL);
  expect_wrong_usage(exchange);
  exchange_expect_default_port(exchange, "server", 8000);
  exchange_start_server_at_port(exchange, "server", NULL);
  expect_service(connect_client(exchange), 1);
  exchange_earn(exchange);
  exchange_end_server(exchange);
}

enum { MOST_IN_FLIGHT = 20 };

/* A new client with requests in flight: the server has them, and each waits for its end. */
static struct peer *connect_busy_client(struct exchange *exchange, int in_flight) {
  struct peer *peer = connect_client(exchange);
  expect_service(peer, 1);
  for (int i = 1; i <= in_flight; i++)
    peer_send_request(peer, 2 * i + 1, false, "POST", "/");
  peer_expect_settled(peer); /* so all requests have come */
  return peer;
}

/* Let the requests end: the server answers them. */
static void finish_busy_client(struct peer *peer, int in_flight) {
  for (int i = 1; i <= in_flight; i++)
    peer_send_data(peer, 2 * i + 1, "x", 1, true);
  for (int i = 1; i <= in_flight; i++)
    expect_answer(peer, 2 * i + 1, BODY);
}

enum { MOST_CLIENTS = 4 };

/* Clients with requests in flight. */
struct busy {
  struct peer *clients[MOST_CLIENTS];
  int count;
};

static bool is_one_closed(void *argument) {
  const struct busy *busy = argument;
  for (int i = 0; i < busy->count; i++)
    if (busy->clients[i]->closed_by_program)
      return true;
  return false;
}

/* Nothing comes for a while: the server waits for the ends of the requests. */
static void expect_not_closed(struct exchange *exchange, struct busy *busy) {
  if (exchange_pause(exchange, is_one_closed, busy))
    exchange_fail_at(exchange, -1, "the connection stays until its streams have ended",
                     "the end of the connection",
                     "closes-before-streams-end| After GOAWAY, your server closes a connection "
                     "whose streams have not ended.");
}

/* This signal comes while some clients have requests in flight; one may be gone before the others
 * are done. With `pauses`, nothing comes for a while after the signal. */
static void expect_graceful_end(struct exchange *exchange, int signal, bool pauses) {
  struct busy busy;
  struct peer **clients = busy.clients;
  int in_flight = 1 + (int)exchange_random(exchange, MOST_IN_FLIGHT);
  int count = busy.count = 2 + (int)exchange_random(exchange, MOST_CLIENTS - 1);
  exchange_start_server(exchange, "server", NULL);
  for (int i = 0; i < count; i++)
    clients[i] = connect_busy_client(exchange, in_flight);
  exchange_signal(exchange, signal);
  for (int i = 0; i < count; i++)
    peer_expect_goaway(clients[i]);
  if (pauses)
    expect_not_closed(exchange, &busy);
  for (int i = 0; i < count; i++) {
    finish_busy_client(clients[i], in_flight);
    peer_settle(clients[count - 1]); /* in this turn of its loop, or before, ... */
    peer_settle(clients[count - 1]); /* ... the server forgets the client */
  }
  for (int i = 0; i < count; i++)
    peer_expect_close(clients[i]);
  exchange_expect_status(exchange, 0);
}

CHECK(lab03, graceful_end, .by_heart = true, .points = 1, .todo = 6, .section = "6.8",
      .sentence = "SIGTERM, SIGINT under load: GOAWAY, open streams finish, status 0") {
  const int signals[] = {SIGTERM, SIGINT};
  uint32_t first = exchange_random(exchange, 2);
  expect_graceful_end(exchange, signals[first], true);
  expect_graceful_end(exchange, signals[1 - first], false);
}

static bool is_closed_or_over(void *argument) {
  struct peer *peer = argument;
  const struct peer_stream *stream = peer_stream(peer, 1);
  return peer->closed_by_program || stream->ended || stream->reset;
}

/* Start a server in which `call` fails; its client must be told, and the next one served. */
static void expect_told(struct exchange *exchange, const char *call, const char *what) {
  exchange->fails = call;
  struct peer *peer = start_server(exchange);
  peer_send_request(peer, 1, true, "GET", "/");
  bool told = exchange_await(exchange, is_closed_or_over, peer);
  if (!exchange_expect_failed_call(exchange)) /* it does without this call */
    expect_answer(peer, 1, BODY);
  else if (!told)
    exchange_fail_at(exchange, -1, "the stream is reset, or the connection closed",
                     "the client waits forever", "%s", what);
  expect_service(connect_client(exchange), 1);
  exchange_end_server(exchange);
}

/* In a server that listens, each allocation of its file fails once, whichever function makes it:
 * each client must be told, until a request needs none that has not failed. */
static void expect_each_told(struct exchange *exchange) {
  enum { MOST = 64 };
  exchange->fails = "each allocation";
  exchange_start_server(exchange, "server", NULL);
  (void)program_arm_probe(exchange->program);
  for (int i = 0;; i++) {
    int64_t before = exchange_failed_calls(exchange);
    struct peer *peer = connect_client(exchange);
    peer_send_request(peer, 1, true, "GET", "/");
    bool told = exchange_await(exchange, is_closed_or_over, peer);
    if (exchange_failed_calls(exchange) == before) {
      expect_answer(peer, 1, BODY);
      break;
    }
    if (!told)
      exchange_fail_at(exchange, -1, "the stream is reset, or the connection closed",
                       "the client waits forever",
                       "no-memory-nobody-told| When it gets no memory, your server tells nobody: "
                       "look at what each allocation returns.");
    if (i == MOST)
      exchange_fail(exchange, "no-memory-no-end| Your server allocates at more than 64 places for "
                              "one request.");
  }
  exchange_end_server(exchange);
}

CHECK(lab03, calls_fail, .points = 1, .todo = 5, .of_errors = true, .section = NULL,
      .sentence = "no memory for a stream or a response: its client is not kept waiting") {
  exchange->finding.todo_of_place = 1;
  expect_told(exchange, "allocation in on_begin_headers",
              "no-memory-for-stream-nobody-told| Without memory for a stream, your server tells "
              "nobody: what does on_begin_headers return?");
  exchange->finding.todo_of_place = 5;
  expect_told(exchange, "nghttp2_submit_response",
              "when-nghttp2_submit_response-fails-nobody-told| When nghttp2_submit_response "
              "fails, your server tells nobody: what do respond and on_frame_recv return?");
  exchange->finding.todo_of_place = 0;
  expect_each_told(exchange);
}
