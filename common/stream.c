/* stream: see stream.h: the life of a stream, and what it has received. stream_send.c sends;
 * stream_list.c has nghttp2's callbacks for what the peer sends. */
#include "common/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/inner/pool.h"
#include "common/inner/stream_state.h"

enum { MORE_FIELDS = 64 /* how many the room for them grows by at most */ };

/* --- Its life --------------------------------------------------------------------------------- */

struct stream *stream_begin(struct stream_list *list, int32_t id) {
  struct stream *stream = pool_alloc(sizeof *stream);
  if (!stream)
    return NULL;
  memset(stream, 0, offsetof(struct stream, rules));
  stream->list = list;
  stream->id = id;
  stream->references = 1;
  stream->method = stream->path = "";
  stream->fields = stream->first_fields;
  stream->field_room = STREAM_FIRST_FIELDS;
  list_add(&list->streams, &stream->link);
  list->count++;
  return stream;
}

void stream_finish(struct stream *stream, uint32_t error_code) {
  list_remove(&stream->link);
  stream->list->count--;
  stream->list->refused -= stream->refused;
  if (stream->list->receiving == stream)
    stream->list->receiving = NULL;
  stream->list->fields_size -= stream->fields_size;
  stream->list->waiting -= stream->body.length;
  stream->list = NULL;
  stream->closed = true;
  body_free(&stream->body);
  free(stream->trailers);
  stream->trailers = NULL;
  if (stream->events && stream->events->on_close)
    stream->events->on_close(stream, error_code, stream->user);
  stream_release(stream);
}

void stream_set_events(struct stream *stream, const struct stream_events *events, void *user) {
  stream->events = events;
  stream->user = user;
}

/* A request that waits for the connection, or for its turn (MAX_CONCURRENT_STREAMS): nghttp2 would
 * report its end only at the time of sending, perhaps minutes later, so do not wait for nghttp2. */
static void close_unsent(struct stream *stream, nghttp2_session *session, uint32_t error_code) {
  struct stream_list *list = stream->list;
  if (nghttp2_session_set_stream_user_data(session, stream->id, NULL) != 0)
    return; /* not among those that wait: nghttp2 reports its end */
  stream->unsent = true;
  stream->error_code = error_code;
  list->on_unsent(list->user);
}

bool stream_finish_unsent(struct stream_list *list) {
  struct stream *stream = list_first(&list->streams);
  while (stream && !stream->unsent)
    stream = list_next(&list->streams, &stream->link);
  if (stream)
    stream_finish(stream, stream->error_code);
  return stream;
}

void stream_close(struct stream *stream, uint32_t error_code) {
  if (stream->closed)
    return;
  stream->closed = true;
  struct connection *connection = stream->list->connection;
  nghttp2_session *session = connection_session(connection);
  if (stream->list->on_unsent && !nghttp2_session_find_stream(session, stream->id))
    close_unsent(stream, session, error_code);
  if (nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, error_code) != 0)
    transport_close(connection_transport(connection)); /* no memory to reset one stream */
  else
    connection_send(connection);
}

bool stream_is_closed(const struct stream *stream) {
  return stream->closed;
}

struct stream *stream_keep(struct stream *stream) {
  stream->references++;
  return stream;
}

void stream_release(struct stream *stream) {
  if (!stream || --stream->references > 0)
    return;
  stream_forget_fields(stream);
  pool_free(stream);
}

int32_t stream_id(const struct stream *stream) {
  return stream->id;
}

struct connection *stream_connection(const struct stream *stream) {
  return stream->list ? stream->list->connection : NULL;
}

/* --- What the peer sent ----------------------------------------------------------------------- */

/* How much memory the fields take. If they are few, it is not worth looking which of their strings
 * are in the static table. */
static size_t size_of_fields(const struct stream *stream, size_t blocks) {
  size_t strings = 2 * stream->field_count;
  for (size_t i = 0; i < stream->field_count && stream->field_count > STREAM_FIRST_FIELDS; i++)
    strings -= (nghttp2_rcbuf_is_static(stream->fields[i].name) ? 1u : 0u) +
               (nghttp2_rcbuf_is_static(stream->fields[i].value) ? 1u : 0u);
  return STREAM_LIST_FIELD * stream->field_count + STREAM_LIST_STRING * strings + 2 * blocks;
}

static size_t fields_limit(const struct stream_list *list) {
  size_t others =
      list->count > STREAM_LIST_FIELDS_STREAMS ? list->count - STREAM_LIST_FIELDS_STREAMS : 0;
  return STREAM_LIST_FIELDS_LIMIT + others * STREAM_LIST_FIELDS_EACH;
}

