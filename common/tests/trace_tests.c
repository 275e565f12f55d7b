/* The ladder: the text of each frame, its drawing, and its place. */
#include "common/trace_print.h"

#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/tests/conversation.h"
#include "common/tests/frames.h"

TestSuite(trace, .timeout = 30);

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

static const struct trace_style ascii = {.width = 80};
static const struct trace_style unicode = {.unicode = true, .width = 80};
static const struct trace_style color = {.color = true, .width = 80};

/* The ladder of some frames, one each 0.25 milliseconds; free it. */
static char *ladder_of(const struct frames *frames, const struct trace_style *style) {
  char *text;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  trace_print_heading(out, style);
  for (size_t i = 0; i < frames->count; i++)
    trace_print_frame(out, style, (double)i / 4, 0, ' ', frames->list[i]);
  fclose(out);
  return text;
}

/* The ladder's text for one frame written as text; free it. */
static char *line_of(const struct trace_style *style, enum frame_sender sender, const char *text) {
  struct frames frames;
  char *printed;
  size_t length;
  FILE *out = open_memstream(&printed, &length);
  frames_begin_open(&frames);
  trace_print_frame(out, style, 0, 0, ' ', frames_feed_text(&frames, sender, text));
  fclose(out);
  frames_end(&frames);
  return printed;
}

/* --- The text --------------------------------------------------------------------------------- */

/* One request, as a student sees it first. */
static void feed_request(struct frames *frames) {
  frames_begin(frames);
  frames_feed_text(frames, client, "'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a");
  frames_feed_text(frames, client, "000006 04 00 00000000 0002 00000000");
  frames_feed_text(frames, client,
                   "000021 01 05 00000001 828684 41 0e 'localhost:8000' 0f2b 0b 'nghttp2/lab'");
  frames_feed_text(frames, server, "00000c 04 00 00000000 0003 00000064 abcd 00000007");
  frames_feed_text(frames, client, "000000 04 01 00000000");
  frames_feed_text(frames, server, "00000d 01 04 00000001 88 0f10 09 'text/html'");
  frames_feed_text(frames, server, "00000d 00 01 00000001 'Hello World!' 0a");
  frames_feed_text(frames, client, "000008 07 00 00000000 00000000 00000000");
}

static const char request_ascii[] =
    "        ms client         server  stream 0: connection, others: one request each\n"
    "       0.0 |-- preface ------->|  24 bytes\n"
    "       0.2 |-- SETTINGS ------>|  stream 0, 6 bytes\n"
    "           |                   |    ENABLE_PUSH 0\n"
    "       0.5 |-- HEADERS ------->|  stream 1, END_STREAM|END_HEADERS, 33 bytes\n"
    "           |                   |    :method: GET\n"
    "           |                   |    :scheme: http\n"
    "           |                   |    :path: /\n"
    "           |                   |    :authority: localhost:8000\n"
    "           |                   |    user-agent: nghttp2/lab\n"
    "       0.8 |<------ SETTINGS --|  stream 0, 12 bytes\n"
    "           |                   |    MAX_CONCURRENT_STREAMS 100\n"
    "           |                   |    0xabcd 7\n"
    "       1.0 |-- SETTINGS ------>|  stream 0, ACK, 0 bytes\n"
    "       1.2 |<------- HEADERS --|  stream 1, END_HEADERS, 13 bytes (GET /)\n"
    "           |                   |    :status: 200\n"
    "           |                   |    content-type: text/html\n"
    "       1.5 |<---------- DATA --|  stream 1, END_STREAM, 13 bytes (GET /)\n"
    "           |                   |    Hello World!\\n\n"
    "       1.8 |-- GOAWAY -------->|  stream 0, 8 bytes\n"
    "           |                   |    NO_ERROR, last stream 0 (none pushed)\n";

