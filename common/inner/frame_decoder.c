/*
 * frame_decoder: see frame.h. This file cuts the bytes of a connection into frames, and checks
 * their order; frame_payload.c decodes a single frame, hpack.c handles header compression.
 */
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/frame.h"
#include "common/inner/big_endian.h"
#include "common/inner/frame_payload.h"
#include "common/inner/frame_requests.h"
#include "common/inner/hpack.h"

enum {
  DEFAULT_MAX_FRAME_SIZE = 16384, /* RFC 9113, section 6.5.2 */
  LARGEST_KEPT = 64 * 1024,       /* memory of one frame to keep for the next one */
  LARGEST_LEFT_OUT = 256 * 1024, /* of field blocks that nobody has wanted yet, in each direction */
};

enum state {
  EXPECT_PREFACE,  /* of the client */
  EXPECT_SETTINGS, /* the first frame of either side */
  EXPECT_FRAMES,
  EXPECT_NOTHING, /* it is no HTTP/2 */
};

/* The state of one endpoint's output. The two sides share nothing, so that a callback for a frame
 * of one side can feed the other. */
struct side {
  enum state state;
  struct buffer stored;   /* the part of an incomplete frame that has arrived */
  struct buffer settings; /* of the frame that is being reported */
  struct hpack *hpack;
  bool block_open; /* a field block has begun: only its CONTINUATION may follow */
  int32_t block_stream_id;
  uint32_t max_frame_size; /* the most that the other endpoint has ever allowed */
  struct buffer left_out;  /* frames that have field blocks, and that nobody has wanted: whole */
};

struct frame_decoder {
  frame_callback on_frame;
  bool (*wants)(void *user); /* NULL: every frame */
  void *user;
  struct side sides[2]; /* by enum frame_sender */
  struct frame_requests requests;
};

struct frame_decoder *frame_decoder_new(frame_callback on_frame, void *user) {
  struct frame_decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder)
    return NULL;
  decoder->on_frame = on_frame;
  decoder->user = user;
  for (int sender = FRAME_FROM_CLIENT; sender <= FRAME_FROM_SERVER; sender++) {
    struct side *side = &decoder->sides[sender];
    side->state = sender == FRAME_FROM_CLIENT ? EXPECT_PREFACE : EXPECT_SETTINGS;
    side->max_frame_size = DEFAULT_MAX_FRAME_SIZE;
    side->hpack = hpack_new();
    if (!side->hpack) {
      frame_decoder_free(decoder);
      return NULL;
    }
  }
  return decoder;
}

void frame_decoder_free(struct frame_decoder *decoder) {
  if (!decoder)
    return;
  for (int sender = FRAME_FROM_CLIENT; sender <= FRAME_FROM_SERVER; sender++) {
    buffer_free(&decoder->sides[sender].stored);
    buffer_free(&decoder->sides[sender].settings);
    buffer_free(&decoder->sides[sender].left_out);
    hpack_free(decoder->sides[sender].hpack);
  }
  frame_requests_free(&decoder->requests);
  free(decoder);
}

unsigned frame_decoder_requests(const struct frame_decoder *decoder, unsigned *at_once) {
  *at_once = decoder->requests.forgot ? 0 : decoder->requests.at_once;
  return decoder->requests.count;
}

size_t frame_decoder_pending(const struct frame_decoder *decoder, enum frame_sender sender) {
  return decoder->sides[sender].stored.length;
}

static const uint8_t *octets(const struct buffer *buffer) {
  return (const uint8_t *)buffer->bytes;
}

/* Empty a buffer. Do not keep the memory of one long frame for ever. */
static void reuse(struct buffer *buffer) {
  if (buffer->size > LARGEST_KEPT)
    buffer_free(buffer);
  else
    buffer_clear(buffer);
}

/* --- A frame among others --------------------------------------------------------------------- */

