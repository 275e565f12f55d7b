/* Promises of client.h, stream.h and server.h at their edges: programs on these
 * headers met each of them. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/client.h"
#include "common/field.h"
#include "common/listener.h"
#include "common/server.h"
#include "common/tests/support.h"
#include "common/tests/visitor.h"

TestSuite(promises, .init = support_begin, .fini = support_end, .timeout = 60);

/* --- A server and a client -------------------------------------------------------------------- */

/* The events so far. Each test has a process of its own. */
static struct {
  struct server *server;
  bool server_closed;
  size_t streams;       /* that the server got */
  size_t server_closes; /* of streams, */
  uint32_t server_code; /* the last with this */
  size_t received;      /* bytes of the clients' bodies */
  size_t connections_closed;
  char connection_error[128];
  void (*respond)(struct stream *stream); /* what the server does with each */

  struct client *client;
  bool client_closed;
  char client_error[256];
  size_t closes; /* of the client's streams, */
  uint32_t code; /* the last with this */
  int status;
  size_t drains;
  size_t trailers;
  bool received_all; /* in on_headers */
  void (*at_close)(void);
} now;

static void on_server_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  (void)stream, (void)data, (void)user;
  now.received += length;
}

static void on_server_stream_close(struct stream *stream, uint32_t code, void *user) {
  (void)stream, (void)user;
  now.server_closes++;
  now.server_code = code;
}

static void on_server_drain(struct stream *stream, void *user) {
  (void)stream, (void)user;
  now.drains++;
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events events = {
      .on_data = on_server_data, .on_drain = on_server_drain, .on_close = on_server_stream_close};
  (void)user;
  now.streams++;
  stream_set_events(stream, &events, NULL);
  if (now.respond)
    now.respond(stream);
}

static void on_connection_close(struct connection *connection, const char *error, void *user) {
  (void)connection, (void)user;
  now.connections_closed++;
  snprintf(now.connection_error, sizeof now.connection_error, "%s", error ? error : "");
}

static void on_server_close(void *user) {
  (void)user;
  now.server = NULL;
  now.server_closed = true;
}

static void open_server(struct server_config config, void (*respond)(struct stream *stream)) {
  char error[256] = "";
  config.on_stream = on_stream;
  config.on_close = on_server_close;
  config.on_connection_close = on_connection_close;
  now.respond = respond;
  now.server = server_listen(support_loop(), &config, error, sizeof error);
  cr_assert_not_null(now.server, "%s", error);
}

static void on_client_close(struct client *client, const char *error, void *user) {
  (void)client, (void)user;
  now.client = NULL;
  now.client_closed = true;
  snprintf(now.client_error, sizeof now.client_error, "%s", error ? error : "");
}

static void connect_to(const char *host, int port, struct client_config config) {
  char text[64];
  struct url url;
  snprintf(text, sizeof text, "http://%s:%d/", host, port);
  cr_assert_eq(url_parse(&url, text), 0, "%s", text);
  config.on_close = on_client_close;
  now.client = client_connect(support_loop(), &url, &config);
  cr_assert_not_null(now.client, "no memory");
  url_free(&url);
}

static void on_headers(struct stream *stream, void *user) {
  (void)user;
  now.status = stream_status(stream);
  now.received_all = stream_received_all(stream);
}

static void on_end(struct stream *stream, void *user) {
  (void)user;
  now.trailers = stream_trailer_count(stream);
  for (size_t i = 0; i < now.trailers; i++) {
    cr_assert_str_eq(stream_trailer_name(stream, i), i ? "grpc-message" : "grpc-status", "%zu", i);
    cr_assert_str_eq(stream_trailer_value(stream, i), i ? "fine" : "0", "%zu", i);
  }
}

static void on_stream_close(struct stream *stream, uint32_t code, void *user) {
  (void)stream, (void)user;
  now.closes++;
  now.code = code;
  if (now.at_close)
    now.at_close();
}

/* Returns NULL where client_request does. */
static struct stream *ask(const char *method, const nghttp2_nv *fields, size_t count,
                          int64_t length) {
  static const struct stream_events events = {
      .on_headers = on_headers, .on_end = on_end, .on_close = on_stream_close};
  struct stream *stream = client_request(now.client, method, "/", fields, count, length);
  if (stream)
    stream_set_events(stream, &events, NULL);
  return stream;
}