static const char request_unicode[] =
    "        ms client         server  stream 0: connection, others: one request each\n"
    "       0.0 ├── preface ───────►│  24 bytes\n"
    "       0.2 ├── SETTINGS ──────►│  stream 0, 6 bytes\n"
    "           │                   │    ENABLE_PUSH 0\n"
    "       0.5 ├── HEADERS ───────►│  stream 1, END_STREAM|END_HEADERS, 33 bytes\n"
    "           │                   │    :method: GET\n"
    "           │                   │    :scheme: http\n"
    "           │                   │    :path: /\n"
    "           │                   │    :authority: localhost:8000\n"
    "           │                   │    user-agent: nghttp2/lab\n"
    "       0.8 │◄────── SETTINGS ──┤  stream 0, 12 bytes\n"
    "           │                   │    MAX_CONCURRENT_STREAMS 100\n"
    "           │                   │    0xabcd 7\n"
    "       1.0 ├── SETTINGS ──────►│  stream 0, ACK, 0 bytes\n"
    "       1.2 │◄─────── HEADERS ──┤  stream 1, END_HEADERS, 13 bytes (GET /)\n"
    "           │                   │    :status: 200\n"
    "           │                   │    content-type: text/html\n"
    "       1.5 │◄────────── DATA ──┤  stream 1, END_STREAM, 13 bytes (GET /)\n"
    "           │                   │    Hello World!\\n\n"
    "       1.8 ├── GOAWAY ────────►│  stream 0, 8 bytes\n"
    "           │                   │    NO_ERROR, last stream 0 (none pushed)\n";

static void expect_request(const struct trace_style *style, const char *expected) {
  struct frames frames;
  feed_request(&frames);
  char *text = ladder_of(&frames, style);
  cr_assert_str_eq(text, expected, "\n%s", text);
  free(text);
  frames_end(&frames);
}

Test(trace, request_in_ascii) {
  expect_request(&ascii, request_ascii);
}

Test(trace, request_in_unicode) {
  expect_request(&unicode, request_unicode);
}

/* All that can follow an arrow. */
static const char every_type[] =
    "        ms client         server  stream 0: connection, others: one request each\n"
    "       0.0 |-- DATA ---------->|  stream 3, PADDED, 8 bytes (3 of padding)\n"
    "           |                   |    Hello\n"
    "       0.2 |-- HEADERS ------->|  stream 5, END_STREAM|END_HEADERS|PRIORITY, 6\n"
    "           |                   |  bytes\n"
    "           |                   |    depends on stream 3 exclusively, weight 16\n"
    "           |                   |    :method: GET\n"
    "       0.5 |-- PRIORITY ------>|  stream 5, 5 bytes\n"
    "           |                   |    depends on stream 0, weight 256\n"
    "       0.8 |-- RST_STREAM ---->|  stream 3, 4 bytes: CANCEL\n"
    "       1.0 |<---- RST_STREAM --|  stream 3, 4 bytes: 0x1234\n"
    "       1.2 |<-- PUSH_PROMISE --|  stream 5, END_HEADERS, 5 bytes\n"
    "           |                   |    promises stream 2\n"
    "           |                   |    :method: GET\n"
    "       1.5 |-- PING ---------->|  stream 0, 8 bytes: 0102030405060708\n"
    "       1.8 |<---------- PING --|  stream 0, ACK, 8 bytes: 0102030405060708\n"
    "       2.0 |<-------- GOAWAY --|  stream 0, 12 bytes\n"
    "           |                   |    ENHANCE_YOUR_CALM, last stream 5\n"
    "           |                   |    why?\n"
    "       2.2 |-- WINDOW_UPDATE ->|  stream 0, 4 bytes: +2147483647\n"
    "       2.5 |<------- HEADERS --|  stream 5, 1 byte\n"
    "           |                   |    :status: 200\n"
    "       2.8 |<-- CONTINUATION --|  stream 5, END_HEADERS, 0 bytes\n"
    "       3.0 |<----- type 0xf0 --|  stream 0, 0x01|0x02, 1 byte\n"
    "           |                   |    x\n";

Test(trace, every_type) {
  struct frames frames;
  frames_begin_open(&frames);
  frames_feed_text(&frames, client, "000008 00 08 00000003 02 'Hello' 0000");
  frames_feed_text(&frames, client, "000006 01 25 00000005 80000003 0f 82");
  frames_feed_text(&frames, client, "000005 02 00 00000005 00000000 ff");
  frames_feed_text(&frames, client, "000004 03 00 00000003 00000008");
  frames_feed_text(&frames, server, "000004 03 00 00000003 00001234");
  frames_feed_text(&frames, server, "000005 05 04 00000005 00000002 82");
  frames_feed_text(&frames, client, "000008 06 00 00000000 0102030405060708");
  frames_feed_text(&frames, server, "000008 06 01 00000000 0102030405060708");
  frames_feed_text(&frames, server, "00000c 07 00 00000000 00000005 0000000b 'why?'");
  frames_feed_text(&frames, client, "000004 08 00 00000000 7fffffff");
  frames_feed_text(&frames, server, "000001 01 00 00000005 88");
  frames_feed_text(&frames, server, "000000 09 04 00000005");
  frames_feed_text(&frames, server, "000001 f0 03 00000000 'x'");
  char *text = ladder_of(&frames, &ascii);
  cr_assert_str_eq(text, every_type, "\n%s", text);
  free(text);
  frames_end(&frames);
}

