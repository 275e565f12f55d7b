/* stream_list: see stream_list.h. What the owner of a stream does to it is in stream.c. */
#include "common/inner/stream_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/frame.h"
#include "common/inner/pool.h"

/* RFC 9113, section 6.5.2: what a field counts for SETTINGS_MAX_HEADER_LIST_SIZE besides its texts. */
enum { LISTED_EXTRA = 32 };

/* --- The list --------------------------------------------------------------------------------- */

/* Returns NULL when there is no memory. */
static struct stream *add_stream(struct stream_list *list, int32_t id) {
  struct stream *stream = pool_alloc(sizeof *stream);
  if (!stream)
    return NULL;
  memset(stream, 0, sizeof *stream);
  stream->list = list;
  stream->id = id;
  stream->references = 1;
  stream->method = stream->path = "";
  stream->fields = stream->first_fields;
  stream->field_room = STREAM_LIST_FIRST_FIELDS;
  stream->next = list->first;
  if (list->first)
    list->first->previous = stream;
  list->first = stream;
  return stream;
}

static void unlink_stream(struct stream *stream) {
  struct stream_list *list = stream->list;
  if (stream->previous)
    stream->previous->next = stream->next;
  else
    list->first = stream->next;
  if (stream->next)
    stream->next->previous = stream->previous;
  if (list->receiving == stream)
    list->receiving = NULL;
}

/* The end of a stream for all but those who keep it. */
static void end_stream(struct stream *stream, uint32_t error_code) {
  unlink_stream(stream);
  stream->list = NULL;
  stream->closed = true;
  body_free(&stream->body);
  free(stream->trailers);
  stream->trailers = NULL;
  if (stream->events && stream->events->on_close)
    stream->events->on_close(stream, error_code, stream->user);
  stream_release(stream);
}

void stream_list_end(struct stream_list *list, uint32_t error_code) {
  while (list->first)
    end_stream(list->first, error_code);
}

/* --- Receiving -------------------------------------------------------------------------------- */

static struct stream *find_stream(nghttp2_session *session, int32_t id) {
  return nghttp2_session_get_stream_user_data(session, id);
}

/* A header block begins: of a request, and that is a new stream; of a response; or of trailers. */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data) {
  struct stream_list *list = user_data;
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    list->receiving = find_stream(session, frame->hd.stream_id);
    return 0;
  }
  struct stream *stream = add_stream(list, frame->hd.stream_id);
  if (!stream)
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RST_STREAM(INTERNAL_ERROR) */
  list->receiving = stream;
  /* Unless the client asks for something else (RFC 9218, section 4), streams take turns: else
   * nghttp2 sends one to its end before the next, and a body without an end stops all others. */
  const nghttp2_extpri turns = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
  if (nghttp2_session_set_stream_user_data(session, stream->id, stream) != 0 ||
      nghttp2_session_change_extpri_stream_priority(session, stream->id, &turns, 0) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return 0;
}

/* Make room for twice as many fields. Returns 0, or -1 when there is no memory. */
static int grow_fields(struct stream *stream) {
  bool is_first = stream->fields == stream->first_fields;
  size_t room = 2 * stream->field_room;
  struct stream_field *fields = realloc(is_first ? NULL : stream->fields, room * sizeof *fields);
  if (!fields)
    return -1;
  if (is_first)
    memcpy(fields, stream->first_fields, sizeof stream->first_fields);
  stream->fields = fields;
  stream->field_room = room;
  return 0;
}

/* Returns 0, or -1 when there is no memory. */
static int add_field(struct stream *stream, nghttp2_rcbuf *name, nghttp2_rcbuf *value) {
  if (stream->field_count == stream->field_room && grow_fields(stream) != 0)
    return -1;
  nghttp2_rcbuf_incref(name);
  nghttp2_rcbuf_incref(value);
  stream->fields[stream->field_count++] = (struct stream_field){name, value};
  return 0;
}

void stream_list_forget_fields(struct stream *stream) {
  for (size_t i = 0; i < stream->field_count; i++) {
    nghttp2_rcbuf_decref(stream->fields[i].name);
    nghttp2_rcbuf_decref(stream->fields[i].value);
  }
  stream->field_count = 0;
  stream->header_list_size = 0;
  if (stream->fields != stream->first_fields)
    free(stream->fields);
  stream->fields = stream->first_fields;
  stream->field_room = STREAM_LIST_FIRST_FIELDS;
}

/* What every server asks for every request is kept at hand. */
static void note_request(struct stream *stream, nghttp2_vec name, nghttp2_vec value) {
  if (field_is(name.base, name.len, ":method"))
    stream->method = (const char *)value.base;
  else if (field_is(name.base, name.len, ":path"))
    stream->path = (const char *)value.base;
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
    stream->headers_too_large = true; /* what follows is decompressed, but not kept */
    return 0;
  }
  if (add_field(stream, name, value) != 0)
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  note_request(stream, name_text, value_text);
  return 0;
}

