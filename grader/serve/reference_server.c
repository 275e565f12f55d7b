/* reference_server: see reference_server.h. */
#include "grader/serve/reference_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/octets.h"
#include "common/transport.h"

static const char *const fault_names[REFERENCE_FAULTS] = {
    [REFERENCE_NO_FAULT] = "none", [REFERENCE_SLOW] = "slow",     [REFERENCE_NEVER] = "never",
    [REFERENCE_REFUSE] = "refuse", [REFERENCE_GOAWAY] = "goaway", [REFERENCE_GARBAGE] = "garbage",
    [REFERENCE_HALF] = "half",     [REFERENCE_LATE] = "late",     [REFERENCE_HINTS] = "hints",
    [REFERENCE_WINDOW] = "window",
};

const char *reference_fault_name(enum reference_fault fault) {
  return fault_names[fault];
}

enum reference_fault reference_fault_of(const char *name) {
  int fault = 0;
  while (fault < REFERENCE_FAULTS && strcmp(name, fault_names[fault]) != 0)
    fault++;
  return (enum reference_fault)fault;
}

/* A status of 0: there will be no response. */
static void log_request(const struct reference_config *config, const struct stream *stream,
                        int status) {
  if (!config->log)
    return;
  printf("%s ", stream_method(stream));
  octets_print(stdout, stream_path(stream)); /* a path may have bytes that drive a terminal */
  if (status > 0)
    printf(" %d\n", status);
  else
    printf(" no response\n");
  fflush(stdout);
}

/* --- Later ------------------------------------------------------------------------------------ */

enum { LATE_MS = 2000, SLOW_MS = 20 };

/* What a timer does with a stream. */
struct later {
  uv_timer_t timer;
  struct stream *stream;
  const struct reference_config *config; /* for a request that is answered late */
  const char *next;                      /* byte of the body, for one that comes slowly */
};

static void free_later(uv_handle_t *timer) {
  struct later *later = timer->data;
  stream_release(later->stream);
  free(later);
}

/* Call back after `timeout` ms, then each `repeat` ms unless that is 0, with a copy of `what` as
 * the timer's data. The callback closes the timer, with free_later. */
static void start_later(const struct later *what, uv_timer_cb callback, uint64_t timeout,
                        uint64_t repeat) {
  struct stream *stream = what->stream;
  struct later *later = malloc(sizeof *later);
  if (!later) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  *later = *what;
  later->stream = stream_keep(stream);
  uv_timer_init(transport_loop(connection_transport(stream_connection(stream))), &later->timer);
  later->timer.data = later;
  uv_timer_start(&later->timer, callback, timeout, repeat);
}

/* --- A body byte by byte ---------------------------------------------------------------------- */

static void send_next_octet(uv_timer_t *timer) {
  struct later *later = timer->data;
  struct connection *connection = stream_connection(later->stream);
  if (connection && transport_holds_input(connection_transport(connection)))
    return; /* a lecturer holds the next request: the answers shall mix all the same */
  bool last = later->next[0] == '\0' || later->next[1] == '\0';
  if (last)
    stream_end(later->stream, later->next, strlen(later->next));
  else if (stream_write(later->stream, later->next++, 1) >= 0)
    return;
  uv_close((uv_handle_t *)timer, free_later);
}

static void send_slowly(struct stream *stream, const char *body) {
  const struct later slow = {.stream = stream, .next = body};
  start_later(&slow, send_next_octet, SLOW_MS, SLOW_MS);
}

/* --- Half a body ------------------------------------------------------------------------------ */

/* End the connection in the next turn of the loop, when nghttp2 has sent what it has. */
static void on_cut(uv_timer_t *timer) {
  struct later *later = timer->data;
  struct connection *connection = stream_connection(later->stream);
  if (connection)
    transport_close(connection_transport(connection));
  uv_close((uv_handle_t *)timer, free_later);
}

static void send_half(struct stream *stream, const char *body) {
  stream_write(stream, body, strlen(body) / 2);
  const struct later cut = {.stream = stream};
  start_later(&cut, on_cut, 0, 0);
}

/* --- Routes ----------------------------------------------------------------------------------- */

/* Answer with a text that is constant. */
static void answer(const struct reference_config *config, struct stream *stream, int status,
                   const nghttp2_nv *fields, size_t count, const char *body) {
  size_t length = strlen(body);
  log_request(config, stream, status);
  if (stream_respond(stream, status, fields, count, (int64_t)length) != 0) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  } else if (config->fault == REFERENCE_SLOW) {
    send_slowly(stream, body);
  } else if (config->fault == REFERENCE_HALF) {
    send_half(stream, body);
  } else {
    stream_write_static(stream, body, length);
    stream_end(stream, NULL, 0);
  }
}

