/* use: see use.h. */
#include "common/fuzz/use.h"

#include <stdlib.h>
#include <string.h>

#include "common/field.h"

struct use {
  struct use *next;
  struct stream *stream;
  uint8_t way;
  bool is_server;
  bool begun;   /* the header section has come */
  bool ended;   /* on_end has come */
  bool is_full; /* stream_write has returned 0 */
};

static struct use *uses;
static size_t count;

/* Ask the stream for all that it knows. */
static void read_all(const struct stream *stream) {
  size_t length = strlen(stream_method(stream)) + strlen(stream_path(stream));
  for (size_t i = 0; i < stream_header_count(stream); i++)
    length += strlen(stream_header_name(stream, i)) + strlen(stream_header_value(stream, i));
  const char *trailer = stream_trailer(stream, "x-test");
  const char *header = stream_header(stream, "content-length");
  length += (trailer ? strlen(trailer) : 0) + (header ? strlen(header) : 0);
  fuzz_must(length < SIZE_MAX / 2, "texts end");
  fuzz_must(stream_status(stream) >= 0 && stream_status(stream) <= 999,
            "a status has three digits");
}

/* --- Sending ---------------------------------------------------------------------------------- */

enum { LARGE = 200 * 1024, PIECE = 10000 };

static const uint8_t body[LARGE];

/* Write until the stream has enough for now, but never more than `most` times. */
static void write_some(struct use *use, size_t most) {
  int result = 1;
  for (size_t i = 0; i < most && result == 1; i++)
    result = stream_write(use->stream, body, PIECE);
  if (result == 0)
    use->is_full = true; /* until on_drain: a later write may find room before it */
}

static void write_trailers(struct stream *stream) {
  const nghttp2_nv trailers[] = {field_make("x-test", "value"), field_make("grpc-status", "0")};
  stream_trailers(stream, trailers, 2);
}

static void respond_whole(struct use *use) {
  stream_respond(use->stream, 200, NULL, 0, 12);
  stream_end(use->stream, "Hello World!", 12);
}