/* More fields than anybody needs: a request is told so (RFC 6585, section 5), the rest is cut
 * off. */
static void refuse_headers(struct stream *stream) {
  bool is_request = stream->list->on_stream && !stream->headers_complete;
  stream->header_count = stream->field_count;
  stream->headers_complete = true;
  if (!is_request || stream_respond(stream, 431, NULL, 0, 0) != 0)
    stream_close(stream, NGHTTP2_ENHANCE_YOUR_CALM);
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

/* `stream` is a client's, and what was received is a 1xx response: the real one is still to
 * come. */
static bool is_informational(const struct stream *stream) {
  if (stream->list->on_stream || stream->field_count == 0)
    return false;
  nghttp2_vec status =
      nghttp2_rcbuf_get_buf(stream->fields[0].value); /* the only pseudo-header field */
  return status.len == 3 && status.base[0] == '1';
}

/* The owner may look at the fields; then they make room for those of the real response. */
static void inform_owner(struct stream *stream) {
  stream->header_count = stream->field_count;
  if (stream->events && stream->events->on_inform)
    stream->events->on_inform(stream, stream->user);
  stream->header_count = 0;
  stream_list_forget_fields(stream);
}

/* A header block is there, and it is valid. */
static void end_headers(struct stream *stream) {
  if (stream->headers_too_large)
    refuse_headers(stream);
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
  if (frame->hd.type == NGHTTP2_HEADERS)
    end_headers(stream);
  bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (ends && !stream->closed && stream->events && stream->events->on_end)
    stream->events->on_end(stream, stream->user);
  return 0;
}

/*
 * Flow control (RFC 9113, section 5.2). The connection's window is given back at once, whatever
 * happens to the data: else one paused stream would stop all others. The stream's is given back
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
    end_stream(stream, error_code);
  return 0;
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* nghttp2 asks how long the next DATA frame may be, and whether it is the last. The bytes
 * themselves are taken by send_data, without a detour through nghttp2's buffer. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length,
                         uint32_t *data_flags, nghttp2_data_source *source, void *user_data) {
  struct stream *stream = source->ptr;
  (void)buffer, (void)user_data;
  if (stream->body.length == 0 && !stream->ended) {
    stream->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *data_flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream->body.length > length)
    return (ssize_t)length;
  if (stream->ended)
    *data_flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream->trailers) { /* it has ended */
    *data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (nghttp2_submit_trailer(session, id, stream->trailers, stream->trailer_count) != 0)
      return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  return (ssize_t)stream->body.length;
}

/* Less than half is left of what was too much: call for more before the last of it is gone. */
static void call_drain(struct stream *stream) {
  if (!stream->wants_drain || stream->body.length >= STREAM_HIGH_WATER / 2)
    return;
  stream->wants_drain = false;
  if (!stream->closed && !stream->ended && stream->events && stream->events->on_drain)
    stream->events->on_drain(stream, stream->user);
}

/* Send a DATA frame whose length read_body has told. nghttp2 goes on with the next frame when this
 * has returned, so here the room is looked at too. */
static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header,
                     size_t length, nghttp2_data_source *source, void *user_data) {
  struct stream_list *list = user_data;
  struct stream *stream = source->ptr;
  struct transport *transport = connection_transport(list->connection);
  (void)session;
  assert(frame->data.padlen == 0); /* only a select_padding callback would have asked for any */
  (void)frame;
  if (transport_room(transport) == 0)
    return NGHTTP2_ERR_WOULDBLOCK;
  if (transport_write(transport, frame_header, FRAME_HEADER_LENGTH) != 0 ||
      body_send(&stream->body, transport, length) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  call_drain(stream);
  return 0;
}

nghttp2_data_provider stream_list_data_provider(struct stream *stream) {
  return (nghttp2_data_provider){.source.ptr = stream, .read_callback = read_body};
}

struct stream *stream_list_submit_request(struct stream_list *list, const nghttp2_nv *fields,
                                          size_t count, int64_t body_length) {
  struct stream *stream = add_stream(list, 0);
  if (!stream)
    return NULL;
  nghttp2_data_provider body = stream_list_data_provider(stream);
  stream->id = nghttp2_submit_request(connection_session(list->connection), NULL, fields, count,
                                      body_length == 0 ? NULL : &body, stream);
  if (stream->id < 0) {
    end_stream(stream, NGHTTP2_INTERNAL_ERROR);
    return NULL;
  }
  stream->headers_submitted = true;
  stream->bodyless = body_length == 0;
  stream->body_left = body_length;
  connection_send(list->connection);
  return stream;
}

/* --- Set-up ----------------------------------------------------------------------------------- */

void stream_list_set_callbacks(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, stream_list_on_frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_list_on_stream_close);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
}

void stream_list_set_options(nghttp2_option *option) {
  nghttp2_option_set_no_auto_window_update(option, 1);
}
