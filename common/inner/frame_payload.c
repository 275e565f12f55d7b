/* frame_payload: see frame_payload.h. */
#include "common/inner/frame_payload.h"

#include <nghttp2/nghttp2.h>

#include "common/inner/big_endian.h"

enum {
  ANY_LENGTH = 0xffffff,
  STREAM_ID_MASK = 0x7fffffff, /* without the reserved bit */
  SETTING_LENGTH = 6,
  PRIORITY_LENGTH = 5,
  LARGEST_WINDOW = 0x7fffffff,
  SMALLEST_MAX_FRAME_SIZE = 16384,
  LARGEST_MAX_FRAME_SIZE = 16777215,
};

/* The rules of a type that do not depend on the payload. */
struct rule {
  bool on_stream; /* false: it is about the connection, and its stream is 0 */
  const char *stream_error;
  size_t shortest;
  size_t longest;
  const char *length_error; /* NULL where any length will do */
  const char *padding_error;
};

/* clang-format off */
static const struct rule rules[] = {
    [NGHTTP2_DATA] = {
        .on_stream = true,
        .stream_error = "DATA on stream 0 (RFC 9113, section 6.1)",
        .longest = ANY_LENGTH,
        .padding_error = "more padding than payload (RFC 9113, section 6.1)",
    },
    [NGHTTP2_HEADERS] = {
        .on_stream = true,
        .stream_error = "HEADERS on stream 0 (RFC 9113, section 6.2)",
        .longest = ANY_LENGTH,
        .padding_error = "more padding than payload (RFC 9113, section 6.2)",
    },
    [NGHTTP2_PRIORITY] = {
        .on_stream = true,
        .stream_error = "PRIORITY on stream 0 (RFC 9113, section 6.3)",
        .shortest = PRIORITY_LENGTH,
        .longest = PRIORITY_LENGTH,
        .length_error = "PRIORITY is not 5 bytes long (RFC 9113, section 6.3)",
    },
    [NGHTTP2_RST_STREAM] = {
        .on_stream = true,
        .stream_error = "RST_STREAM on stream 0 (RFC 9113, section 6.4)",
        .shortest = 4,
        .longest = 4,
        .length_error = "RST_STREAM is not 4 bytes long (RFC 9113, section 6.4)",
    },
    [NGHTTP2_SETTINGS] = {
        .stream_error = "SETTINGS not on stream 0 (RFC 9113, section 6.5)",
        .longest = ANY_LENGTH,
    },
    [NGHTTP2_PUSH_PROMISE] = {
        .on_stream = true,
        .stream_error = "PUSH_PROMISE on stream 0 (RFC 9113, section 6.6)",
        .shortest = 4,
        .longest = ANY_LENGTH,
        .length_error = "PUSH_PROMISE without a promised stream (RFC 9113, section 6.6)",
        .padding_error = "more padding than payload (RFC 9113, section 6.6)",
    },
    [NGHTTP2_PING] = {
        .stream_error = "PING not on stream 0 (RFC 9113, section 6.7)",
        .shortest = 8,
        .longest = 8,
        .length_error = "PING is not 8 bytes long (RFC 9113, section 6.7)",
    },
    [NGHTTP2_GOAWAY] = {
        .stream_error = "GOAWAY not on stream 0 (RFC 9113, section 6.8)",
        .shortest = 8,
        .longest = ANY_LENGTH,
        .length_error = "GOAWAY is shorter than 8 bytes (RFC 9113, section 6.8)",
    },
    [NGHTTP2_WINDOW_UPDATE] = { /* on a stream or for the connection */
        .shortest = 4,
        .longest = 4,
        .length_error = "WINDOW_UPDATE is not 4 bytes long (RFC 9113, section 6.9)",
    },
    [NGHTTP2_CONTINUATION] = {
        .on_stream = true,
        .stream_error = "CONTINUATION on stream 0 (RFC 9113, section 6.10)",
        .longest = ANY_LENGTH,
    },
};
/* clang-format on */

/* The bytes of a payload that are still to decode. */
struct rest {
  const uint8_t *bytes;
  size_t length;
};

