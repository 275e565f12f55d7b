/* strict: see strict.h. */
#include "common/inner/strict.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"
#include "common/inner/big_endian.h"

enum {
  RECENT = 128,           /* streams that are remembered: more than may be open at once */
  MAX_FRAME_SIZE = 16384, /* SETTINGS_MAX_FRAME_SIZE, which our servers do not raise */
};

/* What the client has done with a stream. What the server has done does not matter here. */
enum state {
  LEFT_OUT, /* nothing: it began with a higher identifier */
  BEGUN,    /* it may send more; also for streams that are too old to be known */
  ENDED,    /* by END_STREAM or RST_STREAM */
};

/* Streams are counted here: identifiers 1, 3, 5 ... are numbers 0, 1, 2 ... */
struct strict {
  uint8_t header[FRAME_HEADER_LENGTH]; /* of the frame that begins, as far as it has come */
  size_t header_length;
  size_t payload_left;    /* of the frame that goes on */
  bool in_block;          /* CONTINUATION must follow */
  int32_t last;           /* the latest stream, or -1 */
  uint8_t states[RECENT]; /* enum state of the latest streams, by their number modulo RECENT */
  int32_t left_out,
      left_last; /* the latest streams that were left out at once and are not recent */
};

struct strict *strict_new(void) {
  struct strict *strict = calloc(1, sizeof *strict);
  if (!strict)
    return NULL;
  strict->payload_left = NGHTTP2_CLIENT_MAGIC_LEN;
  strict->last = strict->left_last = -1;
  return strict;
}

void strict_free(struct strict *strict) {
  free(strict);
}

static bool is_recent(const struct strict *strict, int32_t number) {
  return number > strict->last - RECENT;
}

static enum state state_of(const struct strict *strict, int32_t number) {
  if (is_recent(strict, number))
    return strict->states[number % RECENT];
  bool was_left_out = strict->left_out <= number && number <= strict->left_last;
  return was_left_out ? LEFT_OUT : BEGUN;
}

static void set_state(struct strict *strict, int32_t number, enum state state) {
  if (number <= strict->last && is_recent(strict, number))
    strict->states[number % RECENT] = (uint8_t)state;
}

/* All streams between the latest and this one are left out. */
static void begin_stream(struct strict *strict, int32_t number) {
  int32_t next = strict->last + 1;
  strict->last = number;
  if (!is_recent(strict, next)) {
    strict->left_out = next;
    strict->left_last = number - RECENT;
    next = number - RECENT + 1;
  }
  while (next < number)
    set_state(strict, next++, LEFT_OUT);
  set_state(strict, number, BEGUN);
}

/* The error in HEADERS or DATA, or NO_ERROR. */
static uint32_t judge_use(struct strict *strict, uint8_t type, int32_t number) {
  if (number > strict->last && type == NGHTTP2_HEADERS)
    begin_stream(strict, number);
  if (number > strict->last)
    return NGHTTP2_NO_ERROR; /* nghttp2 knows what is idle */
  switch (state_of(strict, number)) {
  case LEFT_OUT: return type == NGHTTP2_HEADERS ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_STREAM_CLOSED;
  case ENDED: return NGHTTP2_STREAM_CLOSED;
  default: return NGHTTP2_NO_ERROR;
  }
}

/* The error in a frame of which the header is complete, or NO_ERROR. */
static uint32_t judge_frame(struct strict *strict) {
  const uint8_t *header = strict->header;
  uint8_t type = header[3];
  uint8_t flags = header[4];
  uint32_t id = big_endian_32(header + 5) & INT32_MAX;
  bool was_in_block = strict->in_block;
  if (type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION)
    strict->in_block = !(flags & NGHTTP2_FLAG_END_HEADERS);
  if (type == NGHTTP2_CONTINUATION && strict->payload_left > MAX_FRAME_SIZE)
    return NGHTTP2_FRAME_SIZE_ERROR;
  if (was_in_block)
    return NGHTTP2_NO_ERROR; /* CONTINUATION; or an error that nghttp2 sees */
  if (id % 2 == 0)
    return type == NGHTTP2_PRIORITY && id == 0 ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR;
  int32_t number = (int32_t)(id / 2);
  uint32_t error_code = NGHTTP2_NO_ERROR;
  bool ends = type == NGHTTP2_RST_STREAM;
  if (type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) {
    error_code = judge_use(strict, type, number);
    ends = flags & NGHTTP2_FLAG_END_STREAM;
  }
  if (ends)
    set_state(strict, number, ENDED);
  return error_code;
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static int feed(nghttp2_session *session, const uint8_t *bytes, size_t length) {
  if (length == 0)
    return 0;
  ssize_t taken = nghttp2_session_mem_recv(session, bytes, length);
  return taken < 0 ? (int)taken : 0;
}

/* Take what there is of a frame header. Returns how many bytes that were. */
static size_t take_header(struct strict *strict, const uint8_t *bytes, size_t length) {
  size_t missing = FRAME_HEADER_LENGTH - strict->header_length;
  if (length > missing)
    length = missing;
  memcpy(strict->header + strict->header_length, bytes, length);
  strict->header_length += length;
  return length;
}

int strict_receive(struct strict *strict, nghttp2_session *session, const uint8_t *bytes,
                   size_t length) {
  size_t fed = 0; /* so many of the bytes nghttp2 has */
  size_t at = 0;
  int error = 0;
  while (at < length && error == 0) {
    if (strict->payload_left >= length - at) {
      strict->payload_left -= length - at;
      break;
    }
    at += strict->payload_left;
    strict->payload_left = 0;
    size_t start = at;
    bool was_cut = strict->header_length > 0;
    at += take_header(strict, bytes + at, length - at);
    if (strict->header_length < FRAME_HEADER_LENGTH)
      return feed(session, bytes + fed, start - fed); /* the rest of the header will follow */
    strict->header_length = 0;
    strict->payload_left = big_endian_24(strict->header);
    uint32_t error_code = judge_frame(strict);
    if (error_code != NGHTTP2_NO_ERROR) {
      error = feed(session, bytes + fed, start - fed);
      return error ? error : nghttp2_session_terminate_session(session, error_code);
    }
    if (was_cut) {
      error = feed(session, strict->header, FRAME_HEADER_LENGTH);
      fed = at;
    }
  }
  return error ? error : feed(session, bytes + fed, length - fed);
}
