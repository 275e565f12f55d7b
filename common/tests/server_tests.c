/* Tests of server: its beginning and end, and attacks of clients. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/field.h"
#include "common/server.h"
#include "common/tests/visitor.h"

TestSuite(server, .timeout = 60);

/* A server that answers at once, but leaves "/open" open, and stops for "/stop". */
struct house {
  uv_loop_t loop;
  struct server *server;
  bool closed;
  size_t streams;
  size_t closed_streams;
  uint32_t error_code; /* of the last stream that closed */
  size_t connections;
  size_t observed;
  struct stream *last; /* left open */
};

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct house *house = user;
  house->closed_streams++;
  house->error_code = error_code;
  if (house->last == stream)
    house->last = NULL;
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events events = {.on_close = on_stream_close};
  struct house *house = user;
  house->streams++;
  stream_set_events(stream, &events, house);
  house->last = stream;
  if (strcmp(stream_path(stream), "/open") == 0)
    return;
  if (strcmp(stream_path(stream), "/stop") == 0)
    server_close(house->server);
  stream_respond(stream, 200, NULL, 0, 2);
  stream_end(stream, "ok", 2);
}

static void observe(bool sent, const void *data, size_t length, void *user) {
  struct house *house = user;
  (void)sent, (void)data;
  house->observed += length;
}

static void on_connection(struct connection *connection, void *user) {
  struct house *house = user;
  house->connections++;
  transport_observe(connection_transport(connection), observe, house);
}

static void on_close(void *user) {
  struct house *house = user;
  house->closed = true;
  house->server = NULL;
}

static struct house *open_house(struct server_config config) {
  char error[256] = "";
  struct house *house = calloc(1, sizeof *house);
  cr_assert_not_null(house, "no memory");
  cr_assert_eq(uv_loop_init(&house->loop), 0, "uv_loop_init");
  config.on_stream = on_stream;
  config.on_connection = on_connection;
  config.on_close = on_close;
  config.user = house;
  house->server = server_listen(&house->loop, &config, error, sizeof error);
  cr_assert_not_null(house->server, "%s", error);
  return house;
}

static void close_house(struct house *house) {
  if (house->server)
    server_close(house->server);
  visitor_run_until(&house->loop, &house->closed);
  visitor_close_loop(&house->loop);
  free(house);
}

/* The server still serves others. */
static void assert_serving(struct house *house) {
  struct visitor visitor = {0};
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  cr_assert_eq(visitor_get(&visitor, &house->loop, "/")->status, 200, "it no longer serves");
  visitor_leave(&visitor, &house->loop);
}

/* --- Beginning -------------------------------------------------------------------------------- */

Test(server, serves_several_clients_and_shows_their_connections) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitors[3] = {0};
  for (int i = 0; i < 3; i++)
    visitor_connect(&visitors[i], &house->loop, server_port(house->server));
  for (int i = 0; i < 3; i++)
    cr_assert_eq(visitor_get(&visitors[i], &house->loop, "/")->status, 200, "client %d", i);
  cr_assert_eq(house->connections, 3, "%zu", house->connections);
  cr_assert_gt(house->observed, 3 * NGHTTP2_CLIENT_MAGIC_LEN, "%zu", house->observed);
  for (int i = 0; i < 3; i++)
    visitor_leave(&visitors[i], &house->loop);
  close_house(house);
}

Test(server, says_why_it_cannot_listen) {
  struct house *house = open_house((struct server_config){0});
  char error[256];
  char expected[256];
  struct server_config config = {.port = server_port(house->server), .on_stream = on_stream};
  cr_assert_null(server_listen(&house->loop, &config, error, sizeof error), "port used twice");
  snprintf(expected, sizeof expected, "listen on localhost:%d: Address already in use",
           config.port);
  cr_assert_str_eq(error, expected, "%s", error);
  close_house(house);
}

static uint32_t remote_setting(struct visitor *visitor, nghttp2_settings_id id) {
  return nghttp2_session_get_remote_settings(connection_session(visitor->connection), id);
}

