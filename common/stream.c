/* stream: see stream.h. What the peer does to a stream is in stream_list.c; the header sections that
 * are sent, trailers excepted, are in stream_headers.c. */
#include "common/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/inner/pool.h"
#include "common/inner/stream_list.h"

void stream_set_events(struct stream *stream, const struct stream_events *events, void *user) {
  stream->events = events;
  stream->user = user;
}

/* --- What the peer sent ----------------------------------------------------------------------- */

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
  const char *status = stream_header(stream, ":status");
  return status ? atoi(status) : 0; /* nghttp2 takes only three digits */
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

/* --- The body --------------------------------------------------------------------------------- */

/* Tell nghttp2, if it waits, that there is something to send. Returns 0 or -1. */
static int wake(struct stream *stream) {
  if (!stream->deferred)
    return 0;
  stream->deferred = false;
  nghttp2_session *session = connection_session(stream->list->connection);
  if (nghttp2_session_resume_data(session, stream->id) != 0) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR); /* no memory: it would wait for ever */
    return -1;
  }
  connection_send(stream->list->connection);
  return 0;
}

static bool is_writable(const struct stream *stream) {
  return !stream->closed && stream->headers_submitted && !stream->ended;
}

/* Take `length` bytes by `append`, and count them against the announced length. Returns 0 or -1. */
static int add(struct stream *stream, const void *data, size_t length,
               int (*append)(struct body *body, const void *data, size_t length)) {
  if (!is_writable(stream))
    return -1;
  if (stream->bodyless)
    return 0;
  if (stream->body_left != STREAM_LENGTH_UNKNOWN && length > (uint64_t)stream->body_left) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return -1;
  }
  if (append(&stream->body, data, length) != 0)
    return -1;
  if (stream->body_left != STREAM_LENGTH_UNKNOWN)
    stream->body_left -= (int64_t)length;
  return 0;
}

static int write_by(struct stream *stream, const void *data, size_t length,
                    int (*append)(struct body *body, const void *data, size_t length)) {
  if (add(stream, data, length, append) != 0 || (stream->body.length > 0 && wake(stream) != 0))
    return -1;
  if (stream->body.length < STREAM_HIGH_WATER)
    return 1;
  stream->wants_drain = true;
  return 0;
}

int stream_write(struct stream *stream, const void *data, size_t length) {
  return write_by(stream, data, length, body_append);
}

int stream_write_static(struct stream *stream, const void *data, size_t length) {
  return write_by(stream, data, length, body_append_static);
}

/* No more will be written. */
static int finish(struct stream *stream) {
  if (!stream->bodyless && stream->body_left > 0) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return -1;
  }
  stream->ended = true;
  return wake(stream);
}

int stream_end(struct stream *stream, const void *data, size_t length) {
  if (add(stream, data, length, body_append) != 0)
    return -1;
  return finish(stream);
}

/* A deep copy of `fields` in one allocation; NULL when there is no memory. */
static nghttp2_nv *copy_fields(const nghttp2_nv *fields, size_t count) {
  size_t size = count * sizeof *fields;
  for (size_t i = 0; i < count; i++)
    size += fields[i].namelen + fields[i].valuelen;
  nghttp2_nv *copy = malloc(size);
  if (!copy)
    return NULL;
  uint8_t *end = (uint8_t *)(copy + count);
  for (size_t i = 0; i < count; i++) {
    copy[i] = fields[i];
    copy[i].flags = NGHTTP2_NV_FLAG_NONE;
    copy[i].name = memcpy(end, fields[i].name, fields[i].namelen);
    end += fields[i].namelen;
    copy[i].value = memcpy(end, fields[i].value, fields[i].valuelen);
    end += fields[i].valuelen;
  }
  return copy;
}

int stream_trailers(struct stream *stream, const nghttp2_nv *fields, size_t count) {
  if (!is_writable(stream) || !stream_list_can_send(fields, count))
    return -1;
  if (count > 0 && !stream->bodyless) {
    stream->trailers = copy_fields(fields, count);
    if (!stream->trailers)
      return -1;
    stream->trailer_count = count;
  }
  return finish(stream);
}

/* --- The stream itself ------------------------------------------------------------------------ */

void stream_close(struct stream *stream, uint32_t error_code) {
  if (stream->closed)
    return;
  stream->closed = true;
  struct connection *connection = stream->list->connection;
  nghttp2_session *session = connection_session(connection);
  if (nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, error_code) != 0)
    transport_close(connection_transport(connection)); /* no memory to say less */
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
  stream_list_forget_fields(stream);
  pool_free(stream);
}

int32_t stream_id(const struct stream *stream) {
  return stream->id;
}

struct connection *stream_connection(const struct stream *stream) {
  return stream->list ? stream->list->connection : NULL;
}
