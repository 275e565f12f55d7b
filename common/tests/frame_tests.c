/* Single frames: every type with its values, names, copies. */
#include "common/frame.h"

#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/tests/frames.h"

TestSuite(frame, .timeout = 30);

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

static struct frames frames;

static void begin(void) {
  frames_begin_open(&frames);
}

static void end(void) {
  frames_end(&frames);
}

/* Feed one frame that must be right. */
static const struct frame *feed(enum frame_sender sender, const char *text) {
  const struct frame *frame = frames_feed_text(&frames, sender, text);
  cr_assert_null(frame->error, "%s, for: %s", frame->error, text);
  cr_assert_eq(frame->sender, sender, "from the wrong side: %s", text);
  return frame;
}

static void expect_header(const struct frame *frame, unsigned type, uint8_t flags,
                          int32_t stream_id, size_t length) {
  cr_assert_eq(frame->type, type, "type %u, not %u", frame->type, type);
  cr_assert_eq(frame->flags, flags, "flags 0x%x, not 0x%x", frame->flags, flags);
  cr_assert_eq(frame->stream_id, stream_id, "stream %d, not %d", frame->stream_id, stream_id);
  cr_assert_eq(frame->length, length, "length %zu, not %zu", frame->length, length);
}

static void expect_data(const struct frame *frame, const char *data, size_t length) {
  cr_assert_eq(frame->data_length, length, "%zu bytes, not %zu", frame->data_length, length);
  cr_assert_not_null(frame->data, "no data");
  cr_assert_arr_eq(frame->data, data, length, "other bytes");
}

static void expect_field(const struct frame *frame, size_t i, const char *name, const char *value) {
  cr_assert_lt(i, frame->field_count, "only %zu fields", frame->field_count);
  const struct frame_field *field = &frame->fields[i];
  cr_assert(field->name_length == strlen(name) && memcmp(field->name, name, strlen(name)) == 0,
            "field %zu is '%.*s', not '%s'", i, (int)field->name_length, field->name, name);
  cr_assert(field->value_length == strlen(value) && memcmp(field->value, value, strlen(value)) == 0,
            "'%s' is '%.*s', not '%s'", name, (int)field->value_length, field->value, value);
}

static void expect_setting(const struct frame *frame, size_t i, uint16_t id, uint32_t value) {
  cr_assert_lt(i, frame->setting_count, "only %zu settings", frame->setting_count);
  cr_assert_eq(frame->settings[i].id, id, "setting 0x%x, not 0x%x", frame->settings[i].id, id);
  cr_assert_eq(frame->settings[i].value, value, "value %u, not %u", frame->settings[i].value,
               value);
}

/* --- Types ------------------------------------------------------------------------------------ */

Test(frame, data, .init = begin, .fini = end) {
  const struct frame *frame = feed(server, "000005 00 01 00000001 'Hello'");
  expect_header(frame, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, 5);
  expect_data(frame, "Hello", 5);
  cr_assert_eq(frame->padding, 0, "padding %zu", frame->padding);
  cr_assert_arr_eq(frame->payload, "Hello", 5, "another payload");
  expect_header(feed(client, "000000 00 00 7fffffff"), NGHTTP2_DATA, 0, 0x7fffffff, 0);
}

Test(frame, data_padded, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000009 00 08 00000003 03 'Hello' 000000");
  expect_header(frame, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 3, 9);
  expect_data(frame, "Hello", 5);
  cr_assert_eq(frame->padding, 4, "padding %zu, not 3 and Pad Length", frame->padding);
  frame = feed(client, "000001 00 08 00000003 00");
  cr_assert_eq(frame->data_length, 0, "%zu bytes", frame->data_length);
  cr_assert_eq(frame->padding, 1, "padding %zu, not Pad Length alone", frame->padding);
  frame = feed(client, "000004 00 08 00000003 03 000000");
  cr_assert_eq(frame->data_length, 0, "%zu bytes besides the padding", frame->data_length);
}

