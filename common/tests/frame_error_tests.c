/* Errors of frames that break RFC 9113; and decoding goes on after them. */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <string.h>

#include "common/frame.h"
#include "common/tests/frames.h"

TestSuite(frame_error, .timeout = 30);

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

static struct frames frames;

static void begin(void) {
  frames_begin_open(&frames);
}

static void end(void) {
  frames_end(&frames);
}

static const struct frame *expect_error(enum frame_sender sender, const char *text,
                                        const char *error) {
  const struct frame *frame = frames_feed_text(&frames, sender, text);
  cr_assert_not_null(frame->error, "no error, for: %s", text);
  cr_assert_str_eq(frame->error, error, "'%s', not '%s', for: %s", frame->error, error, text);
  return frame;
}

static const struct frame *expect_right(enum frame_sender sender, const char *text) {
  const struct frame *frame = frames_feed_text(&frames, sender, text);
  cr_assert_null(frame->error, "%s, for: %s", frame->error, text);
  return frame;
}

/* --- One frame by itself ---------------------------------------------------------------------- */

struct wrong {
  enum frame_sender sender;
  const char *text;
  const char *error;
};

static const struct wrong wrong_stream[] = {
    {FRAME_FROM_SERVER, "000001 00 00 00000000 'a'", "DATA on stream 0 (RFC 9113, section 6.1)"},
    {FRAME_FROM_CLIENT, "000001 01 04 00000000 82", "HEADERS on stream 0 (RFC 9113, section 6.2)"},
    {FRAME_FROM_CLIENT, "000005 02 00 00000000 00000001 00",
     "PRIORITY on stream 0 (RFC 9113, section 6.3)"},
    {FRAME_FROM_CLIENT, "000004 03 00 00000000 00000000",
     "RST_STREAM on stream 0 (RFC 9113, section 6.4)"},
    {FRAME_FROM_CLIENT, "000000 04 00 00000001",
     "SETTINGS not on stream 0 (RFC 9113, section 6.5)"},
    {FRAME_FROM_SERVER, "000005 05 04 00000000 00000002 82",
     "PUSH_PROMISE on stream 0 (RFC 9113, section 6.6)"},
    {FRAME_FROM_CLIENT, "000008 06 00 00000001 0000000000000000",
     "PING not on stream 0 (RFC 9113, section 6.7)"},
    {FRAME_FROM_CLIENT, "000008 07 00 00000001 00000000 00000000",
     "GOAWAY not on stream 0 (RFC 9113, section 6.8)"},
};

static const struct wrong wrong_length[] = {
    {FRAME_FROM_CLIENT, "000004 02 00 00000001 00000000",
     "PRIORITY is not 5 bytes long (RFC 9113, section 6.3)"},
    {FRAME_FROM_CLIENT, "000006 02 00 00000001 00000000 0000",
     "PRIORITY is not 5 bytes long (RFC 9113, section 6.3)"},
    {FRAME_FROM_CLIENT, "000003 03 00 00000001 000000",
     "RST_STREAM is not 4 bytes long (RFC 9113, section 6.4)"},
    {FRAME_FROM_CLIENT, "000005 03 00 00000001 00000000 00",
     "RST_STREAM is not 4 bytes long (RFC 9113, section 6.4)"},
    {FRAME_FROM_CLIENT, "000005 04 00 00000000 0003 000000",
     "SETTINGS is not a multiple of 6 bytes (RFC 9113, section 6.5)"},
    {FRAME_FROM_CLIENT, "000006 04 01 00000000 0003 00000001",
     "SETTINGS with ACK is not empty (RFC 9113, section 6.5)"},
    {FRAME_FROM_CLIENT, "000007 06 00 00000000 00000000000000",
     "PING is not 8 bytes long (RFC 9113, section 6.7)"},
    {FRAME_FROM_CLIENT, "000009 06 00 00000000 000000000000000000",
     "PING is not 8 bytes long (RFC 9113, section 6.7)"},
    {FRAME_FROM_CLIENT, "000007 07 00 00000000 00000000 000000",
     "GOAWAY is shorter than 8 bytes (RFC 9113, section 6.8)"},
    {FRAME_FROM_CLIENT, "000003 08 00 00000001 000001",
     "WINDOW_UPDATE is not 4 bytes long (RFC 9113, section 6.9)"},
    {FRAME_FROM_CLIENT, "000005 08 00 00000001 00000001 00",
     "WINDOW_UPDATE is not 4 bytes long (RFC 9113, section 6.9)"},
};