Test(trace, errors) {
  static const char expected[] =
      "        ms client         server  stream 0: connection, others: one request each\n"
      "       0.0 |-- not HTTP/2 ---->|  18 bytes\n"
      "           |                   |  error: this is HTTP/1, not HTTP/2 (RFC 9113,\n"
      "           |                   |  section 3.4)\n"
      "           |                   |    GET / HTTP/1.1\\r\\n\\r\\n\n"
      "       0.2 |<---------- PING --|  stream 0, 4 bytes\n"
      "           |                   |  error: the first frame is not SETTINGS (RFC\n"
      "           |                   |  9113, section 3.4)\n"
      "       0.5 |<- WINDOW_UPDATE --|  stream 0, 3 bytes\n"
      "           |                   |  error: WINDOW_UPDATE is not 4 bytes long (RFC\n"
      "           |                   |  9113, section 6.9)\n"
      "       0.8 |<---- RST_STREAM --|  stream 1, 3 bytes\n"
      "           |                   |  error: RST_STREAM is not 4 bytes long (RFC\n"
      "           |                   |  9113, section 6.4)\n"
      "       1.0 |<-------- GOAWAY --|  stream 0, 3 bytes\n"
      "           |                   |  error: GOAWAY is shorter than 8 bytes (RFC\n"
      "           |                   |  9113, section 6.8)\n";
  struct frames frames;
  frames_begin(&frames);
  frames_feed_text(&frames, client, "'GET / HTTP/1.1' 0d0a0d0a");
  frames_feed_text(&frames, server, "000004 06 00 00000000 00000000");
  frames_feed_text(&frames, server, "000003 08 00 00000000 000001");
  frames_feed_text(&frames, server, "000003 03 00 00000001 000001");
  frames_feed_text(&frames, server, "000003 07 00 00000000 000001");
  char *text = ladder_of(&frames, &ascii);
  cr_assert_str_eq(text, expected, "\n%s", text);
  free(text);
  frames_end(&frames);
}

/* A terminal obeys its input: only printable characters may come from a peer. */
Test(trace, unprintable_octets_are_escaped) {
  char *text = line_of(&ascii, server, "00000c 00 00 00000001 '[' 1b '2J\\' 07 0a 0d 09 00 7f ff");
  cr_assert_str_eq(
      text,
      "       0.0 |<---------- DATA --|  stream 1, 12 bytes\n"
      "           |                   |    [\\x1b2J\\\\\\x07\\n\\r\\t\\x00\\x7f\\xff\n",
      "\n%s", text);
  free(text);
  text = line_of(&unicode, client, "000008 01 04 00000001 00 02 1b 'n' 03 'a' 9b 'b'");
  cr_assert_not_null(strstr(text, "\\x1bn: a\\x9bb\n"), "\n%s", text);
  free(text);
}

/* The ladder shows only the first of many fields or settings. */
Test(trace, many_fields_and_settings) {
  struct frames frames;
  struct buffer bytes = {0};
  uint8_t payload[72 * 6];
  memset(payload, 0x82, sizeof payload);
  frames_begin_open(&frames);
  frames_append(&bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, payload, 72);
  frames_append(&bytes, NGHTTP2_SETTINGS, 0, 0, payload, sizeof payload);
  frames_feed(&frames, client, bytes.bytes, bytes.length);
  char *text = ladder_of(&frames, &ascii);
  size_t lines = 0;
  for (const char *end = text; (end = strchr(end, '\n')); end++)
    lines++;
  cr_assert_eq(lines, 1 + 2 * (1 + 50 + 1), "%zu lines:\n%s", lines, text);
  cr_assert_not_null(strstr(text, "    and 22 more\n"), "\n%s", text);
  free(text);
  buffer_free(&bytes);
  frames_end(&frames);
}

/* --- The drawing ------------------------------------------------------------------------------ */

