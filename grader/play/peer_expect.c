/* peer_expect: see peer_expect.h. */
#include "grader/play/peer_expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grader/play/peer_receive.h"
#include "grader/play/peer_send.h"
#include "grader/play/place.h"
#include "grader/play/trail.h"
#include "grader/words/quote.h"

/* Frames that a program may send at any time without being asked. */
static bool is_free(const struct frame *frame) {
  switch (frame->type) {
  case FRAME_PREFACE:
  case NGHTTP2_SETTINGS:
  case NGHTTP2_WINDOW_UPDATE:
  case NGHTTP2_PING:
  case NGHTTP2_PRIORITY: return true;
  default: return frame->type > NGHTTP2_CONTINUATION && frame->type < FRAME_PREFACE;
  }
}

/* The failure that comes now belongs to this TODO; 0: unknown. */
static void blame(struct exchange *exchange, int todo) {
  exchange->finding.todo_of_place = todo;
  exchange->finding.is_sure = todo > 0;
}

/* The failure, if one comes now, is about this stream; 0: about the connection. */
static void look_at(struct peer *peer, int32_t stream_id) {
  if (peer->is_reference)
    return;
  peer->exchange->finding.connection = peer->connection;
  peer->exchange->finding.stream = stream_id;
}

/* The program's first unexpected frame since the last expectation that held; or -1. */
static long first_divergence(const struct peer *peer) {
  const struct recording *recording = &peer->exchange->recording;
  for (size_t i = peer->next; i < recording->count; i++) {
    const struct recorded *entry = &recording->entries[i];
    if (entry->frame && entry->connection == peer->connection &&
        entry->frame->sender == peer->program && (entry->frame->error || !is_free(entry->frame)))
      return (long)i;
  }
  return -1;
}

/* What was expected, by that section of RFC 9113, did not come. */
static _Noreturn void fail_expectation(struct peer *peer, const char *section, const char *expected,
                                       const char *what) {
  struct buffer seen = {0};
  long index = first_divergence(peer);
  peer->exchange->finding.section = section;
  if (index >= 0)
    quote_frame(&seen, peer->exchange->recording.entries[index].frame);
  exchange_fail_at(peer->exchange, index, expected, seen.bytes, "%s", what);
}

/* The expectation holds with the entry `at` of the recording. Later entries have not been expected
 * yet. */
static void expectation_held(struct peer *peer, long at) {
  if ((size_t)at + 1 > peer->next)
    peer->next = (size_t)at + 1;
}

/* A frame of the program that is looked for, from the beginning of the recording on. */
struct search {
  const struct peer *peer;
  bool (*matches)(const struct frame *frame, const void *argument);
  const void *argument;
  size_t next; /* the first entry that was not yet looked at */
};

static bool is_found(void *argument) {
  struct search *search = argument;
  const struct recording *recording = &search->peer->exchange->recording;
  for (; search->next < recording->count; search->next++) {
    const struct recorded *entry = &recording->entries[search->next];
    if (entry->frame && entry->connection == search->peer->connection &&
        entry->frame->sender == search->peer->program && !entry->frame->error &&
        search->matches(entry->frame, search->argument))
      return true;
  }
  return false;
}

static void expect_frame(struct peer *peer,
                         bool (*matches)(const struct frame *frame, const void *argument),
                         const void *argument, const char *section, const char *expected,
                         const char *what) {
  look_at(peer, 0);
  struct search search = {peer, matches, argument, 0};
  if (!exchange_await(peer->exchange, is_found, &search))
    fail_expectation(peer, section, expected, what);
  expectation_held(peer, (long)search.next);
}

static bool is_open_or_closed(void *argument) {
  const struct peer *peer = argument;
  return peer->connected || !peer->transport;
}

/* The version of TLS, if the grader speaks only one. */
static const char *only_version(SSL_CTX *tls) {
  long version = tls ? SSL_CTX_get_max_proto_version(tls) : 0;
  if (version == 0 || version != SSL_CTX_get_min_proto_version(tls))
    return "";
  return version == TLS1_3_VERSION ? " with a peer that speaks nothing older than TLS 1.3"
                                   : " with a peer that speaks nothing newer than TLS 1.2";
}

