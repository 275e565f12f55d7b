/* visitor: see visitor.h. */
#include "common/tests/visitor.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/field.h"
#include "common/tests/frames.h"

enum { DEADLINE_MS = 20000 };

/* --- The loop --------------------------------------------------------------------------------- */

static void on_deadline(uv_timer_t *timer) {
  *(bool *)timer->data = true;
}

/* Run the loop while `waits(data)`, with a timer that does not keep the loop alive. Returns
 * whether it was in time. */
static bool run_while(uv_loop_t *loop, bool (*waits)(const void *data), const void *data) {
  bool late = false;
  uv_timer_t timer;
  uv_timer_init(loop, &timer);
  timer.data = &late;
  uv_timer_start(&timer, on_deadline, DEADLINE_MS, 0);
  uv_unref((uv_handle_t *)&timer);
  bool alive = true;
  while (waits(data) && !late && alive)
    alive = uv_run(loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(loop, UV_RUN_NOWAIT); /* libuv lets go of the timer */
  return !late && !waits(data);
}

static bool is_false(const void *data) {
  return !*(const bool *)data;
}

void visitor_run_until(uv_loop_t *loop, const bool *flag) {
  cr_assert(run_while(loop, is_false, flag), "waited in vain");
}

struct threshold {
  const size_t *count;
  size_t least;
};

static bool is_less(const void *data) {
  const struct threshold *threshold = data;
  return *threshold->count < threshold->least;
}

void visitor_run_until_count(uv_loop_t *loop, const size_t *count, size_t least) {
  struct threshold threshold = {count, least};
  cr_assert(run_while(loop, is_less, &threshold), "only %zu of %zu came", *count, least);
}

static bool is_alive(const void *data) {
  return uv_loop_alive(data);
}

void visitor_close_loop(uv_loop_t *loop) {
  cr_assert(run_while(loop, is_alive, loop), "a handle keeps the loop alive");
  cr_assert_eq(uv_loop_close(loop), 0, "a handle is left open");
}

/* --- A client by nghttp2 ---------------------------------------------------------------------- */

struct visitor_response *visitor_response(struct visitor *visitor, int32_t id) {
  cr_assert(id > 0 && id / 2 < VISITOR_STREAMS, "stream %d", (int)id);
  return &visitor->responses[id / 2];
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user_data) {
  struct visitor_response *response = visitor_response(user_data, frame->hd.stream_id);
  (void)session, (void)flags;
  if (field_is(name, name_length, ":status")) {
    response->status = atoi((const char *)value);
    response->informational += response->status < 200;
  }
  if (response->status < 200)
    return 0;
  bool is_trailer = frame->headers.cat == NGHTTP2_HCAT_HEADERS && response->body.length > 0;
  struct buffer *lines = is_trailer ? &response->trailers : &response->headers;
  buffer_append(lines, name, name_length);
  buffer_append_text(lines, ": ");
  buffer_append(lines, value, value_length);
  buffer_append_text(lines, "\n");
  return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
  struct visitor *visitor = user_data;
  (void)session;
  if (frame->hd.type == NGHTTP2_GOAWAY) {
    visitor->goaway_last[visitor->goaways % 8] = frame->goaway.last_stream_id;
    visitor->goaways++;
  }
  if (frame->hd.type == NGHTTP2_HEADERS) {
    struct visitor_response *response = visitor_response(visitor, frame->hd.stream_id);
    response->ended_by_headers = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    visitor->headers_received += response->status >= 200;
  }
  return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t length, void *user_data) {
  struct visitor *visitor = user_data;
  struct visitor_response *response = visitor_response(visitor, id);
  (void)session, (void)flags;
  response->body_length += length;
  visitor->received += length;
  if (!visitor->discard_bodies)
    buffer_append(&response->body, data, length);
  return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code,
                           void *user_data) {
  struct visitor *visitor = user_data;
  (void)session;
  visitor_response(visitor, id)->closed = true;
  visitor_response(visitor, id)->error_code = error_code;
  visitor->closed_count++;
  return 0;
}

static void on_open(struct connection *connection, void *user) {
  struct visitor *visitor = user;
  (void)connection;
  visitor->open = true;
}

static void on_close(struct connection *connection, const char *error, void *user) {
  struct visitor *visitor = user;
  (void)connection;
  visitor->closed = true;
  visitor->connection = NULL;
  if (error)
    snprintf(visitor->error, sizeof visitor->error, "%s", error);
}

/* For all clients; the loop's test process ends with it. */
static const struct connection_config *config_for(bool slow) {
  static struct connection_config configs[2];
  struct connection_config *config = &configs[slow];
  if (config->callbacks)
    return config;
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  cr_assert_eq(nghttp2_session_callbacks_new(&callbacks), 0, "no memory");
  cr_assert_eq(nghttp2_option_new(&option), 0, "no memory");
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_option_set_no_auto_window_update(option, slow);
  *config = (struct connection_config){
      .callbacks = callbacks, .option = option, .on_open = on_open, .on_close = on_close};
  return config;
}

void visitor_connect(struct visitor *visitor, uv_loop_t *loop, int port) {
  char text[64];
  struct url url;
  snprintf(text, sizeof text, "http://localhost:%d/", port);
  cr_assert_eq(url_parse(&url, text), 0, "%s", text);
  visitor->connection = connection_connect(loop, &url, NULL, config_for(visitor->slow), visitor);
  url_free(&url);
  cr_assert_not_null(visitor->connection, "no memory");
  visitor_run_until(loop, &visitor->open);
}

/* Send a body unchanged. */
struct source {
  const uint8_t *data;
  size_t length;
};

static ssize_t read_source(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length,
                           uint32_t *data_flags, nghttp2_data_source *source, void *user_data) {
  struct source *rest = source->ptr;
  (void)session, (void)id, (void)user_data;
  if (length > rest->length)
    length = rest->length;
  memcpy(buffer, rest->data, length);
  rest->data += length;
  rest->length -= length;
  if (rest->length == 0) {
    *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    free(rest);
  }
  return (ssize_t)length;
}

static ssize_t read_never(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length,
                          uint32_t *data_flags, nghttp2_data_source *source, void *user_data) {
  (void)session, (void)id, (void)buffer, (void)length, (void)data_flags, (void)source;
  (void)user_data;
  return NGHTTP2_ERR_DEFERRED;
}

static int32_t request(struct visitor *visitor, const char *method, const char *path,
                       const nghttp2_nv *fields, size_t count,
                       const nghttp2_data_provider *provider) {
  nghttp2_nv all[32] = {field_make(":method", method), field_make(":path", path),
                        field_make(":scheme", "http"), field_make(":authority", "localhost")};
  cr_assert_leq(count, 28, "too many fields");
  if (count > 0)
    memcpy(all + 4, fields, count * sizeof *fields);
  nghttp2_session *session = connection_session(visitor->connection);
  int32_t id = nghttp2_submit_request(session, NULL, all, 4 + count, provider, NULL);
  cr_assert_gt(id, 0, "nghttp2_submit_request: %s", nghttp2_strerror(id));
  connection_send(visitor->connection);
  return id;
}

int32_t visitor_request(struct visitor *visitor, const char *method, const char *path,
                        const nghttp2_nv *fields, size_t count, const void *body, size_t length) {
  if (!body)
    return request(visitor, method, path, fields, count, NULL);
  struct source *source = malloc(sizeof *source);
  cr_assert_not_null(source, "no memory");
  *source = (struct source){body, length};
  nghttp2_data_provider provider = {.source.ptr = source, .read_callback = read_source};
  return request(visitor, method, path, fields, count, &provider);
}

int32_t visitor_request_open(struct visitor *visitor, const char *method, const char *path) {
  nghttp2_data_provider provider = {.read_callback = read_never};
  return request(visitor, method, path, NULL, 0, &provider);
}

struct visitor_response *visitor_get(struct visitor *visitor, uv_loop_t *loop, const char *path) {
  struct visitor_response *response =
      visitor_response(visitor, visitor_request(visitor, "GET", path, NULL, 0, NULL, 0));
  visitor_run_until(loop, &response->closed);
  return response;
}

bool visitor_has_header(const struct visitor_response *response, const char *line) {
  char whole[256];
  snprintf(whole, sizeof whole, "%s\n", line);
  const char *found = response->headers.bytes ? strstr(response->headers.bytes, whole) : NULL;
  return found && (found == response->headers.bytes || found[-1] == '\n');
}

void visitor_consume(struct visitor *visitor, int32_t id) {
  nghttp2_session *session = connection_session(visitor->connection);
  nghttp2_session_consume(
      session, id, (size_t)nghttp2_session_get_stream_effective_recv_data_length(session, id));
  connection_send(visitor->connection);
}

static void free_responses(struct visitor *visitor) {
  for (size_t i = 0; i < VISITOR_STREAMS; i++) {
    buffer_free(&visitor->responses[i].headers);
    buffer_free(&visitor->responses[i].trailers);
    buffer_free(&visitor->responses[i].body);
  }
}

void visitor_drop(struct visitor *visitor) {
  connection_free(visitor->connection);
  visitor->connection = NULL;
  free_responses(visitor);
}

void visitor_leave(struct visitor *visitor, uv_loop_t *loop) {
  if (visitor->connection)
    connection_close(visitor->connection);
  visitor_run_until(loop, &visitor->closed);
  free_responses(visitor);
}

/* --- A client by raw bytes -------------------------------------------------------------------- */

static void on_frame(const struct frame *frame, void *user) {
  struct visitor_raw *raw = user;
  if (frame->sender != FRAME_FROM_SERVER)
    return;
  raw->frames++;
  switch (frame->type) {
  case NGHTTP2_GOAWAY:
    raw->goaways++;
    raw->goaway_last = frame->last_stream_id;
    raw->goaway_code = frame->error_code;
    break;
  case NGHTTP2_RST_STREAM:
    raw->resets++;
    raw->reset_stream = frame->stream_id;
    raw->reset_code = frame->error_code;
    break;
  case NGHTTP2_HEADERS:
    raw->responses++;
    if (frame_find_field(frame, ":status"))
      memcpy(raw->status, frame_find_field(frame, ":status")->value, 3);
    break;
  case NGHTTP2_PING: raw->pings++; break;
  default: break;
  }
}

static void on_raw_data(struct transport *transport, const uint8_t *data, size_t length,
                        void *user) {
  struct visitor_raw *raw = user;
  (void)transport;
  cr_assert_eq(frame_decoder_feed(raw->decoder, FRAME_FROM_SERVER, data, length), 0, "no memory");
}

static void on_raw_open(struct transport *transport, void *user) {
  struct visitor_raw *raw = user;
  (void)transport;
  raw->open = true;
}

static void on_raw_close(struct transport *transport, const char *error, void *user) {
  struct visitor_raw *raw = user;
  (void)transport, (void)error;
  raw->closed = true;
  raw->transport = NULL;
}

void visitor_raw_connect(struct visitor_raw *raw, uv_loop_t *loop, int port) {
  static const struct transport_events events = {
      .on_open = on_raw_open, .on_data = on_raw_data, .on_close = on_raw_close};
  char text[16];
  snprintf(text, sizeof text, "%d", port);
  raw->decoder = frame_decoder_new(on_frame, raw);
  cr_assert_not_null(raw->decoder, "no memory");
  raw->transport = transport_connect(loop, "localhost", text, NULL, &events, raw);
  cr_assert_not_null(raw->transport, "no memory");
  visitor_run_until(loop, &raw->open);
  if (raw->silent)
    return;
  transport_write(raw->transport, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  visitor_raw_send(raw, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

void visitor_raw_send(struct visitor_raw *raw, uint8_t type, uint8_t flags, int32_t id,
                      const void *payload, size_t length) {
  uint8_t header[FRAME_HEADER_LENGTH];
  frames_header(header, length, type, flags, id);
  if (!raw->transport)
    return;
  cr_assert_eq(transport_write(raw->transport, header, sizeof header), 0, "no memory");
  if (length > 0)
    cr_assert_eq(transport_write(raw->transport, payload, length), 0, "no memory");
}

void visitor_raw_get(struct visitor_raw *raw, int32_t id) {
  /* HPACK: :method GET, :scheme http, :path / from the static table; :authority a as a literal */
  static const uint8_t block[] = {0x82, 0x86, 0x84, 0x01, 0x01, 'a'};
  visitor_raw_send(raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, id,
                   block, sizeof block);
}

void visitor_raw_drop(struct visitor_raw *raw) {
  transport_free(raw->transport);
  raw->transport = NULL;
  frame_decoder_free(raw->decoder);
  raw->decoder = NULL;
}

/* Connect and send the preface and `frames`. */
static int connect_deaf(int port, const void *frames, size_t length) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert_geq(descriptor, 0, "socket");
  cr_assert_eq(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0, "connect");
  cr_assert_eq(send(descriptor, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN, MSG_NOSIGNAL),
               NGHTTP2_CLIENT_MAGIC_LEN, "send");
  cr_assert_eq(send(descriptor, frames, length, MSG_NOSIGNAL), (ssize_t)length, "send");
  return descriptor;
}

int visitor_deaf_connect(int port) {
  static const uint8_t settings[] = {0, 0, 0, NGHTTP2_SETTINGS, 0, 0, 0, 0, 0};
  return connect_deaf(port, settings, sizeof settings);
}

int visitor_deaf_get(int port) {
  static const char frames[] = "\0\0\6\4\0\0\0\0\0"   /* SETTINGS */
                               "\0\4\x7f\xff\xff\xff" /* INITIAL_WINDOW_SIZE */
                               "\0\0\4\x8\0\0\0\0\0"  /* WINDOW_UPDATE */
                               "\x7f\xff\0\0"         /* added to 65,535 */
                               "\0\0\6\1\5\0\0\0\1"   /* HEADERS, END_STREAM|END_HEADERS */
                               "\x82\x86\x84\x1\x1"
                               "a"; /* GET http://a/ */
  return connect_deaf(port, frames, sizeof frames - 1);
}
