/* The end of a connection: with a goodbye, by an error of one side or the other, or at once. */
#include "common/connection.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tests/failing.h"
#include "common/tests/support.h"
#include "common/tests/talker.h"

TestSuite(connection_end, .init = support_begin, .fini = support_end, .timeout = 60);

static void end(struct talker *client, struct talker *server) {
  talker_free(client);
  talker_free(server);
}

/* `sender` must have sent exactly one GOAWAY, with this error code. */
static const struct frame *expect_goaway(const struct talker *talker, enum frame_sender sender,
                                         uint32_t error_code) {
  const struct frame *frame = talker_find(talker, sender, NGHTTP2_GOAWAY, 0);
  cr_assert_not_null(frame, "no GOAWAY");
  cr_assert_eq(frame->error_code, error_code, "error code %u", frame->error_code);
  cr_assert_null(talker_find(talker, sender, NGHTTP2_GOAWAY, 1), "two GOAWAYs");
  return frame;
}

/* --- Goodbye ---------------------------------------------------------------------------------- */

Test(connection_end, client_closes) {
  struct talker client = {.observes = true};
  struct talker server = {.observes = true};
  talker_meet(&client, &server);
  connection_close(client.connection);
  connection_close(client.connection);
  cr_assert_not(client.closed, "closed without GOAWAY");
  talker_expect_close(&client, NULL);
  talker_expect_close(&server, NULL);
  expect_goaway(&server, FRAME_FROM_CLIENT, NGHTTP2_NO_ERROR);
  end(&client, &server);
}

Test(connection_end, server_closes) {
  struct talker client = {.observes = true, .body = 1};
  struct talker server = {.observes = true};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  talker_await(&client, 1);
  connection_close(server.connection);
  talker_expect_close(&server, NULL);
  talker_expect_close(&client, NULL);
  const struct frame *goaway = expect_goaway(&client, FRAME_FROM_SERVER, NGHTTP2_NO_ERROR);
  cr_assert_eq(goaway->last_stream_id, 1, "the last stream is %d", goaway->last_stream_id);
  end(&client, &server);
}

Test(connection_end, both_close) {
  struct talker client = {0};
  struct talker server = {0};
  talker_meet(&client, &server);
  connection_close(client.connection);
  connection_close(server.connection);
  talker_expect_close(&server, NULL);
  talker_expect_close(&client, NULL);
  end(&client, &server);
}

/* One side says goodbye while the client waits for a response: the connection ends only after the
 * response. */
static void close_in_flight(bool by_server) {
  struct talker client = {.observes = true, .body = 300000};
  struct talker server = {.body = 500000, .holds = true};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  while (server.requests == 0)
    support_turn();
  connection_close(by_server ? server.connection : client.connection);
  enum frame_sender sender = by_server ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
  while (!talker_find(&client, sender, NGHTTP2_GOAWAY, 0))
    support_turn();
  for (int turn = 0; turn < 20; turn++)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert(!client.closed && !server.closed, "closed with a stream in flight");
  talker_answer(&server);
  talker_await(&client, 1);
  cr_assert_eq(client.received[0], 500000, "the response has %zu bytes", client.received[0]);
  talker_expect_close(&client, NULL);
  talker_expect_close(&server, NULL);
  expect_goaway(&client, sender, NGHTTP2_NO_ERROR);
  end(&client, &server);
}

Test(connection_end, client_closes_in_flight) {
  close_in_flight(false);
}

Test(connection_end, server_closes_in_flight) {
  close_in_flight(true);
}

static void close_only(struct talker *talker) {
  connection_close(talker->connection);
}

/* The response, GOAWAY(NO_ERROR) and FIN come in one packet: the client has everything, though it
 * could not say goodbye. */
