/* server: see server.h. */
#include "common/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/inner/handle.h"
#include "common/inner/stream_list.h"
#include "common/list.h"
#include "common/listener.h"
#include "common/signals.h"

enum {
  MAX_CONCURRENT_STREAMS = 100,
  CONNECTION_WINDOW = 1024 * 1024,
  GRACE_MS = 5000,
  ROUND_TRIP_MS = 1000, /* the most that server_close waits for the answer to PING */
};

/* The server's view of one client. (struct client is the other end, in client.h.) */
struct guest {
  struct list link;
  struct server *server;
  struct connection *connection;
  bool open; /* otherwise it is in the TLS handshake */
  struct stream_list streams;
};

/* How far server_close has come. */
enum phase {
  SERVING,
  ROUND_TRIP, /* the first GOAWAY is sent */
  GRACE,      /* the last GOAWAY is sent to every client; streams finish */
  ENDED,      /* server_free takes it apart */
};

struct server {
  uv_loop_t *loop;
  struct server_config config;
  nghttp2_settings_entry settings[4];
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  struct connection_config connection_config;
  struct listener *listener; /* NULL once it closes */
  int port;
  struct list guests;
  struct date date;
  enum phase phase;
  uv_timer_t *timer;       /* of the phases */
  struct signals *signals; /* NULL without server_close_on_signals */
};

/* --- The end ---------------------------------------------------------------------------------- */

static void free_guest(struct guest *guest) {
  list_remove(&guest->link);
  free(guest);
}

void server_free(struct server *server) {
  if (!server)
    return;
  server->phase = ENDED; /* a stream's on_close may well call server_close */
  listener_free(server->listener);
  struct guest *guest;
  while ((guest = list_first(&server->guests))) {
    stream_list_end(&guest->streams, NGHTTP2_CANCEL);
    connection_free(guest->connection);
    free_guest(guest);
  }
  handle_close((uv_handle_t *)server->timer);
  signals_free(server->signals);
  nghttp2_session_callbacks_del(server->callbacks);
  nghttp2_option_del(server->option);
  free(server);
}

/* End whatever is left. */
static void finish(struct server *server) {
  void (*on_close)(void *user) = server->config.on_close;
  void *user = server->config.user;
  server_free(server);
  if (on_close)
    on_close(user);
}

static void on_finish(uv_timer_t *timer) {
  finish(timer->data);
}

/* If the last guest is gone, wait only for the loop's next turn. */
static void finish_if_idle(struct server *server) {
  if (server->phase != SERVING && !list_first(&server->guests))
    uv_timer_start(server->timer, on_finish, 0, 0);
}

/* Not all guests have answered: stop waiting. */
static void on_round_trip_over(uv_timer_t *timer) {
  struct server *server = timer->data;
  unsigned grace = server->config.grace;
  server->phase = GRACE;
  uv_timer_start(timer, on_finish, grace > ROUND_TRIP_MS ? grace - ROUND_TRIP_MS : 0, 0);
  for (struct guest *guest = list_first(&server->guests); guest;
       guest = list_next(&server->guests, &guest->link))
    connection_close(guest->connection); /* all are open: this ends none of them at once */
}

/* Send the first GOAWAY, which names no last stream, and PING: with the answer to PING, the
 * client has seen both. Give up a client that is still in the TLS handshake: it is gone when
 * this returns. */
static void give_notice(struct guest *guest) {
  nghttp2_session *session = connection_session(guest->connection);
  if (guest->open && nghttp2_submit_shutdown_notice(session) == 0 &&
      nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, NULL) == 0)
    connection_send(guest->connection);
  else
    connection_close(guest->connection);
}

void server_close(struct server *server) {
  if (server->phase != SERVING)
    return;
  server->phase = ROUND_TRIP;
  listener_free(server->listener);
  server->listener = NULL;
  unsigned grace = server->config.grace;
  uv_timer_start(server->timer, on_round_trip_over, grace < ROUND_TRIP_MS ? grace : ROUND_TRIP_MS,
                 0);
  struct guest *next;
  for (struct guest *guest = list_first(&server->guests); guest; guest = next) {
    next = list_next(&server->guests, &guest->link);
    give_notice(guest);
  }
  finish_if_idle(server);
}

static void on_signal(void *user) {
  struct server *server = user;
  if (server->phase == SERVING)
    server_close(server);
  else
    finish(server);
}

int server_close_on_signals(struct server *server) {
  if (!server->signals)
    server->signals = signals_open(server->loop, on_signal, server);
  return server->signals ? 0 : -1;
}

/* An answer to PING ends the round trip of server_close for this client. */
static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
  struct stream_list *streams = user_data;
  struct guest *guest = streams->user;
  if (frame->hd.type == NGHTTP2_PING && frame->hd.flags & NGHTTP2_FLAG_ACK &&
      guest->server->phase != SERVING)
    connection_close(guest->connection);
  return stream_list_on_frame_recv(session, frame, user_data);
}

