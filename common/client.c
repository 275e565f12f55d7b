/* client: see client.h. */
#include "common/client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/inner/stream_list.h"
#include "common/inner/stream_send.h"

enum { CONNECTION_WINDOW = 1024 * 1024 };

struct client {
  struct client_config config;
  char *scheme;
  char *authority;
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  struct connection_config connection_config;
  struct stream_list streams;
  bool open;
  bool closing; /* client_close was called */
  bool ended;   /* no request can be made any more: it is said goodbye, or it is over */
};

static const nghttp2_settings_entry settings[] = {
    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, STREAM_LIST_HEADER_LIMIT},
};

/* --- The end ---------------------------------------------------------------------------------- */

void client_free(struct client *client) {
  if (!client)
    return;
  client->ended = true;
  struct connection *connection = client->streams.connection;
  stream_list_end(&client->streams, NGHTTP2_CANCEL);
  connection_free(connection);
  nghttp2_session_callbacks_del(client->callbacks);
  nghttp2_option_del(client->option);
  free(client->scheme);
  free(client->authority);
  free(client);
}

static void on_connection_close(struct connection *connection, const char *error, void *user) {
  struct stream_list *streams = user;
  struct client *client = streams->user;
  (void)connection; /* it frees itself */
  client->ended = true;
  stream_list_end(streams, NGHTTP2_CANCEL);
  client->config.on_close(client, error, client->config.user);
  streams->connection = NULL;
  client_free(client);
}

/* Whether there is nothing to wait for: a connection that is not there yet closes no stream that
 * was given up. */
static bool is_idle(const struct client *client) {
  const struct list *streams = &client->streams.streams;
  const struct stream *stream = list_first(streams);
  while (stream && !client->open && stream->closed)
    stream = list_next(streams, &stream->link);
  return !stream;
}

void client_close(struct client *client) {
  client->closing = true;
  if (client->ended || !is_idle(client))
    return;
  client->ended = true; /* the server will close once it has seen GOAWAY */
  connection_close(client->streams.connection);
}

/* The last stream may be what client_close waits for. */
static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code,
                           void *user_data) {
  struct stream_list *streams = user_data;
  struct client *client = streams->user;
  int result = stream_list_on_stream_close(session, id, error_code, user_data);
  if (client->closing)
    client_close(client);
  return result;
}

/* --- Requests --------------------------------------------------------------------------------- */

struct stream *client_request(struct client *client, const char *method, const char *path,
                              const nghttp2_nv *fields, size_t count, int64_t body_length) {
  const nghttp2_nv pseudo[] = {
      field_make(":method", method),
      field_make(":scheme", client->scheme),
      field_make(":authority", client->authority),
      field_make(":path", path),
  };
  if (client->ended || !nghttp2_check_method(pseudo[0].value, pseudo[0].valuelen) ||
      strcmp(method, "CONNECT") == 0 || *path == '\0' ||
      !nghttp2_check_path(pseudo[3].value, pseudo[3].valuelen))
    return NULL;
  return stream_send_request(&client->streams, pseudo, fields, count, body_length);
}

struct connection *client_connection(const struct client *client) {
  return client->streams.connection;
}

/* --- The beginning ---------------------------------------------------------------------------- */

static void on_open(struct connection *connection, void *user) {
  struct stream_list *streams = user;
  struct client *client = streams->user;
  client->open = true;
  /* If there is no memory for the larger window, the connection has the smaller one. */
  nghttp2_session_set_local_window_size(connection_session(connection), NGHTTP2_FLAG_NONE, 0,
                                        CONNECTION_WINDOW);
  if (client->config.on_open)
    client->config.on_open(client, client->config.user);
}

/* What nghttp2 is to be told. Returns 0 or -1. */
static int configure(struct client *client) {
  if (nghttp2_session_callbacks_new(&client->callbacks) != 0 ||
      nghttp2_option_new(&client->option) != 0)
    return -1;
  stream_list_set_callbacks(client->callbacks);
  nghttp2_session_callbacks_set_on_stream_close_callback(client->callbacks, on_stream_close);
  stream_list_set_options(client->option);
  client->connection_config = (struct connection_config){
      .callbacks = client->callbacks,
      .option = client->option,
      .settings = settings,
      .setting_count = sizeof settings / sizeof *settings,
      .on_open = on_open,
      .on_close = on_connection_close,
      .handshake = client->config.handshake,
  };
  return 0;
}

struct client *client_connect(uv_loop_t *loop, const struct url *url,
                              const struct client_config *config) {
  assert(!url->tls || config->tls);
  struct client *client = calloc(1, sizeof *client);
  if (!client)
    return NULL;
  client->config = *config;
  client->scheme = strdup(url->scheme);
  client->authority = strdup(url->authority);
  stream_list_init(&client->streams, NULL, client, NULL);
  if (client->scheme && client->authority && configure(client) == 0)
    client->streams.connection = connection_connect(loop, url, url->tls ? config->tls : NULL,
                                                    &client->connection_config, &client->streams);
  if (client->streams.connection)
    return client;
  client_free(client);
  return NULL;
}