void peer_expect_open(struct peer *peer) {
  char expected[128];
  const char *limits = peer->exchange->handshake;
  snprintf(expected, sizeof expected, "a complete TLS handshake%s%s", limits ? " " : "",
           limits ? limits : "");
  if (exchange_await(peer->exchange, is_open_or_closed, peer) && peer->connected)
    return;
  const char *error = *peer->error ? peer->error : "your program does not go on with it";
  bool is_client = peer->program == FRAME_FROM_CLIENT;
  if (peer->exchange->refusal && strstr(error, "certificate"))
    exchange_fail_at(peer->exchange, -1, expected, error, "%s", peer->exchange->refusal);
  if (!is_client && trail_blame_handshake(peer->exchange, error))
    exchange_fail_at(peer->exchange, -1, expected, error,
                     "tls-handshake-given-up| Your server closes the connection before it has "
                     "chosen a protocol: its function handshake gives up too early.");
  if (is_client || peer->exchange->tls)
    exchange_fail_at(peer->exchange, -1, expected, error,
                     "tls-handshake-fails| Your %s did not complete the TLS handshake%s.",
                     is_client ? "client" : "server", only_version(peer->exchange->tls));
  exchange_fail(peer->exchange, "not-accept-connection| Your server does not accept a connection.");
}

static struct peer *connect_peer(struct exchange *exchange, int port, bool is_reference) {
  struct peer *peer = peer_begin_to_connect_to(exchange, port, is_reference);
  peer_expect_open(peer);
  return peer;
}

struct peer *peer_connect(struct exchange *exchange) {
  return connect_peer(exchange, exchange->port, false);
}

struct peer *peer_connect_to_reference(struct exchange *exchange) {
  char error[256];
  if (!exchange->reference)
    exchange->reference =
        reference_server_listen(&exchange->loop, &exchange->reference_config, error, sizeof error);
  if (!exchange->reference)
    exchange_fault(exchange, error);
  return connect_peer(exchange, server_port(exchange->reference), true);
}

static bool has_connected(void *argument) {
  struct exchange *exchange = argument;
  return exchange->peer_count > exchange->peers_accepted;
}

struct peer *peer_accept(struct exchange *exchange) {
  if (!exchange_await(exchange, has_connected, exchange))
    exchange_fail_at(exchange, -1, "a TCP connection to the server", NULL,
                     "program-does-not-connect| Your program did not connect.");
  return exchange->peers[exchange->peers_accepted++];
}

static bool has_asked(void *argument) {
  const struct exchange *exchange = argument;
  return has_connected(argument) &&
         exchange->peers[exchange->peers_accepted]->streams[0].headers_complete;
}

bool peer_await_request(struct exchange *exchange) {
  return exchange_await(exchange, has_asked, exchange);
}

static bool waits_for_an_answer(void *argument) {
  const struct exchange *exchange = argument;
  return exchange->held && program_idle(exchange->program) > 0;
}

struct peer *peer_accept_late(struct exchange *exchange) {
  exchange_await(exchange, waits_for_an_answer, exchange);
  peer_take_held(exchange);
  return peer_accept(exchange);
}

/* The preface and a frame have come, or the end. */
static bool has_begun(void *argument) {
  const struct peer *peer = argument;
  return peer->frames_received >= 2 || peer->closed_by_program;
}

static bool has_settings(void *argument) {
  const struct peer *peer = argument;
  return peer->settings_received || peer->closed_by_program;
}

/* A server begins with SETTINGS at once. */
static void expect_server_preface(struct peer *peer) {
  if (!exchange_await(peer->exchange, has_settings, peer))
    fail_expectation(peer, "3.4", "SETTINGS",
                     "first-frame-must-settings| The first frame of a server must be SETTINGS.");
  const struct recording *recording = &peer->exchange->recording;
  for (size_t i = 0; i < recording->count; i++) {
    const struct recorded *entry = &recording->entries[i];
    if (!entry->frame || entry->connection != peer->connection ||
        entry->frame->sender != FRAME_FROM_SERVER)
      continue;
    struct buffer seen = {0};
    if (entry->frame->type == NGHTTP2_SETTINGS && !(entry->frame->flags & NGHTTP2_FLAG_ACK)) {
      expectation_held(peer, (long)i);
      return;
    }
    quote_frame(&seen, entry->frame);
    exchange_fail_at(peer->exchange, (long)i, "SETTINGS", seen.bytes,
                     "first-frame-must-settings| The first frame of a server must be SETTINGS.");
  }
}

/* Only the preface came. Its bytes are the first that nghttp2 has to send: perhaps the program took
 * no more, or it had taken them before it submitted SETTINGS. */
static void expect_submitted_sent(struct exchange *exchange) {
  struct probe probe;
  const struct lab_todos todos = labs_todos(exchange->lab);
  if (todos.send == 0 || !program_probe(exchange->program, &probe) || probe.settings <= 0)
    return;
  blame(exchange, probe.sends == 0 ? todos.submit : todos.send);
  if (probe.sends == 0)
    exchange_fail_at(exchange, -1, "SETTINGS", "only the preface",
                     "submitted-after-sending| Your program submits SETTINGS, but sends nothing "
                     "after that: only the preface comes.");
  exchange_fail_at(exchange, -1, "SETTINGS", "only the preface",
                   "submitted-not-sent| After the preface comes nothing, though your program has "
                   "submitted SETTINGS: nghttp2_session_mem_send gives one piece at a time.");
}

