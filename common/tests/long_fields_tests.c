/* Fields that are too long for nghttp2: the request gets 431, and nothing else is lost. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/server.h"
#include "common/tests/visitor.h"

TestSuite(long_fields, .timeout = 60);

enum { FRAME = 16384 };

/* A server that says 200, and a client of it. */
static struct {
  uv_loop_t loop;
  struct server *server;
  bool closed;
  struct visitor_raw raw;
  int32_t id;    /* of the last request */
  char path[16]; /* of the last one that the server got */
} now;

static void on_stream(struct stream *stream, void *user) {
  (void)user;
  snprintf(now.path, sizeof now.path, "%s", stream_path(stream));
  stream_respond(stream, 200, NULL, 0, 0);
}

static void on_close(void *user) {
  (void)user;
  now.closed = true;
}

static void begin(void) {
  const struct server_config config = {.on_stream = on_stream, .on_close = on_close};
  char error[256];
  uv_loop_init(&now.loop);
  now.server = server_listen(&now.loop, &config, error, sizeof error);
  cr_assert_not_null(now.server, "%s", error);
  visitor_raw_connect(&now.raw, &now.loop, server_port(now.server));
  now.id = -1;
}

static void end(void) {
  visitor_raw_drop(&now.raw);
  server_close(now.server);
  visitor_run_until(&now.loop, &now.closed);
  visitor_close_loop(&now.loop);
}

/* --- Header blocks ---------------------------------------------------------------------------- */

static void add(struct buffer *block, const char *bytes, size_t length) {
  cr_assert_eq(buffer_append(block, bytes, length), 0, "no memory");
}

/* The length of a string (RFC 7541, section 5.1), and the string: a slash and letters. In Huffman's
 * code, 1s at the end are padding: a slash is 011000, X is 11111100. */
static void add_string(struct buffer *block, size_t length, bool is_huffman) {
  const char first = is_huffman ? 0x63 : '/';
  const char other = is_huffman ? (char)0xfc : 'v';
  char byte = (char)(is_huffman ? 0xff : 0x7f);
  add(block, &byte, 1);
  for (size_t rest = length - 127;; rest >>= 7) {
    byte = (char)(rest % 128 + (rest >= 128 ? 128 : 0));
    add(block, &byte, 1);
    if (rest < 128)
      break;
  }
  for (size_t i = 0; i < length; i++)
    add(block, i == 0 && !is_huffman ? &first : &other, 1);
}

/* Send a block as HEADERS and CONTINUATION, and wait for the answer. `padding` is of HEADERS, which
 * then has a priority, too. */
static void send_block(const struct buffer *block, size_t frame, uint8_t padding) {
  uint8_t first[FRAME] = {padding};
  size_t front = padding ? 6 : 0;
  size_t part = frame - front - padding < block->length ? frame - front - padding : block->length;
  uint8_t flags = NGHTTP2_FLAG_END_STREAM;
  if (padding)
    flags |= NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_PRIORITY;
  if (part == block->length)
    flags |= NGHTTP2_FLAG_END_HEADERS;
  memcpy(first + front, block->bytes, part);
  now.id += 2;
  visitor_raw_send(&now.raw, NGHTTP2_HEADERS, flags, now.id, first, front + part + padding);
  for (size_t at = part; at < block->length; at += part) {
    part = frame < block->length - at ? frame : block->length - at;
    visitor_raw_send(&now.raw, NGHTTP2_CONTINUATION,
                     at + part == block->length ? NGHTTP2_FLAG_END_HEADERS : 0, now.id,
                     block->bytes + at, part);
  }
}

/* Expect a response with this status, and the server to have seen this path. */
static void expect(const char *status, const char *path) {
  visitor_run_until_count(&now.loop, &now.raw.responses, (size_t)now.id / 2 + 1);
  cr_assert_str_eq(now.raw.status, status, "stream %d: %s", now.id, now.raw.status);
  cr_assert_str_eq(now.path, path, "stream %d: %s", now.id, now.path);
  cr_assert_eq(now.raw.goaways, 0, "GOAWAY(%u)", now.raw.goaway_code);
  cr_assert_eq(now.raw.resets, 0, "RST_STREAM(%u)", now.raw.reset_code);
}

/* A request whose path is `field`, which ends in NUL: of the table, or with literal text. */
static void ask(const char *field, const char *path) {
  struct buffer block = {0};
  add(&block,
      "\x82\x86\x01\x01"
      "a",
      5);
  add(&block, field, strlen(field));
  send_block(&block, FRAME, 0);
  buffer_free(&block);
  expect("200", path);
}

/* A request with a field that begins like this, and has a value of `length` bytes. Where the name
 * is long too, it comes first. */
static void ask_long(const char *field, size_t name, size_t length, bool is_huffman, size_t frame,
                     uint8_t padding) {
  struct buffer block = {0};
  bool is_path = field[0] == '\x04' || field[0] == '\x44';
  add(&block,
      "\x82\x86\x01\x01"
      "a\x84",
      is_path ? 5 : 6);
  add(&block, field, strlen(field));
  if (name > 0) {
    add(&block, "", *field == '\0'); /* literal without indexing */
    add_string(&block, name, is_huffman);
  }
  add_string(&block, length, is_huffman);
  add(&block,
      "\x0f\x2b\x01"
      "u",
      4); /* user-agent */
  send_block(&block, frame, padding);
  buffer_free(&block);
}

