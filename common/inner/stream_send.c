/* stream_headers: the header sections that streams send: see stream.h and stream_list.h. */
#include <string.h>

#include "common/field.h"
#include "common/inner/stream_list.h"

/* A field of our own, which every response has: its name is a constant that nghttp2 need not copy, and nobody counts
 * letters that are counted already. */
static inline nghttp2_nv own_field(const char *name, const char *value, size_t length) {
  return (nghttp2_nv){.name = (uint8_t *)name,
                      .namelen = strlen(name),
                      .value = (uint8_t *)value,
                      .valuelen = length,
                      .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

/* One whose value is `number` in decimal, which stands in `space`. */
static inline nghttp2_nv own_number(const char *name, int64_t number, char space[static 20]) {
  char *end = space + 20;
  char *digit = end;
  do
    *--digit = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return own_field(name, digit, (size_t)(end - digit));
}

static bool has_field(const nghttp2_nv *fields, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (field_is(fields[i].name, fields[i].namelen, name))
      return true;
  return false;
}

bool stream_list_can_send(const nghttp2_nv *fields, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!nghttp2_check_header_value(fields[i].value, fields[i].valuelen))
      return false;
  return count <= STREAM_FIELDS_MAX;
}

/* Whether the request that is answered is one. */
static bool is_head(const struct stream *stream) {
  return strcmp(stream_method(stream), "HEAD") == 0;
}

int stream_inform(struct stream *stream, int status, const nghttp2_nv *fields, size_t count) {
  char space[20];
  nghttp2_nv all[1 + STREAM_FIELDS_MAX];
  if (stream->closed || stream->headers_submitted || status < 100 || status > 199 ||
      status == 101 || !stream_list_can_send(fields, count))
    return -1;
  all[0] = own_number(":status", status, space);
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
  char spaces[2][20];
  nghttp2_nv all[3 + STREAM_FIELDS_MAX];
  size_t all_count = 0;
  if (stream->closed || stream->headers_submitted || status < 200 || status > 599 ||
      body_length < STREAM_LENGTH_UNKNOWN || !stream_list_can_send(fields, count))
    return -1;
  bool no_content = status == 204 || status == 304;
  all[all_count++] = own_number(":status", status, spaces[0]);
  if (count > 0)
    memcpy(all + all_count, fields, count * sizeof *fields);
  all_count += count;
  if (body_length > 0 && !no_content && !has_field(fields, count, "content-length"))
    all[all_count++] = own_number("content-length", body_length, spaces[1]);
  if (!has_field(fields, count, "date"))
    all[all_count++] = own_field("date", date_now(stream->list->date), DATE_SIZE - 1);

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

struct stream *stream_list_request(struct stream_list *list, const nghttp2_nv pseudo[static 4],
                                   const nghttp2_nv *fields, size_t count, int64_t body_length) {
  char space[20];
  nghttp2_nv all[5 + STREAM_FIELDS_MAX];
  size_t all_count = 4;
  if (body_length < STREAM_LENGTH_UNKNOWN || !stream_list_can_send(fields, count))
    return NULL;
  memcpy(all, pseudo, all_count * sizeof *pseudo);
  if (count > 0)
    memcpy(all + all_count, fields, count * sizeof *fields);
  all_count += count;
  if (body_length > 0 && !has_field(fields, count, "content-length"))
    all[all_count++] = own_number("content-length", body_length, space);
  return stream_list_submit_request(list, all, all_count, body_length);
}