Test(server, sends_the_settings_and_windows_that_it_was_given) {
  struct house *house = open_house((struct server_config){
      .max_concurrent_streams = 7, .stream_window = 100000, .connection_window = 200000});
  struct visitor visitor = {0};
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  visitor_get(&visitor, &house->loop, "/");
  cr_assert_eq(remote_setting(&visitor, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS), 7, "streams");
  cr_assert_eq(remote_setting(&visitor, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE), 100000, "window");
  cr_assert_eq(remote_setting(&visitor, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE), 65536,
               "header list");
  int32_t window = nghttp2_session_get_remote_window_size(connection_session(visitor.connection));
  cr_assert_eq(window, 200000, "%d", window);
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

/* --- The end ---------------------------------------------------------------------------------- */

Test(server, close_without_clients_is_told_from_the_loop) {
  struct house *house = open_house((struct server_config){.grace = 60000});
  server_close(house->server);
  server_close(house->server);
  cr_assert(!house->closed, "on_close was called before server_close returned");
  close_house(house);
}

Test(server, close_says_goodbye_to_idle_clients) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitor = {0};
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  visitor_get(&visitor, &house->loop, "/");
  uint64_t start = uv_now(&house->loop);
  server_close(house->server);
  visitor_run_until(&house->loop, &visitor.closed);
  cr_assert_str_eq(visitor.error, "", "%s", visitor.error);
  cr_assert_geq(visitor.goaways, 1, "no GOAWAY"); /* nghttp2's clients leave at the first one */
  cr_assert_eq(visitor.goaway_last[0], INT32_MAX, "%d", visitor.goaway_last[0]);
  visitor_leave(&visitor, &house->loop);
  visitor_run_until(&house->loop, &house->closed);
  cr_assert_lt(uv_now(&house->loop) - start, 900, "it waited for the timer, not for PING");
  close_house(house);
}

Test(server, close_lets_streams_in_flight_finish_and_takes_no_new_client) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitor = {0};
  int port = server_port(house->server);
  visitor_connect(&visitor, &house->loop, port);
  int32_t id = visitor_request(&visitor, "GET", "/open", NULL, 0, NULL, 0);
  visitor_run_until_count(&house->loop, &house->streams, 1);
  server_close(house->server);
  visitor_run_until_count(&house->loop, &visitor.goaways, 2);
  struct server_config config = {.port = port, .on_stream = on_stream};
  char error[256] = "";
  struct server *other = server_listen(&house->loop, &config, error, sizeof error);
  cr_assert_not_null(other, "the port is not free: %s", error);
  server_free(other);
  cr_assert(!house->closed && !visitor.closed, "the server did not wait");
  stream_respond(house->last, 200, NULL, 0, 4);
  stream_end(house->last, "late", 4);
  visitor_run_until(&house->loop, &visitor.closed);
  cr_assert_eq(visitor_response(&visitor, id)->status, 200, "status");
  cr_assert_eq(visitor_response(&visitor, id)->body.length, 4, "body");
  cr_assert_eq(visitor_response(&visitor, id)->error_code, NGHTTP2_NO_ERROR, "reset");
  cr_assert_str_eq(visitor.error, "", "%s", visitor.error);
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

