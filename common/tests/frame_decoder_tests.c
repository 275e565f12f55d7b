/* Bytes to frames: any fragmentation, bytes that are not HTTP/2, and rubbish. */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"
#include "common/tests/conversation.h"
#include "common/tests/frames.h"

TestSuite(frame_decoder, .timeout = 60);

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

/* --- A conversation --------------------------------------------------------------------------- */

/* Feed a conversation, cut by `next_length`, which gets `state` and the rest of a piece. */
static void feed_conversation(struct frames *frames, const struct conversation *conversation,
                              size_t (*next_length)(uint32_t *state, size_t left),
                              uint32_t *state) {
  frames_begin(frames);
  for (size_t i = 0; i < conversation->piece_count; i++) {
    const struct conversation_piece *piece = conversation_piece(conversation, i);
    const char *bytes = conversation->bytes.bytes + piece->start;
    for (size_t left = piece->length; left > 0;) {
      size_t length = next_length(state, left);
      frames_feed(frames, piece->sender, bytes, length);
      bytes += length;
      left -= length;
    }
  }
  for (enum frame_sender sender = client; sender <= server; sender++)
    cr_assert_eq(frame_decoder_pending(frames->decoder, sender), 0, "side %d ends in a frame",
                 sender);
}

static size_t whole(uint32_t *state, size_t left) {
  (void)state;
  return left;
}

static size_t one(uint32_t *state, size_t left) {
  (void)state;
  (void)left;
  return 1;
}

/* Many short lengths, some of 0, and some longer than a frame. */
static size_t any(uint32_t *state, size_t left) {
  uint32_t limit = frames_random(state) % 4 == 0 ? 40000 : 30;
  size_t length = frames_random(state) % limit;
  return length < left ? length : left;
}

static void expect_log(const struct buffer *seen, const struct buffer *expected, const char *what) {
  cr_assert_eq(seen->length, expected->length, "%s: %zu bytes, not %zu", what, seen->length,
               expected->length);
  cr_assert(memcmp(seen->bytes, expected->bytes, seen->length) == 0, "%s differ", what);
}

/* The frames, fields and data must be those that nghttp2 itself has seen. */
Test(frame_decoder, agrees_with_nghttp2) {
  struct conversation conversation;
  struct frames frames;
  struct conversation_log logs[2] = {0};
  bool types[NGHTTP2_ALTSVC + 1] = {0};
  conversation_hold(&conversation);
  feed_conversation(&frames, &conversation, whole, NULL);
  for (size_t i = 0; i < frames.count; i++) {
    const struct frame *frame = frames.list[i];
    cr_assert_null(frame->error, "frame %zu: %s", i, frame->error);
    conversation_log_frame(&logs[frame->sender], frame);
    if (frame->type <= NGHTTP2_ALTSVC)
      types[frame->type] = true;
  }
  bool has_priority = nghttp2_version(0)->version_num < 0x014100; /* later ones send none */
  for (unsigned type = 0; type <= NGHTTP2_ALTSVC; type++)
    cr_assert(types[type] || (type == NGHTTP2_PRIORITY && !has_priority),
              "no frame of type %u in the conversation", type);
  for (int i = 0; i < 2; i++) {
    cr_expect_str_eq(logs[i].frames.bytes, conversation.logs[i].frames.bytes, "frames of side %d",
                     i);
    expect_log(&logs[i].fields, &conversation.logs[i].fields, "fields");
    expect_log(&logs[i].data, &conversation.logs[i].data, "data");
    conversation_log_free(&logs[i]);
  }
  frames_end(&frames);
  conversation_free(&conversation);
}

Test(frame_decoder, any_fragmentation) {
  struct conversation conversation;
  struct frames expected;
  struct frames seen;
  uint32_t state = frames_seed();
  conversation_hold(&conversation);
  feed_conversation(&expected, &conversation, whole, NULL);
  feed_conversation(&seen, &conversation, one, NULL);
  frames_expect_equal(&seen, &expected);
  frames_end(&seen);
  for (int i = 0; i < 20; i++) {
    feed_conversation(&seen, &conversation, any, &state);
    frames_expect_equal(&seen, &expected);
    frames_end(&seen);
  }
  frames_end(&expected);
  conversation_free(&conversation);
}