static void on_echo_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  (void)user;
  if (stream_write(stream, data, length) == 0)
    stream_pause(stream);
}

static void on_echo_drain(struct stream *stream, void *user) {
  (void)user;
  stream_resume(stream);
}

static void on_echo_end(struct stream *stream, void *user) {
  (void)user;
  stream_end(stream, NULL, 0);
}

static const struct stream_events echo_events = {
    .on_data = on_echo_data, .on_drain = on_echo_drain, .on_end = on_echo_end};

static void send_data(const struct reference_config *config, struct stream *stream) {
  log_request(config, stream, 200);
  if (stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  else
    stream_set_events(stream, &echo_events, NULL);
}

/* The routes themselves. */
static void route(const struct reference_config *config, struct stream *stream) {
  const char *path = stream_path(stream);
  const char *method = stream_method(stream);
  const nghttp2_nv plain = field_make("content-type", "text/plain; charset=utf-8");
  bool get = strcmp(method, "GET") == 0;
  if (get && strcmp(path, "/") == 0)
    answer(config, stream, 200, NULL, 0, "Hello World!");
  else if (get && strcmp(path, "/hello-world") == 0)
    answer(config, stream, 200, NULL, 0, "Hello World");
  else if (get && strcmp(path, "/ping") == 0)
    answer(config, stream, 200, NULL, 0, "pong");
  else if (strcmp(method, "POST") == 0 && strcmp(path, "/send-data") == 0)
    send_data(config, stream);
  else
    answer(config, stream, 404, &plain, 1, "path not found");
}

/* A request that is answered late. */
static void on_late(uv_timer_t *timer) {
  struct later *later = timer->data;
  if (!stream_is_closed(later->stream))
    route(later->config, later->stream);
  uv_close((uv_handle_t *)timer, free_later);
}

static void route_late(const struct reference_config *config, struct stream *stream) {
  const struct later late = {.stream = stream, .config = config};
  start_later(&late, on_late, LATE_MS, 0);
}

static void on_stream(struct stream *stream, void *user) {
  const struct reference_config *config = user;
  const nghttp2_nv hint[] = {field_make("link", "</style.css>; rel=preload")};
  if (config->fault == REFERENCE_NEVER)
    log_request(config, stream, 0);
  else if (config->fault == REFERENCE_HINTS)
    stream_inform(stream, 103, hint, 1);
  else if (config->fault == REFERENCE_LATE)
    route_late(config, stream);
  else if (config->fault == REFERENCE_REFUSE)
    stream_close(stream, NGHTTP2_REFUSED_STREAM);
  else
    route(config, stream);
}

void reference_server_set_window(struct connection *connection, uint32_t size) {
  const nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, size};
  nghttp2_submit_settings(connection_session(connection), NGHTTP2_FLAG_NONE, &entry, 1);
}

static void on_connection(struct connection *connection, void *user) {
  const struct reference_config *config = user;
  static const char answer_1_1[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  if (config->on_connection)
    config->on_connection(connection, config->user);
  if (config->fault == REFERENCE_GARBAGE) {
    transport_write(connection_transport(connection), answer_1_1, strlen(answer_1_1));
    transport_close(connection_transport(connection));
  } else if (config->fault == REFERENCE_GOAWAY) {
    nghttp2_session_terminate_session(connection_session(connection), NGHTTP2_ENHANCE_YOUR_CALM);
  } else if (config->fault == REFERENCE_WINDOW) {
    reference_server_set_window(connection, 0);
  }
}

static void on_connection_close(struct connection *connection, const char *error, void *user) {
  const struct reference_config *config = user;
  (void)error;
  if (config->on_connection_close)
    config->on_connection_close(connection, config->user);
}

static void on_close(void *user) {
  const struct reference_config *config = user;
  if (config->on_close)
    config->on_close(config->user);
}

struct server *reference_server_listen(uv_loop_t *loop, const struct reference_config *config,
                                       char *error, size_t error_size) {
  const struct server_config server_config = {
      .host = "localhost",
      .port = config->port,
      .tls = config->tls,
      .on_stream = on_stream,
      .on_connection = on_connection,
      .on_connection_close = on_connection_close,
      .on_close = on_close,
      .user = (void *)config, /* it is only ever read */
  };
  return server_listen(loop, &server_config, error, error_size);
}
