/* stream_list: see stream_list.h. */
#include "common/inner/stream_list.h"

#include "common/field.h"
#include "common/inner/stream_send.h"

enum {
  /* RFC 9113, section 6.5.2: what a field counts for SETTINGS_MAX_HEADER_LIST_SIZE besides its
   * texts. */
  LISTED_EXTRA = 32,
  LITTLE = 32, /* bytes of a header block: its fields are not worth counting */
};

/* --- Header sections -------------------------------------------------------------------------- */

static struct stream *find_stream(nghttp2_session *session, int32_t id) {
  return nghttp2_session_get_stream_user_data(session, id);
}

/* A header block begins: of a request, which makes a new stream; of a response; or of trailers. */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
  struct stream_list *list = user_data;
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    list->receiving = find_stream(session, frame->hd.stream_id);
    if (list->receiving && !list->receiving->headers_complete)
      response_rules_begin(&list->receiving->rules);
    return 0;
  }
  struct stream *stream = stream_begin(list, frame->hd.stream_id);
  if (!stream)
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM(INTERNAL_ERROR) */
  list->receiving = stream;
  /* Let streams take turns, unless the client asks for something else (RFC 9218, section 4).
   * Otherwise nghttp2 sends one stream to its end before the next, and an endless body stops all
   * others. */
  const nghttp2_extpri turns = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
  if (nghttp2_session_set_stream_user_data(session, stream->id, stream) != 0 ||
      nghttp2_session_change_extpri_stream_priority(session, stream->id, &turns, 0) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return 0;
}

/* Note what every server needs for every request. nghttp2 has checked that the name is one of a
 * pseudo-header field. But it allows a fragment in :path, and user information in :authority, and
 * RFC 9113 (section 8.3.1) does not. */
static void note_pseudo(struct stream *stream, nghttp2_vec name, nghttp2_vec value) {
  const char *text = (const char *)value.base;
  switch (name.base[1]) {
  case 'm':
    stream->method = text;
    stream->is_head = field_is(value.base, value.len, "HEAD");
    break;
  case 'a': stream->malformed |= memchr(text, '@', value.len) != NULL; break;
  case 'p':
    if (!field_is(name.base, name.len, ":path"))
      break;
    stream->path = text;
    stream->malformed |= memchr(text, '#', value.len) != NULL;
  }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user_data) {
  struct stream_list *list = user_data;
  struct stream *stream = list->receiving;
  (void)session, (void)frame, (void)flags;
  if (!stream)
    return 0;
  nghttp2_vec name_text = nghttp2_rcbuf_get_buf(name);
  nghttp2_vec value_text = nghttp2_rcbuf_get_buf(value);
  stream->header_list_size += name_text.len + value_text.len + LISTED_EXTRA;
  if (stream->header_list_size > STREAM_LIST_HEADER_LIMIT) {
    stream->headers_too_large = true; /* later fields are decompressed, but not kept */
    return 0;
  }
  if (stream_add_field(stream, name, value) != 0)
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (name_text.base[0] == ':')
    note_pseudo(stream, name_text, value_text);
  return 0;
}

/* A client's. nghttp2 does not judge for it. */
int stream_list_on_response_header(nghttp2_session *session, const nghttp2_frame *frame,
                                   nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
                                   void *user_data) {
  const struct stream_list *list = user_data;
  struct stream *stream = list->receiving;
  nghttp2_vec name_text = nghttp2_rcbuf_get_buf(name);
  nghttp2_vec value_text = nghttp2_rcbuf_get_buf(value);
  if (!stream)
    return 0;
  bool is_right = stream->headers_complete
                      ? response_rules_trailer(name_text, value_text)
                      : response_rules_field(&stream->rules, name_text, value_text);
  if (is_right)
    return on_header(session, frame, name, value, flags, user_data);
  stream->malformed = true;
  return 0;
}

/* A field that RFC 9113, section 8.2, does not allow. nghttp2 up to 1.64 resets the stream at it
 * when there is no such callback, but 1.70 drops the field and goes on. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_length, const uint8_t *value,
                             size_t value_length, uint8_t flags, void *user_data) {
  struct stream_list *list = user_data;
  (void)session, (void)frame, (void)name, (void)name_length, (void)value, (void)value_length;
  (void)flags;
  if (list->receiving)
    list->receiving->malformed = true;
  return 0;
}

/* More fields than anybody needs: answer a request with 431 (RFC 6585, section 5), and cut off the
 * rest. Or the other streams have taken the memory: refuse this one. */