/* RFC 7541, appendix C.3.1: an indexed field, another, and a literal. */
Test(frame, headers, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000014 01 05 00000001 828684 41 0f 'www.example.com'");
  expect_header(frame, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 1, 20);
  cr_assert_eq(frame->field_count, 4, "%zu fields", frame->field_count);
  expect_field(frame, 0, ":method", "GET");
  expect_field(frame, 1, ":scheme", "http");
  expect_field(frame, 2, ":path", "/");
  expect_field(frame, 3, ":authority", "www.example.com");
  cr_assert_eq(frame->weight, 0, "a weight, without the PRIORITY flag");
  cr_assert_null(frame->data, "data in HEADERS");
}

/* Appendix C.4.1, the same with Huffman coding; and an empty name and value. */
Test(frame, headers_huffman, .init = begin, .fini = end) {
  const struct frame *frame =
      feed(server, "000014 01 04 00000001 828684 41 8c f1e3c2e5f23a6ba0ab90f4ff 00 00 00");
  expect_field(frame, 3, ":authority", "www.example.com");
  expect_field(frame, 4, "", "");
  cr_assert_eq(frame->field_count, 5, "%zu fields", frame->field_count);
}

Test(frame, headers_padded_with_priority, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000009 01 2c 00000005 02 80000003 ff 82 0000");
  expect_header(frame, NGHTTP2_HEADERS, 0x2c, 5, 9);
  cr_assert_eq(frame->field_count, 1, "%zu fields", frame->field_count);
  expect_field(frame, 0, ":method", "GET");
  cr_assert_eq(frame->padding, 3, "padding %zu", frame->padding);
  cr_assert_eq(frame->dependency, 3, "dependency %d", frame->dependency);
  cr_assert_eq(frame->weight, 256, "weight %d", frame->weight);
  cr_assert(frame->exclusive, "not exclusive");
}

Test(frame, headers_empty, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000000 01 05 00000001");
  cr_assert_eq(frame->field_count, 0, "%zu fields", frame->field_count);
  cr_assert_null(frame->fields, "fields, but the count is 0");
}

Test(frame, priority, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000005 02 00 00000007 00000005 00");
  expect_header(frame, NGHTTP2_PRIORITY, 0, 7, 5);
  cr_assert_eq(frame->dependency, 5, "dependency %d", frame->dependency);
  cr_assert_eq(frame->weight, 1, "weight %d", frame->weight);
  cr_assert_not(frame->exclusive, "exclusive");
}

Test(frame, rst_stream, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000004 03 00 00000001 00000008");
  expect_header(frame, NGHTTP2_RST_STREAM, 0, 1, 4);
  cr_assert_eq(frame->error_code, NGHTTP2_CANCEL, "error code %u", frame->error_code);
  frame = feed(server, "000004 03 00 00000001 fedcba98");
  cr_assert_eq(frame->error_code, 0xfedcba98, "error code %x", frame->error_code);
}

