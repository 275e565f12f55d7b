/* Frames as JSON. */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/tests/frames.h"
#include "common/trace_json.h"

TestSuite(trace_json, .timeout = 30);

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

static struct frames frames;

static void begin(void) {
  frames_begin_open(&frames);
}

static void end(void) {
  frames_end(&frames);
}

/* The order of the keys counts too: a person reads them. */
static void expect(enum frame_sender sender, const char *text, const char *expected) {
  json_t *json = trace_frame_json(frames_feed_text(&frames, sender, text), 0.1225001, 2);
  cr_assert_not_null(json, "no JSON");
  char *dumped = json_dumps(json, JSON_REAL_PRECISION(12));
  json_decref(json);
  cr_assert_str_eq(dumped, expected, "\n%s\nnot\n%s", dumped, expected);
  free(dumped);
}

Test(trace_json, data, .init = begin, .fini = end) {
  expect(
      server, "000007 00 09 00000001 01 'Hello' 00",
      "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"server\", \"type\": \"DATA\", \"flags\": "
      "[\"END_STREAM\", \"PADDED\"], \"stream\": 1, \"length\": 7, \"data\": \"Hello\", "
      "\"padding\": 2}");
}

Test(trace_json, headers, .init = begin, .fini = end) {
  expect(client, "000002 01 05 00000001 82 84",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"client\", \"type\": \"HEADERS\", "
         "\"flags\": [\"END_STREAM\", \"END_HEADERS\"], \"stream\": 1, \"length\": 2, \"fields\": "
         "[[\":method\", \"GET\"], [\":path\", \"/\"]]}");
  expect(client, "000006 01 24 00000003 80000001 0f 82",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"client\", \"type\": \"HEADERS\", "
         "\"flags\": [\"END_HEADERS\", \"PRIORITY\"], \"stream\": 3, \"length\": 6, "
         "\"dependency\": 1, \"weight\": 16, \"exclusive\": true, \"fields\": [[\":method\", "
         "\"GET\"]]}");
  expect(server, "000005 05 00 00000001 00000002 82",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"server\", \"type\": \"PUSH_PROMISE\", "
         "\"flags\": [], \"stream\": 1, \"length\": 5, \"promised_stream\": 2, \"fields\": "
         "[[\":method\", \"GET\"]]}");
  expect(server, "000000 09 04 00000001",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"server\", \"type\": \"CONTINUATION\", "
         "\"flags\": [\"END_HEADERS\"], \"stream\": 1, \"length\": 0, \"fields\": []}");
}

Test(trace_json, settings, .init = begin, .fini = end) {
  expect(client, "00000c 04 00 00000000 0002 00000000 abcd ffffffff",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"client\", \"type\": \"SETTINGS\", "
         "\"flags\": [], \"stream\": 0, \"length\": 12, \"settings\": [[\"SETTINGS_ENABLE_PUSH\", "
         "0], [\"0xabcd\", 4294967295]]}");
}

Test(trace_json, control, .init = begin, .fini = end) {
  expect(client, "000005 02 00 00000001 00000003 ff",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"client\", \"type\": \"PRIORITY\", "
         "\"flags\": [], \"stream\": 1, \"length\": 5, \"dependency\": 3, \"weight\": 256, "
         "\"exclusive\": false}");
  expect(client, "000004 03 00 00000001 00000008",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"client\", \"type\": \"RST_STREAM\", "
         "\"flags\": [], \"stream\": 1, \"length\": 4, \"error_code\": \"CANCEL\"}");
  expect(client, "000008 06 01 00000000 '1234' 00000000",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"client\", \"type\": \"PING\", "
         "\"flags\": [\"ACK\"], \"stream\": 0, \"length\": 8, \"data\": "
         "\"1234\\\\x00\\\\x00\\\\x00\\\\x00\"}");
  expect(server, "00000b 07 00 00000000 00000007 00001234 'why'",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"server\", \"type\": \"GOAWAY\", "
         "\"flags\": [], \"stream\": 0, \"length\": 11, \"last_stream\": 7, \"error_code\": "
         "\"0x1234\", \"data\": \"why\"}");
  expect(server, "000004 08 00 00000007 7fffffff",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"server\", \"type\": \"WINDOW_UPDATE\", "
         "\"flags\": [], \"stream\": 7, \"length\": 4, \"increment\": 2147483647}");
}

