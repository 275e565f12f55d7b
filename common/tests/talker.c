/* talker: see talker.h. */
#include "common/tests/talker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/field.h"
#include "common/tests/support.h"

static void call(talker_hook hook, struct talker *talker) {
  if (hook)
    hook(talker);
}

/* --- Callbacks of nghttp2 --------------------------------------------------------------------- */

static ssize_t read_body(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  struct talker *talker = user;
  cr_assert_lt(stream_id / 2, TALKER_STREAMS, "too many streams");
  size_t *offset = &talker->read[stream_id / 2];
  size_t length = talker->body - *offset < size ? talker->body - *offset : size;
  (void)session;
  (void)source;
  if (talker->body_fails)
    return talker->body_fails;
  support_fill(bytes, *offset, length);
  *offset += length;
  talker->produced += length;
  if (*offset == talker->body)
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)length;
}

static const nghttp2_data_provider body = {.read_callback = read_body};

static void answer(nghttp2_session *session, int32_t stream_id) {
  const nghttp2_nv status = field_make(":status", "200");
  int error = nghttp2_submit_response(session, stream_id, &status, 1, &body);
  cr_assert_eq(error, 0, "nghttp2_submit_response: %s", nghttp2_strerror(error));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct talker *talker = user;
  cr_assert(talker->open && !talker->closed, "a frame out of order");
  bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
              frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (ends && nghttp2_session_check_server_session(session)) {
    talker->requests++;
    talker->asked = frame->hd.stream_id;
    if (!talker->holds)
      answer(session, frame->hd.stream_id);
  }
  talker->frame = frame;
  call(talker->at_frame, talker);
  talker->frame = NULL;
  return talker->fails;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                         const uint8_t *data, size_t length, void *user) {
  struct talker *talker = user;
  cr_assert_lt(stream_id / 2, TALKER_STREAMS, "too many streams");
  size_t *received = &talker->received[stream_id / 2];
  support_expect_filled(data, *received, length);
  *received += length;
  (void)session;
  (void)flags;
  return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user) {
  struct talker *talker = user;
  (void)session;
  (void)stream_id;
  cr_assert(talker->open && !talker->closed, "on_stream_close out of order");
  if (error_code == NGHTTP2_NO_ERROR)
    talker->finished++;
  else
    talker->failed++;
  call(talker->at_stream_close, talker);
  return 0;
}

/* --- Callbacks of the connection -------------------------------------------------------------- */

static void observe(bool sent, const void *data, size_t length, void *user) {
  struct talker *talker = user;
  talker->sent += sent ? length : 0;
  talker->system_calls += sent;
  if (!talker->observes)
    return;
  bool server = nghttp2_session_check_server_session(connection_session(talker->connection));
  frames_feed(&talker->frames, sent == server ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT, data,
              length);
}

static void on_open(struct connection *connection, void *user) {
  struct talker *talker = user;
  cr_assert(!talker->open && !talker->closed, "on_open comes once, and first");
  talker->open = true;
  talker->connection = connection;
  transport_observe(connection_transport(connection), observe, talker);
  call(talker->at_open, talker);
}

static void on_close(struct connection *connection, const char *error, void *user) {
  struct talker *talker = user;
  cr_assert_not(talker->closed, "on_close comes once");
  cr_assert(!talker->connection || connection == talker->connection, "another connection");
  talker->closed = true;
  if (error) {
    cr_assert(error[0] != '\0' && !strchr(error, '\n'), "not one line: '%s'", error);
    snprintf(talker->error, sizeof talker->error, "%s", error);
  }
  call(talker->at_close, talker);
  talker->connection = NULL;
}

const struct connection_config *talker_config(void) {
  static const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 200},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100000},
  };
  static struct connection_config config = {
      .settings = settings, .setting_count = 2, .on_open = on_open, .on_close = on_close};
  static nghttp2_session_callbacks *callbacks;
  if (config.callbacks)
    return &config;
  cr_assert_eq(nghttp2_session_callbacks_new(&callbacks), 0, "no memory");
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  config.callbacks = callbacks;
  return &config;
}

static const struct connection_config *config_of(const struct talker *talker) {
  return talker->config ? talker->config : talker_config();
}

/* --- Functions for tests ---------------------------------------------------------------------- */

void talker_connect(struct talker *client, int port) {
  char text[8];
  snprintf(text, sizeof text, "%d", port);
  const struct url url = {.host = "127.0.0.1", .port = text};
  if (client->observes)
    frames_begin(&client->frames);
  client->connection = connection_connect(support_loop(), &url, NULL, config_of(client), client);
  cr_assert_not_null(client->connection, "no memory");
  cr_assert(!client->open && !client->closed, "an event before connection_connect returned");
}

void talker_accept(struct talker *server, int descriptor) {
  if (server->observes)
    frames_begin(&server->frames);
  struct transport *transport = transport_accept(support_loop(), descriptor, NULL);
  cr_assert_not_null(transport, "transport_accept: %s", strerror(errno));
  struct connection *connection = connection_accept(transport, config_of(server), server);
  cr_assert_not_null(connection, "no memory");
  cr_assert(server->open, "no on_open before connection_accept returned");
}

void talker_meet(struct talker *client, struct talker *server) {
  int port;
  int listening = support_listen(&port);
  talker_connect(client, port);
  talker_accept(server, support_accept(listening));
  support_wait(&client->open);
  close(listening);
}

int talker_meet_raw_server(struct talker *client) {
  int port;
  int listening = support_listen(&port);
  talker_connect(client, port);
  int descriptor = support_accept(listening);
  close(listening);
  support_wait(&client->open);
  return descriptor;
}

int talker_meet_raw_client(struct talker *server) {
  int pair[2];
  support_pair(pair);
  talker_accept(server, pair[1]);
  return pair[0];
}

int32_t talker_request(struct talker *client) {
  const nghttp2_nv fields[] = {field_make(":method", "POST"), field_make(":scheme", "http"),
                               field_make(":authority", "localhost"), field_make(":path", "/")};
  int32_t stream_id =
      nghttp2_submit_request(connection_session(client->connection), NULL, fields, 4, &body, NULL);
  cr_assert_gt(stream_id, 0, "nghttp2_submit_request: %s", nghttp2_strerror(stream_id));
  return stream_id;
}

void talker_answer(struct talker *server) {
  answer(connection_session(server->connection), server->asked);
  connection_send(server->connection);
}

void talker_await(struct talker *talker, size_t finished) {
  while (talker->finished < finished && !talker->closed)
    support_turn();
  cr_assert_eq(talker->finished, finished, "%zu streams are finished, not %zu; error '%s'",
               talker->finished, finished, talker->error);
}

void talker_expect_close(struct talker *talker, const char *error) {
  support_wait(&talker->closed);
  cr_assert_str_eq(talker->error, error ? error : "", "it ended with '%s'", talker->error);
}

const struct frame *talker_find(const struct talker *talker, enum frame_sender sender,
                                unsigned type, size_t n) {
  for (size_t i = 0; i < talker->frames.count; i++) {
    const struct frame *frame = talker->frames.list[i];
    if (frame->sender == sender && frame->type == type && n-- == 0)
      return frame;
  }
  return NULL;
}

void talker_free(struct talker *talker) {
  connection_free(talker->connection);
  talker->connection = NULL;
  frames_end(&talker->frames);
}
