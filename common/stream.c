/* stream: see stream.h. What the peer does to a stream is in stream_list.c. */
#include "common/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/pool.h"
#include "common/stream_list.h"

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
  const char *method = stream_header(stream, ":method");
  return method ? method : "";
}

const char *stream_path(const struct stream *stream) {
  const char *path = stream_header(stream, ":path");
  return path ? path : "";
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

/* --- Header sections -------------------------------------------------------------------------- */

/* A field of our own: its name is a constant that nghttp2 need not copy. */
static nghttp2_nv own_field(const char *name, const char *value) {
  nghttp2_nv field = field_make(name, value);
  field.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
  return field;
}

static bool has_field(const nghttp2_nv *fields, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (field_is(fields[i].name, fields[i].namelen, name))
      return true;
  return false;
}

/* Whether they can be sent: nghttp2 itself does not look at what it is given. */
static bool are_valid(const nghttp2_nv *fields, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!nghttp2_check_header_value(fields[i].value, fields[i].valuelen))
      return false;
  return count <= STREAM_FIELDS_MAX;
}

/* Write `number` in decimal to the end of `space`, and return where it begins. */
static const char *decimal(int64_t number, char space[static 21]) {
  char *digit = space + 20;
  *digit = '\0';
  do
    *--digit = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return digit;
}

static bool is_head(const struct stream *stream) {
  return strcmp(stream_method(stream), "HEAD") == 0;
}

int stream_inform(struct stream *stream, int status, const nghttp2_nv *fields, size_t count) {
  char space[21];
  nghttp2_nv all[1 + STREAM_FIELDS_MAX];
  if (stream->closed || stream->headers_submitted || status < 100 || status > 199 ||
      status == 101 || !are_valid(fields, count))
    return -1;
  all[0] = own_field(":status", decimal(status, space));
  if (count > 0)
    memcpy(all + 1, fields, count * sizeof *fields);
  nghttp2_session *session = connection_session(stream->list->connection);
  if (nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, stream->id, NULL, all, count + 1, NULL) !=
      0)
    return -1;
  connection_send(stream->list->connection);
  return 0;
}

int stream_respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                   int64_t body_length) {
  char spaces[2][21];
  nghttp2_nv all[3 + STREAM_FIELDS_MAX];
  size_t all_count = 0;
  if (stream->closed || stream->headers_submitted || status < 200 || status > 599 ||
      body_length < STREAM_LENGTH_UNKNOWN || !are_valid(fields, count))
    return -1;
  bool no_content = status == 204 || status == 304;
  all[all_count++] = own_field(":status", decimal(status, spaces[0]));
  if (count > 0)
    memcpy(all + all_count, fields, count * sizeof *fields);
  all_count += count;
  if (body_length > 0 && !no_content && !has_field(fields, count, "content-length"))
    all[all_count++] = own_field("content-length", decimal(body_length, spaces[1]));
  if (!has_field(fields, count, "date"))
    all[all_count++] = own_field("date", stream_list_date(stream->list));

  bool bodyless = body_length == 0 || no_content || is_head(stream);
  nghttp2_data_provider body = stream_list_data_provider(stream);
  nghttp2_session *session = connection_session(stream->list->connection);
  if (nghttp2_submit_response(session, stream->id, all, all_count, bodyless ? NULL : &body) != 0)
    return -1;
  stream->headers_submitted = true;
  stream->bodyless = bodyless;
  stream->body_left = body_length;
  connection_send(stream->list->connection);
  return 0;
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
  if (!is_writable(stream) || !are_valid(fields, count))
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