/* The columns of the longest line. */
static size_t columns_of(const char *text) {
  size_t longest = 0;
  size_t columns = 0;
  for (; *text != '\0'; text++) {
    if (*text == '\033')
      text = strchr(text, 'm');
    else if (*text == '\n')
      columns = 0;
    else if ((*text & 0xc0) != 0x80) /* not a later byte of a character in UTF-8 */
      columns++;
    longest = columns > longest ? columns : longest;
  }
  return longest;
}

static void expect_to_fit(const struct frames *frames, int width) {
  for (int i = 0; i < 4; i++) {
    struct trace_style style = {.color = i & 1, .unicode = i & 2, .width = width};
    char *text = ladder_of(frames, &style);
    cr_assert_eq(columns_of(text), (size_t)width, "%zu columns, not %d", columns_of(text), width);
    free(text);
  }
}

/* There are values of every length, so that the longest line has full length. */
Test(trace, no_line_is_too_long) {
  struct conversation conversation;
  struct frames frames;
  conversation_hold(&conversation);
  frames_begin(&frames);
  for (size_t i = 0; i < conversation.piece_count; i++) {
    const struct conversation_piece *piece = conversation_piece(&conversation, i);
    frames_feed(&frames, piece->sender, conversation.bytes.bytes + piece->start, piece->length);
  }
  frames_feed_text(&frames, client, "000000 00 ff 7fffffff");
  expect_to_fit(&frames, 60);
  expect_to_fit(&frames, 80);
  expect_to_fit(&frames, 131);
  expect_to_fit(&frames, 160);
  frames_end(&frames);
  conversation_free(&conversation);
}

/* The text for a field with a value of this many digits. */
static char *line_of_value(const struct trace_style *style, int digits) {
  char text[128];
  snprintf(text, sizeof text, "%06x 01 04 00000001 00 01 'n' %02x '%0*d'", digits + 4, digits,
           digits, 7);
  return line_of(style, client, text);
}

static void expect_end(char *text, const char *end) {
  size_t length = strlen(text);
  cr_assert_eq(columns_of(text), 80, "%zu columns:\n%s", columns_of(text), text);
  cr_assert_str_eq(text + length - strlen(end), end, "it does not end in %s:\n%s", end, text);
  free(text);
}

/* A value of 41 bytes just fits; with one more, an ellipsis takes the place of its end. */
Test(trace, values_are_cut_to_fit) {
  expect_end(line_of_value(&ascii, 41), "00007\n");
  expect_end(line_of_value(&ascii, 42), "00...\n");
  expect_end(line_of_value(&unicode, 41), "00007\n");
  expect_end(line_of_value(&unicode, 42), "0000…\n");
}

/* An aside is cut to its room, or left out if there is hardly any. */
Test(trace, request_is_cut_to_fit) {
  static const struct trace_style narrow = {.width = 61};
  struct frame frame = {
      .type = NGHTTP2_DATA, .stream_id = 1, .request = "GET /hello-world/and/much-more"};
  char *text;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  trace_print_frame(out, &ascii, 0, 0, ' ', &frame);
  frame.length = 1000000;
  trace_print_frame(out, &unicode, 0, 0, ' ', &frame);
  trace_print_frame(out, &narrow, 0, 0, ' ', &frame);
  frame.length = 0;
  memcpy(frame.request, "\033[2J", 5);
  trace_print_frame(out, &ascii, 0, 0, ' ', &frame);
  fclose(out);
  cr_assert_str_eq(
      text,
      "       0.0 |-- DATA ---------->|  stream 1, 0 bytes (GET /hello-world/and/mu...)\n"
      "       0.0 ├── DATA ──────────►│  stream 1, 1000000 bytes (GET /hello-world/an…)\n"
      "       0.0 |-- DATA ---------->|  stream 1, 1000000 bytes\n"
      "       0.0 |-- DATA ---------->|  stream 1, 0 bytes (\\x1b[2J)\n",
      "\n%s", text);
  free(text);
}

/* On a wide terminal details stand beside the frame, as many as fit, and below one
 * another if they do not. */