static void end_at_once(struct talker *client, bool closes) {
  struct buffer bytes = {0};
  client->observes = true;
  int server = talker_meet_raw_server(client);
  talker_request(client);
  connection_send(client->connection);
  while (!talker_find(client, FRAME_FROM_CLIENT, NGHTTP2_HEADERS, 0))
    support_turn();
  client->at_stream_close = closes ? close_only : NULL;
  frames_append(&bytes, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
  frames_append(&bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
                "\x88", 1);
  frames_append(&bytes, NGHTTP2_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
  support_send(server, bytes.bytes, bytes.length);
  shutdown(server, SHUT_WR);
  talker_expect_close(client, NULL);
  cr_assert_eq(client->finished, 1, "no response");
  close(server);
  buffer_free(&bytes);
  talker_free(client);
}

Test(connection_end, all_at_once) {
  struct talker client = {0};
  end_at_once(&client, false);
}

Test(connection_end, all_at_once_and_closed) {
  struct talker client = {0};
  end_at_once(&client, true);
}

static void close_twice(struct talker *talker) {
  connection_close(talker->connection);
  connection_close(talker->connection);
  cr_assert_not(talker->closed, "closed within a callback");
}

static void request_and_close(struct talker *client) {
  talker_request(client);
  close_twice(client);
}

/* A request submitted before the end still leaves. */
Test(connection_end, close_in_on_open) {
  struct talker client = {.at_open = request_and_close, .body = 1000};
  struct talker server = {.body = 1000};
  talker_meet(&client, &server);
  talker_expect_close(&client, NULL);
  talker_expect_close(&server, NULL);
  cr_assert(client.finished == 1 && client.received[0] == 1000, "no response");
  end(&client, &server);
}

Test(connection_end, close_in_on_frame_recv) {
  struct talker client = {.at_frame = close_twice};
  struct talker server = {0};
  talker_meet(&client, &server);
  talker_expect_close(&client, NULL);
  talker_expect_close(&server, NULL);
  end(&client, &server);
}

/* As lab 2 does it: after the last response. */
Test(connection_end, close_in_on_stream_close) {
  struct talker client = {.at_stream_close = close_twice, .body = 1};
  struct talker server = {.body = 1};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  talker_expect_close(&client, NULL);
  talker_expect_close(&server, NULL);
  cr_assert_eq(client.finished, 1, "no response");
  end(&client, &server);
}

static void close_again(struct talker *talker) {
  connection_close(talker->connection);
}

/* on_close comes once, and frees the connection once, whatever a test calls in it. */
Test(connection_end, close_in_on_close) {
  int port;
  int bound = support_refuse(&port);
  struct talker refused = {.at_close = close_again};
  talker_connect(&refused, port);
  support_wait(&refused.closed);
  close(bound);
  struct talker server = {.at_close = close_again};
  close(talker_meet_raw_client(&server));
  support_wait(&server.closed);
}

/* During the look-up of the name. */
Test(connection_end, close_before_open) {
  struct talker client = {0};
  talker_connect(&client, 1);
  connection_close(client.connection);
  cr_assert(client.closed, "the client did not give up at once");
  talker_expect_close(&client, NULL);
  cr_assert_not(client.open, "on_open");
  support_drain();
}

/* The end does not depend on the peer. */
Test(connection_end, peer_does_not_answer) {
  struct talker client = {0};
  int server = talker_meet_raw_server(&client);
  uint64_t start = support_now();
  connection_close(client.connection);
  talker_expect_close(&client, NULL);
  uint64_t took = support_now() - start;
  cr_assert_lt(took, 2000, "it took %d ms", (int)took);
  close(server);
}

/* --- The peer's end --------------------------------------------------------------------------- */

Test(connection_end, refused) {
  int port;
  int bound = support_refuse(&port);
  struct talker client = {0};
  talker_connect(&client, port);
  char error[64];
  snprintf(error, sizeof error, "connect to 127.0.0.1:%d: Connection refused", port);
  talker_expect_close(&client, error);
  cr_assert_not(client.open, "on_open");
  close(bound);
}

/* The error does not depend on the open stream. */
Test(connection_end, peer_closes_early) {
  struct talker client = {0};
  int server = talker_meet_raw_server(&client);
  talker_request(&client);
  connection_send(client.connection);
  while (client.sent == 0)
    support_turn();
  shutdown(server, SHUT_WR);
  talker_expect_close(&client, "closed by the peer");
  cr_assert(client.finished == 0 && client.failed == 0, "on_stream_close");
  close(server);
}

Test(connection_end, peer_resets) {
  struct talker server = {0};
  int client = talker_meet_raw_client(&server);
  support_reset(client);
  talker_expect_close(&server, "read: Connection reset by peer");
}

static void send_text(int descriptor, const char *text) {
  struct buffer bytes = {0};
  frames_append_text(&bytes, text);
  support_send(descriptor, bytes.bytes, bytes.length);
  buffer_free(&bytes);
}

static const char client_preface[] = "'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a"
                                     "000000 04 00 00000000";
static const char server_preface[] = "000000 04 00 00000000";

/* Receive everything until the end, and look for GOAWAY in it. Returns its error code, or -1 if
 * there is none. */
static int64_t receive_goaway(int descriptor, enum frame_sender sender) {
  struct frames frames;
  frames_begin(&frames);
  char bytes[4096];
  ssize_t length;
  while ((length = support_receive(descriptor, bytes, sizeof bytes)) > 0)
    frames_feed(&frames, sender, bytes, (size_t)length);
  cr_assert_eq(length, 0, "no FIN: %s", strerror(errno));
  int64_t error_code = -1;
  for (size_t i = 0; i < frames.count; i++)
    if (frames.list[i]->type == NGHTTP2_GOAWAY)
      error_code = frames.list[i]->error_code;
  frames_end(&frames);
  return error_code;
}

/* No stream is open, so both sides have finished. */
Test(connection_end, peer_says_goodbye) {
  struct talker client = {0};
  int server = talker_meet_raw_server(&client);
  send_text(server, server_preface);
  send_text(server, "000008 07 00 00000000 00000000 00000000");
  receive_goaway(server, FRAME_FROM_CLIENT);
  close(server);
  talker_expect_close(&client, NULL);
}

/* The peer reports an error of this side: that is not a clean end, though no stream is lost. We
 * find the report in any fragmentation, and after other frames. */
static void expect_goaway_error(bool by_client, size_t piece, const char *code, const char *error) {
  struct talker talker = {0};
  struct buffer bytes = {0};
  int peer = by_client ? talker_meet_raw_client(&talker) : talker_meet_raw_server(&talker);
  frames_append_text(&bytes, by_client ? client_preface : server_preface);
  frames_append_text(&bytes, "000008 06 00 00000000 0000000000000007");
  frames_append_text(&bytes, "00000a 07 00 00000000 00000000");
  frames_append_text(&bytes, code);
  frames_append_text(&bytes, "0707");
  for (size_t sent = 0; sent < bytes.length; sent += piece) {
    size_t left = bytes.length - sent;
    support_send(peer, bytes.bytes + sent, left < piece ? left : piece);
    uv_run(support_loop(), UV_RUN_NOWAIT);
  }
  receive_goaway(peer, by_client ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT);
  close(peer);
  talker_expect_close(&talker, error);
  buffer_free(&bytes);
}

Test(connection_end, peer_says_goodbye_with_an_error) {
  for (size_t piece = 1; piece < 40; piece += 3) {
    expect_goaway_error(false, piece, "0000000b", "the peer sent GOAWAY(ENHANCE_YOUR_CALM)");
    expect_goaway_error(true, piece, "00000001", "the peer sent GOAWAY(PROTOCOL_ERROR)");
  }
  expect_goaway_error(false, 1000, "0000000b", "the peer sent GOAWAY(ENHANCE_YOUR_CALM)");
  expect_goaway_error(false, 1000, "00001234", "the peer sent GOAWAY(unknown error)");
  expect_goaway_error(false, 1000, "00000000", NULL);
}

/* --- Errors ----------------------------------------------------------------------------------- */

static void request(struct talker *client) {
  talker_request(client);
}

/* The peer sends this after the preface: the error must begin with the name of the error code, then
 * nghttp2's reason, if it gives one; and the peer must get the same code. */
static void expect_error(bool by_client, const char *text, const char *name, uint32_t code) {
  struct talker talker = {.holds = true, .at_open = by_client ? NULL : request};
  int peer = by_client ? talker_meet_raw_client(&talker) : talker_meet_raw_server(&talker);
  send_text(peer, by_client ? client_preface : server_preface);
  send_text(peer, text);
  int64_t told = receive_goaway(peer, by_client ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT);
  cr_assert_eq(told, code, "the peer got %d, not %s", (int)told, name);
  close(peer);
  support_wait(&talker.closed);
  const char *rest = talker.error + strlen(name);
  cr_assert_eq(strncmp(talker.error, name, strlen(name)), 0, "'%s' for %s", talker.error, text);
  cr_assert(*rest == '\0' || strncmp(rest, ": ", 2) == 0, "'%s' for %s", talker.error, text);
}

static void expect_errors(bool by_client) {
  expect_error(by_client, "000001 00 00 00000000 00", "PROTOCOL_ERROR: DATA: stream_id == 0",
               NGHTTP2_PROTOCOL_ERROR);
  expect_error(by_client, "000004 08 00 00000000 00000000", "PROTOCOL_ERROR",
               NGHTTP2_PROTOCOL_ERROR);
  expect_error(by_client, "000006 04 00 00000000 0004 80000000", "FLOW_CONTROL_ERROR",
               NGHTTP2_FLOW_CONTROL_ERROR);
  expect_error(by_client, "000007 06 00 00000000 '1234567'", "FRAME_SIZE_ERROR",
               NGHTTP2_FRAME_SIZE_ERROR);
  expect_error(by_client, "000001 01 05 00000001 80", "COMPRESSION_ERROR",
               NGHTTP2_COMPRESSION_ERROR);
}

Test(connection_end, client_breaks_the_protocol) {
  expect_errors(true);
}

Test(connection_end, server_breaks_the_protocol) {
  expect_errors(false);
}

static void expect_start(const char *text, const char *start) {
  cr_assert_eq(strncmp(text, start, strlen(start)), 0, "'%s'", text);
}

/* A peer that does not speak HTTP/2 gets no frame. */
Test(connection_end, client_speaks_another_protocol) {
  struct talker server = {0};
  int client = talker_meet_raw_client(&server);
  support_send(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35);
  cr_assert_eq(receive_goaway(client, FRAME_FROM_SERVER), -1, "GOAWAY");
  close(client);
  support_wait(&server.closed);
  expect_start(server.error, "not HTTP/2: ");
}

/* A client cannot tell such a server from a wrong HTTP/2 server. */
Test(connection_end, server_speaks_another_protocol) {
  struct talker client = {0};
  int server = talker_meet_raw_server(&client);
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
  support_send(server, answer, strlen(answer));
  cr_assert_eq(receive_goaway(server, FRAME_FROM_CLIENT), NGHTTP2_PROTOCOL_ERROR, "no GOAWAY");
  close(server);
  talker_expect_close(&client, "PROTOCOL_ERROR: SETTINGS expected");
}

static void fail(struct talker *talker) {
  talker->fails = NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* A callback of the owner fails. */
Test(connection_end, callback_fails) {
  struct talker client = {.observes = true};
  struct talker server = {.at_frame = fail};
  talker_meet(&client, &server);
  support_wait(&server.closed);
  expect_start(server.error, "nghttp2: ");
  support_wait(&client.closed);
  expect_goaway(&client, FRAME_FROM_SERVER, NGHTTP2_INTERNAL_ERROR);
  end(&client, &server);
}

Test(connection_end, body_fails) {
  struct talker client = {.body = 1};
  struct talker server = {.body_fails = NGHTTP2_ERR_CALLBACK_FAILURE};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  support_wait(&server.closed);
  expect_start(server.error, "nghttp2: ");
  talker_expect_close(&client, "closed by the peer");
  end(&client, &server);
}

/* --- At once ---------------------------------------------------------------------------------- */

static void drop(struct talker *talker) {
  connection_free(talker->connection);
  talker->connection = NULL;
}

Test(connection_end, free_before_open) {
  struct talker client = {0};
  talker_connect(&client, 1);
  drop(&client);
  support_drain();
  cr_assert(!client.open && !client.closed, "an event after connection_free");
}

Test(connection_end, free_in_on_open) {
  struct talker client = {.at_open = drop};
  int server = talker_meet_raw_server(&client);
  support_expect_end(server);
  close(server);
  support_drain();
  cr_assert_not(client.closed, "an event after connection_free");
}

Test(connection_end, free_in_on_open_of_a_server) {
  struct talker server = {.at_open = drop};
  int client = talker_meet_raw_client(&server);
  support_expect_end(client);
  close(client);
  support_drain();
  cr_assert_not(server.closed, "an event after connection_free");
}

Test(connection_end, free_in_flight) {
  struct talker client = {.body = 10000000};
  struct talker server = {0};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  while (server.received[0] < 1000000)
    support_turn();
  drop(&client);
  support_wait(&server.closed);
  cr_assert_neq(server.error[0], '\0', "ended without an error");
  support_drain();
  cr_assert(!client.closed && client.finished == 0, "an event after connection_free");
}

Test(connection_end, free_after_close) {
  struct talker client = {0};
  struct talker server = {0};
  talker_meet(&client, &server);
  connection_close(client.connection);
  drop(&client);
  support_wait(&server.closed);
  support_drain();
  cr_assert_not(client.closed, "an event after connection_free");
}

Test(connection_end, free_nothing) {
  connection_free(NULL);
}