static struct stream *get(void) {
  struct stream *stream = ask("GET", NULL, 0, 0);
  cr_assert_not_null(stream, "no request");
  return stream;
}

static void run_until(const size_t *count, size_t least) {
  visitor_run_until_count(support_loop(), count, least);
}

static void open_both(struct server_config config, void (*respond)(struct stream *stream)) {
  open_server(config, respond);
  connect_to("localhost", server_port(now.server), (struct client_config){0});
}

static void close_both(void) {
  if (now.client) {
    client_close(now.client);
    support_wait(&now.client_closed);
  }
  if (now.server) {
    server_close(now.server);
    support_wait(&now.server_closed);
  }
}

static void say_ok(struct stream *stream) {
  stream_respond(stream, 200, NULL, 0, 2);
  stream_end(stream, "ok", 2);
}

static void stay_silent(struct stream *stream) {
  (void)stream;
}

/* --- Impossible requests ---------------------------------------------------------------------- */

static size_t refusals;

static void ask_again(void) {
  if (!ask("GET", NULL, 0, 0))
    refusals++;
}

static void say_goaway(struct stream *stream) {
  if (now.streams == 1)
    connection_close(stream_connection(stream));
  say_ok(stream);
}

/* The program would ask, be refused in the same turn, and ask again, for ever. */
Test(promises, after_the_peers_goaway_no_request_is_taken) {
  open_both((struct server_config){0}, say_goaway);
  now.at_close = ask_again;
  get();
  support_wait(&now.client_closed);
  cr_assert_eq(refusals, 1, "%zu", refusals);
  cr_assert_eq(now.closes, 1, "the client took %zu requests", now.closes);
  cr_assert_str_eq(now.client_error, "", "%s", now.client_error);
  close_both();
}

/* --- Unsent streams --------------------------------------------------------------------------- */

/* Nobody answers at this address, and nobody refuses: the queue of the listening socket is full. */
static int fill_queue(int *port, int waiting[static 4]) {
  int listening = support_refuse(port);
  struct sockaddr_in name = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)*port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
  cr_assert_eq(listen(listening, 0), 0, "listen");
  for (int i = 0; i < 4; i++) {
    waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(waiting[i], (struct sockaddr *)&name, sizeof name);
  }
  return listening;
}

static void empty_queue(int listening, const int waiting[static 4]) {
  close(listening);
  for (int i = 0; i < 4; i++)
    close(waiting[i]);
}

static void connect_to_nobody(struct client_config config, int *listening, int waiting[static 4]) {
  int port;
  *listening = fill_queue(&port, waiting);
  connect_to("127.0.0.1", port, config);
}

Test(promises, a_stream_closed_before_it_is_connected_is_told_in_the_next_turn) {
  int listening;
  int waiting[4];
  connect_to_nobody((struct client_config){0}, &listening, waiting);
  uint64_t began = support_now();
  stream_close(get(), NGHTTP2_CANCEL);
  stream_close(get(), NGHTTP2_NO_ERROR);
  cr_assert_eq(now.closes, 0, "on_close before stream_close returned");
  run_until(&now.closes, 2);
  cr_assert_lt(support_now() - began, 1000, "stream_close waited for the connection");
  cr_assert_eq(now.code, NGHTTP2_NO_ERROR, "%u", now.code);
  cr_assert_not(now.client_closed, "the client has ended too");
  close_both();
  cr_assert_str_eq(now.client_error, "", "%s", now.client_error);
  empty_queue(listening, waiting);
}

/* on_close may do the same whenever it comes. */
static void close_client(void) {
  client_close(now.client);
}

Test(promises, the_client_may_be_closed_when_such_a_stream_is) {
  int listening;
  int waiting[4];
  connect_to_nobody((struct client_config){0}, &listening, waiting);
  now.at_close = close_client;
  stream_close(get(), NGHTTP2_CANCEL);
  stream_close(get(), NGHTTP2_CANCEL);
  support_wait(&now.client_closed);
  cr_assert_eq(now.closes, 2, "%zu", now.closes);
  empty_queue(listening, waiting);
}

