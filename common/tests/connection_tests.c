/* The beginning of a connection, and its traffic. */
#include "common/connection.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tests/failing.h"
#include "common/tests/support.h"
#include "common/tests/talker.h"

TestSuite(connection, .init = support_begin, .fini = support_end, .timeout = 60);

static void end(struct talker *client, struct talker *server) {
  talker_free(client);
  talker_free(server);
}

/* --- The beginning ---------------------------------------------------------------------------- */

static void expect_settings(const struct talker *talker, enum frame_sender sender) {
  const struct frame *frame = talker_find(talker, sender, NGHTTP2_SETTINGS, 0);
  cr_assert_not_null(frame, "no SETTINGS");
  cr_assert_eq(frame->setting_count, 2, "%zu settings", frame->setting_count);
  for (size_t i = 0; i < 2; i++) {
    const nghttp2_settings_entry *expected = &talker_config()->settings[i];
    cr_assert_eq(frame->settings[i].id, expected->settings_id, "another setting");
    cr_assert_eq(frame->settings[i].value, expected->value, "another value");
  }
}

static void expect_nothing_sent(struct talker *talker) {
  cr_assert_eq(talker->sent, 0, "%zu bytes were sent before on_open", talker->sent);
}

Test(connection, settings_first) {
  struct talker client = {.observes = true, .at_open = expect_nothing_sent};
  struct talker server = {.observes = true, .at_open = expect_nothing_sent};
  talker_meet(&client, &server);
  while (!talker_find(&client, FRAME_FROM_CLIENT, NGHTTP2_SETTINGS, 1) ||
         !talker_find(&server, FRAME_FROM_SERVER, NGHTTP2_SETTINGS, 1))
    support_turn(); /* the second is the acknowledgement */
  const struct frame *first = client.frames.list[0];
  cr_assert_eq(first->type, FRAME_PREFACE, "a client begins with the preface");
  cr_assert_eq(server.frames.list[0]->type, NGHTTP2_SETTINGS, "a server begins with SETTINGS");
  cr_assert_eq(server.frames.list[0]->sender, FRAME_FROM_SERVER, "it waits for the client");
  for (size_t i = 0; i < client.frames.count; i++)
    cr_assert_null(client.frames.list[i]->error, "%s", client.frames.list[i]->error);
  expect_settings(&client, FRAME_FROM_CLIENT);
  expect_settings(&client, FRAME_FROM_SERVER);
  end(&client, &server);
}

static void request(struct talker *client) {
  talker_request(client);
}

/* Preface, SETTINGS, HEADERS and DATA. */
Test(connection, first_request_in_one_system_call) {
  struct talker client = {.at_open = request, .body = 5};
  int server = talker_meet_raw_server(&client);
  while (client.sent == 0)
    support_turn();
  cr_assert_eq(client.produced, 5, "the request is not among them");
  cr_assert_eq(client.system_calls, 1, "%zu system calls", client.system_calls);
  talker_free(&client);
  close(server);
}

Test(connection, user_and_parts) {
  struct talker client = {0};
  struct talker server = {0};
  talker_meet(&client, &server);
  struct transport *transport = connection_transport(client.connection);
  cr_assert_eq(transport_loop(transport), support_loop(), "another loop");
  nghttp2_session *session = connection_session(client.connection);
  cr_assert_not(nghttp2_session_check_server_session(session), "the client is a server");
  session = connection_session(server.connection);
  cr_assert(nghttp2_session_check_server_session(session), "the server is a client");
  end(&client, &server); /* every test shows that `user` is the last argument of each callback */
}

/* The configuration has only the callbacks and on_close. */
Test(connection, least_config) {
  struct connection_config config = *talker_config();
  config.settings = NULL;
  config.setting_count = 0;
  config.on_open = NULL;
  int pair[2];
  support_pair(pair);
  struct transport *transport = transport_accept(support_loop(), pair[1], NULL);
  struct talker server = {0};
  cr_assert_not_null(connection_accept(transport, &config, &server), "no memory");
  support_expect(pair[0], "\0\0\0\4\0\0\0\0\0", 9); /* empty SETTINGS */
  close(pair[0]);
  talker_expect_close(&server, "closed by the peer");
}