void peer_expect_preface(struct peer *peer) {
  look_at(peer, 0);
  if (peer->program == FRAME_FROM_SERVER) {
    expect_server_preface(peer);
    return;
  }
  struct exchange *exchange = peer->exchange;
  exchange_await(exchange, has_begun, peer);
  const struct frame *first[2] = {NULL, NULL};
  long index[2] = {-1, -1};
  size_t count = 0;
  for (size_t i = 0; i < exchange->recording.count && count < 2; i++) {
    const struct recorded *entry = &exchange->recording.entries[i];
    if (!entry->frame || entry->connection != peer->connection ||
        entry->frame->sender != peer->program)
      continue;
    first[count] = entry->frame;
    index[count++] = (long)i;
  }
  struct buffer seen = {0};
  exchange->finding.section = "3.4";
  if (count < 1 || first[0]->type != FRAME_PREFACE) {
    if (count > 0)
      quote_frame(&seen, first[0]);
    exchange_fail_at(exchange, index[0], "the connection preface: PRI * HTTP/2.0 ...", seen.bytes,
                     "http-2-connection-begins-clients| The client's preface is missing: it begins "
                     "an HTTP/2 connection.");
  }
  if (count < 2 || first[1]->type != NGHTTP2_SETTINGS || first[1]->flags & NGHTTP2_FLAG_ACK ||
      first[1]->error) {
    if (count > 1)
      quote_frame(&seen, first[1]);
    else if (count == 1)
      expect_submitted_sent(exchange);
    exchange_fail_at(
        exchange, index[1], "SETTINGS", seen.bytes,
        "first-frame-behind-preface-must| The first frame after the preface must be SETTINGS.");
  }
  exchange->finding.section = NULL;
  expectation_held(peer, index[1]);
}

static bool is_acknowledged(void *argument) {
  const struct peer *peer = argument;
  return peer->settings_acknowledged;
}

void peer_expect_settings_ack(struct peer *peer) {
  look_at(peer, 0);
  if (!exchange_await(peer->exchange, is_acknowledged, peer))
    fail_expectation(peer, "6.5.3", "SETTINGS with the flag ACK",
                     peer->program == FRAME_FROM_CLIENT
                         ? "never-acknowledged-servers-settings| Your program never acknowledged "
                           "the server's SETTINGS."
                         : "never-acknowledged-clients-settings| Your program never acknowledged "
                           "the client's SETTINGS.");
  expectation_held(peer, peer->acknowledged_at);
}

static bool is_ping_ack(const struct frame *frame, const void *octets) {
  return frame->type == NGHTTP2_PING && frame->flags & NGHTTP2_FLAG_ACK &&
         frame->data_length == 8 && memcmp(frame->data, octets, 8) == 0;
}

struct settling {
  const struct peer *peer;
  size_t answered; /* before */
};

static bool is_settled(void *argument) {
  const struct settling *settling = argument;
  return settling->peer->pings_answered > settling->answered || settling->peer->closed_by_program;
}

static void settle(struct peer *peer, const uint8_t *octets) {
  struct settling settling = {peer, peer->pings_answered};
  peer_send_ping(peer, octets);
  exchange_await(peer->exchange, is_settled, &settling);
}

void peer_settle(struct peer *peer) {
  uint64_t octets = chance_next(&peer->exchange->noise);
  settle(peer, (const uint8_t *)&octets);
}

void peer_expect_ping_ack(struct peer *peer, const uint8_t *octets) {
  expect_frame(peer, is_ping_ack, octets, "6.7", "PING with the flag ACK and the same 8 bytes",
               "not-answer-ping| Your program did not answer a PING.");
}

void peer_expect_settled(struct peer *peer) {
  uint64_t octets = chance_next(&peer->exchange->noise);
  settle(peer, (const uint8_t *)&octets);
  peer_expect_ping_ack(peer, (const uint8_t *)&octets);
}

static bool is_goaway(const struct frame *frame, const void *argument) {
  (void)argument;
  return frame->type == NGHTTP2_GOAWAY && frame->error_code == NGHTTP2_NO_ERROR;
}

static bool is_goaway_with_error(const struct frame *frame, const void *argument) {
  (void)argument;
  return frame->type == NGHTTP2_GOAWAY && frame->error_code != NGHTTP2_NO_ERROR;
}