/* Errors that depend on the frames before. */
static void check_order(struct side *side, struct frame *frame) {
  if (side->state == EXPECT_SETTINGS &&
      (frame->type != NGHTTP2_SETTINGS || frame->flags & NGHTTP2_FLAG_ACK))
    frame_payload_error(frame, "the first frame is not SETTINGS (RFC 9113, section 3.4)");
  side->state = EXPECT_FRAMES;
  bool continues = frame->type == NGHTTP2_CONTINUATION;
  if (side->block_open && !continues)
    frame_payload_error(frame, "a frame in the middle of a field block (RFC 9113, section 4.3)");
  if (!side->block_open && continues)
    frame_payload_error(frame, "CONTINUATION without HEADERS before it (RFC 9113, section 6.10)");
  if (side->block_open && continues && frame->stream_id != side->block_stream_id)
    frame_payload_error(frame, "CONTINUATION on another stream (RFC 9113, section 6.10)");
  if (frame->length > side->max_frame_size)
    frame_payload_error(frame, "longer than SETTINGS_MAX_FRAME_SIZE (RFC 9113, section 4.2)");
}

/*
 * Decompress the frame's part of a field block. Do so even for a wrong frame, because all blocks of
 * this side share the compression state.
 */
static int decode_fields(struct side *side, struct frame *frame,
                         const struct frame_fragment *fragment) {
  const char *error = NULL;
  bool left_open = side->block_open && frame->type != NGHTTP2_CONTINUATION;
  if (left_open && hpack_decode(side->hpack, frame->payload, 0, true, &error) != 0)
    return -1;
  side->block_open = !(frame->flags & NGHTTP2_FLAG_END_HEADERS);
  side->block_stream_id = frame->stream_id;
  if (!fragment->bytes) {
    hpack_lose(side->hpack, hpack_error);
    return 0;
  }
  if (hpack_decode(side->hpack, fragment->bytes, fragment->length, !side->block_open, &error) != 0)
    return -1;
  frame->fields = hpack_fields(side->hpack, &frame->field_count);
  if (error)
    frame_payload_error(frame, error);
  return 0;
}

/* What one side allows, the other may do from now on. Ignore a lower limit, because the other side
 * may not have seen it yet. */
static void heed_settings(struct side *other, const struct frame *frame) {
  for (size_t i = 0; i < frame->setting_count; i++) {
    uint32_t value = frame->settings[i].value;
    if (frame->settings[i].id == NGHTTP2_SETTINGS_HEADER_TABLE_SIZE)
      hpack_allow_table_size(other->hpack, value);
    if (frame->settings[i].id == NGHTTP2_SETTINGS_MAX_FRAME_SIZE && value > other->max_frame_size)
      other->max_frame_size = value;
  }
}

/* Bits that "MUST be left unset when sending", although a receiver ignores them. */
static void check_reserved(struct frame *frame, bool reserved_bit) {
  if (reserved_bit)
    frame_payload_error(frame, "the reserved bit of the header is set (RFC 9113, section 4.1)");
  if (frame->type > NGHTTP2_CONTINUATION)
    return; /* an extension has flags of its own */
  for (unsigned flag = 1; flag <= 0x80; flag <<= 1)
    if (frame->flags & flag && !frame_flag_name(frame->type, (uint8_t)flag))
      frame_payload_error(frame, "a flag without a meaning is set (RFC 9113, section 4.1)");
}

/* What the header says of the frame at `bytes`. */
static struct frame frame_at(enum frame_sender sender, const uint8_t *bytes) {
  return (struct frame){
      .sender = sender,
      .length = big_endian_24(bytes),
      .type = bytes[3],
      .flags = bytes[4],
      .stream_id = (int32_t)(big_endian_32(bytes + 5) & 0x7fffffff),
      .payload = bytes + FRAME_HEADER_LENGTH,
  };
}

/* --- Frames that nobody wants ----------------------------------------------------------------- */

void frame_decoder_choose(struct frame_decoder *decoder, bool (*wants)(void *user)) {
  decoder->wants = wants;
}