/* --- Tests ------------------------------------------------------------------------------------ */

/* Name by index, literal; with indexing, without, never. */
static const char *const fields[] = {"\x04", "\x44", "\x0f\x2b", "\x40\x01x", "\x10\x01x"};

Test(long_fields, get_431, .init = begin, .fini = end) {
  static const size_t lengths[] = {65537, 66000, 80000, 130000};
  ask("\x44\x04/old", "/old");
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    for (size_t j = 0; j < 8; j++) {
      ask_long(fields[i], 0, lengths[j / 2], j % 2, FRAME, 0);
      expect("431", "/old");
      ask("\x44\x04/old", "/old");
    }
}

Test(long_fields, names_get_431, .init = begin, .fini = end) {
  ask("\x44\x04/old", "/old");
  ask_long("", 66000, 200, false, FRAME, 0);
  expect("431", "/old");
  ask_long("\x40", 66000, 70000, true, FRAME, 0);
  expect("431", "/old");
  ask("\x44\x04/new", "/new");
}

/* As many as SETTINGS_MAX_HEADER_LIST_SIZE allows: 1 + 32 count for each. */
Test(long_fields, many_small_fields_are_served, .init = begin, .fini = end) {
  struct buffer block = {0};
  add(&block,
      "\x82\x86\x01\x01"
      "a\x04\x04/old",
      11);
  for (int i = 0; i < 1975; i++)
    add(&block, "\x10\x01x\x00", 4);
  send_block(&block, FRAME, 0);
  expect("200", "/old");
  for (int i = 0; i < 20; i++)
    add(&block, "\x10\x01x\x00", 4);
  send_block(&block, FRAME, 0);
  expect("431", "/old");
  buffer_free(&block);
}

/* Such a field empties the table if it is to be indexed, and only then. */
Test(long_fields, the_table_is_still_the_clients, .init = begin, .fini = end) {
  ask("\x44\x04/old", "/old");
  ask_long("\x10\x01x", 0, 66000, false, FRAME, 0);
  expect("431", "/old");
  ask("\xbe", "/old");
  ask_long("\x40\x01x", 0, 66000, true, FRAME, 0);
  expect("431", "/old");
  ask("\x44\x04/one", "/one");
  ask("\x44\x04/two", "/two");
  ask("\xbe", "/two");
  ask("\xbf", "/one");
}

/* Cut in every place of the length, and near it. Padding and priority are no fields. */
Test(long_fields, in_frames_of_every_size, .init = begin, .fini = end) {
  ask("\x44\x04/old", "/old");
  for (size_t less = 0; less < 40; less++) {
    ask_long("\x40\x01x", 0, 66000, less % 2, FRAME - 300 * less % 7000 - less, (uint8_t)less);
    expect("431", "/old");
  }
  ask("\x44\x04/new", "/new");
}

/* The length itself is spread over several frames, here of one byte each at first. */
Test(long_fields, a_length_in_several_frames, .init = begin, .fini = end) {
  struct buffer block = {0};
  ask("\x44\x04/old", "/old");
  add(&block,
      "\x82\x86\x84\x01\x01"
      "a\x40\x01x",
      9);
  size_t start = block.length;
  add_string(&block, 66000, false);
  now.id += 2;
  visitor_raw_send(&now.raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, now.id, block.bytes, start);
  size_t part = 1;
  for (size_t at = start; at < block.length; at += part) {
    part = at < start + 3 ? 1 : FRAME < block.length - at ? FRAME : block.length - at;
    visitor_raw_send(&now.raw, NGHTTP2_CONTINUATION,
                     at + part == block.length ? NGHTTP2_FLAG_END_HEADERS : 0, now.id,
                     block.bytes + at, part);
  }
  buffer_free(&block);
  expect("431", "/old");
  ask("\x44\x04/new", "/new");
}

/* A block that ends inside a field is malformed, whatever was left out of it. */
static void expect_compression_error(size_t missing) {
  struct buffer block = {0};
  begin();
  add(&block,
      "\x82\x86\x84\x01\x01"
      "a\x40\x01x",
      9);
  add_string(&block, 66000, false);
  buffer_truncate(&block, block.length - missing);
  send_block(&block, FRAME, 0);
  buffer_free(&block);
  visitor_run_until(&now.loop, &now.raw.closed);
  cr_assert_eq(now.raw.goaway_code, NGHTTP2_COMPRESSION_ERROR, "GOAWAY(%u)", now.raw.goaway_code);
  cr_assert_eq(now.raw.responses, 0, "an answer");
  end();
}

Test(long_fields, cut_off_by_a_byte) {
  expect_compression_error(1);
}

Test(long_fields, cut_off_early) {
  expect_compression_error(60000);
}

Test(long_fields, cut_off_late) {
  expect_compression_error(20000);
}