void frame_payload_error(struct frame *frame, const char *error) {
  if (!frame->error)
    frame->error = error;
}

bool frame_payload_has_fields(const struct frame *frame) {
  return frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_PUSH_PROMISE ||
         frame->type == NGHTTP2_CONTINUATION;
}

/* Take a number from the front of `rest`, which must have as many bytes. */
static uint32_t take(struct rest *rest, size_t length) {
  uint32_t number = big_endian_read(rest->bytes, length);
  rest->bytes += length;
  rest->length -= length;
  return number;
}

/* Take 31 bits and a reserved one, which must not be set. */
static int32_t take_31(struct frame *frame, struct rest *rest, const char *error) {
  uint32_t number = take(rest, 4);
  if (number & ~(uint32_t)STREAM_ID_MASK)
    frame_payload_error(frame, error);
  return (int32_t)(number & STREAM_ID_MASK);
}

/* --- The types -------------------------------------------------------------------------------- */

/* Take padding off both ends. Returns false when there is more of it than payload. */
static bool take_padding(struct frame *frame, struct rest *rest) {
  if (!(frame->flags & NGHTTP2_FLAG_PADDED))
    return true;
  size_t at_end = rest->length > 0 ? take(rest, 1) : 1;
  if (at_end > rest->length) {
    frame_payload_error(frame, rules[frame->type].padding_error);
    return false;
  }
  frame->padding = 1 + at_end;
  rest->length -= at_end;
  return true;
}

static void take_priority(struct frame *frame, struct rest *rest) {
  uint32_t dependency = take(rest, 4);
  frame->exclusive = dependency >> 31;
  frame->dependency = (int32_t)(dependency & STREAM_ID_MASK);
  frame->weight = (int)take(rest, 1) + 1; /* a byte, for 1 to 256 */
}

static void decode_data(struct frame *frame, struct rest rest) {
  if (!take_padding(frame, &rest))
    return;
  frame->data = rest.bytes;
  frame->data_length = rest.length;
}

static void decode_headers(struct frame *frame, struct rest rest, struct frame_fragment *fragment) {
  if (!take_padding(frame, &rest))
    return;
  if (frame->flags & NGHTTP2_FLAG_PRIORITY) {
    if (rest.length < PRIORITY_LENGTH) {
      frame_payload_error(frame, "HEADERS is too short for its priority (RFC 9113, section 6.2)");
      return;
    }
    take_priority(frame, &rest);
  }
  *fragment = (struct frame_fragment){rest.bytes, rest.length};
}

static void decode_push_promise(struct frame *frame, struct rest rest,
                                struct frame_fragment *fragment) {
  if (frame->sender == FRAME_FROM_CLIENT)
    frame_payload_error(frame, "a client cannot push (RFC 9113, section 8.4)");
  if (!take_padding(frame, &rest))
    return;
  if (rest.length < 4) {
    frame_payload_error(frame, rules[NGHTTP2_PUSH_PROMISE].length_error);
    return;
  }
  frame->promised_stream_id =
      take_31(frame, &rest, "the reserved bit of PUSH_PROMISE is set (RFC 9113, section 6.6)");
  if (frame->promised_stream_id == 0 || frame->promised_stream_id % 2 != 0)
    frame_payload_error(frame,
                        "the promised stream's number is not even (RFC 9113, section 5.1.1)");
  *fragment = (struct frame_fragment){rest.bytes, rest.length};
}

static const char *setting_error(const struct frame *frame, const struct frame_setting *setting) {
  uint32_t value = setting->value;
  switch (setting->id) {
  case NGHTTP2_SETTINGS_ENABLE_PUSH:
    if (value > 1)
      return "SETTINGS_ENABLE_PUSH is neither 0 nor 1 (RFC 9113, section 6.5.2)";
    if (value == 1 && frame->sender == FRAME_FROM_SERVER)
      return "a server sets SETTINGS_ENABLE_PUSH (RFC 9113, section 6.5.2)";
    return NULL;
  case NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE:
    return value > LARGEST_WINDOW
               ? "SETTINGS_INITIAL_WINDOW_SIZE is over 2^31-1 (RFC 9113, section 6.5.2)"
               : NULL;
  case NGHTTP2_SETTINGS_MAX_FRAME_SIZE:
    return value < SMALLEST_MAX_FRAME_SIZE || value > LARGEST_MAX_FRAME_SIZE
               ? "SETTINGS_MAX_FRAME_SIZE is not 16384 to 16777215 (RFC 9113, section 6.5.2)"
               : NULL;
  default: return NULL;
  }
}