/* Keep the frame's field block for catch_up, if there is room. */
static int leave_out_fields(struct side *side, const uint8_t *bytes, size_t length) {
  if (side->left_out.length + length <= LARGEST_LEFT_OUT)
    return buffer_append(&side->left_out, bytes, length);
  hpack_lose(side->hpack, "fields unknown: too many frames were left out before");
  buffer_clear(&side->left_out);
  side->block_open = false; /* perhaps: nobody looks */
  return 0;
}

static int leave_out(struct side *side, struct side *other, struct frame *frame,
                     const uint8_t *bytes) {
  struct frame_fragment fragment;
  side->state = EXPECT_FRAMES;
  if (frame_payload_has_fields(frame))
    return leave_out_fields(side, bytes, FRAME_HEADER_LENGTH + frame->length);
  if (frame->type != NGHTTP2_SETTINGS)
    return 0;
  if (frame_payload_decode(frame, &side->settings, &fragment) != 0)
    return -1;
  heed_settings(other, frame);
  return 0;
}

/* Decompress what was left out, before a frame that comes after it. */
static int catch_up(struct side *side, enum frame_sender sender) {
  const uint8_t *next = octets(&side->left_out);
  const uint8_t *end = next + side->left_out.length;
  while (next < end) {
    struct frame frame = frame_at(sender, next);
    struct frame_fragment fragment;
    if (frame_payload_decode(&frame, NULL, &fragment) != 0 ||
        decode_fields(side, &frame, &fragment) != 0)
      return -1;
    next += FRAME_HEADER_LENGTH + frame.length;
  }
  reuse(&side->left_out);
  return 0;
}

/* --- A whole frame ---------------------------------------------------------------------------- */

/* The frame at `bytes`. */
static int decode_frame(struct frame_decoder *decoder, enum frame_sender sender,
                        const uint8_t *bytes) {
  struct side *side = &decoder->sides[sender];
  struct side *other =
      &decoder->sides[sender == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT];
  struct frame frame = frame_at(sender, bytes);
  struct frame_fragment fragment;
  reuse(&side->settings);
  if (decoder->wants && !decoder->wants(decoder->user))
    return leave_out(side, other, &frame, bytes);
  if (side->left_out.length > 0 && catch_up(side, sender) != 0)
    return -1;
  check_order(side, &frame);
  if (frame_payload_decode(&frame, &side->settings, &fragment) != 0)
    return -1;
  if (frame_payload_has_fields(&frame) && decode_fields(side, &frame, &fragment) != 0)
    return -1;
  heed_settings(other, &frame);
  check_reserved(&frame, bytes[5] >> 7);
  if (frame_requests_see(&decoder->requests, &frame) != 0)
    return -1;
  decoder->on_frame(&frame, decoder->user);
  return 0;
}

/* --- What is no frame ------------------------------------------------------------------------- */

static void report(struct frame_decoder *decoder, enum frame_sender sender, unsigned type,
                   const uint8_t *bytes, size_t length, const char *error) {
  struct frame frame = {
      .sender = sender,
      .type = type,
      .length = length,
      .payload = bytes,
      .data = bytes,
      .data_length = length,
      .error = error,
  };
  decoder->on_frame(&frame, decoder->user);
}

/*
 * Whether HTTP/2 can begin, or go on, with these bytes. A server's first frame is a
 * SETTINGS frame, and none is so long that its first byte, the highest of its length, is
 * not 0. Text and TLS never begin with a 0.
 */
static bool is_http2(const struct side *side, enum frame_sender sender, const uint8_t *bytes,
                     size_t length) {
  size_t before = side->stored.length;
  if (side->state == EXPECT_PREFACE) {
    size_t left = NGHTTP2_CLIENT_MAGIC_LEN - before;
    return memcmp(&NGHTTP2_CLIENT_MAGIC[before], bytes, length < left ? length : left) == 0;
  }
  if (side->state == EXPECT_SETTINGS && sender == FRAME_FROM_SERVER && before == 0)
    return bytes[0] == 0;
  return side->state != EXPECT_NOTHING;
}