/* --- Guests ----------------------------------------------------------------------------------- */

static void on_stream(struct stream *stream, void *user) {
  struct guest *guest = user;
  const struct server_config *config = &guest->server->config;
  config->on_stream(stream, config->user);
}

static void on_open(struct connection *connection, void *user) {
  struct stream_list *streams = user;
  struct guest *guest = streams->user;
  const struct server_config *config = &guest->server->config;
  guest->connection = streams->connection = connection;
  guest->open = true;
  /* If there is no memory for the larger window, the connection has the smaller one. */
  nghttp2_session_set_local_window_size(connection_session(connection), NGHTTP2_FLAG_NONE, 0,
                                        (int32_t)config->connection_window);
  if (config->on_connection)
    config->on_connection(connection, config->user);
}

static void on_connection_close(struct connection *connection, const char *error, void *user) {
  struct stream_list *streams = user;
  struct guest *guest = streams->user;
  struct server *server = guest->server;
  stream_list_end(streams, NGHTTP2_CANCEL);
  if (server->config.on_connection_close)
    server->config.on_connection_close(connection, error, server->config.user);
  free_guest(guest);
  finish_if_idle(server);
}

static void on_accept(struct transport *transport, void *user) {
  struct server *server = user;
  struct guest *guest = calloc(1, sizeof *guest);
  if (!guest) {
    transport_free(transport);
    return;
  }
  guest->server = server;
  stream_list_init(&guest->streams, on_stream, guest, &server->date);
  list_add(&server->guests, &guest->link);
  guest->connection = connection_accept(transport, &server->connection_config, &guest->streams);
  if (!guest->connection)
    free_guest(guest);
}

/* --- The beginning ---------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t standard) {
  return value ? value : standard;
}

/* Set nghttp2's callbacks and options for every connection. Returns 0 or -1. */
static int configure(struct server *server) {
  struct server_config *config = &server->config;
  if (nghttp2_session_callbacks_new(&server->callbacks) != 0 ||
      nghttp2_option_new(&server->option) != 0)
    return -1;
  stream_list_set_callbacks(server->callbacks);
  nghttp2_session_callbacks_set_on_frame_recv_callback(server->callbacks, on_frame_recv);
  stream_list_set_options(server->option);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config->max_concurrent_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config->stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, STREAM_LIST_HEADER_LIMIT},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  memcpy(server->settings, settings, sizeof settings);
  server->connection_config = (struct connection_config){
      .callbacks = server->callbacks,
      .option = server->option,
      .settings = server->settings,
      .setting_count = sizeof settings / sizeof *settings,
      .on_open = on_open,
      .on_close = on_connection_close,
      .handshake = config->handshake,
      .timeouts = config->timeouts,
      .waits = stream_list_waits,
  };
  if (!server->connection_config.timeouts.goodbye)
    server->connection_config.timeouts.goodbye = config->grace;
  return 0;
}

/* Everything but the listener. Returns NULL when there is no memory. */
static struct server *server_new(uv_loop_t *loop, const struct server_config *config) {
  struct server *server = calloc(1, sizeof *server);
  if (!server)
    return NULL;
  server->loop = loop;
  list_init(&server->guests);
  server->config = *config;
  server->config.max_concurrent_streams =
      or_default(config->max_concurrent_streams, MAX_CONCURRENT_STREAMS);
  server->config.stream_window = or_default(config->stream_window, NGHTTP2_INITIAL_WINDOW_SIZE);
  server->config.connection_window = or_default(config->connection_window, CONNECTION_WINDOW);
  server->config.grace = or_default(config->grace, GRACE_MS);
  server->timer = malloc(sizeof *server->timer);
  if (server->timer)
    uv_timer_init(loop, server->timer); /* it cannot fail */
  if (!server->timer || configure(server) != 0) {
    server_free(server);
    return NULL;
  }
  server->timer->data = server;
  return server;
}

struct server *server_listen(uv_loop_t *loop, const struct server_config *config, char *error,
                             size_t error_size) {
  const char *host = config->host ? config->host : "localhost";
  struct server *server = server_new(loop, config);
  if (!server) {
    snprintf(error, error_size, "listen on %s:%d: out of memory", host, config->port);
    for (size_t i = 0; i < config->socket_count; i++)
      close(config->sockets[i]);
    return NULL;
  }
  if (config->socket_count > 0)
    server->listener = listener_take(loop, config->sockets, config->socket_count, config->tls,
                                     on_accept, server, error, error_size);
  else
    server->listener =
        listener_open(loop, host, config->port, config->tls, on_accept, server, error, error_size);
  if (!server->listener) {
    server_free(server);
    return NULL;
  }
  server->port = listener_port(server->listener);
  return server;
}

int server_port(const struct server *server) {
  return server->port;
}