static const struct wrong wrong_padding[] = {
    {FRAME_FROM_CLIENT, "000000 00 08 00000001",
     "more padding than payload (RFC 9113, section 6.1)"},
    {FRAME_FROM_CLIENT, "000003 00 08 00000001 03 0000",
     "more padding than payload (RFC 9113, section 6.1)"},
};

static const struct wrong wrong_value[] = {
    {FRAME_FROM_CLIENT, "000006 04 00 00000000 0002 00000002",
     "SETTINGS_ENABLE_PUSH is neither 0 nor 1 (RFC 9113, section 6.5.2)"},
    {FRAME_FROM_SERVER, "000006 04 00 00000000 0002 00000001",
     "a server sets SETTINGS_ENABLE_PUSH (RFC 9113, section 6.5.2)"},
    {FRAME_FROM_CLIENT, "000006 04 00 00000000 0004 80000000",
     "SETTINGS_INITIAL_WINDOW_SIZE is over 2^31-1 (RFC 9113, section 6.5.2)"},
    {FRAME_FROM_CLIENT, "000006 04 00 00000000 0005 00003fff",
     "SETTINGS_MAX_FRAME_SIZE is not 16384 to 16777215 (RFC 9113, section 6.5.2)"},
    {FRAME_FROM_CLIENT, "000006 04 00 00000000 0005 01000000",
     "SETTINGS_MAX_FRAME_SIZE is not 16384 to 16777215 (RFC 9113, section 6.5.2)"},
    {FRAME_FROM_CLIENT, "000005 05 04 00000001 00000002 82",
     "a client cannot push (RFC 9113, section 8.4)"},
    {FRAME_FROM_SERVER, "000005 05 04 00000001 00000003 82",
     "the promised stream's number is not even (RFC 9113, section 5.1.1)"},
    {FRAME_FROM_SERVER, "000005 05 04 00000001 00000000 82",
     "the promised stream's number is not even (RFC 9113, section 5.1.1)"},
    {FRAME_FROM_CLIENT, "000004 08 00 00000001 00000000",
     "a window increment of 0 (RFC 9113, section 6.9)"},
};

static const struct wrong reserved[] = {
    {FRAME_FROM_CLIENT, "000001 00 00 80000001 'a'",
     "the reserved bit of the header is set (RFC 9113, section 4.1)"},
    {FRAME_FROM_SERVER, "000005 05 04 00000001 80000002 82",
     "the reserved bit of PUSH_PROMISE is set (RFC 9113, section 6.6)"},
    {FRAME_FROM_CLIENT, "000008 07 00 00000000 80000001 00000000",
     "the reserved bit of GOAWAY is set (RFC 9113, section 6.8)"},
    {FRAME_FROM_CLIENT, "000004 08 00 00000000 80000001",
     "the reserved bit of WINDOW_UPDATE is set (RFC 9113, section 6.9)"},
    {FRAME_FROM_CLIENT, "000001 00 04 00000001 'a'",
     "a flag without a meaning is set (RFC 9113, section 4.1)"},
    {FRAME_FROM_CLIENT, "000008 06 80 00000000 0000000000000000",
     "a flag without a meaning is set (RFC 9113, section 4.1)"},
};

/* After each of these, a PING and a header block of the same side must be right. */
static void expect_errors(const struct wrong *wrong, size_t count) {
  for (; count > 0; count--, wrong++) {
    expect_error(wrong->sender, wrong->text, wrong->error);
    expect_right(wrong->sender, "000008 06 00 00000000 0000000000000000");
    const struct frame *headers = expect_right(wrong->sender, "000001 01 04 00000001 82");
    cr_assert_eq(headers->field_count, 1, "the next HEADERS has no field, after: %s", wrong->text);
  }
}

Test(frame_error, wrong_stream, .init = begin, .fini = end) {
  expect_errors(wrong_stream, sizeof wrong_stream / sizeof *wrong_stream);
}

Test(frame_error, wrong_length, .init = begin, .fini = end) {
  expect_errors(wrong_length, sizeof wrong_length / sizeof *wrong_length);
}

Test(frame_error, wrong_padding, .init = begin, .fini = end) {
  expect_errors(wrong_padding, sizeof wrong_padding / sizeof *wrong_padding);
}

Test(frame_error, wrong_value, .init = begin, .fini = end) {
  expect_errors(wrong_value, sizeof wrong_value / sizeof *wrong_value);
}

Test(frame_error, reserved, .init = begin, .fini = end) {
  expect_errors(reserved, sizeof reserved / sizeof *reserved);
}