/* The server allows one stream: the second waits for its turn. */
Test(promises, a_stream_closed_before_its_turn_is_told_in_the_next_turn) {
  open_both((struct server_config){.max_concurrent_streams = 1}, stay_silent);
  struct stream *first = get();
  run_until(&now.streams, 1);
  struct stream *second = get();
  support_turn();
  stream_close(second, NGHTTP2_CANCEL);
  run_until(&now.closes, 1);
  cr_assert_eq(now.code, NGHTTP2_CANCEL, "%u", now.code);
  cr_assert_not(stream_is_closed(first), "the first one closed");
  now.respond = say_ok;
  stream_close(first, NGHTTP2_CANCEL);
  run_until(&now.closes, 2);
  get();
  run_until(&now.closes, 3);
  cr_assert_eq(now.code, NGHTTP2_NO_ERROR, "%u", now.code);
  cr_assert_eq(now.streams, 2, "%zu streams reached the server", now.streams);
  close_both();
}

Test(promises, connecting_ends_in_time) {
  int listening;
  int waiting[4];
  connect_to_nobody((struct client_config){.connect_timeout = 50}, &listening, waiting);
  get();
  support_wait(&now.client_closed);
  cr_assert(strstr(now.client_error, "no connection after 50 ms"), "%s", now.client_error);
  cr_assert_eq(now.code, NGHTTP2_CANCEL, "%u", now.code);
  empty_queue(listening, waiting);
}

Test(promises, a_connection_in_time_is_left_alone) {
  open_server((struct server_config){0}, say_ok);
  connect_to("localhost", server_port(now.server), (struct client_config){.connect_timeout = 500});
  get();
  run_until(&now.closes, 1);
  uint64_t began = support_now();
  while (support_now() - began < 600)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert_not(now.client_closed, "the client has ended: %s", now.client_error);
  close_both();
}

/* --- Refused bodies --------------------------------------------------------------------------- */

static int last_write;

static void write_for_ever(struct stream *stream) {
  const char *length = stream_header(stream, "x-length");
  int status = atoi(stream_header(stream, "x-status"));
  int writes = 0;
  stream_respond(stream, status, NULL, 0, length ? atoi(length) : STREAM_LENGTH_UNKNOWN);
  while ((last_write = stream_write(stream, "more", 4)) == 1 && writes < 1000000)
    writes++;
  stream_end(stream, NULL, 0);
}

Test(promises, a_response_without_a_body_asks_for_none) {
  static const char *const responses[][3] = {
      {"HEAD", "200", NULL}, {"GET", "204", NULL}, {"GET", "304", NULL}, {"GET", "200", "0"}};
  open_both((struct server_config){0}, write_for_ever);
  for (size_t i = 0; i < 4; i++) {
    nghttp2_nv fields[] = {field_make("x-status", responses[i][1]),
                           field_make("x-length", responses[i][2] ? responses[i][2] : "")};
    cr_assert(ask(responses[i][0], fields, responses[i][2] ? 2 : 1, 0), "no request");
    run_until(&now.closes, i + 1);
    cr_assert_eq(last_write, 0, "%s %s: stream_write returned %d", responses[i][0], responses[i][1],
                 last_write);
    cr_assert_eq(now.code, NGHTTP2_NO_ERROR, "%u", now.code);
    cr_assert_eq(now.drains, 0, "on_drain");
  }
  close_both();
}

/* "x-how" says in which order. */
static void refuse(struct stream *stream) {
  const nghttp2_nv trailers[] = {field_make("grpc-status", "0"),
                                 field_make("grpc-message", "fine")};
  switch (stream_header(stream, "x-how")[0]) {
  case '1':
    stream_refuse(stream);
    stream_respond(stream, 413, NULL, 0, 0);
    break;
  case '2':
    stream_respond(stream, 413, NULL, 0, 0);
    stream_refuse(stream);
    break;
  case '3':
    stream_respond(stream, 413, NULL, 0, 9);
    stream_refuse(stream);
    stream_end(stream, "too large", 9);
    break;
  case '4':
    stream_respond(stream, 413, NULL, 0, 9);
    stream_end(stream, "too large", 9);
    stream_refuse(stream);
    break;
  case '5':
    stream_respond(stream, 413, NULL, 0, STREAM_LENGTH_UNKNOWN);
    stream_write(stream, "too large", 9);
    stream_refuse(stream);
    stream_trailers(stream, trailers, 2);
    break;
  }
}

