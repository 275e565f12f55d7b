/* strict: see strict.h. */
#include "common/inner/strict.h"

#include <stdlib.h>
#include <string.h>

#include "common/connection.h"
#include "common/frame.h"
#include "common/inner/big_endian.h"
#include "common/inner/calm.h"
#include "common/inner/goaway.h"
#include "common/inner/long_fields.h"

enum {
  RECENT = 128,           /* streams that are remembered: more than may be open at once */
  MAX_FRAME_SIZE = 16384, /* SETTINGS_MAX_FRAME_SIZE, which our servers do not raise */
};

/* What is known about a stream: nothing, if its identifier is higher than all before; or some of
 * these flags. For streams that are too old, BEGUN. */
enum {
  BEGUN = 1,
  ENDED = 2, /* the client has sent END_STREAM or RST_STREAM */
};

/* This module counts streams: identifiers 1, 3, 5 ... are numbers 0, 1, 2 ... */
struct strict {
  struct calm calm;
  struct goaway goaway; /* from the first GOAWAY on, after which hardly anything follows */
  bool has_goaway;
  uint32_t goaway_code;
  uint64_t now;
  uint64_t begun;                      /* when the frame that goes on, or its block, began */
  uint8_t header[FRAME_HEADER_LENGTH]; /* of the frame that begins, as far as it has come */
  size_t header_length;
  size_t payload_left; /* of the frame that goes on */
  bool greeted;        /* SETTINGS have come */
  bool in_block;       /* CONTINUATION must follow */
  int continuations;   /* so many have */
  bool is_followed;    /* the frame that goes on belongs to a block of several */
  struct long_fields long_fields;
  int32_t last;           /* the latest stream, or -1 */
  uint8_t states[RECENT]; /* of the latest streams, by their number modulo RECENT */
  int32_t left_out,
      left_last; /* the latest streams that were left out at once and are not recent */
};

struct strict *strict_new(uint64_t now) {
  struct strict *strict = calloc(1, sizeof *strict);
  if (!strict)
    return NULL;
  strict->calm = calm_begin(now);
  strict->now = strict->begun = now;
  strict->payload_left = NGHTTP2_CLIENT_MAGIC_LEN;
  strict->last = strict->left_last = -1;
  return strict;
}

void strict_free(struct strict *strict) {
  free(strict);
}

void strict_turn(struct strict *strict, uint64_t now, uint64_t sent) {
  strict->now = now;
  calm_fill(&strict->calm, now, sent);
}

static bool is_recent(const struct strict *strict, int32_t number) {
  return number > strict->last - RECENT;
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
    strict->states[next++ % RECENT] = 0;
  strict->states[number % RECENT] = BEGUN;
  strict->calm.noise += CALM_NOISE_A_REQUEST;
}

/* The error in HEADERS or DATA, or NO_ERROR. */
static uint32_t judge_use(struct strict *strict, uint8_t type, int32_t number) {
  if (number > strict->last && type == NGHTTP2_HEADERS)
    begin_stream(strict, number);
  if (number > strict->last)
    return NGHTTP2_NO_ERROR; /* nghttp2 knows what is idle */
  bool was_left_out = strict->left_out <= number && number <= strict->left_last;
  uint8_t state = was_left_out ? 0 : BEGUN;
  if (is_recent(strict, number))
    state = strict->states[number % RECENT];
  if (state == 0)
    return type == NGHTTP2_HEADERS ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_STREAM_CLOSED;
  return state & ENDED ? NGHTTP2_STREAM_CLOSED : NGHTTP2_NO_ERROR;
}

/* CONTINUATION has come, and belongs to a block. nghttp2 does not get what is too long for it. */
static uint32_t judge_continuation(struct strict *strict) {
  if (strict->payload_left > MAX_FRAME_SIZE)
    return NGHTTP2_FRAME_SIZE_ERROR;
  strict->continuations++;
  if (strict->continuations > STRICT_CONTINUATIONS)
    return NGHTTP2_ENHANCE_YOUR_CALM;
  size_t passed = long_fields_go_on(&strict->long_fields, strict->payload_left);
  strict->header[1] = (uint8_t)(passed >> 8); /* it is never more than MAX_FRAME_SIZE */
  strict->header[2] = (uint8_t)passed;
  bool is_cut_off = !strict->in_block && long_fields_is_open(&strict->long_fields);
  return is_cut_off ? NGHTTP2_COMPRESSION_ERROR : NGHTTP2_NO_ERROR;
}

/* HEADERS has come. */
static void begin_block(struct strict *strict, uint8_t flags) {
  strict->in_block = !(flags & NGHTTP2_FLAG_END_HEADERS);
  if (!strict->in_block)
    return;
  strict->is_followed = true;
  strict->continuations = 0;
  long_fields_begin(&strict->long_fields, flags, strict->payload_left);
}

