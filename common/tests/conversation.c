/* conversation: see conversation.h. */
#include "common/tests/conversation.h"

#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- The log ---------------------------------------------------------------------------------- */

static void append(struct buffer *buffer, const void *bytes, size_t length) {
  cr_assert_eq(buffer_append(buffer, bytes, length), 0, "no memory");
}

__attribute__((format(printf, 2, 3))) static void say(struct conversation_log *log,
                                                      const char *format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  append(&log->frames, line, (size_t)length);
}

void conversation_log_frame(struct conversation_log *log, const struct frame *frame) {
  for (size_t i = 0; i < frame->field_count; i++) {
    append(&log->fields, frame->fields[i].name, frame->fields[i].name_length);
    append(&log->fields, frame->fields[i].value, frame->fields[i].value_length);
  }
  if (frame->type == NGHTTP2_DATA)
    append(&log->data, frame->data, frame->data_length);
  if (frame->type >= NGHTTP2_CONTINUATION) /* nghttp2 reports none of these */
    return;
  say(log, "%u %d %d", frame->type, frame->stream_id, frame->flags & NGHTTP2_FLAG_END_STREAM);
  if (frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_PRIORITY)
    say(log, " %d %d %d", frame->dependency, frame->weight, frame->exclusive);
  for (size_t i = 0; i < frame->setting_count; i++)
    say(log, " %u=%u", frame->settings[i].id, frame->settings[i].value);
  say(log, " %u %d %d %u", frame->error_code, frame->last_stream_id, frame->promised_stream_id,
      frame->window_increment);
  if (frame->type == NGHTTP2_PING || frame->type == NGHTTP2_GOAWAY)
    say(log, " %.*s", (int)frame->data_length, (const char *)frame->data);
  say(log, "\n");
}

static void log_priority(struct conversation_log *log, const nghttp2_priority_spec *spec,
                         bool there) {
  if (there)
    say(log, " %d %d %d", spec->stream_id, spec->weight, spec->exclusive);
  else
    say(log, " 0 0 0");
}

/* The same from nghttp2's frame. */
static void log_received(struct conversation_log *log, const nghttp2_frame *frame) {
  bool goaway = frame->hd.type == NGHTTP2_GOAWAY;
  uint32_t error_code = goaway ? frame->goaway.error_code : 0;
  if (frame->hd.type == NGHTTP2_RST_STREAM)
    error_code = frame->rst_stream.error_code;
  say(log, "%u %d %d", frame->hd.type, frame->hd.stream_id,
      frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
  if (frame->hd.type == NGHTTP2_HEADERS)
    log_priority(log, &frame->headers.pri_spec, frame->hd.flags & NGHTTP2_FLAG_PRIORITY);
  if (frame->hd.type == NGHTTP2_PRIORITY)
    log_priority(log, &frame->priority.pri_spec, true);
  if (frame->hd.type == NGHTTP2_SETTINGS)
    for (size_t i = 0; i < frame->settings.niv; i++)
      say(log, " %d=%u", frame->settings.iv[i].settings_id, frame->settings.iv[i].value);
  say(log, " %u %d %d %d", error_code, goaway ? frame->goaway.last_stream_id : 0,
      frame->hd.type == NGHTTP2_PUSH_PROMISE ? frame->push_promise.promised_stream_id : 0,
      frame->hd.type == NGHTTP2_WINDOW_UPDATE ? frame->window_update.window_size_increment : 0);
  if (frame->hd.type == NGHTTP2_PING)
    say(log, " %.8s", (const char *)frame->ping.opaque_data);
  if (goaway)
    say(log, " %.*s", (int)frame->goaway.opaque_data_len, (char *)frame->goaway.opaque_data);
  say(log, "\n");
}

/* --- The sessions ----------------------------------------------------------------------------- */

static struct conversation_log *log_of(nghttp2_session *session, void *user) {
  struct conversation *conversation = user;
  bool server = nghttp2_session_check_server_session(session);
  return &conversation->logs[server ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER];
}

/* A field that points to text. */
static nghttp2_nv field(const char *name, const char *value) {
  return (nghttp2_nv){.name = (uint8_t *)name,
                      .value = (uint8_t *)value,
                      .namelen = strlen(name),
                      .valuelen = strlen(value)};
}

/* As long as two frames and more. */
static const char *long_value(void) {
  static char text[30000];
  memset(text, 'v', sizeof text - 1);
  return text;
}

/* 40000 bytes; from a server, trailers follow. */
static ssize_t read_body(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  int *left = source->ptr;
  size_t part = (size_t)*left < length ? (size_t)*left : length;
  for (size_t i = 0; i < part; i++)
    bytes[i] = (uint8_t)(*left - (int)i);
  *left -= (int)part;
  (void)user;
  if (*left > 0)
    return (ssize_t)part;
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (nghttp2_session_check_server_session(session)) {
    nghttp2_nv trailer = field("grpc-status", "0");
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, stream_id, &trailer, 1);
  }
  return (ssize_t)part;
}

static nghttp2_data_provider body(int *left) {
  *left = 40000;
  return (nghttp2_data_provider){.source.ptr = left, .read_callback = read_body};
}