static int decode_settings(struct frame *frame, struct rest rest, struct buffer *settings) {
  if (frame->flags & NGHTTP2_FLAG_ACK) {
    if (rest.length > 0)
      frame_payload_error(frame, "SETTINGS with ACK is not empty (RFC 9113, section 6.5)");
    return 0;
  }
  if (rest.length % SETTING_LENGTH != 0)
    frame_payload_error(frame, "SETTINGS is not a multiple of 6 bytes (RFC 9113, section 6.5)");
  while (rest.length >= SETTING_LENGTH) {
    struct frame_setting setting = {.id = (uint16_t)take(&rest, 2)};
    setting.value = take(&rest, 4);
    const char *error = setting_error(frame, &setting);
    if (error)
      frame_payload_error(frame, error);
    if (buffer_append(settings, &setting, sizeof setting) != 0)
      return -1;
  }
  frame->setting_count = settings->length / sizeof(struct frame_setting);
  frame->settings = frame->setting_count > 0 ? (const void *)settings->bytes : NULL;
  return 0;
}

static void decode_goaway(struct frame *frame, struct rest rest) {
  frame->last_stream_id =
      take_31(frame, &rest, "the reserved bit of GOAWAY is set (RFC 9113, section 6.8)");
  frame->error_code = take(&rest, 4);
  frame->data = rest.bytes;
  frame->data_length = rest.length;
}

static void decode_window_update(struct frame *frame, struct rest rest) {
  frame->window_increment = (uint32_t)take_31(
      frame, &rest, "the reserved bit of WINDOW_UPDATE is set (RFC 9113, section 6.9)");
  if (frame->window_increment == 0)
    frame_payload_error(frame, "a window increment of 0 (RFC 9113, section 6.9)");
}

/* --- All of them ------------------------------------------------------------------------------ */

/* Returns false when the payload is too short or too long for its type. */
static bool check_rule(struct frame *frame) {
  const struct rule *rule = &rules[frame->type];
  bool wrong_stream = rule->on_stream != (frame->stream_id != 0);
  if (wrong_stream && rule->stream_error)
    frame_payload_error(frame, rule->stream_error);
  bool right_length = frame->length >= rule->shortest && frame->length <= rule->longest;
  if (!right_length)
    frame_payload_error(frame, rule->length_error);
  return right_length;
}

int frame_payload_decode(struct frame *frame, struct buffer *settings,
                         struct frame_fragment *fragment) {
  struct rest rest = {frame->payload, frame->length};
  *fragment = (struct frame_fragment){0};
  if (frame->type > NGHTTP2_CONTINUATION) {
    frame->data = rest.bytes;
    frame->data_length = rest.length;
    return 0;
  }
  if (!check_rule(frame))
    return 0;
  switch (frame->type) {
  case NGHTTP2_DATA: decode_data(frame, rest); break;
  case NGHTTP2_HEADERS: decode_headers(frame, rest, fragment); break;
  case NGHTTP2_PRIORITY: take_priority(frame, &rest); break;
  case NGHTTP2_RST_STREAM: frame->error_code = take(&rest, 4); break;
  case NGHTTP2_SETTINGS: return decode_settings(frame, rest, settings);
  case NGHTTP2_PUSH_PROMISE: decode_push_promise(frame, rest, fragment); break;
  case NGHTTP2_PING:
    frame->data = rest.bytes;
    frame->data_length = rest.length;
    break;
  case NGHTTP2_GOAWAY: decode_goaway(frame, rest); break;
  case NGHTTP2_WINDOW_UPDATE: decode_window_update(frame, rest); break;
  case NGHTTP2_CONTINUATION: *fragment = (struct frame_fragment){rest.bytes, rest.length}; break;
  }
  return 0;
}