/* Charge for a frame that is no part of a request or its body. Returns whether the purse had
 * enough. */
static bool can_charge(struct strict *strict, uint8_t type, uint8_t flags) {
  if (type == NGHTTP2_RST_STREAM)
    return calm_take(&strict->calm.resets, CALM_ONE);
  if (type != NGHTTP2_SETTINGS || flags & NGHTTP2_FLAG_ACK)
    return calm_take(&strict->calm.noise, CALM_ONE);
  strict->greeted = true; /* the first frame of all is SETTINGS, or nghttp2 ends the connection */
  return calm_take(&strict->calm.noise, CALM_SETTINGS_COST);
}

/* The error in a frame whose header is complete, or NO_ERROR. */
static uint32_t judge_frame(struct strict *strict) {
  const uint8_t *header = strict->header;
  uint8_t type = header[3];
  uint8_t flags = header[4];
  uint32_t id = big_endian_32(header + 5) & INT32_MAX;
  if (strict->in_block) { /* any other frame here is an error that nghttp2 notices */
    strict->is_followed = type == NGHTTP2_CONTINUATION;
    strict->in_block = strict->is_followed && !(flags & NGHTTP2_FLAG_END_HEADERS);
    return strict->is_followed ? judge_continuation(strict) : NGHTTP2_NO_ERROR;
  }
  bool ends = flags & NGHTTP2_FLAG_END_STREAM;
  if (type == NGHTTP2_HEADERS) {
    begin_block(strict, flags);
  } else if ((type != NGHTTP2_DATA || (strict->payload_left == 0 && !ends)) &&
             !can_charge(strict, type, flags)) {
    return NGHTTP2_ENHANCE_YOUR_CALM;
  }
  if (id % 2 == 0)
    return type == NGHTTP2_PRIORITY && id == 0 ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR;
  int32_t number = (int32_t)(id / 2);
  uint32_t error_code = NGHTTP2_NO_ERROR;
  if (type == NGHTTP2_HEADERS || type == NGHTTP2_DATA)
    error_code = judge_use(strict, type, number);
  else
    ends = type == NGHTTP2_RST_STREAM;
  if (ends && number <= strict->last && is_recent(strict, number))
    strict->states[number % RECENT] |= ENDED;
  return error_code;
}

bool strict_has_cut(const struct strict *strict) {
  return strict->is_followed && strict->long_fields.was_cut;
}

uint32_t strict_sent(struct strict *strict, const uint8_t *frame, size_t length) {
  enum { TYPE = 3, CODE = FRAME_HEADER_LENGTH + 3 }; /* codes below 256 only */
  if (frame[TYPE] != NGHTTP2_RST_STREAM || length <= CODE)
    return NGHTTP2_NO_ERROR;
  switch (frame[CODE]) {
  case NGHTTP2_NO_ERROR:
  case NGHTTP2_INTERNAL_ERROR:
  case NGHTTP2_CANCEL:
  case NGHTTP2_HTTP_1_1_REQUIRED: return NGHTTP2_NO_ERROR; /* not the client's fault */
  default:
    return calm_take(&strict->calm.resets, CALM_ONE) ? NGHTTP2_NO_ERROR : NGHTTP2_ENHANCE_YOUR_CALM;
  }
}

/* --- Who waits for whom ----------------------------------------------------------------------- */

enum strict_place strict_place(const struct strict *strict, uint64_t *begun) {
  *begun = strict->begun;
  if (!strict->greeted)
    return STRICT_GREETING;
  if (!strict->in_block && strict->payload_left == 0 && strict->header_length == 0)
    return STRICT_BETWEEN;
  bool is_data = strict->header_length == 0 && strict->header[3] == NGHTTP2_DATA;
  return is_data ? STRICT_IN_DATA : STRICT_IN_FRAME;
}