static void answer(nghttp2_session *session, int32_t stream_id) {
  static int left[16];
  nghttp2_data_provider provider = body(&left[stream_id]);
  nghttp2_nv promised[] = {field(":method", "GET"), field(":scheme", "http"),
                           field(":authority", "localhost"), field(":path", "/pushed"),
                           field("x-long", long_value())};
  nghttp2_nv fields[] = {field(":status", "200"), field("x-long", long_value()),
                         field("content-type", "text/plain")};
  if (stream_id == 1) {
    int32_t pushed = nghttp2_submit_push_promise(session, 0, stream_id, promised, 5, NULL);
    nghttp2_submit_response(session, pushed, fields, 1, NULL);
  }
  nghttp2_submit_response(session, stream_id, fields, 3, &provider);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  log_received(log_of(session, user), frame);
  bool request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (request && frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
      nghttp2_session_check_server_session(session))
    answer(session, frame->hd.stream_id);
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user) {
  struct conversation_log *log = log_of(session, user);
  append(&log->fields, name, name_length);
  append(&log->fields, value, value_length);
  (void)frame;
  (void)flags;
  return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                         const uint8_t *data, size_t length, void *user) {
  append(&log_of(session, user)->data, data, length);
  (void)flags;
  (void)stream_id;
  return 0;
}

static ssize_t select_padding(nghttp2_session *session, const nghttp2_frame *frame, size_t most,
                              void *user) {
  size_t padded = frame->hd.length + (size_t)frame->hd.stream_id * 7;
  (void)session;
  (void)user;
  return (ssize_t)(padded < most ? padded : most);
}

/* Pass on the bytes that one session wants to send. */
static bool move(struct conversation *conversation, nghttp2_session *from, nghttp2_session *to,
                 enum frame_sender sender) {
  struct conversation_piece piece = {.sender = sender, .start = conversation->bytes.length};
  const uint8_t *bytes;
  ssize_t length;
  while ((length = nghttp2_session_mem_send(from, &bytes)) > 0) {
    append(&conversation->bytes, bytes, (size_t)length);
    ssize_t taken = nghttp2_session_mem_recv(to, bytes, (size_t)length);
    cr_assert_eq(taken, length, "nghttp2: %s", nghttp2_strerror((int)taken));
  }
  piece.length = conversation->bytes.length - piece.start;
  if (piece.length == 0)
    return false;
  append(&conversation->pieces, &piece, sizeof piece);
  conversation->piece_count++;
  return true;
}

static void move_all(struct conversation *conversation, nghttp2_session *client,
                     nghttp2_session *server) {
  bool moved = true;
  while (moved) {
    moved = move(conversation, client, server, FRAME_FROM_CLIENT);
    moved = move(conversation, server, client, FRAME_FROM_SERVER) || moved;
  }
}

static void ask(nghttp2_session *client) {
  static int left;
  nghttp2_data_provider provider = body(&left);
  nghttp2_nv fields[] = {field(":method", "GET"), field(":scheme", "http"),
                         field(":authority", "localhost"), field(":path", "/"),
                         field("x-long", long_value())};
  nghttp2_priority_spec priority;
  nghttp2_priority_spec_init(&priority, 0, 200, 1);
  nghttp2_submit_request(client, NULL, fields, 5, NULL, NULL);
  nghttp2_submit_request(client, &priority, fields, 4, NULL, NULL);
  fields[0] = field(":method", "POST");
  nghttp2_submit_request(client, NULL, fields, 5, &provider, NULL);
  nghttp2_submit_priority(client, 0, 5, &priority);
  nghttp2_submit_ping(client, 0, (const uint8_t *)"12345678");
}

void conversation_hold(struct conversation *conversation) {
  static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 100},
                                                    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
  nghttp2_session_callbacks *callbacks;
  nghttp2_session *client;
  nghttp2_session *server;
  *conversation = (struct conversation){0};
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
  nghttp2_session_callbacks_set_select_padding_callback(callbacks, select_padding);
  nghttp2_session_client_new(&client, callbacks, conversation);
  nghttp2_session_server_new(&server, callbacks, conversation);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(client, 0, NULL, 0);
  nghttp2_submit_settings(server, 0, settings, 2);
  ask(client);
  move_all(conversation, client, server);
  nghttp2_submit_settings(client, 0, settings, 1);
  nghttp2_submit_altsvc(server, 0, 0, (const uint8_t *)"localhost", 9, (const uint8_t *)"h2", 2);
  ask(client);
  move(conversation, client, server, FRAME_FROM_CLIENT);
  nghttp2_submit_rst_stream(client, 0, 11, NGHTTP2_CANCEL);
  move_all(conversation, client, server);
  nghttp2_submit_goaway(server, 0, 11, NGHTTP2_ENHANCE_YOUR_CALM, (const uint8_t *)"why", 3);
  move_all(conversation, client, server);
  nghttp2_session_del(client);
  nghttp2_session_del(server);
}

const struct conversation_piece *conversation_piece(const struct conversation *conversation,
                                                    size_t i) {
  const struct conversation_piece *pieces = (const void *)conversation->pieces.bytes;
  return &pieces[i];
}

void conversation_log_free(struct conversation_log *log) {
  buffer_free(&log->frames);
  buffer_free(&log->fields);
  buffer_free(&log->data);
}

void conversation_free(struct conversation *conversation) {
  conversation_log_free(&conversation->logs[FRAME_FROM_CLIENT]);
  conversation_log_free(&conversation->logs[FRAME_FROM_SERVER]);
  buffer_free(&conversation->bytes);
  buffer_free(&conversation->pieces);
}