Test(frame, settings, .init = begin, .fini = end) {
  const struct frame *frame =
      feed(server, "00001e 04 00 00000000 0003 00000064 0004 7fffffff 0005 00ffffff 0002 00000000"
                   "abcd 00000001");
  expect_header(frame, NGHTTP2_SETTINGS, 0, 0, 30);
  cr_assert_eq(frame->setting_count, 5, "%zu settings", frame->setting_count);
  expect_setting(frame, 0, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100);
  expect_setting(frame, 1, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff);
  expect_setting(frame, 2, NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 0xffffff);
  expect_setting(frame, 3, NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  expect_setting(frame, 4, 0xabcd, 1);
  frame = feed(server, "000006 04 00 00000000 0003 00000065");
  cr_assert_eq(frame->setting_count, 1, "%zu settings in the next frame", frame->setting_count);
  expect_setting(frame, 0, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 101);
  frame = feed(client, "000000 04 01 00000000");
  expect_header(frame, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, 0);
  cr_assert_null(frame->settings, "settings in an ACK");
}

Test(frame, push_promise, .init = begin, .fini = end) {
  const struct frame *frame = feed(server, "000007 05 0c 00000001 01 00000002 82 00");
  expect_header(frame, NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_PADDED, 1, 7);
  cr_assert_eq(frame->promised_stream_id, 2, "promises %d", frame->promised_stream_id);
  cr_assert_eq(frame->padding, 2, "padding %zu", frame->padding);
  cr_assert_eq(frame->field_count, 1, "%zu fields", frame->field_count);
  expect_field(frame, 0, ":method", "GET");
}

Test(frame, ping, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000008 06 01 00000000 0102030405060708");
  expect_header(frame, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, 8);
  expect_data(frame, "\1\2\3\4\5\6\7\10", 8);
}

Test(frame, goaway, .init = begin, .fini = end) {
  const struct frame *frame = feed(server, "00000b 07 00 00000000 00000007 0000000b 'why'");
  expect_header(frame, NGHTTP2_GOAWAY, 0, 0, 11);
  cr_assert_eq(frame->last_stream_id, 7, "last stream %d", frame->last_stream_id);
  cr_assert_eq(frame->error_code, NGHTTP2_ENHANCE_YOUR_CALM, "error code %u", frame->error_code);
  expect_data(frame, "why", 3);
  frame = feed(client, "000008 07 00 00000000 7fffffff 00000000");
  cr_assert_eq(frame->last_stream_id, 0x7fffffff, "last stream %d", frame->last_stream_id);
  cr_assert_eq(frame->data_length, 0, "%zu bytes of debug data", frame->data_length);
}

Test(frame, window_update, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000004 08 00 00000000 7fffffff");
  expect_header(frame, NGHTTP2_WINDOW_UPDATE, 0, 0, 4);
  cr_assert_eq(frame->window_increment, 0x7fffffff, "increment %u", frame->window_increment);
  frame = feed(server, "000004 08 00 00000009 00000001");
  expect_header(frame, NGHTTP2_WINDOW_UPDATE, 0, 9, 4);
  cr_assert_eq(frame->window_increment, 1, "increment %u", frame->window_increment);
}

/* A field belongs to the frame that it ends in; a frame in which none ends has none. */
Test(frame, continuation, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "000003 01 01 00000001 82 41 0f");
  expect_header(frame, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, 3);
  cr_assert_eq(frame->field_count, 1, "%zu fields in HEADERS", frame->field_count);
  expect_field(frame, 0, ":method", "GET");
  frame = feed(client, "000006 09 00 00000001 'www.ex'");
  expect_header(frame, NGHTTP2_CONTINUATION, 0, 1, 6);
  cr_assert_eq(frame->field_count, 0, "%zu fields, though none ends here", frame->field_count);
  feed(client, "000000 09 00 00000001");
  frame = feed(client, "00000b 09 04 00000001 'ample.com' 84 86");
  expect_header(frame, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, 11);
  cr_assert_eq(frame->field_count, 3, "%zu fields in the last one", frame->field_count);
  expect_field(frame, 0, ":authority", "www.example.com");
  expect_field(frame, 1, ":path", "/");
  expect_field(frame, 2, ":scheme", "http");
}

Test(frame, unknown_type, .init = begin, .fini = end) {
  const struct frame *frame = feed(server, "000002 f0 ff 00000004 'ab'");
  expect_header(frame, 0xf0, 0xff, 4, 2);
  expect_data(frame, "ab", 2);
}

/* --- Copies and names ------------------------------------------------------------------------- */

static struct frame *kept;

static void keep(const struct frame *frame, void *user) {
  (void)user;
  free(kept);
  kept = frame_copy(frame);
}

/* Scribble over the original, then free it: a copy that points into it does not
 * survive that. */
Test(frame, copy_is_deep) {
  struct frame_decoder *decoder = frame_decoder_new(keep, NULL);
  struct buffer bytes = {0};
  frames_append_text(&bytes, "000000 04 00 00000000 000006 04 00 00000000 0003 00000064");
  frame_decoder_feed(decoder, FRAME_FROM_SERVER, bytes.bytes, bytes.length);
  struct frame *settings = kept;
  kept = NULL;
  buffer_clear(&bytes);
  frames_append_text(&bytes, "000009 01 0c 00000001 02 82 00 01 'a' 01 'b' 0000");
  frame_decoder_feed(decoder, FRAME_FROM_SERVER, bytes.bytes, bytes.length);
  struct frame *headers = kept;
  kept = NULL;
  memset(bytes.bytes, 'x', bytes.length);
  frame_decoder_free(decoder);
  buffer_free(&bytes);
  expect_setting(settings, 0, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100);
  expect_field(headers, 0, ":method", "GET");
  expect_field(headers, 1, "a", "b");
  cr_assert_arr_eq(headers->payload, "\2\202\0\1a\1b\0\0", 9, "the payload has changed");
  free(settings);
  free(headers);
}

