/* stream_send: what the owner of a stream sends. See stream.h and stream_send.h. */
#include "common/inner/stream_send.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/frame.h"
#include "common/inner/field_rules.h"

enum {
  CONNECTION_HIGH_WATER = 4 * STREAM_HIGH_WATER, /* of all streams of a connection together */
  LITTLE = 1024,
};

/* --- To nghttp2 ------------------------------------------------------------------------------- */

/* nghttp2 asks how long the next DATA frame is, and whether it is the last. send_data takes the
 * bytes themselves, without a detour through nghttp2's buffer. */
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

/* Whether so much waits, on this stream or on the whole connection, that the owner should write no
 * more. A client whose requests take much memory gets less for its responses. Other streams, which
 * may wait for their windows, do not stop a stream with little output. */
static bool is_enough(const struct stream *stream) {
  return stream->body.length >= STREAM_HIGH_WATER ||
         (stream->body.length >= LITTLE &&
          stream->list->waiting + stream->list->fields_size >= CONNECTION_HIGH_WATER);
}

/* Less than half of the limit is left: call for more before the rest is gone. */
static void call_drain(struct stream *stream) {
  if (!stream->wants_drain || stream->body.length >= STREAM_HIGH_WATER / 2 || is_enough(stream))
    return;
  stream->wants_drain = false;
  if (!stream->closed && !stream->ended && stream->events && stream->events->on_drain)
    stream->events->on_drain(stream, stream->user);
}

/* Send a DATA frame whose length read_body has returned. nghttp2 goes on with the next frame after
 * this, so check the room here too. */