/* With this option, nghttp2 gives no window back by itself: no more than the first window comes. */
Test(connection, option) {
  enum { WINDOW = 65535 };
  nghttp2_option *option;
  cr_assert_eq(nghttp2_option_new(&option), 0, "no memory");
  nghttp2_option_set_no_auto_window_update(option, 1);
  struct connection_config config = *talker_config();
  config.option = option;
  struct talker client = {.body = 10 * WINDOW};
  struct talker server = {.config = &config};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  for (int turns = 0; turns < 100; turns += server.received[0] >= WINDOW)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert_eq(server.received[0], WINDOW, "%zu bytes", server.received[0]);
  end(&client, &server);
  nghttp2_option_del(option);
}

/* --- Requests --------------------------------------------------------------------------------- */

Test(connection, request) {
  struct talker client = {.body = 10};
  struct talker server = {.body = 20};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  talker_await(&client, 1);
  cr_assert_eq(server.received[0], 10, "the request has %zu bytes", server.received[0]);
  cr_assert_eq(client.received[0], 20, "the response has %zu bytes", client.received[0]);
  end(&client, &server);
}

/* All at once, and more each way than the windows hold. */
Test(connection, many_streams) {
  enum { COUNT = 100 };
  struct talker client = {.body = 30000};
  struct talker server = {.body = 70000};
  talker_meet(&client, &server);
  for (size_t i = 0; i < COUNT; i++)
    talker_request(&client);
  connection_send(client.connection);
  talker_await(&client, COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    cr_assert_eq(server.received[i], 30000, "request %zu has %zu bytes", i, server.received[i]);
    cr_assert_eq(client.received[i], 70000, "response %zu has %zu bytes", i, client.received[i]);
  }
  cr_assert_eq(server.requests, COUNT, "%zu requests", server.requests);
  end(&client, &server);
}

Test(connection, large_bodies) {
  struct talker client = {.body = 5000000};
  struct talker server = {.body = 10000000};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  talker_await(&client, 1);
  cr_assert_eq(server.received[0], 5000000, "the request has %zu bytes", server.received[0]);
  cr_assert_eq(client.received[0], 10000000, "the response has %zu bytes", client.received[0]);
  end(&client, &server);
}

Test(connection, many_connections) {
  enum { COUNT = 100, REQUESTS = 5 };
  static struct talker clients[COUNT];
  static struct talker servers[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    clients[i].body = i;
    servers[i].body = 1000 * i;
    talker_meet(&clients[i], &servers[i]);
  }
  for (size_t i = 0; i < COUNT; i++) {
    for (size_t n = 0; n < REQUESTS; n++)
      talker_request(&clients[i]);
    connection_send(clients[i].connection);
  }
  for (size_t i = 0; i < COUNT; i++) {
    talker_await(&clients[i], REQUESTS);
    cr_assert_eq(clients[i].received[REQUESTS - 1], 1000 * i, "another body");
    connection_close(clients[i].connection);
  }
  for (size_t i = 0; i < COUNT; i++) {
    talker_expect_close(&clients[i], NULL);
    talker_expect_close(&servers[i], NULL);
    end(&clients[i], &servers[i]);
  }
}

/* --- The time of sending ---------------------------------------------------------------------- */

static void ping(struct talker *talker) {
  size_t sent = talker->sent;
  nghttp2_session *session = connection_session(talker->connection);
  int error = nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, (const uint8_t *)"in event");
  cr_assert_eq(error, 0, "nghttp2_submit_ping: %s", nghttp2_strerror(error));
  connection_send(talker->connection);
  cr_assert_eq(talker->sent, sent, "sent from within a callback");
  talker->at_frame = NULL;
  talker->at_stream_close = NULL;
}

static void await_ping(struct talker *client) {
  const struct frame *frame;
  while (!(frame = talker_find(client, FRAME_FROM_SERVER, NGHTTP2_PING, 0)))
    support_turn();
  cr_assert_arr_eq(frame->data, "in event", 8, "another PING");
}

/* Frames submitted in a callback leave when the callback has returned. */
Test(connection, submitted_in_on_frame_recv) {
  struct talker client = {.observes = true};
  struct talker server = {.at_frame = ping};
  talker_meet(&client, &server);
  await_ping(&client);
  end(&client, &server);
}

/* nghttp2 calls this callback while it sends frames. */
Test(connection, submitted_in_on_stream_close) {
  struct talker client = {.observes = true, .body = 1};
  struct talker server = {.at_stream_close = ping, .body = 1};
  talker_meet(&client, &server);
  talker_request(&client);
  connection_send(client.connection);
  await_ping(&client);
  end(&client, &server);
}