/* A client that has sent no request, and whose status says that it failed. */
static bool gave_up(struct peer *peer) {
  int status = 0;
  return peer->returned_count == 0 && exchange_await_end(peer->exchange) &&
         program_end(peer->exchange->program, &status) == PROGRAM_EXITED && status == 1;
}

static bool is_goaway_with_any_code(const struct frame *frame, const void *argument) {
  (void)argument;
  return frame->type == NGHTTP2_GOAWAY;
}

static bool has_said_goodbye(void *argument) {
  struct search *search = argument;
  return is_found(search) || search->peer->closed_by_program;
}

bool peer_await_goaway(struct peer *peer) {
  struct search search = {peer, is_goaway_with_any_code, NULL, 0};
  look_at(peer, 0);
  return exchange_await(peer->exchange, has_said_goodbye, &search);
}

static bool has_left(void *argument) {
  const struct search *search = argument;
  return has_said_goodbye(argument) || program_ended(search->peer->exchange->program);
}

void peer_expect_patience(struct peer *peer, const char *event) {
  struct search search = {peer, is_goaway_with_any_code, NULL, 0};
  char expected[128];
  look_at(peer, 0);
  if (!exchange_pause(peer->exchange, has_left, &search))
    return;
  bool goodbye = is_found(&search);
  snprintf(expected, sizeof expected, "nothing before %s", event);
  peer->exchange->finding.section = "6.8";
  exchange_fail_at(peer->exchange, goodbye ? (long)search.next : -1, expected,
                   goodbye ? NULL : "the end of the connection",
                   "does-not-wait| Your program does not wait for %s: it ends the connection in a "
                   "pause in which nothing comes.",
                   event);
}

void peer_expect_goaway(struct peer *peer) {
  look_at(peer, 0);
  struct search search = {peer, is_goaway, NULL, 0};
  struct search other = {peer, is_goaway_with_error, NULL, 0};
  if (!exchange_await(peer->exchange, is_found, &search))
    fail_expectation(peer, "6.8", "GOAWAY NO_ERROR",
                     is_found(&other) ? "says-goodbye-error-code-though| Your program says goodbye "
                                        "with an error code, though nothing is wrong."
                     : peer->closed_by_program && !peer->settings_acknowledged && gave_up(peer)
                         ? "closes-connection-before-session-open| Your program closes the "
                           "connection before the session is open: SETTINGS are not acknowledged."
                     : peer->closed_by_program
                         ? "closes-without-goaway| Your program closes the connection without a "
                           "goodbye: GOAWAY comes first."
                         : "no-goaway| Your program does not say goodbye: it sends no GOAWAY.");
  expectation_held(peer, (long)search.next);
}

struct reset {
  int32_t stream_id;
  uint32_t error_code;
};

static bool is_any_reset(const struct frame *frame, const void *argument) {
  const struct reset *reset = argument;
  return frame->type == NGHTTP2_RST_STREAM && frame->stream_id == reset->stream_id;
}

static bool is_reset(const struct frame *frame, const void *argument) {
  const struct reset *reset = argument;
  return is_any_reset(frame, reset) && frame->error_code == reset->error_code;
}

void peer_expect_reset(struct peer *peer, int32_t stream_id, uint32_t error_code) {
  struct reset reset = {stream_id, error_code};
  struct search search = {peer, is_reset, &reset, 0};
  struct search other = {peer, is_any_reset, &reset, 0};
  char expected[64];
  snprintf(expected, sizeof expected, "RST_STREAM %s on stream %d", frame_error_name(error_code),
           stream_id);
  look_at(peer, 0);
  if (!exchange_await(peer->exchange, is_found, &search))
    fail_expectation(
        peer, "6.4", expected,
        is_found(&other)
            ? "not-reset-stream| Your program resets the stream with another error code."
            : "not-reset-stream| Your program did not reset the stream.");
  expectation_held(peer, (long)search.next);
}

static bool is_closed(void *argument) {
  const struct peer *peer = argument;
  return peer->closed_by_program;
}

/* Whether a frame of HTTP/2 has come from the program: if not, HTTP/2 does not say how it ends. */
static bool speaks_http2(const struct peer *peer) {
  const struct recording *recording = &peer->exchange->recording;
  for (size_t i = 0; i < recording->count; i++) {
    const struct recorded *entry = &recording->entries[i];
    if (entry->frame && entry->connection == peer->connection &&
        entry->frame->sender == peer->program && entry->frame->type != FRAME_NOT_HTTP2)
      return true;
  }
  return false;
}

