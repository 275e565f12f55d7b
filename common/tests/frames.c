/* frames: see frames.h. */
#include "common/tests/frames.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <malloc.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/inner/big_endian.h"

/* AddressSanitizer's allocator counts by itself; other allocators do not have this function. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void on_frame(const struct frame *frame, void *user) {
  struct frames *frames = user;
  /* NOLINTNEXTLINE(bugprone-sizeof-expression): it is a list of pointers */
  struct frame **list = realloc(frames->list, (frames->count + 1) * sizeof *list);
  cr_assert_not_null(list, "no memory");
  frames->list = list;
  list[frames->count] = frame_copy(frame);
  cr_assert_not_null(list[frames->count], "no memory");
  frames->count++;
}

void frames_begin(struct frames *frames) {
  *frames = (struct frames){.decoder = frame_decoder_new(on_frame, frames)};
  cr_assert_not_null(frames->decoder, "no memory");
}

static void forget(struct frames *frames) {
  for (size_t i = 0; i < frames->count; i++)
    free(frames->list[i]);
  free(frames->list);
  frames->list = NULL;
  frames->count = 0;
}

void frames_begin_open(struct frames *frames) {
  static const char settings[] = {0, 0, 0, NGHTTP2_SETTINGS, 0, 0, 0, 0, 0};
  frames_begin(frames);
  frames_feed(frames, FRAME_FROM_CLIENT, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  frames_feed(frames, FRAME_FROM_CLIENT, settings, sizeof settings);
  frames_feed(frames, FRAME_FROM_SERVER, settings, sizeof settings);
  cr_assert_eq(frames->count, 3, "a connection begins with %zu frames, not 3", frames->count);
  for (size_t i = 0; i < frames->count; i++)
    cr_assert_null(frames->list[i]->error, "frame %zu: %s", i, frames->list[i]->error);
  forget(frames);
}

void frames_end(struct frames *frames) {
  frame_decoder_free(frames->decoder);
  forget(frames);
}

/* Feed the bytes from memory of exactly this size: AddressSanitizer then sees reads beyond it. */
void frames_feed(struct frames *frames, enum frame_sender sender, const void *bytes,
                 size_t length) {
  void *copy = length > 0 ? malloc(length) : NULL;
  if (copy)
    memcpy(copy, bytes, length);
  int failed = frame_decoder_feed(frames->decoder, sender, copy, length);
  free(copy);
  cr_assert_eq(failed, 0, "frame_decoder_feed: %d", failed);
}

const struct frame *frames_feed_text(struct frames *frames, enum frame_sender sender,
                                     const char *text) {
  struct buffer bytes = {0};
  size_t before = frames->count;
  frames_append_text(&bytes, text);
  frames_feed(frames, sender, bytes.bytes, bytes.length);
  buffer_free(&bytes);
  cr_assert_eq(frames->count, before + 1, "%zu frames from: %s", frames->count - before, text);
  return frames->list[before];
}

static void append(struct buffer *bytes, const void *more, size_t length) {
  cr_assert_eq(buffer_append(bytes, more, length), 0, "no memory");
}

void frames_append_text(struct buffer *bytes, const char *text) {
  while (*text != '\0') {
    if (*text == '\'') {
      const char *end = strchr(text + 1, '\'');
      append(bytes, text + 1, (size_t)(end - text - 1));
      text = end + 1;
    } else if (isxdigit((unsigned char)*text)) {
      char digits[3] = {text[0], text[1], '\0'};
      char byte = (char)strtoul(digits, NULL, 16);
      append(bytes, &byte, 1);
      text += 2;
    } else {
      text++;
    }
  }
}

void frames_header(uint8_t header[static FRAME_HEADER_LENGTH], size_t length, uint8_t type,
                   uint8_t flags, int32_t stream_id) {
  big_endian_write(header, 3, (uint32_t)length);
  header[3] = type;
  header[4] = flags;
  big_endian_write(header + 5, 4, (uint32_t)stream_id);
}

void frames_append(struct buffer *bytes, uint8_t type, uint8_t flags, int32_t stream_id,
                   const void *payload, size_t length) {
  uint8_t header[FRAME_HEADER_LENGTH];
  frames_header(header, length, type, flags, stream_id);
  append(bytes, header, sizeof header);
  append(bytes, payload, length);
}

/* --- Comparing -------------------------------------------------------------------------------- */

static bool same_bytes(const void *a, size_t a_length, const void *b, size_t b_length) {
  return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

static bool same_fields(const struct frame *a, const struct frame *b) {
  if (a->field_count != b->field_count)
    return false;
  for (size_t i = 0; i < a->field_count; i++) {
    const struct frame_field *x = &a->fields[i];
    const struct frame_field *y = &b->fields[i];
    if (!same_bytes(x->name, x->name_length, y->name, y->name_length) ||
        !same_bytes(x->value, x->value_length, y->value, y->value_length))
      return false;
  }
  return true;
}

static bool same_settings(const struct frame *a, const struct frame *b) {
  if (a->setting_count != b->setting_count)
    return false;
  for (size_t i = 0; i < a->setting_count; i++)
    if (a->settings[i].id != b->settings[i].id || a->settings[i].value != b->settings[i].value)
      return false;
  return true;
}

static bool same_frame(const struct frame *a, const struct frame *b) {
  return a->sender == b->sender && a->type == b->type && a->flags == b->flags &&
         a->stream_id == b->stream_id && same_bytes(a->payload, a->length, b->payload, b->length) &&
         same_bytes(a->data, a->data_length, b->data, b->data_length) && a->padding == b->padding &&
         same_fields(a, b) && same_settings(a, b) && a->error_code == b->error_code &&
         a->last_stream_id == b->last_stream_id && a->promised_stream_id == b->promised_stream_id &&
         a->window_increment == b->window_increment && a->dependency == b->dependency &&
         a->weight == b->weight && a->exclusive == b->exclusive && a->error == b->error;
}

void frames_expect_equal(const struct frames *seen, const struct frames *expected) {
  cr_assert_eq(seen->count, expected->count, "%zu frames, not %zu", seen->count, expected->count);
  for (size_t i = 0; i < seen->count; i++)
    cr_assert(same_frame(seen->list[i], expected->list[i]), "frame %zu is different", i);
}

/* --- The rest --------------------------------------------------------------------------------- */

/* Marsaglia's xorshift. */
uint32_t frames_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

uint32_t frames_seed(void) {
  const char *given = getenv("SEED");
  uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : 0;
  if (seed == 0) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    seed = (uint32_t)now.tv_nsec | 1;
  }
  fprintf(stderr, "SEED=%u\n", seed);
  return seed;
}

size_t frames_allocated(void) {
  if (__sanitizer_get_current_allocated_bytes)
    return __sanitizer_get_current_allocated_bytes();
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}