Test(server, close_may_be_called_for_a_request) {
  struct house *house = open_house((struct server_config){.grace = 60000});
  struct visitor visitor = {0};
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  cr_assert_eq(visitor_get(&visitor, &house->loop, "/stop")->status, 200, "not answered");
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

Test(server, a_request_that_crosses_the_first_goaway_is_served) {
  struct house *house = open_house((struct server_config){0});
  struct visitor_raw raw = {0};
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  visitor_raw_get(&raw, 1);
  visitor_run_until_count(&house->loop, &raw.responses, 1);
  uint64_t start = uv_now(&house->loop);
  server_close(house->server);
  server_close(house->server);
  visitor_run_until_count(&house->loop, &raw.pings, 1);
  cr_assert_eq(raw.goaways, 1, "%zu", raw.goaways);
  visitor_raw_get(&raw, 3);
  visitor_run_until_count(&house->loop, &raw.responses, 2);
  visitor_raw_send(&raw, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "\0\0\0\0\0\0\0", 8);
  visitor_run_until(&house->loop, &raw.closed);
  cr_assert_lt(uv_now(&house->loop) - start, 900, "it waited for the timer, not for PING");
  cr_assert_eq(raw.pings, 1, "%zu", raw.pings);
  cr_assert_eq(raw.goaways, 2, "%zu", raw.goaways);
  cr_assert_eq(raw.goaway_last, 3, "%d", raw.goaway_last);
  visitor_raw_drop(&raw);
  close_house(house);
}

Test(server, a_client_that_answers_nothing_is_not_waited_for) {
  struct house *house = open_house((struct server_config){0});
  struct visitor_raw raw = {0};
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  visitor_raw_get(&raw, 1);
  visitor_run_until_count(&house->loop, &raw.responses, 1);
  server_close(house->server);
  visitor_run_until(&house->loop, &raw.closed); /* after ROUND_TRIP_MS */
  cr_assert_eq(raw.goaways, 2, "%zu", raw.goaways);
  visitor_raw_drop(&raw);
  close_house(house);
}

Test(server, grace_is_bounded) {
  struct house *house = open_house((struct server_config){.grace = 50});
  struct visitor visitor = {0};
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  visitor_request_open(&visitor, "POST", "/open");
  visitor_run_until_count(&house->loop, &house->streams, 1);
  uint64_t start = uv_now(&house->loop);
  server_close(house->server);
  visitor_run_until(&house->loop, &house->closed);
  cr_assert_lt(uv_now(&house->loop) - start, 900, "more than 50 ms of grace");
  cr_assert_eq(house->closed_streams, 1, "no on_close for the stream");
  cr_assert_eq(house->error_code, NGHTTP2_CANCEL, "%u", house->error_code);
  visitor_run_until(&house->loop, &visitor.closed);
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

Test(server, free_ends_at_once_without_on_close) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitors[2] = {0};
  for (int i = 0; i < 2; i++) {
    visitor_connect(&visitors[i], &house->loop, server_port(house->server));
    visitor_request(&visitors[i], "GET", "/open", NULL, 0, NULL, 0);
  }
  visitor_run_until_count(&house->loop, &house->streams, 2);
  cr_assert_eq(server_close_on_signals(house->server), 0, "signals");
  server_free(house->server);
  cr_assert_eq(house->closed_streams, 2, "%zu streams got on_close", house->closed_streams);
  for (int i = 0; i < 2; i++)
    visitor_leave(&visitors[i], &house->loop);
  cr_assert(!house->closed, "on_close was called");
  visitor_close_loop(&house->loop);
  free(house);
  server_free(NULL);
}

Test(server, free_in_the_middle_of_close) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitor = {0};
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  visitor_request(&visitor, "GET", "/open", NULL, 0, NULL, 0);
  visitor_run_until_count(&house->loop, &house->streams, 1);
  server_close(house->server);
  visitor_run_until_count(&house->loop, &visitor.goaways, 1);
  server_free(house->server);
  visitor_leave(&visitor, &house->loop);
  cr_assert(!house->closed, "on_close was called");
  visitor_close_loop(&house->loop);
  free(house);
}