void peer_expect_close(struct peer *peer) {
  look_at(peer, 0);
  if (!exchange_await(peer->exchange, is_closed, peer))
    fail_expectation(peer, speaks_http2(peer) ? "6.8" : "",
                     peer->program == FRAME_FROM_CLIENT ? "the connection is closed by the client"
                                                        : "the connection is closed by the server",
                     "not-close-connection| Your program does not close the connection.");
}

/* A stream that the program has opened, and that was not yet returned. */
struct new_stream {
  struct peer *peer;
  int32_t stream_id;
};

static bool has_request(void *argument) {
  struct new_stream *new_stream = argument;
  struct peer *peer = new_stream->peer;
  for (size_t i = 0; i < PEER_STREAMS; i++) {
    if (peer->streams[i].headers_complete && !peer->streams[i].returned) {
      new_stream->stream_id = (int32_t)(2 * i + 1);
      return true;
    }
  }
  return false;
}

int32_t peer_expect_request(struct peer *peer) {
  look_at(peer, 0);
  struct new_stream new_stream = {peer, 0};
  if (!exchange_await(peer->exchange, has_request, &new_stream))
    fail_expectation(peer, "8.1", "HEADERS with END_HEADERS on a new stream",
                     peer->returned_count == 0
                         ? "not-send-request| Your program did not send a request."
                         : "not-send-all-requests| Your program did not send all the requests.");
  peer_stream(peer, new_stream.stream_id)->returned = true;
  peer->returned_count++;
  expectation_held(peer, peer_stream(peer, new_stream.stream_id)->complete_at);
  return new_stream.stream_id;
}

static bool request_has_ended(void *argument) {
  const struct peer_stream *stream = argument;
  return stream->ended;
}

void peer_expect_end_of_request(struct peer *peer, int32_t stream_id) {
  look_at(peer, stream_id);
  if (!exchange_await(peer->exchange, request_has_ended, peer_stream(peer, stream_id)))
    fail_expectation(
        peer, "8.1", "a frame with END_STREAM on the stream",
        "request-never-ends-no-frame| The request never ends: none of its frames has END_STREAM.");
  expectation_held(peer, peer_stream(peer, stream_id)->over_at);
}

/* --- A server's answers ----------------------------------------------------------------------- */

static bool is_over(void *argument) {
  const struct peer_stream *stream = argument;
  return stream->ended || stream->reset;
}

/* What came on a stream so far, in words. */
static void explain_stream(struct buffer *seen, const struct peer_stream *stream) {
  if (stream->reset) {
    buffer_append_text(seen, "RST_STREAM ");
    buffer_append_text(seen, frame_error_name(stream->error_code)
                                 ? frame_error_name(stream->error_code)
                                 : "(unknown error code)");
  } else if (!stream->headers_complete) {
    buffer_append_text(seen, "nothing on this stream");
  } else if (!stream->ended) {
    buffer_append_text(seen, "HEADERS, and a body of ");
    quote_text(seen, stream->body.bytes, stream->body.length);
    buffer_append_text(seen, " without END_STREAM");
  }
}

/* The last frame of the program on that stream; -1 if there is none. */
static long find_last_on_stream(const struct peer *peer, int32_t stream_id) {
  const struct recording *recording = &peer->exchange->recording;
  long last = -1;
  for (size_t i = 0; i < recording->count && !peer->is_reference; i++) {
    const struct recorded *entry = &recording->entries[i];
    if (entry->frame && entry->connection == peer->connection &&
        entry->frame->sender == peer->program && entry->frame->stream_id == stream_id)
      last = (long)i;
  }
  return last;
}

static _Noreturn void fail_response(struct peer *peer, int32_t stream_id, const char *what) {
  struct peer_stream *stream = peer_stream(peer, stream_id);
  struct buffer seen = {0};
  char expected[64];
  snprintf(expected, sizeof expected, "a response with END_STREAM on stream %d", stream_id);
  explain_stream(&seen, stream);
  peer->exchange->finding.section = stream->reset ? "6.4" : "8.1";
  exchange_fail_at(peer->exchange, find_last_on_stream(peer, stream_id), expected, seen.bytes, "%s",
                   what);
}

/* Nothing came: say so if the response was refused before it was sent. */
static _Noreturn void fail_without_response(struct peer *peer, int32_t stream_id) {
  struct probe probe;
  struct exchange *exchange = peer->exchange;
  if (program_probe(exchange->program, &probe) && probe.refused > 0 && !exchange->fails)
    fail_response(peer, stream_id,
                  "response-refused| Your server did not answer a request: stream_respond returned "
                  "-1, so a field or the status is not allowed, or the stream is closed.");
  fail_response(peer, stream_id, "request-not-answered| Your server did not answer a request.");
}