Test(trace, wide) {
  static const struct trace_style wide = {.width = 133};
  static const char expected[] =
      "        ms client         server  stream 0: connection, others: one request each\n"
      "       0.0 |-- preface ------->|  24 bytes\n"
      "       0.2 |-- SETTINGS ------>|  stream 0, 6 bytes                               "
      "ENABLE_PUSH 0\n"
      "       0.5 |-- HEADERS ------->|  stream 1, END_STREAM|END_HEADERS, 33 bytes      "
      ":method: GET  :scheme: http  :path: /\n"
      "           |                   |                                                  "
      ":authority: localhost:8000  user-agent: nghttp2/lab\n"
      "       0.8 |<------ SETTINGS --|  stream 0, 12 bytes                              "
      "MAX_CONCURRENT_STREAMS 100  0xabcd 7\n"
      "       1.0 |-- SETTINGS ------>|  stream 0, ACK, 0 bytes\n"
      "       1.2 |<------- HEADERS --|  stream 1, END_HEADERS, 13 bytes (GET /)         "
      ":status: 200  content-type: text/html\n"
      "       1.5 |<---------- DATA --|  stream 1, END_STREAM, 13 bytes (GET /)          "
      "Hello World!\\n\n"
      "       1.8 |-- GOAWAY -------->|  stream 0, 8 bytes                               "
      "NO_ERROR, last stream 0 (none pushed)\n";
  expect_request(&wide, expected);
}

/* Text that is too long for the first column goes on below in it, with details at the
 * end; an error has all the room. */
Test(trace, wide_and_long) {
  static const struct trace_style wide = {.width = 132};
  struct frames frames;
  frames_begin_open(&frames);
  frames_feed_text(&frames, client, "000006 01 25 00000005 80000003 0f 82");
  frames_feed_text(&frames, client, "000001 00 40 00000005 'x'");
  char *text = ladder_of(&frames, &wide);
  cr_assert_str_eq(
      text,
      "        ms client         server  stream 0: connection, others: one request each\n"
      "       0.0 |-- HEADERS ------->|  stream 5, END_STREAM|END_HEADERS|PRIORITY, 6\n"
      "           |                   |  bytes                                           "
      "depends on stream 3 exclusively, weight 16\n"
      "           |                   |                                                  "
      ":method: GET\n"
      "       0.2 |-- DATA ---------->|  stream 5, 0x40, 1 byte\n"
      "           |                   |  error: a flag without a meaning is set (RFC 9113, section "
      "4.1)\n"
      "           |                   |                                                  "
      "x\n",
      "\n%s", text);
  free(text);
  frames_end(&frames);
}

/* The end of a connection, and the number of its requests. */
Test(trace, ends) {
  char *text;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  trace_print_end(out, &ascii, 1, 0, "closed", 0, 0);
  trace_print_end(out, &ascii, 1, 0, "closed", 1, 1);
  trace_print_end(out, &ascii, 1, 0, "closed", 3, 1);
  trace_print_end(out, &ascii, 1, 2, "closed", 100, 99);
  trace_print_end(out, &ascii, 1, 0, "closed", 1000, 0);
  trace_print_end(out, &ascii, 1, 0, "Connection reset by peer", 2, 2);
  trace_print_end(out, &ascii, 1, 0, "Connection reset by peer", 0, 0);
  fclose(out);
  cr_assert_str_eq(
      text,
      "       1.0 |      closed       |\n"
      "       1.0 |      closed       |  1 request on 1 connection\n"
      "       1.0 |      closed       |  3 requests on 1 connection, one at a time\n"
      " #2    1.0 |      closed       |  100 requests on 1 connection, 99 open at once\n"
      "       1.0 |      closed       |  1000 requests on 1 connection\n"
      "       1.0 |                   |  Connection reset by peer\n"
      "           |                   |  2 requests on 1 connection, 2 open at once\n"
      "       1.0 |                   |  Connection reset by peer\n",
      "\n%s", text);
  free(text);
}

/* Notes stand between the rails if there is room, or else beside them. */
Test(trace, notes) {
  static const struct trace_style narrow = {.width = 1};
  char *text;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  trace_print_note(out, &ascii, 1, 0, "connected");
  trace_print_note(out, &ascii, 1.26, 2, "1234567890123456789");
  trace_print_note(out, &ascii, 1, 0, "12345678901234567890");
  trace_print_note(out, &unicode, 12345.6, 0, "");
  trace_print_note(out, &ascii, 1, 0, "a longer one, which goes on below where it is too long");
  trace_print_note(out, &ascii, 1, 0, "\033[2J\xff");
  trace_print_note(out, &ascii, 1, 0, "exactly as long as there are columns left here");
  trace_print_note(out, &narrow, 1, 0, "a-word-of-more-than-twenty letters");
  fclose(out);
  cr_assert_str_eq(
      text,
      "       1.0 |     connected     |\n"
      " #2    1.3 |1234567890123456789|\n"
      "       1.0 |                   |  12345678901234567890\n"
      "     12346 │                   │\n"
      "       1.0 |                   |  a longer one, which goes on below where it is\n"
      "           |                   |  too long\n"
      "       1.0 |       ?[2J?       |\n"
      "       1.0 |                   |  exactly as long as there are columns left here\n"
      "       1.0 |                   |  a-word-of-more-than-\n"
      "           |                   |  twenty letters\n",
      "\n%s", text);
  free(text);
}

