/* Frames that no peer should send, without end and without sense. Memory stays in proportion to
 * the input, and AddressSanitizer finds nothing. */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "common/frame.h"
#include "common/tests/conversation.h"
#include "common/tests/frames.h"
#include "common/trace_json.h"
#include "common/trace_print.h"

TestSuite(frame_rubbish, .timeout = 60);

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

/* --- Memory ----------------------------------------------------------------------------------- */

static void ignore(const struct frame *frame, void *user) {
  (void)frame;
  (void)user;
}

/* A frame announces 16 million bytes: the decoder takes memory as they come, and frees it when
 * the frame is over. */
Test(frame_rubbish, long_frame) {
  static const char header[] = "\xff\xff\xff\0\0\0\0\0\1";
  static char part[65536];
  struct frame_decoder *decoder = frame_decoder_new(ignore, NULL);
  frame_decoder_feed(decoder, server, "\0\0\0\4\0\0\0\0\0", 9);
  size_t before = frames_allocated();
  frame_decoder_feed(decoder, server, header, 9);
  frame_decoder_feed(decoder, server, part, 100);
  cr_assert_eq(frame_decoder_pending(decoder, server), 109, "109 bytes were fed, not %zu",
               frame_decoder_pending(decoder, server));
  cr_assert_lt(frames_allocated(), before + 1000, "memory for bytes that have not come");
  for (size_t left = 0xffffff - 100; left > 0;) {
    size_t length = left < sizeof part ? left : sizeof part;
    frame_decoder_feed(decoder, server, part, length);
    left -= length;
  }
  cr_assert_eq(frame_decoder_pending(decoder, server), 0, "the frame is not complete");
  cr_assert_lt(frames_allocated(), before + 100000, "it keeps the memory");
  frame_decoder_free(decoder);
}

/* --- Rubbish ---------------------------------------------------------------------------------- */

/* Read everything that a frame points to, in every possible way, so that
 * AddressSanitizer checks each read. */
static void read_all(const struct frame *frame, void *user) {
  static const struct trace_style style = {.color = true, .unicode = true, .width = 80};
  FILE *out = user;
  struct frame *copy = frame_copy(frame);
  cr_assert_not_null(copy, "no memory");
  fwrite(copy->payload, 1, copy->length, out);
  trace_print_frame(out, &style, 0, 0, ' ', copy);
  json_t *json = trace_frame_json(copy, 0, 0);
  cr_assert_not_null(json, "no JSON");
  cr_assert_eq(json_dumpf(json, out, 0), 0, "no text");
  json_decref(json);
  free(copy);
}

/* Frames with any payload, type and flags, of both sides, in short pieces. */
static void feed_rubbish(struct frame_decoder *decoder, uint32_t *state) {
  struct buffer bytes = {0};
  uint8_t payload[512];
  size_t length = frames_random(state) % (frames_random(state) % 8 == 0 ? sizeof payload : 16);
  uint32_t bits = frames_random(state);
  for (size_t i = 0; i < length; i++)
    payload[i] = (uint8_t)frames_random(state);
  frames_append(&bytes, bits % 11, (uint8_t)(bits >> 8), (int32_t)(bits >> 16 & 3), payload,
                length);
  size_t cut = frames_random(state) % bytes.length;
  enum frame_sender sender = bits >> 31 ? client : server;
  frame_decoder_feed(decoder, sender, bytes.bytes, cut);
  frame_decoder_feed(decoder, sender, bytes.bytes + cut, bytes.length - cut);
  buffer_free(&bytes);
}

/* A decoder on a connection that has begun; the callback reads everything reported. */
static struct frame_decoder *begin(FILE *out) {
  struct frame_decoder *decoder = frame_decoder_new(read_all, out);
  cr_assert_not_null(decoder, "no memory");
  frame_decoder_feed(decoder, client, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  frame_decoder_feed(decoder, server, "\0\0\0\4\0\0\0\0\0", 9);
  return decoder;
}

/* Make a new decoder now and then, because the old one soon loses its header compression. */
Test(frame_rubbish, frames) {
  uint32_t state = frames_seed();
  FILE *out = fopen("/dev/null", "w");
  for (int i = 0; i < 1000; i++) {
    struct frame_decoder *decoder = begin(out);
    size_t before = frames_allocated();
    for (int j = 0; j < 10; j++)
      feed_rubbish(decoder, &state);
    cr_assert_lt(frames_allocated(), before + 2 * 1024 * 1024, "too much memory");
    frame_decoder_free(decoder);
  }
  fclose(out);
}

/* Megabytes of random bytes, in pieces of up to 64 kB. */
Test(frame_rubbish, bytes) {
  static uint8_t bytes[65536];
  uint32_t state = frames_seed();
  FILE *out = fopen("/dev/null", "w");
  struct frame_decoder *decoder = begin(out);
  size_t before = frames_allocated();
  for (size_t fed = 0; fed < 8 * 1024 * 1024;) {
    size_t length = frames_random(&state) % sizeof bytes;
    for (size_t i = 0; i < length; i++)
      bytes[i] = (uint8_t)frames_random(&state);
    frame_decoder_feed(decoder, frames_random(&state) % 2 ? client : server, bytes, length);
    fed += length;
    cr_assert_lt(frames_allocated(), before + 2 * fed + 1024 * 1024, "too much memory");
  }
  frame_decoder_free(decoder);
  fclose(out);
}

/* A conversation with some changed bytes. */
Test(frame_rubbish, in_a_conversation) {
  struct conversation conversation;
  uint32_t state = frames_seed();
  FILE *out = fopen("/dev/null", "w");
  conversation_hold(&conversation);
  uint8_t *octets = (uint8_t *)conversation.bytes.bytes;
  for (int i = 0; i < 15; i++) {
    struct frame_decoder *decoder = frame_decoder_new(read_all, out);
    for (int j = 0; j < 20; j++)
      octets[frames_random(&state) % conversation.bytes.length] = (uint8_t)frames_random(&state);
    for (size_t j = 0; j < conversation.piece_count; j++) {
      const struct conversation_piece *piece = conversation_piece(&conversation, j);
      const char *bytes = conversation.bytes.bytes + piece->start;
      cr_assert_eq(frame_decoder_feed(decoder, piece->sender, bytes, piece->length), 0,
                   "no memory");
    }
    frame_decoder_free(decoder);
  }
  conversation_free(&conversation);
  fclose(out);
}
