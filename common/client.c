/* client: see client.h. */
#include "common/client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/inner/handle.h"
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
  nghttp2_settings_entry settings[3];
  uv_timer_t *later;   /* what is left to do in the next turn of the loop: on_later */
  uv_timer_t *timeout; /* of connecting */
  char error[128];     /* why the client gave up; "" if it did not */
  bool open;
  bool closing; /* client_close was called */
  bool ended;   /* no more requests: the client says goodbye, or is over */
};

/* --- The end ---------------------------------------------------------------------------------- */

void client_free(struct client *client) {
  if (!client)
    return;
  client->ended = true;
  struct connection *connection = client->streams.connection;
  stream_list_end(&client->streams, NGHTTP2_CANCEL);
  connection_free(connection);
  handle_close((uv_handle_t *)client->later);
  handle_close((uv_handle_t *)client->timeout);
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
  if (*client->error)
    error = client->error;
  if (client->config.on_close)
    client->config.on_close(client, error, client->config.user);
  streams->connection = NULL;
  client_free(client);
}

/* Whether there is nothing to wait for: before there is a connection, nothing closes a stream that
 * was given up. */
static bool is_idle(const struct client *client) {
  const struct list *streams = &client->streams.streams;
  const struct stream *stream = list_first(streams);
  while (stream && !client->open && stream->closed)
    stream = list_next(streams, &stream->link);
  return !stream;
}

static void on_later(uv_timer_t *timer);

void client_close(struct client *client) {
  client->closing = true;
  if (client->ended || !is_idle(client))
    return;
  client->ended = true; /* the server will close once it has seen GOAWAY */
  if (client->open)
    connection_close(client->streams.connection);
  else
    uv_timer_start(client->later, on_later, 0, 0);
}

/* End streams that were closed before they were sent; then, if there is no connection yet and
 * nothing to wait for, end the client. One stream per call: its on_close may do anything except
 * client_free. */
static void on_later(uv_timer_t *timer) {
  struct client *client = timer->data;
  if (stream_finish_unsent(&client->streams))
    uv_timer_start(timer, on_later, 0, 0);
  else if (client->ended)
    connection_close(client->streams.connection); /* if it is not open, this frees the client */
  else if (client->closing)
    client_close(client);
}

static void on_unsent(void *user) {
  struct client *client = user;
  uv_timer_start(client->later, on_later, 0, 0);
}

static void on_timeout(uv_timer_t *timer) {
  struct client *client = timer->data;
  client->ended = true;
  snprintf(client->error, sizeof client->error, "connect to %.80s: no connection after %u ms",
           client->authority, client->config.connect_timeout);
  connection_close(client->streams.connection); /* this frees the client */
}

/* client_close may be waiting for this last stream. If both sides have finished, no RST_STREAM says
 * that the response was malformed. */
static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code,
                           void *user_data) {
  struct stream_list *streams = user_data;
  struct client *client = streams->user;
  const struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
  if (stream && stream->malformed && error_code == NGHTTP2_NO_ERROR)
    error_code = NGHTTP2_PROTOCOL_ERROR;
  int result = stream_list_on_stream_close(session, id, error_code, user_data);
  if (client->closing)
    client_close(client);
  return result;
}

/* --- Requests --------------------------------------------------------------------------------- */

struct stream *client_request(struct client *client, const char *method, const char *path,
                              const nghttp2_nv *fields, size_t count, int64_t body_length) {
  nghttp2_nv pseudo[] = {
      field_make(":method", method),
      field_make(":scheme", client->scheme),
      field_make(":authority", client->authority),
      field_make(":path", path),
  };
  /* nghttp2 need not copy what stays where it is until the client ends. */
  pseudo[0].flags = pseudo[3].flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
  pseudo[1].flags = pseudo[2].flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  if (client->ended || !nghttp2_check_method(pseudo[0].value, pseudo[0].valuelen) ||
      strcmp(method, "CONNECT") == 0 || *path == '\0' ||
      !nghttp2_check_path(pseudo[3].value, pseudo[3].valuelen) ||
      !nghttp2_session_check_request_allowed(connection_session(client->streams.connection)))
    return NULL;
  return stream_send_request(&client->streams, pseudo, fields, count, body_length);
}