Test(server, a_signal_closes_and_a_second_one_ends_it) {
  struct house *house = open_house((struct server_config){.grace = 60000});
  struct visitor visitor = {0};
  cr_assert_eq(server_close_on_signals(house->server), 0, "signals");
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  visitor_request(&visitor, "GET", "/open", NULL, 0, NULL, 0);
  visitor_run_until_count(&house->loop, &house->streams, 1);
  raise(SIGTERM);
  visitor_run_until_count(&house->loop, &visitor.goaways, 2);
  cr_assert(!house->closed && house->closed_streams == 0, "the server did not wait for the stream");
  raise(SIGINT);
  visitor_run_until(&house->loop, &house->closed);
  cr_assert_eq(house->closed_streams, 1, "no on_close for the stream");
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

/* --- Requirements of RFC 9113 for a server ---------------------------------------------------- */

Test(server, headers_on_a_lower_unused_stream_end_the_connection) {
  struct house *house = open_house((struct server_config){0});
  for (int32_t unused = 3; unused <= 5; unused += 2) {
    struct visitor_raw raw = {0};
    visitor_raw_connect(&raw, &house->loop, server_port(house->server));
    visitor_raw_get(&raw, 1);
    visitor_raw_get(&raw, 7);
    visitor_run_until_count(&house->loop, &raw.responses, 2);
    cr_assert_eq(raw.goaways, 0, "clients may skip identifiers");
    house->streams = 0;
    visitor_raw_get(&raw, unused);
    visitor_run_until(&house->loop, &raw.closed);
    cr_assert_eq(raw.goaways, 1, "%zu", raw.goaways);
    cr_assert_eq(raw.goaway_code, NGHTTP2_PROTOCOL_ERROR, "%u", raw.goaway_code);
    cr_assert_eq(raw.goaway_last, 7, "%d", raw.goaway_last);
    cr_assert_eq(house->streams, 0, "it reached on_stream");
    visitor_raw_drop(&raw);
  }
  assert_serving(house);
  close_house(house);
}

Test(server, headers_on_a_stream_that_the_server_has_reset_are_passed_over) {
  struct house *house = open_house((struct server_config){0});
  struct visitor_raw raw = {0};
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  static const uint8_t open[] = {0x82, 0x86, 0x04, 0x05, '/', 'o', 'p', 'e', 'n', 0x01, 0x01, 'a'};
  visitor_raw_send(&raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, open, sizeof open);
  visitor_run_until_count(&house->loop, &house->streams, 1);
  stream_close(house->last, NGHTTP2_CANCEL);
  visitor_run_until_count(&house->loop, &raw.resets, 1);
  /* trailers on their way: x: y */
  visitor_raw_send(&raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
                   "\x00\x01x\x01y", 5);
  visitor_raw_get(&raw, 3);
  visitor_run_until_count(&house->loop, &raw.responses, 1);
  cr_assert_eq(raw.goaways, 0, "code %u", raw.goaway_code);
  visitor_raw_drop(&raw);
  close_house(house);
}

Test(server, a_header_block_may_go_on_after_its_stream_was_reset) {
  struct house *house = open_house((struct server_config){0});
  struct visitor_raw raw = {0};
  static const uint8_t open[] = {0x82, 0x86, 0x04, 0x05, '/', 'o', 'p', 'e', 'n', 0x01, 0x01, 'a'};
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  visitor_raw_send(&raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, open, sizeof open);
  visitor_raw_send(&raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, "\x00\x01x\x01y", 5);
  visitor_run_until_count(&house->loop, &house->streams, 1);
  stream_close(house->last, NGHTTP2_CANCEL);
  visitor_run_until_count(&house->loop, &raw.resets, 1);
  visitor_raw_send(&raw, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "\x00\x01z\x01y", 5);
  visitor_raw_get(&raw, 3);
  visitor_run_until_count(&house->loop, &raw.responses, 1);
  cr_assert_eq(raw.goaways, 0, "code %u", raw.goaway_code);
  visitor_raw_drop(&raw);
  close_house(house);
}

/* Fields after a valid :method, :path, :scheme and :authority that make a request malformed. */
static const char *const malformed[][2] = {
    {":path", "/again"},
    {":unknown", "x"},
    {"connection", "close"},
    {"transfer-encoding", "chunked"},
    {"te", "gzip"},
    {"x-value", "a\nb"},
    {"x-space", " leading"},
    {"bad name", "x"},
    {"content-length", "one"},
};

/* RFC 9113, section 8.3.1: no fragment, and no user information. */
Test(server, a_fragment_and_user_information_are_malformed) {
  static const uint8_t fragment[] = {0x82, 0x86, 0x04, 0x03, '/', '#', 'a', 0x01, 0x01, 'a'};
  static const uint8_t user[] = {0x82, 0x86, 0x84, 0x01, 0x06, 'u', ':', 'p', 'w', '@', 'a'};
  struct house *house = open_house((struct server_config){0});
  struct visitor_raw raw = {0};
  uint8_t flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  visitor_raw_send(&raw, NGHTTP2_HEADERS, flags, 1, fragment, sizeof fragment);
  visitor_run_until_count(&house->loop, &raw.resets, 1);
  cr_assert_eq(raw.reset_code, NGHTTP2_PROTOCOL_ERROR, "#: %u", raw.reset_code);
  visitor_raw_send(&raw, NGHTTP2_HEADERS, flags, 3, user, sizeof user);
  visitor_run_until_count(&house->loop, &raw.resets, 2);
  cr_assert_eq(raw.reset_code, NGHTTP2_PROTOCOL_ERROR, "@: %u", raw.reset_code);
  cr_assert_eq(house->streams, 0, "it reached on_stream");
  visitor_raw_drop(&raw);
  close_house(house);
}

/* RFC 9110, section 10.1.1: the client sends its body after 100 (Continue). */
Test(server, expect_100_continue_is_answered) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitor = {0};
  nghttp2_nv expect = field_make("expect", "100-Continue");
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  int32_t id = visitor_request(&visitor, "POST", "/open", &expect, 1, "body", 4);
  visitor_run_until_count(&house->loop, &visitor_response(&visitor, id)->informational, 1);
  id = visitor_request(&visitor, "POST", "/", &expect, 1, "body", 4);
  visitor_run_until(&house->loop, &visitor_response(&visitor, id)->closed);
  cr_assert_eq(visitor_response(&visitor, id)->informational, 0, "100 after a final status");
  visitor_drop(&visitor);
  close_house(house);
}