/* --- The beginning ---------------------------------------------------------------------------- */

static const char settings[] = "000000 04 00 00000000";

Test(frame_decoder, preface) {
  struct frames frames;
  frames_begin(&frames);
  frames_feed(&frames, client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", 23);
  cr_assert_eq(frames.count, 0, "it reports an incomplete preface");
  cr_assert_eq(frame_decoder_pending(frames.decoder, client), 23, "%zu bytes are pending",
               frame_decoder_pending(frames.decoder, client));
  const struct frame *frame = frames_feed_text(&frames, client, "'\n'");
  cr_assert_eq(frame->type, FRAME_PREFACE, "type %u", frame->type);
  cr_assert_null(frame->error, "%s", frame->error);
  cr_assert_eq(frame->data_length, 24, "%zu bytes", frame->data_length);
  cr_assert_eq(frame_decoder_pending(frames.decoder, client), 0, "bytes are pending");
  frames_end(&frames);
}

/* The server may send first; its preface is only SETTINGS. */
Test(frame_decoder, first_frame_is_not_settings) {
  static const char error[] = "the first frame is not SETTINGS (RFC 9113, section 3.4)";
  struct frames frames;
  frames_begin(&frames);
  const struct frame *frame = frames_feed_text(&frames, server, "000001 01 05 00000001 88");
  cr_assert_str_eq(frame->error, error, "server: %s", frame->error);
  cr_assert_eq(frame->field_count, 1, "the frame is not decoded");
  frames_feed_text(&frames, client, "'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a");
  frame = frames_feed_text(&frames, client, "000000 04 01 00000000");
  cr_assert_str_eq(frame->error, error, "client, with an ACK: %s", frame->error);
  frame = frames_feed_text(&frames, client, settings);
  cr_assert_null(frame->error, "the second frame: %s", frame->error);
  frames_end(&frames);
}

static void expect_not_http2(const struct frame *frame, const char *data, size_t length,
                             const char *error) {
  cr_assert_eq(frame->type, FRAME_NOT_HTTP2, "type %u", frame->type);
  cr_assert_eq(frame->data_length, length, "%zu bytes, not %zu", frame->data_length, length);
  cr_assert_arr_eq(frame->data, data, length, "other bytes");
  cr_assert_str_eq(frame->error, error, "'%s'", frame->error);
}

Test(frame_decoder, http1) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  static const char response[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
  static const char error[] = "this is HTTP/1, not HTTP/2 (RFC 9113, section 3.4)";
  struct frames frames;
  frames_begin(&frames);
  frames_feed(&frames, client, request, strlen(request));
  frames_feed(&frames, server, response, strlen(response));
  frames_feed(&frames, server, "more", 4);
  cr_assert_eq(frames.count, 3, "%zu frames", frames.count);
  expect_not_http2(frames.list[0], request, strlen(request), error);
  expect_not_http2(frames.list[1], response, strlen(response), error);
  expect_not_http2(frames.list[2], "more", 4, "still not HTTP/2 (RFC 9113, section 3.4)");
  cr_assert_eq(frames.list[1]->sender, server, "from the wrong side");
  frames_end(&frames);
}

Test(frame_decoder, tls) {
  static const char hello[] = "\x16\3\1\2\0\1\0\1\xfc\3\3";
  static const char alert[] = "\x15\3\3\0\2\2\x28";
  static const char error[] =
      "this is TLS, where HTTP/2 in plain text is expected (RFC 9113, section 3.3)";
  struct frames frames;
  frames_begin(&frames);
  frames_feed(&frames, client, hello, sizeof hello - 1);
  frames_feed(&frames, server, alert, sizeof alert - 1);
  cr_assert_eq(frames.count, 2, "%zu frames", frames.count);
  expect_not_http2(frames.list[0], hello, sizeof hello - 1, error);
  expect_not_http2(frames.list[1], alert, sizeof alert - 1, error);
  frames_end(&frames);
}

/* The bytes that began like the preface are a part of it. */
Test(frame_decoder, not_quite_the_preface) {
  static const char request[] = "POST / HTTP/1.1\r\n\r\n";
  struct frames frames;
  frames_begin(&frames);
  frames_feed(&frames, client, "P", 1);
  cr_assert_eq(frames.count, 0, "too early to tell");
  frames_feed(&frames, client, "OST", 3);
  frames_feed(&frames, client, " /", 2);
  cr_assert_eq(frames.count, 2, "%zu frames", frames.count);
  expect_not_http2(frames.list[0], "POST", 4, "this is not HTTP/2 (RFC 9113, section 3.4)");
  expect_not_http2(frames.list[1], " /", 2, "still not HTTP/2 (RFC 9113, section 3.4)");
  frames_end(&frames);
  frames_begin(&frames);
  frames_feed(&frames, client, request, strlen(request));
  cr_assert_eq(frames.count, 1, "%zu frames", frames.count);
  expect_not_http2(frames.list[0], request, strlen(request),
                   "this is HTTP/1, not HTTP/2 (RFC 9113, section 3.4)");
  frames_end(&frames);
}

Test(frame_decoder, not_quite_tls) {
  struct frames frames;
  frames_begin(&frames);
  frames_feed(&frames, server, "\x16\x16\3", 3);
  expect_not_http2(frames.list[0], "\x16\x16\3", 3, "this is not HTTP/2 (RFC 9113, section 3.4)");
  frames_end(&frames);
}

/* After its preface, a client speaks HTTP/2, however odd its frames are. */
Test(frame_decoder, long_frame_after_the_preface) {
  static const char payload[65536];
  struct frames frames;
  struct buffer bytes = {0};
  frames_begin(&frames);
  frames_append(&bytes, NGHTTP2_DATA, 0, 1, payload, sizeof payload);
  frames_feed_text(&frames, client, "'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a");
  frames_feed(&frames, client, bytes.bytes, bytes.length);
  buffer_free(&bytes);
  cr_assert_eq(frames.count, 2, "%zu frames", frames.count);
  cr_assert_eq(frames.list[1]->type, NGHTTP2_DATA, "type %u", frames.list[1]->type);
  frames_end(&frames);
}

/* --- The dynamic table ------------------------------------------------------------------------ */

/* Feed a block with `count` fields, compressed by `deflater`, and expect them back. */
static void expect_block(struct frames *frames, nghttp2_hd_deflater *deflater, size_t count) {
  char values[64][64];
  nghttp2_nv fields[64];
  uint8_t block[64 * 80];
  struct buffer bytes = {0};
  for (size_t i = 0; i < count; i++) {
    snprintf(values[i], sizeof values[i], "%060zu", i);
    fields[i] = (nghttp2_nv){(uint8_t *)"name", (uint8_t *)values[i], 4, 60, 0};
  }
  ssize_t length = nghttp2_hd_deflate_hd(deflater, block, sizeof block, fields, count);
  frames_append(&bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block, (size_t)length);
  frames_feed(frames, server, bytes.bytes, bytes.length);
  buffer_free(&bytes);
  const struct frame *frame = frames->list[frames->count - 1];
  cr_assert_null(frame->error, "%s", frame->error);
  cr_assert_eq(frame->field_count, count, "%zu fields, not %zu", frame->field_count, count);
  for (size_t i = 0; i < count; i++)
    cr_assert_arr_eq(frame->fields[i].value, values[i], 60, "another value for field %zu", i);
}

/* 64 fields of 96 bytes fill 6144: more than the 4096 of the beginning, and within 8192. */
Test(frame_decoder, table_size) {
  struct frames frames;
  nghttp2_hd_deflater *deflater;
  nghttp2_hd_deflate_new(&deflater, 8192);
  nghttp2_hd_deflate_change_table_size(deflater, 4096);
  frames_begin_open(&frames);
  expect_block(&frames, deflater, 10);
  frames_feed_text(&frames, client, "000006 04 00 00000000 0001 00002000");
  expect_block(&frames, deflater, 10); /* the server has not seen the setting yet */
  nghttp2_hd_deflate_change_table_size(deflater, 8192);
  expect_block(&frames, deflater, 64);
  expect_block(&frames, deflater, 64); /* from the table */
  cr_assert_lt(frames.list[frames.count - 1]->length, 200, "the block does not use the table");
  frames_feed_text(&frames, client, "000006 04 00 00000000 0001 00000064");
  expect_block(&frames, deflater, 64); /* not seen yet either */
  nghttp2_hd_deflate_change_table_size(deflater, 100);
  expect_block(&frames, deflater, 64);
  nghttp2_hd_deflate_del(deflater);
  frames_end(&frames);
}

/* A table size cannot change within a block; it counts from the next block on. */
Test(frame_decoder, table_size_within_a_block) {
  struct frames frames;
  frames_begin_open(&frames);
  frames_feed_text(&frames, server, "000004 01 00 00000001 88 41 05 'a'");
  frames_feed_text(&frames, client, "000006 04 00 00000000 0001 00002000");
  const struct frame *frame = frames_feed_text(&frames, server, "000004 09 04 00000001 'bcde'");
  cr_assert_null(frame->error, "%s", frame->error);
  cr_assert_eq(frame->field_count, 1, "%zu fields", frame->field_count);
  frame = frames_feed_text(&frames, server, "000005 01 04 00000003 3f e1 3f 88 be");
  cr_assert_null(frame->error, "after an update to 8192: %s", frame->error);
  frames_end(&frames);
}

/* A setting counts only for the other side. */
Test(frame_decoder, table_size_of_the_other_side) {
  struct frames frames;
  frames_begin_open(&frames);
  frames_feed_text(&frames, client, "000006 04 00 00000000 0001 00002000");
  const struct frame *frame =
      frames_feed_text(&frames, client, "000004 01 04 00000001 3f e1 3f 82");
  cr_assert_not_null(frame->error, "the client may exceed its own limit");
  frames_end(&frames);
}

/* --- The callback ----------------------------------------------------------------------------- */

struct answering {
  struct frame_decoder *decoder;
  int frames;
};

/* An observer of a connection may send on it: while it looks at the settings of one frame,
 * those of the other side arrive. */
static void answer(const struct frame *frame, void *user) {
  struct answering *answering = user;
  struct buffer bytes = {0};
  answering->frames++;
  if (frame->sender == server || frame->setting_count == 0)
    return;
  frames_append_text(&bytes, "000006 04 00 00000000 0004 00000007");
  frame_decoder_feed(answering->decoder, server, bytes.bytes, bytes.length);
  buffer_free(&bytes);
  cr_assert_eq(frame->settings[0].value, 1, "the frame has changed: %u", frame->settings[0].value);
}

Test(frame_decoder, callback_feeds_the_other_side) {
  struct answering answering = {0};
  struct buffer bytes = {0};
  answering.decoder = frame_decoder_new(answer, &answering);
  frames_append_text(&bytes, "'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a 000006 04 00 00000000 0003 "
                             "00000001 000006 04 00 00000000 0003 00000001");
  for (size_t i = 0; i < bytes.length; i++)
    frame_decoder_feed(answering.decoder, client, bytes.bytes + i, 1);
  cr_assert_eq(answering.frames, 5, "%d frames", answering.frames);
  frame_decoder_free(answering.decoder);
  buffer_free(&bytes);
}

Test(frame_decoder, free_nothing) {
  frame_decoder_free(NULL);
}