static void upload_and_be_refused(const char *how) {
  enum { SIZE = 1000000 };
  static uint8_t body[SIZE];
  const nghttp2_nv field = field_make("x-how", how);
  size_t before = now.received;
  size_t closes = now.closes;
  now.trailers = 0;
  struct stream *stream = ask("POST", &field, 1, 200 * (int64_t)SIZE);
  stream_write_static(stream, body, SIZE);
  run_until(&now.closes, closes + 1);
  cr_assert_eq(now.status, 413, "%s: the response is lost: %d", how, now.status);
  cr_assert_eq(now.code, NGHTTP2_NO_ERROR, "%s: %u", how, now.code);
  cr_assert_eq(now.trailers, how[0] == '5' ? 2 : 0, "%s: %zu trailers", how, now.trailers);
  run_until(&now.server_closes, closes + 1);
  cr_assert_eq(now.server_code, NGHTTP2_NO_ERROR, "%s: %u", how, now.server_code);
  cr_assert_eq(now.received, before, "%s: on_data after stream_refuse", how);
}

Test(promises, an_upload_is_refused_and_its_response_arrives) {
  open_both((struct server_config){0}, refuse);
  for (int how = '1'; how <= '5'; how++)
    upload_and_be_refused((const char[]){(char)how, '\0'});
  close_both();
}

static struct stream *held;

static void respond_and_hold(struct stream *stream) {
  say_ok(stream);
  held = stream;
}

/* The response has long been sent; the upload goes on. */
Test(promises, an_upload_is_refused_after_its_response) {
  open_both((struct server_config){0}, respond_and_hold);
  struct stream *stream = ask("POST", NULL, 0, STREAM_LENGTH_UNKNOWN);
  stream_write(stream, "beginning", 9);
  run_until(&now.received, 9);
  while (now.status == 0)
    support_turn();
  stream_refuse(held);
  stream_refuse(held);
  run_until(&now.closes, 1);
  cr_assert_eq(now.code, NGHTTP2_NO_ERROR, "%u", now.code);
  close_both();
}

/* After the end of the body there is nothing to refuse. */
Test(promises, a_refusal_that_comes_too_late_changes_nothing) {
  const nghttp2_nv field = field_make("x-how", "1");
  open_both((struct server_config){0}, refuse);
  cr_assert(ask("GET", &field, 1, 0), "no request");
  run_until(&now.closes, 1);
  run_until(&now.server_closes, 1);
  cr_assert_eq(now.server_code, NGHTTP2_NO_ERROR, "%u", now.server_code);
  close_both();
}

/* --- Fields that HTTP/2 does not have --------------------------------------------------------- */

static const struct {
  const char *name, *value;
} wrong_fields[] = {
    {"", "v"},           {"x y", "v"},        {"x:y", "v"},
    {":status", "200"},  {":path", "/"},      {"connection", "close"},
    {"Connection", "x"}, {"keep-alive", "x"}, {"proxy-connection", "x"},
    {"upgrade", "h2c"},  {"te", "gzip"},      {"transfer-encoding", "chunked"},
    {"x", " v"},         {"x", "v\t"},        {"x", " "},
    {"x", "a\r\nb"},     {"x\177", "v"},      {"x\xc3\xa9", "v"},
};

enum { WRONG_FIELDS = sizeof wrong_fields / sizeof *wrong_fields };

static nghttp2_nv wrong_field(size_t i) {
  return field_make(wrong_fields[i].name, wrong_fields[i].value);
}

static void respond_wrongly(struct stream *stream) {
  const nghttp2_nv right = field_make("X-Capital", "a b");
  for (size_t i = 0; i < WRONG_FIELDS; i++) {
    nghttp2_nv field = wrong_field(i);
    const char *name = wrong_fields[i].name;
    cr_assert_eq(stream_inform(stream, 103, &field, 1), -1, "inform: '%s'", name);
    cr_assert_eq(stream_respond(stream, 200, &field, 1, 0), -1, "respond: '%s'", name);
  }
  cr_assert_eq(stream_respond(stream, 200, &right, 1, STREAM_LENGTH_UNKNOWN), 0, "respond");
  for (size_t i = 0; i < WRONG_FIELDS; i++) {
    nghttp2_nv field = wrong_field(i);
    cr_assert_eq(stream_trailers(stream, &field, 1), -1, "trailers: '%s'", wrong_fields[i].name);
  }
  cr_assert_eq(stream_end(stream, NULL, 0), 0, "end");
}