Test(server, malformed_requests_are_reset) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitor = {0};
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    nghttp2_nv field = field_make(malformed[i][0], malformed[i][1]);
    int32_t id = visitor_request(&visitor, "GET", "/", &field, 1, NULL, 0);
    struct visitor_response *response = visitor_response(&visitor, id);
    visitor_run_until(&house->loop, &response->closed);
    cr_assert_eq(response->error_code, NGHTTP2_PROTOCOL_ERROR, "%s: %u", malformed[i][0],
                 response->error_code);
  }
  cr_assert_eq(house->streams, 0, "%zu reached on_stream", house->streams);
  cr_assert_eq(visitor_get(&visitor, &house->loop, "/")->status, 200, "the connection is lost");
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

Test(server, upper_case_and_missing_fields_are_reset) {
  static const uint8_t upper[] = {0x82, 0x86, 0x84, 0x01, 0x01, 'a', 0x00, 0x01, 'X', 0x01, 'y'};
  static const uint8_t no_path[] = {0x82, 0x86, 0x01, 0x01, 'a'};
  struct house *house = open_house((struct server_config){0});
  struct visitor_raw raw = {0};
  uint8_t flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  visitor_raw_send(&raw, NGHTTP2_HEADERS, flags, 1, upper, sizeof upper);
  visitor_run_until_count(&house->loop, &raw.resets, 1);
  cr_assert_eq(raw.reset_code, NGHTTP2_PROTOCOL_ERROR, "upper case: %u", raw.reset_code);
  visitor_raw_send(&raw, NGHTTP2_HEADERS, flags, 3, no_path, sizeof no_path);
  visitor_run_until_count(&house->loop, &raw.resets, 2);
  cr_assert_eq(raw.reset_code, NGHTTP2_PROTOCOL_ERROR, "no path: %u", raw.reset_code);
  cr_assert_eq(house->streams, 0, "%zu reached on_stream", house->streams);
  visitor_raw_drop(&raw);
  close_house(house);
}

Test(server, a_body_of_another_length_than_announced_is_reset) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitor = {0};
  nghttp2_nv five = field_make("content-length", "5");
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  const char *const bodies[] = {"1234", "123456"};
  for (size_t i = 0; i < 2; i++) {
    int32_t id = visitor_request(&visitor, "POST", "/open", &five, 1, bodies[i], strlen(bodies[i]));
    struct visitor_response *response = visitor_response(&visitor, id);
    visitor_run_until(&house->loop, &response->closed);
    cr_assert_eq(response->error_code, NGHTTP2_PROTOCOL_ERROR, "%s: %u", bodies[i],
                 response->error_code);
    cr_assert_eq(house->error_code, NGHTTP2_PROTOCOL_ERROR, "on_close: %u", house->error_code);
  }
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