Test(trace_json, unknown_type_and_error, .init = begin, .fini = end) {
  expect(server, "000001 f0 81 00000000 'x'",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"server\", \"type\": \"0xf0\", "
         "\"flags\": [\"0x1\", \"0x80\"], \"stream\": 0, \"length\": 1, \"data\": \"x\"}");
  expect(server, "000001 06 00 00000000 'x'",
         "{\"connection\": 2, \"ms\": 0.123, \"sender\": \"server\", \"type\": \"PING\", "
         "\"flags\": [], \"stream\": 0, \"length\": 1, \"data\": \"\", \"error\": \"PING is not 8 "
         "bytes long (RFC 9113, section 6.7)\"}");
}

/* --- Bytes as text ---------------------------------------------------------------------------- */

/* The data are in memory of exactly this size, so that AddressSanitizer sees reads beyond it. */
static void expect_data(const char *data, size_t length, const char *expected) {
  uint8_t *copy = malloc(length + 1);
  uint8_t *exact = copy + 1; /* ends where the memory ends, and is not NULL for 0 bytes */
  memcpy(exact, data, length);
  struct frame frame = {.data = exact, .data_length = length, .length = length};
  json_t *json = trace_frame_json(&frame, 0, 1);
  const char *text = json_string_value(json_object_get(json, "data"));
  cr_assert_not_null(text, "no data, but %s", expected);
  cr_assert_str_eq(text, expected, "'%s', not '%s'", text, expected);
  json_decref(json);
  free(copy);
}

/* Every beginning and end of the ranges of RFC 3629, and the bytes just outside. */
Test(trace_json, utf8) {
  expect_data("a~\xc2\xa0\xdf\xbf", 6, "a~\xc2\xa0\xdf\xbf");
  expect_data("\x7f\xc2\x80", 3, "\\x7f\\xc2\\x80"); /* control characters */
  expect_data("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd", 12,
              "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd");
  expect_data("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
  expect_data("\xc1\xbf", 2, "\\xc1\\xbf");                            /* longer than necessary */
  expect_data("\xe0\x9f\xbf", 3, "\\xe0\\x9f\\xbf");                   /* the same */
  expect_data("\xf0\x8f\xbf\xbf", 4, "\\xf0\\x8f\\xbf\\xbf");          /* the same */
  expect_data("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");                   /* a surrogate */
  expect_data("\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80");          /* beyond the last */
  expect_data("\xf8\x90\x80\x80", 4, "\\xf8\\x90\\x80\\x80");          /* not a first byte */
  expect_data("\xf8\x88\x80\x80\x80", 5, "\\xf8\\x88\\x80\\x80\\x80"); /* five bytes */
  expect_data("\x80 \xff", 3, "\\x80 \\xff");
  expect_data("\xc3(\xc3\xa9", 4, "\\xc3(\xc3\xa9");
  expect_data("\xe2\x82\xac\xe2\x82", 5, "\xe2\x82\xac\\xe2\\x82"); /* cut in two */
  expect_data("\\\n\t\"\0\\", 6, "\\\\\n\t\"\\x00\\\\");
  expect_data("", 0, "");
}

/* JSON has the first 16384 bytes of the data. */
Test(trace_json, long_data) {
  static char data[20000];
  static char expected[16384 + 1];
  memset(data, 'x', sizeof data);
  memset(expected, 'x', sizeof expected - 1);
  expect_data(data, sizeof data, expected);
  expect_data(data, 16384, expected);
}

/* Names and values may be anything too; and a reader can read the result. */
Test(trace_json, fields, .init = begin, .fini = end) {
  const struct frame *frame =
      frames_feed_text(&frames, client, "000009 01 05 00000001 00 03 '\\' ff 00 03 '\"' c3a9");
  json_t *json = trace_frame_json(frame, 0, 1);
  char *text = json_dumps(json, 0);
  json_decref(json);
  json = json_loads(text, 0, NULL);
  cr_assert_not_null(json, "no reader takes this: %s", text);
  json_t *field = json_array_get(json_object_get(json, "fields"), 0);
  cr_assert_str_eq(json_string_value(json_array_get(field, 0)), "\\\\\\xff\\x00", "%s", text);
  cr_assert_str_eq(json_string_value(json_array_get(field, 1)), "\"\xc3\xa9", "%s", text);
  json_decref(json);
  free(text);
}