Test(promises, a_field_that_the_peer_would_not_take_is_refused_at_the_call) {
  const nghttp2_nv trailers = field_make("te", "trailers");
  open_both((struct server_config){0}, respond_wrongly);
  for (size_t i = 0; i < WRONG_FIELDS; i++) {
    nghttp2_nv field = wrong_field(i);
    cr_assert_null(ask("GET", &field, 1, 0), "request: '%s'", wrong_fields[i].name);
  }
  cr_assert(ask("GET", &trailers, 1, 0), "te: trailers");
  run_until(&now.closes, 1);
  cr_assert_eq(now.status, 200, "%d", now.status);
  cr_assert_eq(now.code, NGHTTP2_NO_ERROR, "%u", now.code);
  close_both();
}

/* With NO_COPY_NAME, nghttp2 does not make a name lower-case either. */
Test(promises, capital_letters_in_a_constant_name_are_refused) {
  nghttp2_nv field = field_make("X-Capital", "v");
  open_both((struct server_config){0}, say_ok);
  field.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
  cr_assert_null(ask("GET", &field, 1, 0), "taken");
  close_both();
}

static char authority[64];

static void note_authority(struct stream *stream) {
  snprintf(authority, sizeof authority, "%s", stream_header(stream, ":authority"));
  cr_assert_str_eq(stream_header_name(stream, 2), ":authority", ":authority is in the wrong place");
  cr_assert_eq(stream_header_count(stream), 5, "%zu", stream_header_count(stream));
  say_ok(stream);
}

Test(promises, an_authority_among_the_fields_replaces_ours) {
  const nghttp2_nv fields[] = {field_make("x-first", "1"), field_make(":authority", "example.org")};
  const nghttp2_nv wrong = field_make(":authority", "a b");
  open_both((struct server_config){0}, note_authority);
  cr_assert_null(ask("GET", &wrong, 1, 0), "it takes ':authority: a b'");
  cr_assert(ask("GET", fields, 2, 0), "no request");
  run_until(&now.closes, 1);
  cr_assert_str_eq(authority, "example.org", "%s", authority);
  close_both();
}

/* --- The state of a stream -------------------------------------------------------------------- */

static void by_body(struct stream *stream) {
  const nghttp2_nv trailers[] = {field_make("grpc-status", "0"),
                                 field_make("grpc-message", "fine")};
  cr_assert_eq(stream_received_all(stream), strcmp(stream_method(stream), "GET") == 0, "%s",
               stream_method(stream));
  bool trailers_only = strcmp(stream_method(stream), "GET") == 0;
  stream_respond(stream, 200, NULL, 0, trailers_only ? 0 : STREAM_LENGTH_UNKNOWN);
  if (!trailers_only)
    stream_trailers(stream, trailers, 2);
}

Test(promises, whether_all_is_received_is_known_with_the_headers) {
  open_both((struct server_config){0}, by_body);
  get();
  run_until(&now.closes, 1);
  cr_assert(now.received_all, "a response without a body is not complete in on_headers");
  struct stream *stream = ask("POST", NULL, 0, STREAM_LENGTH_UNKNOWN);
  run_until(&now.streams, 2);
  stream_end(stream, "x", 1);
  run_until(&now.closes, 2);
  cr_assert_not(now.received_all, "a response with trailers is complete in on_headers");
  cr_assert_eq(now.trailers, 2, "%zu", now.trailers);
  close_both();
}

Test(promises, a_client_knows_how_many_requests_may_leave) {
  open_both((struct server_config){.max_concurrent_streams = 3}, stay_silent);
  cr_assert_eq(client_room(now.client), 100, "%zu: nghttp2 assumes 100", client_room(now.client));
  struct stream *first = get();
  run_until(&now.streams, 1);
  while (client_room(now.client) > 3) /* SETTINGS have come */
    support_turn();
  cr_assert_eq(client_room(now.client), 2, "%zu", client_room(now.client));
  get(), get();
  cr_assert_eq(client_room(now.client), 0, "%zu", client_room(now.client));
  get();
  cr_assert_eq(client_room(now.client), 0, "%zu", client_room(now.client));
  stream_close(first, NGHTTP2_CANCEL);
  run_until(&now.closes, 1);
  run_until(&now.streams, 4);
  cr_assert_eq(client_room(now.client), 0, "%zu", client_room(now.client));
  server_close(now.server);
  now.server = NULL;
  while (!now.client_closed && client_room(now.client) > 0)
    support_turn();
  client_free(now.client);
  now.client = NULL;
  support_wait(&now.server_closed);
}