/* The program has announced a body of another length than it gave: common/ resets the stream. */
static const char *fault_of_reset(struct exchange *exchange, char text[256]) {
  struct probe probe;
  if (!program_probe(exchange->program, &probe) || probe.announced <= 0 ||
      probe.body == probe.announced || probe.pieces == 0)
    return "request-reset-place-being-answered| Your server reset a request instead of answering "
           "it.";
  if (labs_todos(exchange->lab).respond > 0)
    finding_blame(&exchange->finding, labs_todos(exchange->lab).respond);
  const char *id = probe.body == 0                     ? "body-announced-not-given"
                   : probe.body == 2 * probe.announced ? "body-given-twice"
                                                       : "body-not-as-announced";
  snprintf(text, 256,
           "%s| Your server announces a body of %jd bytes to stream_respond, but then gives %jd "
           "bytes%s: so the stream is reset.",
           id, (intmax_t)probe.announced, (intmax_t)probe.body,
           probe.body == 2 * probe.announced ? ", the whole body twice" : "");
  return text;
}

void peer_expect_response(struct peer *peer, int32_t stream_id) {
  char text[256];
  look_at(peer, stream_id);
  struct peer_stream *stream = peer_stream(peer, stream_id);
  if (!exchange_await(peer->exchange, is_over, stream) && stream->headers_complete)
    fail_response(peer, stream_id,
                  "response-never-ends-no-frame| The response never ends: none of its frames has "
                  "END_STREAM.");
  if (!stream->ended && stream->reset)
    fail_response(peer, stream_id, fault_of_reset(peer->exchange, text));
  if (!stream->ended)
    fail_without_response(peer, stream_id);
  expectation_held(peer, stream->over_at);
}

/* This part of the response is wrong; `what` says how. */
static _Noreturn void fail_part(struct peer *peer, int32_t stream_id, long frame, const char *what,
                                const char *expected, const char *seen, size_t seen_length) {
  struct buffer quoted[2] = {0};
  quote_text(&quoted[0], expected, strlen(expected));
  if (seen)
    quote_text(&quoted[1], seen, seen_length);
  exchange_fail_at(peer->exchange, frame >= 0 ? frame : peer_stream(peer, stream_id)->frame,
                   quoted[0].bytes, seen ? quoted[1].bytes : "none", "%s", what);
}

/* Whether the body that came is this one, and not empty. */
static bool has_body(struct peer *peer, int32_t stream_id, const char *body) {
  const struct buffer *seen = &peer_stream(peer, stream_id)->body;
  return seen->length > 0 && seen->length == strlen(body) &&
         memcmp(seen->bytes, body, seen->length) == 0;
}

/* The response to what has no route has another status. If its body is right, your server knows
 * that: only the status is wrong. */
static const char *fault_of_not_found(const char *seen, bool right_body) {
  if (right_body)
    return "status-of-not-found| The status of the response is wrong: your server sends the text "
           "of "
           "the 404 with another status.";
  return seen && strcmp(seen, "200") == 0
             ? "status-unknown-found| The status of the response is wrong: your server takes "
               "the request for a known one."
             : "status-not-found-wrong| The status of the response is wrong.";
}

static void expect_status(struct peer *peer, int32_t stream_id, const char *expected,
                          const char *body) {
  const char *seen = peer_field(peer, stream_id, ":status");
  if (seen && strcmp(seen, expected) == 0)
    return;
  const int compares = place_of_text(peer->exchange, "== \"");
  if (seen && strcmp(seen, "404") == 0 && compares > 0) {
    finding_blame(&peer->exchange->finding, compares);
    fail_part(peer, stream_id, -1,
              "texts-compared-with-equals| Your program compares two texts with ==, which compares "
              "their addresses: compare their letters with strcmp.",
              expected, seen, strlen(seen));
  }
  if (seen && strcmp(seen, "404") == 0 && strcmp(expected, "200") == 0)
    blame(peer->exchange, labs_todos(peer->exchange->lab).route);
  fail_part(peer, stream_id, -1,
            seen && strcmp(seen, "404") == 0
                ? "status-known-not-found| The status of the response is wrong: your server takes "
                  "the request for an unknown one."
            : strcmp(expected, "404") != 0
                ? "status-wrong| The status of the response is wrong."
                : fault_of_not_found(seen, has_body(peer, stream_id, body)),
            expected, seen, seen ? strlen(seen) : 0);
}

/* Whether the body is right, but for the NUL that ends it in memory. */
static bool has_nul(const char *expected, const char *seen, size_t length) {
  return length == strlen(expected) + 1 && memcmp(seen, expected, length) == 0;
}