int stream_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header,
                     size_t length, nghttp2_data_source *source, void *user_data) {
  struct stream_list *list = user_data;
  struct stream *stream = source->ptr;
  struct transport *transport = connection_transport(list->connection);
  (void)session;
  assert(frame->data.padlen == 0); /* only a select_padding callback would ask for padding */
  (void)frame;
  if (transport_room(transport) == 0)
    return NGHTTP2_ERR_WOULDBLOCK;
  if (transport_write(transport, frame_header, FRAME_HEADER_LENGTH) != 0 ||
      body_send(&stream->body, transport, length) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  list->waiting -= length;
  call_drain(stream);
  return 0;
}

static nghttp2_data_provider data_provider(struct stream *stream) {
  return (nghttp2_data_provider){.source.ptr = stream, .read_callback = read_body};
}

/* --- Header sections -------------------------------------------------------------------------- */

/* Our own field: nghttp2 need not copy the name, which is a constant, nor the value, which stays
 * where it is as long as the stream. (The text of `date` may be a later one when it leaves.) */
static inline nghttp2_nv own_field(const char *name, const char *value, size_t length) {
  return (nghttp2_nv){.name = (uint8_t *)name,
                      .namelen = strlen(name),
                      .value = (uint8_t *)value,
                      .valuelen = length,
                      .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

/* A field whose value is `number` in decimal, written into `space`. */
static inline nghttp2_nv own_number(const char *name, uint64_t number,
                                    char space[static STREAM_DIGITS]) {
  char *end = space + STREAM_DIGITS;
  char *digit = end;
  do
    *--digit = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return own_field(name, digit, (size_t)(end - digit));
}

static bool has_field(const nghttp2_nv *fields, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (field_rules_is_named(&fields[i], name))
      return true;
  return false;
}

/* nghttp2 does not check what it sends. */
static bool can_send(const nghttp2_nv *fields, size_t count) {
  if (count > STREAM_FIELDS_MAX)
    return false;
  for (size_t i = 0; i < count; i++)
    if (!field_rules_allow(&fields[i]))
      return false;
  return true;
}

int stream_inform(struct stream *stream, int status, const nghttp2_nv *fields, size_t count) {
  nghttp2_nv all[1 + STREAM_FIELDS_MAX];
  if (stream->closed || stream->headers_submitted || status < 100 || status > 199 ||
      status == 101 || !can_send(fields, count))
    return -1;
  all[0] = own_number(":status", (uint64_t)status, stream->status);
  all[0].flags = NGHTTP2_NV_FLAG_NO_COPY_NAME; /* the next status comes to the same place */
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
  nghttp2_nv all[3 + STREAM_FIELDS_MAX];
  size_t all_count = 0;
  if (stream->closed || stream->headers_submitted || status < 200 || status > 599 ||
      body_length < STREAM_LENGTH_UNKNOWN || !can_send(fields, count))
    return -1;
  bool no_content = status == 204 || status == 304;
  all[all_count++] = own_number(":status", (uint64_t)status, stream->status);
  if (count > 0)
    memcpy(all + all_count, fields, count * sizeof *fields);
  all_count += count;
  if (body_length > 0 && !no_content && !has_field(fields, count, "content-length"))
    all[all_count++] = own_number("content-length", (uint64_t)body_length, stream->length);
  if (!has_field(fields, count, "date"))
    all[all_count++] = own_field("date", date_now(stream->list->date), DATE_SIZE - 1);

  bool bodyless = body_length == 0 || no_content || stream->is_head;
  nghttp2_data_provider body = data_provider(stream);
  nghttp2_session *session = connection_session(stream->list->connection);
  if (nghttp2_submit_response(session, stream->id, all, all_count, bodyless ? NULL : &body) != 0)
    return -1;
  stream->headers_submitted = true;
  stream->bodyless = bodyless;
  stream->body_left = body_length;
  connection_send(stream->list->connection);
  return 0;
}

static struct stream *submit_request(struct stream_list *list, const nghttp2_nv *fields,
                                     size_t count, int64_t body_length) {
  struct stream *stream = stream_begin(list, 0);
  if (!stream)
    return NULL;
  stream->rules = (struct response_rules){
      .is_head = field_is(fields[0].value, fields[0].valuelen, "HEAD"),
  };
  nghttp2_data_provider body = data_provider(stream);
  stream->id = nghttp2_submit_request(connection_session(list->connection), NULL, fields, count,
                                      body_length == 0 ? NULL : &body, stream);
  if (stream->id < 0) {
    stream_finish(stream, NGHTTP2_INTERNAL_ERROR);
    return NULL;
  }
  stream->headers_submitted = true;
  stream->bodyless = body_length == 0;
  stream->body_left = body_length;
  connection_send(list->connection);
  return stream;
}

struct stream *stream_send_request(struct stream_list *list, const nghttp2_nv pseudo[static 4],
                                   const nghttp2_nv *fields, size_t count, int64_t body_length) {
  enum { PSEUDO = 4, AUTHORITY = 2 };
  char space[STREAM_DIGITS];
  nghttp2_nv all[PSEUDO + STREAM_FIELDS_MAX + 1];
  size_t all_count = PSEUDO;
  if (body_length < STREAM_LENGTH_UNKNOWN || count > STREAM_FIELDS_MAX)
    return NULL;
  memcpy(all, pseudo, PSEUDO * sizeof *pseudo);
  for (size_t i = 0; i < count; i++) {
    bool is_authority = field_rules_is_authority(&fields[i]);
    if (!is_authority && !field_rules_allow(&fields[i]))
      return NULL;
    all[is_authority ? AUTHORITY : all_count++] = fields[i];
  }
  if (body_length > 0 && !has_field(fields, count, "content-length")) {
    all[all_count] = own_number("content-length", (uint64_t)body_length, space);
    all[all_count++].flags = NGHTTP2_NV_FLAG_NO_COPY_NAME; /* `space` ends here */
  }
  return submit_request(list, all, all_count, body_length);
}

/* --- Bodies and trailers ---------------------------------------------------------------------- */

/* If nghttp2 waits, tell it that there is something to send. Returns 0 or -1. */
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
  stream->list->waiting += length;
  if (stream->body_left != STREAM_LENGTH_UNKNOWN)
    stream->body_left -= (int64_t)length;
  return 0;
}

static int write_by(struct stream *stream, const void *data, size_t length,
                    int (*append)(struct body *body, const void *data, size_t length)) {
  if (add(stream, data, length, append) != 0 || (stream->body.length > 0 && wake(stream) != 0))
    return -1;
  if (stream->bodyless)
    return 0; /* and on_drain does not come: a producer would go on for ever */
  if (!is_enough(stream))
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
  if (!is_writable(stream) || !can_send(fields, count))
    return -1;
  if (count > 0 && !stream->bodyless) {
    stream->trailers = copy_fields(fields, count);
    if (!stream->trailers)
      return -1;
    stream->trailer_count = count;
  }
  return finish(stream);
}

/* --- Enough of the peer's body ---------------------------------------------------------------- */

/* Everything is sent: send RST_STREAM after it (RFC 9113, section 8.1). Earlier, RST_STREAM would
 * stop what nghttp2 still has to send of the stream. */
static int reset_refused(const struct stream *stream, nghttp2_session *session) {
  if (stream->received_all)
    return 0;
  return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
}

int stream_send_on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame,
                              void *user_data) {
  const struct stream_list *list = user_data;
  if (list->refused == 0 || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
    return 0;
  const struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (stream && stream->refused && reset_refused(stream, session) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return 0;
}

void stream_refuse(struct stream *stream) {
  if (stream->closed || stream->refused)
    return;
  stream->refused = true;
  stream->list->refused++;
  struct connection *connection = stream->list->connection;
  nghttp2_session *session = connection_session(connection);
  if (nghttp2_session_get_stream_local_close(session, stream->id) != 1)
    return; /* not everything is sent yet */
  if (reset_refused(stream, session) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  connection_send(connection);
}