static uint32_t window_of_stream, window_of_connection;

static void note_windows(struct stream *stream) {
  nghttp2_session *session = connection_session(stream_connection(stream));
  window_of_stream =
      nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
  window_of_connection = (uint32_t)nghttp2_session_get_remote_window_size(session);
  say_ok(stream);
}

Test(promises, a_client_has_the_windows_that_it_was_given) {
  open_server((struct server_config){0}, note_windows);
  connect_to("localhost", server_port(now.server),
             (struct client_config){.stream_window = 5000000, .connection_window = 7000000});
  get();
  run_until(&now.closes, 1);
  cr_assert_eq(window_of_stream, 5000000, "%u", window_of_stream);
  cr_assert_eq(window_of_connection, 7000000, "%u", window_of_connection);
  close_both();
}

static char peer[56];

static void note_peer(struct stream *stream) {
  struct transport *transport = connection_transport(stream_connection(stream));
  cr_assert_eq(transport_peer(transport, peer, sizeof peer), 0, "no address");
  say_ok(stream);
}

Test(promises, the_address_of_the_peer_is_known) {
  static const char *const hosts[] = {"127.0.0.1", "[::1]"};
  for (int i = 0; i < 2; i++) {
    memset(&now, 0, sizeof now);
    open_server((struct server_config){.host = i ? "::1" : "127.0.0.1"}, note_peer);
    connect_to(hosts[i], server_port(now.server), (struct client_config){0});
    get();
    run_until(&now.closes, 1);
    size_t length = strlen(hosts[i]);
    cr_assert(strncmp(peer, hosts[i], length) == 0 && peer[length] == ':' &&
                  atoi(peer + length + 1) > 0,
              "%s", peer);
    close_both();
  }
}

/* --- Servers ---------------------------------------------------------------------------------- */

static void on_close_of_all(struct stream *stream, uint32_t code, void *user) {
  (void)stream, (void)code, (void)user;
  now.server_closes++;
  server_close(now.server);
}

static void hold_and_close(struct stream *stream) {
  static const struct stream_events events = {.on_close = on_close_of_all};
  stream_set_events(stream, &events, NULL);
}

/* The listener was freed twice. */
Test(promises, server_close_is_allowed_in_an_event_from_server_free) {
  open_both((struct server_config){0}, hold_and_close);
  get(), get();
  run_until(&now.streams, 2);
  server_free(now.server);
  cr_assert_eq(now.server_closes, 2, "%zu", now.server_closes);
  cr_assert_not(now.server_closed, "on_close of a server that was freed");
  now.server = NULL;
  support_wait(&now.client_closed);
}