static void respond_in_pieces(struct use *use, size_t most) {
  stream_respond(use->stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
  write_some(use, most);
}

static void respond_large(struct use *use) {
  stream_respond(use->stream, 200, NULL, 0, LARGE);
  stream_write_static(use->stream, body, LARGE);
  stream_end(use->stream, NULL, 0);
}

static void respond_with_trailers(struct use *use) {
  const nghttp2_nv field = field_make("x-test", " v ");
  stream_respond(use->stream, 200, &field, 1, STREAM_LENGTH_UNKNOWN);
  stream_write(use->stream, body, PIECE);
  write_trailers(use->stream);
}

static void inform_and_respond(struct use *use) {
  const nghttp2_nv field = field_make("x-test", " v ");
  stream_inform(use->stream, 103, &field, 1);
  stream_respond(use->stream, 404, NULL, 0, 0);
}

/* Announce one length, and write another. */
static void respond_wrong_length(struct use *use, int status, int64_t said, size_t written) {
  stream_respond(use->stream, status, NULL, 0, said);
  stream_write(use->stream, body, written);
}

static void respond_malformed(struct use *use) {
  const nghttp2_nv field = field_make("", "a\r\nb");
  stream_respond(use->stream, 200, &field, 1, 0);
}

/* Respond in one of the ways; if the number has none: later, in another event, or never. */
static void respond(struct use *use) {
  switch (use->way % 16) {
  case 1: respond_whole(use); break;
  case 2: respond_in_pieces(use, 3); break;
  case 3: respond_large(use); break;
  case 4: respond_with_trailers(use); break;
  case 5: inform_and_respond(use); break;
  case 6: stream_close(use->stream, NGHTTP2_CANCEL); break;
  case 7: respond_wrong_length(use, 204, 5, 5); break;
  case 8: respond_wrong_length(use, 200, 5, 6); break;
  case 9:
    stream_respond(use->stream, 200, NULL, 0, 5);
    stream_end(use->stream, NULL, 0);
    break;
  case 10: respond_malformed(use); break;
  case 11: respond_in_pieces(use, 50); break;
  default: break;
  }
}

/* --- Events ----------------------------------------------------------------------------------- */

static void on_inform(struct stream *stream, void *user) {
  struct use *use = user;
  fuzz_must(!use->is_server && !use->begun, "1xx comes before the response");
  read_all(stream);
}

static void on_headers(struct stream *stream, void *user) {
  struct use *use = user;
  fuzz_must(!use->is_server && !use->begun && !use->ended, "a response begins once");
  use->begun = true;
  read_all(stream);
  if (use->way % 16 == 6)
    stream_close(stream, NGHTTP2_CANCEL);
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct use *use = user;
  uint8_t *copy = fuzz_copy(data, length); /* AddressSanitizer looks at all of it */
  free(copy);
  fuzz_must(use->begun && !use->ended && length > 0, "a body comes after its headers");
  switch (use->way % 16) {
  case 11: stream_pause(stream); break;
  case 12:
    stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
    if (stream_write(stream, data, length) == 0) /* an echo */
      use->is_full = true;
    break;
  case 13: stream_close(stream, NGHTTP2_CANCEL); break;
  default: break;
  }
}

static void on_end(struct stream *stream, void *user) {
  struct use *use = user;
  fuzz_must(use->begun && !use->ended, "the end comes once");
  use->ended = true;
  read_all(stream);
  if (use->way % 16 == 14)
    stream_respond(stream, 200, NULL, 0, 0);
  stream_end(stream, NULL, 0);
}

static void on_drain(struct stream *stream, void *user) {
  struct use *use = user;
  (void)stream;
  fuzz_must(use->is_full, "only a full stream gets on_drain");
  use->is_full = false;
  if (use->way % 16 == 11)
    write_some(use, 2);
}

static void on_close(struct stream *stream, uint32_t error_code, void *user) {
  struct use *use = user;
  (void)error_code;
  fuzz_must(use->stream == stream && stream_is_closed(stream), "this stream closes");
  fuzz_must(stream_connection(stream) == NULL, "it has left its connection");
  read_all(stream);
  fuzz_must(stream_write(stream, "x", 1) == -1 && stream_respond(stream, 200, NULL, 0, 0) == -1,
            "a closed stream sends nothing");
  struct use **link = &uses;
  while (*link != use)
    link = &(*link)->next;
  *link = use->next;
  count--;
  if (use->way & 16)
    stream_release(stream);
  free(use);
}

static const struct stream_events events = {.on_inform = on_inform,
                                            .on_headers = on_headers,
                                            .on_data = on_data,
                                            .on_end = on_end,
                                            .on_drain = on_drain,
                                            .on_close = on_close};

/* --- The beginning ---------------------------------------------------------------------------- */

static struct use *begin(struct stream *stream, uint8_t way, bool is_server) {
  static const struct use none;
  struct use *use = (struct use *)fuzz_copy((const uint8_t *)&none, sizeof none);
  *use = (struct use){uses, stream, way, is_server, is_server, false, false};
  uses = use;
  count++;
  if (way & 16)
    stream_keep(stream);
  stream_set_events(stream, &events, use);
  return use;
}

void use_request(struct stream *stream) {
  const char *path = stream_path(stream);
  fuzz_must(*stream_method(stream) != '\0', "a request has a method");
  read_all(stream);
  respond(begin(stream, path[0] ? (uint8_t)(path[1] - 'a') : 0, true));
}

void use_response(struct stream *stream, uint8_t way) {
  struct use *use = begin(stream, way, false);
  if (way & 32)
    write_some(use, 2);
}

void use_step(struct tape *tape) {
  uint8_t choice = tape_octet(tape);
  struct use *use = uses;
  for (size_t i = choice >> 4; i > 0 && use; i--)
    use = use->next;
  if (!use)
    return;
  switch (choice & 15) {
  case 0: stream_resume(use->stream); break;
  case 1: stream_pause(use->stream); break;
  case 2: write_some(use, 1); break;
  case 3: stream_end(use->stream, body, 5); break;
  case 4: write_trailers(use->stream); break;
  case 5: stream_close(use->stream, NGHTTP2_NO_ERROR); break;
  case 6: stream_close(use->stream, NGHTTP2_INTERNAL_ERROR); break;
  case 7: respond(use); break;
  case 8: stream_end(use->stream, NULL, 0); break;
  case 9:
    stream_respond(use->stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
    write_some(use, 20);
    break;
  case 10: stream_inform(use->stream, 100, NULL, 0); break;
  default: use->way = choice >> 4 | (use->way & 0xf0); break;
  }
}

size_t use_count(void) {
  return count;
}