static void on_timer(uv_timer_t *timer) {
  struct talker *client = timer->data;
  talker_request(client);
  connection_send(client->connection);
  cr_assert_eq(client->produced, 0, "sent before the next turn of the loop");
  uv_close((uv_handle_t *)timer, NULL);
}

Test(connection, submitted_from_a_timer) {
  struct talker client = {.body = 1};
  struct talker server = {0};
  talker_meet(&client, &server);
  static uv_timer_t timer;
  uv_timer_init(support_loop(), &timer);
  timer.data = &client;
  uv_timer_start(&timer, on_timer, 1, 0);
  talker_await(&client, 1);
  end(&client, &server);
}

/* Before on_open, and when nothing is submitted. */
Test(connection, send_without_need) {
  int port;
  int listening = support_listen(&port);
  struct talker client = {0};
  talker_connect(&client, port);
  connection_send(client.connection);
  support_wait(&client.open);
  connection_send(client.connection);
  support_turn();
  talker_free(&client);
  close(listening);
}

/* --- Back-pressure ---------------------------------------------------------------------------- */

/* A client with endless windows requests more than any memory holds, and does not read
 * it. */
Test(connection, asks_for_frames_while_there_is_room) {
  struct buffer bytes = {0};
  frames_append_text(&bytes, "'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a"
                             "000006 04 00 00000000 0004 7fffffff"
                             "000004 08 00 00000000 7fff0000"
                             "000006 01 05 00000001 82 86 84 01 01 'a'");
  size_t before = frames_allocated();
  struct talker server = {.body = SIZE_MAX};
  int client = talker_meet_raw_client(&server);
  support_send(client, bytes.bytes, bytes.length);
  size_t produced = 0;
  for (int turns = 0; turns < 100; turns++) { /* until nghttp2 asks for nothing in 100 turns */
    turns = server.produced == produced && produced > 0 ? turns : 0;
    produced = server.produced;
    if (produced == 0)
      support_turn();
    uv_run(support_loop(), UV_RUN_NOWAIT);
  }
  cr_assert_lt(produced, 32 << 20, "nghttp2 asked for %zu bytes", produced);
  cr_assert_lt(produced, server.sent + 100000, "%zu bytes are kept", produced - server.sent);
  size_t allocated = frames_allocated() - before;
  cr_assert_lt(allocated, 400000, "%zu bytes of memory", allocated);
  talker_free(&server);
  close(client);
  buffer_free(&bytes);
}

/* --- No memory -------------------------------------------------------------------------------- */

/* Each allocation fails in turn. The loop reports failures of libuv's look-up. */
Test(connection, connect_without_memory) {
  int port;
  int bound = support_refuse(&port);
  struct talker ready = {0}; /* starts libuv's threads */
  talker_connect(&ready, port);
  support_wait(&ready.closed);
  char text[8];
  snprintf(text, sizeof text, "%d", port);
  const struct url url = {.host = "127.0.0.1", .port = text};
  size_t refused = 0;
  for (bool failed = true; failed;) {
    struct talker client = {0};
    failing_start(refused + 1);
    client.connection = connection_connect(support_loop(), &url, NULL, talker_config(), &client);
    failed = failing_stop();
    refused += failed;
    if (client.connection)
      support_wait(&client.closed);
    else
      cr_assert(failed && !client.closed, "it refused, though there was memory");
  }
  cr_assert_geq(refused, 10, "only %zu allocations", refused);
  close(bound);
}

/* Then the transport is freed: the peer sees the end. */
Test(connection, accept_without_memory) {
  const struct connection_config *config = talker_config();
  size_t refused = 0;
  for (bool failed = true; failed;) {
    int pair[2];
    support_pair(pair);
    struct transport *transport = transport_accept(support_loop(), pair[1], NULL);
    cr_assert_not_null(transport, "transport_accept: %s", strerror(errno));
    struct talker server = {0};
    failing_start(refused + 1);
    struct connection *connection = connection_accept(transport, config, &server);
    failed = failing_stop();
    refused += failed;
    if (!connection)
      cr_assert(failed && !server.open && !server.closed, "it refused, though there was memory");
    close(pair[0]);
    if (connection)
      support_wait(&server.closed);
  }
  cr_assert_geq(refused, 6, "only %zu allocations", refused);
}