static void refuse_headers(struct stream *stream) {
  if (stream->list_full) {
    stream_close(stream, NGHTTP2_REFUSED_STREAM);
    return;
  }
  bool is_request = stream->list->on_stream && !stream->headers_complete;
  stream->header_count = stream->field_count;
  stream->headers_complete = true;
  if (!is_request || stream_respond(stream, 431, NULL, 0, 0) != 0)
    stream_close(stream, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* Tell a client that waits for 100 (Continue) to send its body (RFC 9110, section 10.1.1), unless
 * it already has its response. */
static void go_on(struct stream *stream) {
  const char *expect = stream_header(stream, "expect");
  if (expect && strcasecmp(expect, "100-continue") == 0)
    stream_inform(stream, 100, NULL, 0);
}

/* A header section is complete, not counting trailers. */
static void call_owner(struct stream *stream) {
  struct stream_list *list = stream->list;
  stream->header_count = stream->field_count;
  stream->headers_complete = true;
  if (list->on_stream)
    list->on_stream(stream, list->user);
  else if (stream->events && stream->events->on_headers)
    stream->events->on_headers(stream, stream->user);
}

/* `stream` is a client's and has received a 1xx response: the final one is still to come. */
static bool is_informational(const struct stream *stream) {
  if (stream->list->on_stream || stream->field_count == 0)
    return false;
  nghttp2_vec status =
      nghttp2_rcbuf_get_buf(stream->fields[0].value); /* the only pseudo-header field */
  return status.len == 3 && status.base[0] == '1';
}

/* Let the owner look at the fields; then drop them, for those of the final response. */
static void inform_owner(struct stream *stream) {
  stream->header_count = stream->field_count;
  if (stream->events && stream->events->on_inform)
    stream->events->on_inform(stream, stream->user);
  stream->header_count = 0;
  stream_forget_fields(stream);
}

/* Whether a response may end a header section, and itself, here. */
static bool is_right_end(const struct stream *stream) {
  bool ends = stream->received_all;
  if (stream->list->on_stream)
    return true;
  if (stream->headers_complete) /* trailers */
    return ends && response_rules_end(&stream->rules);
  return response_rules_end_fields(&stream->rules, ends) &&
         (!ends || response_rules_end(&stream->rules));
}

static void refuse_malformed(struct stream *stream) {
  stream->malformed = true;
  stream_close(stream, NGHTTP2_PROTOCOL_ERROR);
}

/* A header block is complete. */
static void end_headers(struct stream *stream, size_t length) {
  if (length > LITTLE) {
    stream->blocks += length;
    stream_count_fields(stream, stream->blocks);
  }
  if (stream->headers_too_large || connection_has_cut_field(stream->list->connection))
    refuse_headers(stream);
  else if (stream->malformed || !is_right_end(stream))
    refuse_malformed(stream);
  else if (!stream->headers_complete && is_informational(stream))
    inform_owner(stream);
  else if (!stream->headers_complete)
    call_owner(stream);
}

int stream_list_on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame,
                              void *user_data) {
  struct stream_list *list = user_data;
  struct stream *stream;
  if (frame->hd.type == NGHTTP2_HEADERS)
    stream = list->receiving;
  else if (frame->hd.type == NGHTTP2_DATA)
    stream = find_stream(session, frame->hd.stream_id);
  else
    return 0;
  if (!stream || stream->closed)
    return 0;
  bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  stream->received_all = ends;
  if (frame->hd.type == NGHTTP2_HEADERS)
    end_headers(stream, frame->hd.length);
  else if (ends && !list->on_stream && !response_rules_end(&stream->rules))
    refuse_malformed(stream);
  if (!ends && list->on_stream && frame->hd.type == NGHTTP2_HEADERS)
    go_on(stream);
  if (ends && !stream->closed && !stream->refused && stream->events && stream->events->on_end)
    stream->events->on_end(stream, stream->user);
  return 0;
}

/*
 * Flow control (RFC 9113, section 5.2). Give the connection's window back at once, whatever happens
 * to the data: otherwise one paused stream would stop all others. Give the stream's window back
 * unless it is paused.
 */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t length, void *user_data) {
  struct stream *stream = find_stream(session, id);
  (void)flags, (void)user_data;
  if (nghttp2_session_consume_connection(session, length) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  if (!stream || stream->closed)
    return 0;
  if (!stream->list->on_stream && !response_rules_data(&stream->rules, length)) {
    refuse_malformed(stream);
    return 0;
  }
  if (stream->refused)
    return 0;
  stream->unconsumed += length;
  if (stream->events && stream->events->on_data)
    stream->events->on_data(stream, data, length, stream->user);
  if (stream->paused || stream->closed)
    return 0;
  length = stream->unconsumed;
  stream->unconsumed = 0;
  return nghttp2_session_consume_stream(session, id, length) == 0 ? 0
                                                                  : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int stream_list_on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code,
                                void *user_data) {
  struct stream *stream = find_stream(session, id);
  (void)user_data;
  if (stream)
    stream_finish(stream, error_code);
  return 0;
}

/* --- Beginning and end ------------------------------------------------------------------------ */

void stream_list_init(struct stream_list *list,
                      void (*on_stream)(struct stream *stream, void *user), void *user,
                      struct date *date) {
  *list = (struct stream_list){.on_stream = on_stream, .user = user, .date = date};
  list_init(&list->streams);
}

void stream_list_set_callbacks(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, stream_list_on_frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_list_on_stream_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, stream_send_on_frame_sent);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, stream_send_data);
}

void stream_list_set_options(nghttp2_option *option) {
  nghttp2_option_set_no_auto_window_update(option, 1);
}

void stream_list_end(struct stream_list *list, uint32_t error_code) {
  struct stream *stream;
  while ((stream = list_first(&list->streams)))
    stream_finish(stream, error_code);
}