size_t client_room(const struct client *client) {
  nghttp2_session *session = connection_session(client->streams.connection);
  if (client->ended || !nghttp2_session_check_request_allowed(session))
    return 0;
  uint32_t limit =
      nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return limit > client->streams.count ? limit - client->streams.count : 0;
}

struct connection *client_connection(const struct client *client) {
  return client->streams.connection;
}

/* --- The beginning ---------------------------------------------------------------------------- */

static void on_open(struct connection *connection, void *user) {
  struct stream_list *streams = user;
  struct client *client = streams->user;
  client->open = true;
  uv_timer_stop(client->timeout);
  if (client->ended) /* by client_close, just now: on_later says goodbye */
    return;
  /* If there is no memory for the larger window, the connection has the smaller one. */
  nghttp2_session_set_local_window_size(connection_session(connection), NGHTTP2_FLAG_NONE, 0,
                                        (int32_t)client->config.connection_window);
  if (client->config.on_open)
    client->config.on_open(client, client->config.user);
}

/* Returns how many settings there are. Leave out a window that is the default. */
static size_t make_settings(struct client *client) {
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, STREAM_LIST_HEADER_LIMIT},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, client->config.stream_window},
  };
  size_t count = sizeof settings / sizeof *settings;
  memcpy(client->settings, settings, sizeof settings);
  return client->config.stream_window ? count : count - 1;
}

/* Tell nghttp2 the callbacks and options. Returns 0 or -1. */
static int configure(struct client *client) {
  if (nghttp2_session_callbacks_new(&client->callbacks) != 0 ||
      nghttp2_option_new(&client->option) != 0)
    return -1;
  stream_list_set_callbacks(client->callbacks);
  nghttp2_session_callbacks_set_on_header_callback2(client->callbacks,
                                                    stream_list_on_response_header);
  nghttp2_session_callbacks_set_on_stream_close_callback(client->callbacks, on_stream_close);
  stream_list_set_options(client->option);
  nghttp2_option_set_no_http_messaging(client->option, 1); /* response_rules judge */
  client->connection_config = (struct connection_config){
      .callbacks = client->callbacks,
      .option = client->option,
      .settings = client->settings,
      .setting_count = make_settings(client),
      .on_open = on_open,
      .on_close = on_connection_close,
      .handshake = client->config.handshake,
  };
  return 0;
}

/* Returns NULL when there is no memory. */
static uv_timer_t *new_timer(uv_loop_t *loop, struct client *client) {
  uv_timer_t *timer = malloc(sizeof *timer);
  if (!timer)
    return NULL;
  uv_timer_init(loop, timer); /* it cannot fail */
  timer->data = client;
  return timer;
}

struct client *client_connect(uv_loop_t *loop, const struct url *url,
                              const struct client_config *config) {
  assert(!url->tls || config->tls);
  struct client *client = calloc(1, sizeof *client);
  if (!client)
    return NULL;
  client->config = *config;
  if (client->config.connection_window == 0)
    client->config.connection_window = CONNECTION_WINDOW;
  client->later = new_timer(loop, client);
  client->timeout = new_timer(loop, client);
  client->scheme = strdup(url->scheme);
  client->authority = strdup(url->authority);
  stream_list_init(&client->streams, NULL, client, NULL);
  client->streams.on_unsent = on_unsent;
  if (client->later && client->timeout && client->scheme && client->authority &&
      configure(client) == 0)
    client->streams.connection = connection_connect(loop, url, url->tls ? config->tls : NULL,
                                                    &client->connection_config, &client->streams);
  if (client->streams.connection) {
    uv_update_time(loop); /* libuv has started threads for the look-up, which takes a while */
    if (config->connect_timeout)
      uv_timer_start(client->timeout, on_timeout, config->connect_timeout, 0);
    return client;
  }
  client_free(client);
  return NULL;
}