/* A frame that nobody decoded, of parts that lie anywhere. */
Test(frame, copy_of_a_frame_made_by_hand) {
  char data[] = "Hello";
  struct frame frame = {
      .type = NGHTTP2_DATA, .length = 9, .data = (uint8_t *)data, .data_length = 5};
  struct frame *copy = frame_copy(&frame);
  data[0] = 'J';
  expect_data(copy, "Hello", 5);
  cr_assert_null(copy->payload, "a payload from nowhere");
  free(copy);
}

Test(frame, find_field, .init = begin, .fini = end) {
  const struct frame *frame = feed(client, "00000c 01 05 00000001 828684 00 03 'abc' 03 'xyz'");
  const struct frame_field *field = frame_find_field(frame, "abc");
  cr_assert_eq(field, &frame->fields[3], "abc is not found");
  cr_assert_null(frame_find_field(frame, "ab"), "ab is found, by the beginning of abc");
  cr_assert_null(frame_find_field(frame, "abcd"), "abcd is found");
}

Test(frame, names) {
  cr_assert_str_eq(frame_type_name(0), "DATA", "type 0");
  cr_assert_str_eq(frame_type_name(9), "CONTINUATION", "type 9");
  cr_assert_str_eq(frame_type_name(FRAME_PREFACE), "preface", "the preface");
  cr_assert_null(frame_type_name(10), "type 10");
  cr_assert_str_eq(frame_setting_name(1), "SETTINGS_HEADER_TABLE_SIZE", "setting 1");
  cr_assert_str_eq(frame_setting_name(6), "SETTINGS_MAX_HEADER_LIST_SIZE", "setting 6");
  cr_assert_null(frame_setting_name(0), "setting 0");
  cr_assert_null(frame_setting_name(7), "setting 7");
  cr_assert_str_eq(frame_error_name(0), "NO_ERROR", "error 0");
  cr_assert_str_eq(frame_error_name(3), "FLOW_CONTROL_ERROR", "error 3");
  cr_assert_str_eq(frame_error_name(13), "HTTP_1_1_REQUIRED", "error 13");
  cr_assert_null(frame_error_name(14), "error 14");
}

static void expect_flags(unsigned type, uint8_t flags, const char *names) {
  struct frame frame = {.type = type, .flags = flags};
  char text[64];
  cr_assert_eq(frame_flag_names(&frame, text, sizeof text), text, "not the given text");
  cr_assert_str_eq(text, names, "'%s', not '%s'", text, names);
}

Test(frame, flag_names) {
  expect_flags(NGHTTP2_DATA, 0x09, "END_STREAM|PADDED");
  expect_flags(NGHTTP2_HEADERS, 0x25, "END_STREAM|END_HEADERS|PRIORITY");
  expect_flags(NGHTTP2_SETTINGS, 0x01, "ACK");
  expect_flags(NGHTTP2_PUSH_PROMISE, 0x0c, "END_HEADERS|PADDED");
  expect_flags(NGHTTP2_CONTINUATION, 0x05, "0x01|END_HEADERS");
  expect_flags(NGHTTP2_GOAWAY, 0x00, "");
  expect_flags(0xf0, 0x80, "0x80");
  expect_flags(NGHTTP2_HEADERS, 0xff,
               "END_STREAM|0x02|END_HEADERS|PADDED|0x10|PRIORITY|0x40|0x80"); /* the longest */
}

/* Whatever the size, the text fits and ends in NUL. */
Test(frame, flag_names_are_cut) {
  struct frame frame = {.type = NGHTTP2_HEADERS, .flags = 0xff};
  for (size_t size = 1; size < 64; size++) {
    char *text = malloc(size);
    frame_flag_names(&frame, text, size);
    cr_assert_lt(strlen(text), size, "too long for %zu", size);
    free(text);
  }
}