Test(server, more_streams_than_allowed_are_refused) {
  struct house *house = open_house((struct server_config){.max_concurrent_streams = 3});
  struct visitor_raw raw = {0};
  static const uint8_t open[] = {0x82, 0x86, 0x04, 0x05, '/', 'o', 'p', 'e', 'n', 0x01, 0x01, 'a'};
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  for (int32_t id = 1; id <= 7; id += 2) /* the client has not acknowledged SETTINGS yet */
    visitor_raw_send(&raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
                     open, sizeof open);
  visitor_run_until_count(&house->loop, &raw.resets, 1);
  cr_assert_eq(raw.reset_code, NGHTTP2_REFUSED_STREAM, "%u", raw.reset_code);
  cr_assert_eq(raw.reset_stream, 7, "%d", raw.reset_stream);
  cr_assert_eq(house->streams, 3, "%zu", house->streams);
  visitor_raw_drop(&raw);
  visitor_run_until_count(&house->loop, &house->closed_streams, 3);
  close_house(house);
}

/* --- Malicious clients ------------------------------------------------------------------------ */

Test(server, garbage_and_sudden_ends_disturb_no_one) {
  static const char *const beginnings[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                           "\xff\xff\xff\xff\xff",
                                           NGHTTP2_CLIENT_MAGIC " garbage garbage"};
  struct house *house = open_house((struct server_config){0});
  struct visitor visitor = {0};
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  for (size_t i = 0; i < 3; i++) {
    struct visitor_raw raw = {.silent = true};
    visitor_raw_connect(&raw, &house->loop, server_port(house->server));
    transport_write(raw.transport, beginnings[i], strlen(beginnings[i]));
    visitor_run_until(&house->loop, &raw.closed);
    visitor_raw_drop(&raw);
    raw = (struct visitor_raw){0};
    visitor_raw_connect(&raw, &house->loop, server_port(house->server));
    visitor_raw_drop(&raw);
    cr_assert_eq(visitor_get(&visitor, &house->loop, "/")->status, 200, "the other client suffers");
  }
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

Test(server, long_paths_and_many_fields_are_served) {
  struct house *house = open_house((struct server_config){0});
  struct visitor visitor = {0};
  char path[8192 + 1];
  char value[8192 + 1];
  memset(path, '/', sizeof path - 1);
  memset(value, 'v', sizeof value - 1);
  path[sizeof path - 1] = value[sizeof value - 1] = '\0';
  visitor_connect(&visitor, &house->loop, server_port(house->server));
  cr_assert_eq(visitor_get(&visitor, &house->loop, path)->status, 200, "8 KiB of path");
  nghttp2_nv fields[7];
  for (size_t i = 0; i < 7; i++)
    fields[i] = field_make("x-long", value);
  int32_t id = visitor_request(&visitor, "GET", "/", fields, 7, NULL, 0);
  visitor_run_until(&house->loop, &visitor_response(&visitor, id)->closed);
  cr_assert_eq(visitor_response(&visitor, id)->status, 200, "56 KiB of fields");
  visitor_leave(&visitor, &house->loop);
  close_house(house);
}

/* A GET that puts a field "x" of 3,000 bytes into the dynamic table and then names it `count` times
 * in one byte each: an HPACK bomb. With `flags` it may be a stream's trailers. */
static void send_bomb(struct visitor_raw *raw, int32_t id, size_t count, bool is_trailer) {
  enum { VALUE = 3000 };
  uint8_t block[VALUE + 200] = {0x82, 0x86, 0x84, 0x01, 0x01, 'a'};
  size_t length = is_trailer ? 0 : 6;
  /* literal with indexing; the length is 127 and more: RFC 7541, section 5.1 */
  const uint8_t field[] = {0x40, 0x01, 'x', 0x7f, (VALUE - 127) % 128 + 128, (VALUE - 127) / 128};
  memcpy(block + length, field, sizeof field);
  length += sizeof field;
  memset(block + length, 'v', VALUE);
  length += VALUE;
  memset(block + length, 0xbe, count); /* the newest entry, 62 */
  length += count;
  visitor_raw_send(raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
                   block, length);
}

Test(server, more_than_64_kib_of_fields_are_refused) {
  static const uint8_t open[] = {0x82, 0x86, 0x04, 0x05, '/', 'o', 'p', 'e', 'n', 0x01, 0x01, 'a'};
  struct house *house = open_house((struct server_config){0});
  struct visitor_raw raw = {0};
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  send_bomb(&raw, 1, 19, false);
  visitor_run_until_count(&house->loop, &raw.responses, 1);
  cr_assert_str_eq(raw.status, "200", "%s", raw.status);
  send_bomb(&raw, 3, 100, false);
  visitor_run_until_count(&house->loop, &raw.responses, 2);
  cr_assert_str_eq(raw.status, "431", "%s", raw.status);
  cr_assert_eq(house->streams, 1, "%zu reached on_stream", house->streams);
  visitor_raw_send(&raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 5, open, sizeof open);
  send_bomb(&raw, 5, 100, true);
  visitor_run_until_count(&house->loop, &raw.resets, 1);
  cr_assert_eq(raw.reset_code, NGHTTP2_ENHANCE_YOUR_CALM, "trailers: %u", raw.reset_code);
  visitor_raw_get(&raw, 7);
  visitor_run_until_count(&house->loop, &raw.responses, 3);
  cr_assert_eq(raw.goaways, 0, "the connection is lost");
  visitor_raw_drop(&raw);
  close_house(house);
}

/* Send with `send_one` again and again until the server ends the connection. */
static void flood(struct house *house, uint32_t code,
                  void (*send_one)(struct visitor_raw *raw, int32_t number)) {
  struct visitor_raw raw = {0};
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  int32_t number = 0;
  while (!raw.closed && number < 100000) {
    for (int i = 0; i < 100; i++)
      send_one(&raw, number++);
    uv_run(&house->loop, UV_RUN_NOWAIT);
  }
  cr_assert(raw.closed, "the server took all %d", (int)number);
  cr_assert_eq(raw.goaway_code, code, "%u", raw.goaway_code);
  visitor_raw_drop(&raw);
  assert_serving(house);
}

static void send_and_reset(struct visitor_raw *raw, int32_t number) {
  visitor_raw_get(raw, 2 * number + 1);
  visitor_raw_send(raw, NGHTTP2_RST_STREAM, 0, 2 * number + 1, "\0\0\0\x08", 4);
}

Test(server, rapid_resets_end_the_connection) {
  struct house *house = open_house((struct server_config){0});
  flood(house, NGHTTP2_ENHANCE_YOUR_CALM, send_and_reset);
  close_house(house);
}

Test(server, endless_continuations_end_the_connection) {
  struct house *house = open_house((struct server_config){0});
  struct visitor_raw raw = {0};
  visitor_raw_connect(&raw, &house->loop, server_port(house->server));
  visitor_raw_send(&raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, "\x82", 1);
  for (int i = 0; i < 1000 && !raw.closed; i++) {
    visitor_raw_send(&raw, NGHTTP2_CONTINUATION, 0, 1, "\x00\x01x\x01y", 5);
    uv_run(&house->loop, UV_RUN_NOWAIT);
  }
  visitor_run_until(&house->loop, &raw.closed);
  visitor_raw_drop(&raw);
  assert_serving(house);
  close_house(house);
}

/* The client sends PING and never reads, so the server keeps the answers. */
Test(server, unread_answers_to_ping_are_bounded) {
  struct house *house = open_house((struct server_config){0});
  int descriptor = visitor_deaf_connect(server_port(house->server));
  static uint8_t pings[17 * 1000];
  for (size_t i = 0; i < sizeof pings; i += 17) {
    pings[i + 2] = 8;
    pings[i + 3] = NGHTTP2_PING;
  }
  ssize_t sent = 0;
  size_t offset = 0;
  uint64_t deadline = uv_hrtime() + UINT64_C(20000000000);
  while (uv_hrtime() < deadline) {
    sent = send(descriptor, pings + offset, sizeof pings - offset, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN)
      break;
    offset = (offset + (size_t)(sent > 0 ? sent : 0)) % sizeof pings;
    uv_run(&house->loop, UV_RUN_NOWAIT);
  }
  cr_assert_lt(uv_hrtime(), deadline, "it still takes PING");
  close(descriptor);
  assert_serving(house);
  close_house(house);
}