/* In what way a body is wrong. */
static const char *fault_of_body(bool no_data, const char *expected, const char *seen,
                                 size_t length) {
  size_t wanted = strlen(expected);
  size_t both = length < wanted ? length : wanted;
  if (no_data)
    return "body-missing| The body of the response is wrong: your server sends none, and its "
           "HEADERS have END_STREAM.";
  if (length == 0)
    return "body-empty| The body of the response is wrong: it is empty.";
  if (memcmp(expected, seen, both) != 0)
    return length == wanted ? "body-other-bytes| The body of the response is wrong: the length is "
                              "right, but not all bytes are."
                            : "body-wrong| The body of the response is wrong.";
  if (has_nul(expected, seen, length))
    return "body-with-nul| The body of the response is wrong: after it comes the NUL that ends a "
           "string in C.";
  return length < wanted ? "body-short| The body of the response is wrong: its end is missing."
                         : "body-long| The body of the response is wrong: it goes on too long.";
}

static void expect_body(struct peer *peer, int32_t stream_id, const char *expected) {
  const struct buffer *body = &peer_stream(peer, stream_id)->body;
  const char *seen = body->bytes ? body->bytes : "";
  if (body->length == strlen(expected) && memcmp(seen, expected, body->length) == 0)
    return;
  long data = peer_find_frame(peer, NGHTTP2_DATA, stream_id);
  if (has_nul(expected, seen, body->length))
    blame(peer->exchange, labs_todos(peer->exchange->lab).respond);
  fail_part(peer, stream_id, data, fault_of_body(data < 0, expected, seen, body->length), expected,
            seen, body->length);
}

/* RFC 9113, sections 8.2 and 8.3: what is wrong with one field, which may come after a regular one,
 * with an id before it; NULL if nothing is wrong. */
static const char *fault_of_field(const char *field, bool behind_regular) {
  static const char *const forbidden[] = {
      "connection: ", "proxy-connection: ", "keep-alive: ", "transfer-encoding: ", "upgrade: "};
  size_t name_length = strcspn(*field == ':' ? field + 1 : field, ":") + (*field == ':');
  if (name_length == 0 || strncmp(field, ": ", 2) == 0)
    return "field-without-name| A header field has no name";
  if (*field == ':' && behind_regular)
    return "pseudo-field-late| A pseudo-header field comes after a regular one";
  for (size_t i = 0; i < name_length; i++)
    if (field[i] >= 'A' && field[i] <= 'Z')
      return "field-name-upper-case| The name of a header field has an upper-case letter";
  for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
    if (strncmp(field, forbidden[i], strlen(forbidden[i])) == 0)
      return "connection-field| HTTP/2 has no field like this one of HTTP/1.1, about the "
             "connection";
  return NULL;
}

void peer_expect_well_formed(struct peer *peer, int32_t stream_id) {
  const struct peer_stream *stream = peer_stream(peer, stream_id);
  const char *message = peer->program == FRAME_FROM_CLIENT ? "request" : "response";
  bool regular = false;
  for (const char *line = stream->fields.bytes; line && *line; line += strcspn(line, "\n") + 1) {
    char field[64];
    snprintf(field, sizeof field, "%.*s", (int)strcspn(line, "\n"), line);
    const char *fault = fault_of_field(field, regular);
    regular = *line != ':';
    if (!fault)
      continue;
    peer->exchange->finding.section = strstr(fault, "pseudo") ? "8.3" : "8.2";
    exchange_fail_at(peer->exchange, stream->frame, "a header section as RFC 9113 requires", field,
                     "%s: the %s is malformed.", fault, message);
  }
}

/* RFC 9113, sections 8.1.1 and 8.3: a response may be malformed although each single field is
 * right. A response to HEAD has the content-length of the body that it leaves out. */
static void expect_well_formed_response(struct peer *peer, int32_t stream_id) {
  const struct peer_stream *stream = peer_stream(peer, stream_id);
  if (stream->fields.length > 0 && strncmp(stream->fields.bytes, ":status: ", 9) != 0) {
    peer->exchange->finding.section = "8.3";
    exchange_fail_at(peer->exchange, stream->frame, ":status before all other fields", NULL,
                     "response-malformed-status-not-first| The response is malformed: :status is "
                     "not its first field.");
  }
  peer_expect_well_formed(peer, stream_id);
  const char *length = peer_field(peer, stream_id, "content-length");
  if (length && stream->body.length > 0 && strtoul(length, NULL, 10) != stream->body.length) {
    peer->exchange->finding.section = "8.1.1";
    exchange_fail_at(peer->exchange, stream->frame, NULL, NULL,
                     "content-length-wrong| content-length is %s, but the body has %zu bytes: the "
                     "response is malformed.",
                     length, stream->body.length);
  }
}