void stream_count_fields(struct stream *stream, size_t blocks) {
  struct stream_list *list = stream->list;
  size_t size = size_of_fields(stream, blocks);
  list->fields_size += size - stream->fields_size;
  stream->fields_size = size;
  if (!list->on_stream || list->fields_size <= fields_limit(list))
    return;
  stream->list_full = stream->headers_too_large = true;
  stream->header_list_size = UINT32_MAX; /* more than any limit: no more fields are kept */
}

/* Make room for more fields. Returns 0, or -1 when there is no memory. */
static int grow_fields(struct stream *stream) {
  bool is_first = stream->fields == stream->first_fields;
  size_t room =
      stream->field_room + (stream->field_room < MORE_FIELDS ? stream->field_room : MORE_FIELDS);
  struct stream_field *fields = realloc(is_first ? NULL : stream->fields, room * sizeof *fields);
  if (!fields)
    return -1;
  if (is_first)
    memcpy(fields, stream->first_fields, sizeof stream->first_fields);
  stream->fields = fields;
  stream->field_room = room;
  stream_count_fields(stream, stream->blocks); /* this block counts when it has ended */
  return 0;
}

int stream_add_field(struct stream *stream, nghttp2_rcbuf *name, nghttp2_rcbuf *value) {
  if (stream->field_count == stream->field_room && grow_fields(stream) != 0)
    return -1;
  stream->fields[stream->field_count++] = (struct stream_field){name, value};
  nghttp2_rcbuf_incref(name);
  nghttp2_rcbuf_incref(value);
  return 0;
}

void stream_forget_fields(struct stream *stream) {
  const struct stream_field *end = stream->fields + stream->field_count;
  for (const struct stream_field *field = stream->fields; field < end; field++) {
    nghttp2_rcbuf_decref(field->name);
    nghttp2_rcbuf_decref(field->value);
  }
  stream->field_count = 0;
  stream->header_list_size = 0;
  if (stream->fields != stream->first_fields)
    free(stream->fields);
  stream->fields = stream->first_fields;
  stream->field_room = STREAM_FIRST_FIELDS;
}

static const char *text(nghttp2_rcbuf *buffer) {
  return (const char *)nghttp2_rcbuf_get_buf(buffer).base;
}

/* The value of the first field named `name` in [from, to), or NULL. */
static const char *find_field(const struct stream *stream, size_t from, size_t to,
                              const char *name) {
  for (size_t i = from; i < to; i++)
    if (strcmp(text(stream->fields[i].name), name) == 0)
      return text(stream->fields[i].value);
  return NULL;
}

const char *stream_header(const struct stream *stream, const char *name) {
  return find_field(stream, 0, stream->header_count, name);
}

const char *stream_trailer(const struct stream *stream, const char *name) {
  return find_field(stream, stream->header_count, stream->field_count, name);
}

const char *stream_method(const struct stream *stream) {
  return stream->method;
}

const char *stream_path(const struct stream *stream) {
  return stream->path;
}

int stream_status(const struct stream *stream) {
  const char *status = stream_header(stream, ":status"); /* three digits: response_rules */
  return status ? 100 * (status[0] - '0') + 10 * (status[1] - '0') + (status[2] - '0') : 0;
}

bool stream_received_all(const struct stream *stream) {
  return stream->received_all;
}

size_t stream_header_count(const struct stream *stream) {
  return stream->header_count;
}

const char *stream_header_name(const struct stream *stream, size_t index) {
  assert(index < stream->header_count);
  return text(stream->fields[index].name);
}

const char *stream_header_value(const struct stream *stream, size_t index) {
  assert(index < stream->header_count);
  return text(stream->fields[index].value);
}

size_t stream_trailer_count(const struct stream *stream) {
  return stream->received_all ? stream->field_count - stream->header_count : 0;
}

const char *stream_trailer_name(const struct stream *stream, size_t index) {
  assert(index < stream_trailer_count(stream));
  return text(stream->fields[stream->header_count + index].name);
}

const char *stream_trailer_value(const struct stream *stream, size_t index) {
  assert(index < stream_trailer_count(stream));
  return text(stream->fields[stream->header_count + index].value);
}

void stream_pause(struct stream *stream) {
  stream->paused = true;
}

void stream_resume(struct stream *stream) {
  if (!stream->paused || stream->closed)
    return;
  stream->paused = false;
  size_t length = stream->unconsumed;
  stream->unconsumed = 0;
  nghttp2_session *session = connection_session(stream->list->connection);
  if (nghttp2_session_consume_stream(session, stream->id, length) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR); /* it would wait for ever */
  else
    connection_send(stream->list->connection);
}