Test(promises, a_server_is_told_why_a_connection_has_ended) {
  open_both((struct server_config){0}, say_ok);
  get();
  run_until(&now.closes, 1);
  client_close(now.client);
  run_until(&now.connections_closed, 1);
  cr_assert_str_eq(now.connection_error, "", "%s", now.connection_error);
  int raw = support_connect(server_port(now.server));
  support_send(raw, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", 35);
  run_until(&now.connections_closed, 2);
  cr_assert(strstr(now.connection_error, "not HTTP/2"), "%s", now.connection_error);
  close(raw);
  support_wait(&now.client_closed);
  now.client = NULL;
  close_both();
}

Test(promises, a_server_listens_on_the_sockets_of_its_caller) {
  int ports[2];
  int sockets[] = {support_listen(&ports[0]), support_listen(&ports[1])};
  open_server((struct server_config){.sockets = sockets, .socket_count = 2}, say_ok);
  cr_assert_eq(server_port(now.server), ports[0], "%d", server_port(now.server));
  for (size_t i = 0; i < 2; i++) {
    now.client_closed = false;
    connect_to("127.0.0.1", ports[i], (struct client_config){0});
    get();
    run_until(&now.closes, i + 1);
    client_close(now.client);
    support_wait(&now.client_closed);
  }
  close_both();
}

/* The error names the wrong socket, and all are closed. */
Test(promises, a_socket_that_does_not_listen_is_refused) {
  int port;
  int sockets[] = {support_listen(&port), support_refuse(&port)};
  char error[256];
  char expected[64];
  const struct server_config config = {
      .sockets = sockets, .socket_count = 2, .on_stream = on_stream};
  cr_assert_null(server_listen(support_loop(), &config, error, sizeof error), "taken");
  snprintf(expected, sizeof expected, "listen on descriptor %d: Invalid argument", sockets[1]);
  cr_assert_str_eq(error, expected, "%s", error);
  cr_assert_eq(close(sockets[0]), -1, "the first is still open");
  cr_assert_eq(close(sockets[1]), -1, "the second is still open");
}

Test(promises, every_address_of_both_families) {
  static const char *const hosts[] = {"127.0.0.1", "[::1]"};
  open_server((struct server_config){.host = "*"}, say_ok);
  for (size_t i = 0; i < 2; i++) {
    now.client_closed = false;
    connect_to(hosts[i], server_port(now.server), (struct client_config){0});
    get();
    run_until(&now.closes, i + 1);
    client_close(now.client);
    support_wait(&now.client_closed);
    cr_assert_eq(now.code, NGHTTP2_NO_ERROR, "%s: %u", hosts[i], now.code);
  }
  close_both();
}

/* --- Sentences of stream.h and client.h ------------------------------------------------------- */

/* stream_respond: a content-length among the fields stands, unchecked. */
static void announce_seven_and_send_three(struct stream *stream) {
  const nghttp2_nv field = field_make("content-length", "7");
  stream_respond(stream, 200, &field, 1, 3);
  stream_end(stream, "abc", 3);
}

Test(promises, a_length_among_the_fields_stands) {
  open_both((struct server_config){0}, announce_seven_and_send_three);
  get();
  run_until(&now.closes, 1);
  cr_assert_eq(now.status, 200, "%d", now.status);
  cr_assert_eq(now.code, NGHTTP2_PROTOCOL_ERROR, "the peer saw no 7: %u", now.code);
  run_until(&now.server_closes, 1);
  cr_assert_eq(now.server_code, NGHTTP2_NO_ERROR, "the server checked it: %u", now.server_code);
  close_both();
}

/* stream_end: the peer's body may go on after it. */
Test(promises, a_body_may_go_on_after_the_response) {
  open_both((struct server_config){0}, say_ok);
  struct stream *stream = ask("POST", NULL, 0, STREAM_LENGTH_UNKNOWN);
  while (now.status == 0)
    support_turn();
  cr_assert_eq(stream_write(stream, "later", 5), 1, "the stream takes no more");
  run_until(&now.received, 5);
  stream_end(stream, "on", 2);
  run_until(&now.server_closes, 1);
  cr_assert_eq(now.received, 7, "%zu", now.received);
  cr_assert_eq(now.server_code, NGHTTP2_NO_ERROR, "%u", now.server_code);
  close_both();
}

static size_t cookies;

/* stream_header: the first of several fields; the list has all. */
static void count_cookies(struct stream *stream) {
  cr_assert_str_eq(stream_header(stream, "cookie"), "a=1", "not the first");
  for (size_t i = 0; i < stream_header_count(stream); i++)
    if (strcmp(stream_header_name(stream, i), "cookie") == 0)
      cookies++;
  say_ok(stream);
}

Test(promises, cookies_may_come_in_several_fields) {
  const nghttp2_nv fields[] = {field_make("cookie", "a=1"), field_make("x", "y"),
                               field_make("cookie", "b=2")};
  open_both((struct server_config){0}, count_cookies);
  cr_assert(ask("GET", fields, 3, 0), "no request");
  run_until(&now.closes, 1);
  cr_assert_eq(cookies, 2, "%zu", cookies);
  close_both();
}

/* client_config: on_close may be NULL. */
Test(promises, a_client_without_on_close_ends) {
  struct url url;
  char text[64];
  open_server((struct server_config){0}, say_ok);
  snprintf(text, sizeof text, "http://localhost:%d/", server_port(now.server));
  cr_assert_eq(url_parse(&url, text), 0, "%s", text);
  struct client *client = client_connect(support_loop(), &url, &(struct client_config){0});
  cr_assert(client && client_request(client, "GET", "/", NULL, 0, 0), "no memory");
  client_close(client);
  run_until(&now.connections_closed, 1);
  cr_assert_str_eq(now.connection_error, "", "%s", now.connection_error);
  url_free(&url);
  close_both();
}