/* The time of a response is not that of the program's time zone, called GMT. */
static void expect_no_local_time(struct peer *peer, const struct peer_stream *stream, time_t second,
                                 const char *date) {
  enum { MINUTE = 60 };
  const struct exchange *exchange = peer->exchange;
  if (peer->is_reference ||
      labs((long)(second - time(NULL)) - (long)MINUTE * exchange->zone) > MINUTE)
    return;
  exchange_fail_at(peer->exchange, stream->frame, "the date and time of now, in GMT", date,
                   "date-in-local-time| The date of the response is the local time, and says GMT "
                   "(the check has set %s): use gmtime_r, not localtime_r.",
                   exchange->zone_text);
}

/* The response has a date, which is now: not before the program started, and not in the future.
 * Clocks may differ by a second, and a server need not read its own for every response. (One check
 * of lab 3 sees that the date moves on.) */
static void expect_date(struct peer *peer, int32_t stream_id) {
  enum { CLOCKS = 2, ROUNDING = 1 };
  const struct peer_stream *stream = peer_stream(peer, stream_id);
  const char *date = peer_field(peer, stream_id, "date");
  struct tm tm = {0};
  char right[64] = "";
  if (date && strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm)) {
    timegm(&tm); /* finds the day of the week */
    strftime(right, sizeof right, "%a, %d %b %Y %H:%M:%S GMT", &tm);
  }
  if (!date || strcmp(date, right) != 0)
    exchange_fail_at(
        peer->exchange, stream->frame, *right ? right : "date: Sun, 06 Nov 1994 08:49:37 GMT",
        date ? date : "no such field", "%s",
        *right ? "date-malformed| The date of the response is not in the form of HTTP, "
                 "or not a day of the calendar."
               : "response-no-date| The response has no date.");
  const time_t second = timegm(&tm);
  expect_no_local_time(peer, stream, second, date);
  if (difftime(second, time(NULL)) > CLOCKS || difftime(peer->exchange->started, second) > ROUNDING)
    exchange_fail_at(peer->exchange, stream->frame, "the date and time of now, in GMT", date,
                     "date-response-not-time-made| The date of the response is not the time at "
                     "which your server made it.");
}

void peer_expect_answer(struct peer *peer, int32_t stream_id, const char *status,
                        const char *body) {
  peer_expect_response(peer, stream_id);
  expect_well_formed_response(peer, stream_id);
  expect_status(peer, stream_id, status, body);
  expect_body(peer, stream_id, body);
  expect_date(peer, stream_id);
}

struct refusal {
  struct peer *peer;
  struct peer_stream *stream;
};

static bool is_refused_or_answered(void *argument) {
  const struct refusal *refusal = argument;
  return is_over(refusal->stream) || refusal->peer->protocol_error;
}

bool peer_refuses(struct peer *peer, int32_t stream_id) {
  struct peer_stream *stream = peer_stream(peer, stream_id);
  struct refusal refusal = {peer, stream};
  exchange_await(peer->exchange, is_refused_or_answered, &refusal);
  const char *status = peer_field(peer, stream_id, ":status");
  return peer->protocol_error || (stream->reset && stream->error_code == NGHTTP2_PROTOCOL_ERROR) ||
         (status && strcmp(status, "400") == 0);
}

void peer_expect_refusal(struct peer *peer, int32_t stream_id, const char *what) {
  look_at(peer, stream_id);
  if (peer_refuses(peer, stream_id)) {
    expectation_held(peer, peer_last_entry(peer));
    return;
  }
  struct peer_stream *stream = peer_stream(peer, stream_id);
  const char *status = peer_field(peer, stream_id, ":status");
  struct buffer seen = {0};
  explain_stream(&seen, stream);
  if (status) {
    buffer_append_text(&seen, " a response with status ");
    buffer_append_text(&seen, status);
  }
  exchange_fail_at(peer->exchange, stream->opened ? stream->frame : -1,
                   "RST_STREAM PROTOCOL_ERROR, or status 400", seen.bytes,
                   "malformed-request-served| Your server did not refuse a malformed request: %s.",
                   what);
}

void peer_expect_goodbye(struct peer *peer) {
  peer_expect_goaway(peer);
  peer_expect_close(peer);
}

void peer_handshake(struct peer *peer) {
  peer_expect_open(peer);
  nghttp2_settings_entry settings[1 + PEER_MORE_SETTINGS] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
  peer_send_settings(peer, settings, peer_add_settings(peer, settings, 1));
  peer_expect_preface(peer);
}