/* The decoder reports the readable parts of a wrong frame. */
Test(frame_error, values_of_a_wrong_frame, .init = begin, .fini = end) {
  const struct frame *frame = expect_error(client, "000001 00 00 80000001 'a'", reserved[0].error);
  cr_assert_eq(frame->stream_id, 1, "stream %d includes the reserved bit", frame->stream_id);
  frame = expect_error(client, "000004 08 00 00000000 80000001", reserved[3].error);
  cr_assert_eq(frame->window_increment, 1, "increment %u", frame->window_increment);
  frame = expect_error(client, "000003 00 08 00000001 03 0000", wrong_padding[0].error);
  cr_assert_null(frame->data, "data, although its place is unknown");
  cr_assert_eq(frame->padding, 0, "padding %zu", frame->padding);
  frame = expect_error(client, "000007 04 00 00000000 0003 00000001 00", wrong_length[4].error);
  cr_assert_eq(frame->setting_count, 1, "%zu settings", frame->setting_count);
  frame = expect_error(client, "000006 04 01 00000000 0003 00000001", wrong_length[5].error);
  cr_assert_eq(frame->setting_count, 0, "settings in an ACK");
}

/* --- Header compression ----------------------------------------------------------------------- */

static const char lost[] =
    "an earlier error has lost the header compression state (RFC 9113, section 4.3)";
static const char cannot[] = "the field block cannot be decompressed (RFC 9113, section 4.3)";

/* After a bad block, only the blocks of the same side are lost. */
static void expect_lost(enum frame_sender sender) {
  const struct frame *frame = expect_error(sender, "000001 01 05 00000003 82", lost);
  cr_assert_eq(frame->field_count, 0, "%zu fields from a lost state", frame->field_count);
  expect_right(sender, "000005 00 01 00000001 'Hello'");
  frame = expect_right(sender == client ? server : client, "000001 01 05 00000003 82");
  cr_assert_eq(frame->field_count, 1, "the other side has lost its state");
}

/* The decoder keeps the fields before the bad one. */
Test(frame_error, no_such_index, .init = begin, .fini = end) {
  const struct frame *frame = expect_error(client, "000002 01 05 00000001 82 be", cannot);
  cr_assert_eq(frame->field_count, 1, "%zu fields", frame->field_count);
  expect_lost(client);
}

Test(frame_error, block_ends_in_a_field, .init = begin, .fini = end) {
  expect_error(server, "000004 01 05 00000001 82 41 0f 'w'", cannot);
  expect_lost(server);
}

Test(frame_error, padding_hides_the_block, .init = begin, .fini = end) {
  expect_error(client, "000002 01 0c 00000001 02 82",
               "more padding than payload (RFC 9113, section 6.2)");
  expect_lost(client);
}

Test(frame_error, no_room_for_priority, .init = begin, .fini = end) {
  expect_error(client, "000007 01 2c 00000001 02 00000000 0000",
               "HEADERS is too short for its priority (RFC 9113, section 6.2)");
  expect_lost(client);
}

Test(frame_error, promise_without_a_stream, .init = begin, .fini = end) {
  expect_error(server, "000003 05 04 00000001 000000",
               "PUSH_PROMISE without a promised stream (RFC 9113, section 6.6)");
  expect_lost(server);
}

Test(frame_error, promise_padded_away, .init = begin, .fini = end) {
  expect_error(server, "000006 05 0c 00000001 02 000000 0000",
               "PUSH_PROMISE without a promised stream (RFC 9113, section 6.6)");
  expect_lost(server);
}

/* One byte stands for a field of 4000, again and again: the decoder keeps only so much, and the
 * state of the compression is still right after the block. */
Test(frame_error, one_octet_for_a_long_field, .init = begin, .fini = end) {
  static char value[3900];
  struct buffer bytes = {0};
  memset(value, 'v', sizeof value);
  frames_append_text(&bytes, "000f42 01 04 00000001 40 01 'n' 7f bd1d");
  buffer_append(&bytes, value, sizeof value);
  memset(value, 0xbe, sizeof value);
  frames_append(&bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, value, sizeof value);
  size_t before = frames_allocated();
  frames_feed(&frames, client, bytes.bytes, bytes.length);
  size_t grown = frames_allocated() - before;
  buffer_free(&bytes);
  cr_assert_eq(frames.count, 2, "%zu frames", frames.count);
  cr_assert_null(frames.list[0]->error, "%s", frames.list[0]->error);
  cr_assert_str_eq(frames.list[1]->error,
                   "more header fields than the decoder keeps (RFC 9113, section 10.5.1)", "%s",
                   frames.list[1]->error);
  cr_assert_gt(frames.list[1]->field_count, 10, "%zu fields", frames.list[1]->field_count);
  cr_assert_lt(grown, 2 * 1024 * 1024, "it kept %zu bytes", grown);
  const struct frame *frame = expect_right(client, "000002 01 05 00000003 82 be");
  cr_assert_eq(frame->fields[1].value_length, sizeof value, "the table has another field");
}