unsigned strict_waits(const struct strict *strict, nghttp2_session *session) {
  unsigned waits = 0;
  for (int32_t number = strict->last; number >= 0 && is_recent(strict, number); number--) {
    int32_t id = 2 * number + 1;
    nghttp2_stream *stream =
        strict->states[number % RECENT] ? nghttp2_session_find_stream(session, id) : NULL;
    nghttp2_stream_proto_state state =
        stream ? nghttp2_stream_get_state(stream) : NGHTTP2_STREAM_STATE_CLOSED;
    if (state == NGHTTP2_STREAM_STATE_CLOSED || state == NGHTTP2_STREAM_STATE_IDLE)
      continue;
    waits |= CONNECTION_HAS_STREAMS;
    if (state != NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE &&
        nghttp2_session_get_stream_local_window_size(session, id) > 0)
      waits |= CONNECTION_AWAITS_BODY;
    if (nghttp2_session_get_stream_remote_window_size(session, id) <= 0)
      waits |= CONNECTION_AWAITS_WINDOW;
  }
  return waits;
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static int feed(nghttp2_session *session, const uint8_t *bytes, size_t length) {
  if (length == 0)
    return 0;
  ssize_t taken = nghttp2_session_mem_recv(session, bytes, length);
  return taken < 0 ? (int)taken : 0;
}

/* The same for what is there of the payload of a frame that is followed; its bytes begin at `*fed`,
 * which moves on. */
static int feed_followed(struct strict *strict, nghttp2_session *session, const uint8_t *bytes,
                         size_t length, size_t *fed) {
  uint8_t passed[1024];
  int error = 0;
  for (size_t part; strict->payload_left > 0 && *fed < length && error == 0; *fed += part) {
    part = strict->payload_left < length - *fed ? strict->payload_left : length - *fed;
    part = part < sizeof passed ? part : sizeof passed;
    strict->payload_left -= part;
    error =
        feed(session, passed, long_fields_pass(&strict->long_fields, bytes + *fed, part, passed));
  }
  if (strict->payload_left == 0 && !strict->in_block)
    strict->is_followed = false;
  return error;
}

/* Take the available part of a frame header. Returns how many bytes it took. */
static size_t take_header(struct strict *strict, const uint8_t *bytes, size_t length) {
  size_t missing = FRAME_HEADER_LENGTH - strict->header_length;
  if (missing == FRAME_HEADER_LENGTH && length >= FRAME_HEADER_LENGTH) { /* mostly all of it */
    memcpy(strict->header, bytes, FRAME_HEADER_LENGTH);
    strict->header_length = FRAME_HEADER_LENGTH;
    return FRAME_HEADER_LENGTH;
  }
  if (length > missing)
    length = missing;
  memcpy(strict->header + strict->header_length, bytes, length);
  strict->header_length += length;
  return length;
}

/* Feed a frame header that is complete, and what may have to be changed after it, at `*fed`. */
static int feed_apart(struct strict *strict, nghttp2_session *session, const uint8_t *bytes,
                      size_t length, size_t *fed) {
  int error = feed(session, strict->header, FRAME_HEADER_LENGTH);
  return error == 0 && strict->is_followed ? feed_followed(strict, session, bytes, length, fed)
                                           : error;
}

static void look_for_goaway(struct strict *strict, const uint8_t *bytes, size_t length) {
  uint32_t code = goaway_find(&strict->goaway, bytes, length);
  if (strict->goaway_code == NGHTTP2_NO_ERROR)
    strict->goaway_code = code;
}

/* The header of a GOAWAY is complete, and these bytes follow. */
static void begin_goaway(struct strict *strict, const uint8_t *bytes, size_t length) {
  if (strict->has_goaway)
    return;
  strict->has_goaway = true;
  look_for_goaway(strict, strict->header, sizeof strict->header);
  look_for_goaway(strict, bytes, length);
}

uint32_t strict_goaway(const struct strict *strict) {
  return strict->goaway_code;
}

int strict_receive(struct strict *strict, nghttp2_session *session, const uint8_t *bytes,
                   size_t length) {
  size_t fed = 0; /* so many of the bytes nghttp2 has */
  int error = 0;
  if (strict->has_goaway)
    look_for_goaway(strict, bytes, length);
  if (strict->is_followed)
    error = feed_followed(strict, session, bytes, length, &fed);
  size_t at = fed;
  while (at < length && error == 0) {
    if (strict->payload_left >= length - at) {
      strict->payload_left -= length - at;
      break;
    }
    at += strict->payload_left;
    strict->payload_left = 0;
    size_t start = at;
    bool was_cut = strict->header_length > 0;
    if (!was_cut && !strict->in_block)
      strict->begun = strict->now;
    at += take_header(strict, bytes + at, length - at);
    if (strict->header_length < FRAME_HEADER_LENGTH)
      return feed(session, bytes + fed, start - fed); /* the rest of the header will follow */
    strict->header_length = 0;
    strict->payload_left = big_endian_24(strict->header);
    uint32_t error_code = judge_frame(strict);
    if (strict->header[3] == NGHTTP2_GOAWAY)
      begin_goaway(strict, bytes + at, length - at);
    if (error_code != NGHTTP2_NO_ERROR) {
      error = feed(session, bytes + fed, start - fed);
      return error ? error : nghttp2_session_terminate_session(session, error_code);
    }
    if (was_cut || strict->is_followed) {
      error = feed(session, bytes + fed, start - fed);
      fed = at;
      if (error == 0)
        error = feed_apart(strict, session, bytes, length, &fed);
      at = fed;
    }
  }
  return error ? error : feed(session, bytes + fed, length - fed);
}