/* Say what the bytes are instead, as far as possible: these are the usual cases. */
static const char *what_it_is(const uint8_t *bytes, size_t length) {
  enum { TLS_CHANGE_CIPHER_SPEC = 20, TLS_APPLICATION_DATA = 23, TLS_MAJOR_VERSION = 3 };
  static const char http1[] = "HTTP/1.";
  if (memmem(bytes, length, http1, sizeof http1 - 1))
    return "this is HTTP/1, not HTTP/2 (RFC 9113, section 3.4)";
  if (length > 1 && bytes[0] >= TLS_CHANGE_CIPHER_SPEC && bytes[0] <= TLS_APPLICATION_DATA &&
      bytes[1] == TLS_MAJOR_VERSION)
    return "this is TLS, where HTTP/2 in plain text is expected (RFC 9113, section 3.3)";
  return "this is not HTTP/2 (RFC 9113, section 3.4)";
}

static int report_not_http2(struct frame_decoder *decoder, enum frame_sender sender,
                            const uint8_t *bytes, size_t length) {
  struct side *side = &decoder->sides[sender];
  bool again = side->state == EXPECT_NOTHING;
  side->state = EXPECT_NOTHING;
  if (side->stored.length > 0) { /* it began like the preface */
    if (buffer_append(&side->stored, bytes, length) != 0)
      return -1;
    bytes = octets(&side->stored);
    length = side->stored.length;
  }
  report(decoder, sender, FRAME_NOT_HTTP2, bytes, length,
         again ? "still not HTTP/2 (RFC 9113, section 3.4)" : what_it_is(bytes, length));
  reuse(&side->stored);
  return 0;
}

/* --- Bytes to frames -------------------------------------------------------------------------- */

/* How long the next unit is, judged by its first `length` bytes: the preface, a frame, or, while
 * even that is unknown, a frame header. */
static size_t unit_length(const struct side *side, const uint8_t *bytes, size_t length) {
  if (side->state == EXPECT_PREFACE)
    return NGHTTP2_CLIENT_MAGIC_LEN;
  if (length < FRAME_HEADER_LENGTH)
    return FRAME_HEADER_LENGTH;
  return FRAME_HEADER_LENGTH + big_endian_24(bytes);
}

static int decode_unit(struct frame_decoder *decoder, enum frame_sender sender,
                       const uint8_t *bytes) {
  struct side *side = &decoder->sides[sender];
  if (side->state != EXPECT_PREFACE)
    return decode_frame(decoder, sender, bytes);
  side->state = EXPECT_SETTINGS;
  report(decoder, sender, FRAME_PREFACE, bytes, NGHTTP2_CLIENT_MAGIC_LEN, NULL);
  return 0;
}

/*
 * Take bytes up to the end of one unit, or of the input. Decode a complete unit in place, without a
 * copy; otherwise put it together in `stored`. Returns how many bytes it took, or 0 when there is
 * no memory.
 */
static size_t take(struct frame_decoder *decoder, enum frame_sender sender, const uint8_t *bytes,
                   size_t length) {
  struct side *side = &decoder->sides[sender];
  struct buffer *stored = &side->stored;
  if (stored->length == 0) {
    size_t whole = unit_length(side, bytes, length);
    if (whole <= length)
      return decode_unit(decoder, sender, bytes) == 0 ? whole : 0;
  }
  size_t missing = unit_length(side, octets(stored), stored->length) - stored->length;
  size_t taken = length < missing ? length : missing;
  if (buffer_append(stored, bytes, taken) != 0)
    return 0;
  if (stored->length == unit_length(side, octets(stored), stored->length)) {
    if (decode_unit(decoder, sender, octets(stored)) != 0)
      return 0;
    reuse(stored);
  }
  return taken;
}

int frame_decoder_feed(struct frame_decoder *decoder, enum frame_sender sender, const void *bytes,
                       size_t length) {
  const uint8_t *next = bytes;
  if (length > 0 && !is_http2(&decoder->sides[sender], sender, next, length))
    return report_not_http2(decoder, sender, next, length);
  while (length > 0) {
    size_t taken = take(decoder, sender, next, length);
    if (taken == 0)
      return -1;
    next += taken;
    length -= taken;
  }
  return 0;
}