/* --- The order of frames ---------------------------------------------------------------------- */

static const char in_block[] = "a frame in the middle of a field block (RFC 9113, section 4.3)";

Test(frame_error, frame_in_a_block, .init = begin, .fini = end) {
  expect_right(client, "000001 01 01 00000001 82");
  expect_error(client, "000008 06 00 00000000 0000000000000000", in_block);
  expect_error(client, "000001 f0 00 00000001 00", in_block);
  expect_right(server, "000008 06 00 00000000 0000000000000000"); /* the other side has no block */
  const struct frame *frame = expect_right(client, "000001 09 04 00000001 86");
  cr_assert_eq(frame->field_count, 1, "the block did not go on");
  expect_right(client, "000008 06 00 00000000 0000000000000000");
}

/* A block without an end whose fields are complete costs only the error. */
Test(frame_error, headers_in_a_block, .init = begin, .fini = end) {
  expect_right(client, "000001 01 01 00000001 82");
  const struct frame *frame = expect_error(client, "000001 01 05 00000003 86", in_block);
  cr_assert_eq(frame->field_count, 1, "%zu fields", frame->field_count);
  expect_right(client, "000001 01 05 00000005 82");
}

/* The decoder does not take the next bytes for the rest of the field. */
Test(frame_error, headers_in_a_field, .init = begin, .fini = end) {
  expect_right(client, "000003 01 01 00000001 82 41 01");
  expect_error(client, "000001 01 05 00000003 86", in_block);
  expect_lost(client);
}

Test(frame_error, continuation_on_another_stream, .init = begin, .fini = end) {
  expect_right(client, "000001 01 01 00000001 82");
  const struct frame *frame =
      expect_error(client, "000001 09 04 00000003 86",
                   "CONTINUATION on another stream (RFC 9113, section 6.10)");
  cr_assert_eq(frame->field_count, 1, "%zu fields", frame->field_count);
  expect_right(client, "000001 01 05 00000005 82");
}

Test(frame_error, continuation_on_stream_0, .init = begin, .fini = end) {
  expect_right(client, "000001 01 01 00000001 82");
  expect_error(client, "000001 09 04 00000000 86",
               "CONTINUATION on another stream (RFC 9113, section 6.10)");
}

Test(frame_error, continuation_of_nothing, .init = begin, .fini = end) {
  expect_right(client, "000001 01 05 00000001 82");
  expect_error(client, "000001 09 04 00000001 86",
               "CONTINUATION without HEADERS before it (RFC 9113, section 6.10)");
  expect_right(client, "000001 01 05 00000003 82");
}

/* The receiver sets the limit, which holds from its SETTINGS on; the sender does not
 * see a lower limit at once. */
Test(frame_error, longer_than_allowed, .init = begin, .fini = end) {
  static const char error[] = "longer than SETTINGS_MAX_FRAME_SIZE (RFC 9113, section 4.2)";
  static const char payload[16385];
  struct buffer bytes = {0};
  frames_append(&bytes, NGHTTP2_DATA, 0, 1, payload, sizeof payload);
  frames_feed(&frames, client, bytes.bytes, bytes.length);
  cr_assert_str_eq(frames.list[0]->error, error, "the first: %s", frames.list[0]->error);
  expect_right(client, "000006 04 00 00000000 0005 00004001");
  frames_feed(&frames, client, bytes.bytes, bytes.length);
  cr_assert_str_eq(frames.list[2]->error, error, "by its own limit: %s", frames.list[2]->error);
  frames_feed(&frames, server, bytes.bytes, bytes.length);
  cr_assert_null(frames.list[3]->error, "as long as allowed: %s", frames.list[3]->error);
  expect_right(client, "000006 04 00 00000000 0005 00004000");
  frames_feed(&frames, server, bytes.bytes, bytes.length);
  cr_assert_null(frames.list[5]->error, "before the sender sees it: %s", frames.list[5]->error);
  buffer_free(&bytes);
}