/* The mark, the number and the time stand on the first line only. The rails stay where they
 * are as long as the numbers let them. */
Test(trace, mark_number_and_time) {
  static const struct frame frame = {.type = NGHTTP2_SETTINGS};
  static const struct frame goaway = {.type = NGHTTP2_GOAWAY, .length = 8};
  char *text;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  trace_print_frame(out, &ascii, 0.04, 0, '>', &goaway);
  trace_print_frame(out, &ascii, 999.94, 12, '>', &goaway);
  trace_print_frame(out, &ascii, 999.96, 1, ' ', &frame);
  trace_print_frame(out, &ascii, 9999.4, 999, ' ', &frame);
  trace_print_frame(out, &ascii, 1e9, 123456789, '>', &frame);
  fclose(out);
  cr_assert_str_eq(text,
                   ">      0.0 |-- GOAWAY -------->|  stream 0, 8 bytes\n"
                   "           |                   |    NO_ERROR, last stream 0 (none pushed)\n"
                   ">#12 999.9 |-- GOAWAY -------->|  stream 0, 8 bytes\n"
                   "           |                   |    NO_ERROR, last stream 0 (none pushed)\n"
                   " #1   1000 |-- SETTINGS ------>|  stream 0, 0 bytes\n"
                   " #999 9999 |-- SETTINGS ------>|  stream 0, 0 bytes\n"
                   ">#123456789 1000000000 |-- SETTINGS ------>|  stream 0, 0 bytes\n",
                   "\n%s", text);
  free(text);
}

/* Each stream has its own colour; the connection has none, an error is red; and no line
 * leaves a colour on. */
Test(trace, colors) {
  char *one = line_of(&color, client, "000000 00 00 00000001");
  char *three = line_of(&color, client, "000000 00 00 00000003");
  char *zero = line_of(&color, client, "000000 04 00 00000000");
  char *wrong = line_of(&color, client, "000000 06 00 00000000");
  const char *blue = strstr(one, "\033[38;5;33m");
  cr_assert_not_null(blue, "stream 1 is not blue: %s", one);
  cr_assert_not_null(strstr(blue + 1, "\033[38;5;33mstream 1"), "only the arrow is blue: %s", one);
  cr_assert_not_null(strstr(three, "\033[38;5;166m"), "stream 3 is not orange: %s", three);
  cr_assert_null(strstr(zero, "\033[38"), "stream 0 has a colour: %s", zero);
  cr_assert_not_null(strstr(wrong, "\033[1;31merror: PING"), "an error is not red: %s", wrong);
  cr_assert_not_null(strstr(wrong, "\033[1;31m-- PING"), "its arrow is not red: %s", wrong);
  for (const char *at = one; (at = strchr(at, '\033')); at++)
    cr_assert(strncmp(at, "\033[0m", 4) == 0 || strstr(at + 1, "\033[0m") < strchr(at, '\n'),
              "a colour goes on after the line: %s", at);
  free(one);
  free(three);
  free(zero);
  free(wrong);
}

/* 7 streams in a row have 7 colours. */
Test(trace, colors_of_streams_differ) {
  char *lines[7];
  for (int i = 0; i < 7; i++) {
    char text[32];
    snprintf(text, sizeof text, "000000 00 00 %08x", 2 * i + 101);
    lines[i] = line_of(&color, client, text);
    for (int j = 0; j < i; j++)
      cr_assert_neq(strncmp(strstr(lines[i], "[38"), strstr(lines[j], "[38"), 9), 0,
                    "streams %d and %d look the same", 2 * i + 101, 2 * j + 101);
  }
  for (int i = 0; i < 7; i++)
    free(lines[i]);
}
