/* HPACK and the frame decoder agree with others: with the encoder of blocks.h, which knows its
 * fields; with nghttp2's inflater on the whole block; with Wireshark. */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/tests/blocks.h"
#include "common/tests/capture.h"
#include "common/tests/frames.h"

enum {
  BLOCKS = 10000,
  ANY_BLOCKS = 2000, /* with bytes that Wireshark would not print */
  MOST_ON_CONNECTION = 20,
};

TestSuite(hpack_others, .timeout = 300);

static const enum frame_sender client = FRAME_FROM_CLIENT;

static bool is_same(const struct buffer *a, const struct buffer *b) {
  return a->length == b->length && (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

/* --- nghttp2's inflater ----------------------------------------------------------------------- */

/* Returns whether the block is right; `text` gets its fields. */
static bool inflate(nghttp2_hd_inflater *inflater, const struct block *block, struct buffer *text) {
  const uint8_t *in = (const uint8_t *)block->octets.bytes;
  size_t length = block->octets.length;
  int flags = 0;
  while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
    nghttp2_nv nv;
    flags = 0;
    ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, in, length, 1);
    if (taken < 0)
      return false;
    in += taken;
    length -= (size_t)taken;
    if (flags & NGHTTP2_HD_INFLATE_EMIT)
      blocks_print(text, nv.name, nv.namelen, nv.value, nv.valuelen);
  }
  nghttp2_hd_inflate_end_headers(inflater);
  return true;
}

static void compare_with_nghttp2(const struct blocks *blocks) {
  nghttp2_hd_inflater *inflater = NULL;
  cr_assert_eq(nghttp2_hd_inflate_new(&inflater), 0, "no memory");
  if (blocks->table_size != 4096)
    nghttp2_hd_inflate_change_table_size(inflater, blocks->table_size);
  for (size_t i = 0; i < blocks->count; i++) {
    struct buffer text = {0};
    bool right = inflate(inflater, &blocks->list[i], &text);
    cr_assert_eq(right, !blocks->list[i].is_wrong, "block %zu: nghttp2 and we disagree", i);
    cr_assert(is_same(&text, &blocks->list[i].fields), "block %zu: %s, not %s", i, text.bytes,
              blocks->list[i].fields.bytes);
    buffer_free(&text);
  }
  nghttp2_hd_inflate_del(inflater);
}

/* --- The frame decoder ------------------------------------------------------------------------ */

/* The decoder's report of the latest block. */
struct seen {
  struct buffer text;
  bool is_wrong;
  unsigned frames;
};

static void on_frame(const struct frame *frame, void *user) {
  struct seen *seen = user;
  if (frame->type != NGHTTP2_HEADERS && frame->type != NGHTTP2_CONTINUATION)
    return;
  seen->frames++;
  seen->is_wrong |= frame->error != NULL;
  for (size_t i = 0; i < frame->field_count; i++)
    blocks_print(&seen->text, frame->fields[i].name, frame->fields[i].name_length,
                 frame->fields[i].value, frame->fields[i].value_length);
}

/* A client's and a server's first frames. */
static void append_beginning(struct buffer *from_client, struct buffer *from_server,
                             uint32_t table_size) {
  const uint8_t setting[] = {0,
                             NGHTTP2_SETTINGS_HEADER_TABLE_SIZE,
                             (uint8_t)(table_size >> 24),
                             (uint8_t)(table_size >> 16),
                             (uint8_t)(table_size >> 8),
                             (uint8_t)table_size};
  buffer_append(from_client, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  frames_append(from_client, NGHTTP2_SETTINGS, 0, 0, "", 0);
  frames_append(from_server, NGHTTP2_SETTINGS, 0, 0, setting, sizeof setting);
  frames_append(from_client, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "", 0);
}

/* Block `i` as HEADERS; if it is longer than `cut`, with CONTINUATION for the rest. */
static void append_block(struct buffer *bytes, const struct block *block, size_t i, size_t cut) {
  int32_t stream = (int32_t)(2 * i + 1);
  const char *octets = block->octets.length > 0 ? block->octets.bytes : "";
  if (block->octets.length <= cut) {
    frames_append(bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
                  stream, octets, block->octets.length);
    return;
  }
  frames_append(bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, stream, octets, cut);
  frames_append(bytes, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, stream, octets + cut,
                block->octets.length - cut);
}

/* All blocks, each cut after `cut` bytes: the fields must be those of the encoder. */
static void decode_cut(const struct blocks *blocks, size_t cut) {
  struct seen seen = {0};
  struct buffer from_client = {0};
  struct buffer from_server = {0};
  struct frame_decoder *decoder = frame_decoder_new(on_frame, &seen);
  append_beginning(&from_client, &from_server, blocks->table_size);
  frame_decoder_feed(decoder, FRAME_FROM_SERVER, from_server.bytes, from_server.length);
  for (size_t i = 0; i < blocks->count; i++) {
    const struct block *block = &blocks->list[i];
    append_block(&from_client, block, i, cut);
    frame_decoder_feed(decoder, client, from_client.bytes, from_client.length);
    cr_assert_eq(seen.frames, block->octets.length > cut ? 2 : 1, "frames are lost");
    cr_assert_eq(seen.is_wrong, block->is_wrong, "block %zu, cut at %zu", i, cut);
    cr_assert(is_same(&seen.text, &block->fields), "block %zu, cut at %zu: %s, not %s", i, cut,
              seen.text.bytes, block->fields.bytes);
    buffer_clear(&from_client);
    buffer_clear(&seen.text);
    seen.frames = 0;
  }
  frame_decoder_free(decoder);
  buffer_free(&from_client);
  buffer_free(&from_server);
  buffer_free(&seen.text);
}

/* Whole, and cut in every place. */
static void compare_with_decoder(const struct blocks *blocks) {
  size_t longest = 0;
  for (size_t i = 0; i < blocks->count; i++)
    if (blocks->list[i].octets.length > longest)
      longest = blocks->list[i].octets.length;
  for (size_t cut = 0; cut <= longest; cut++)
    decode_cut(blocks, cut);
}

static void compare_many(size_t most, bool any) {
  uint32_t random = frames_seed();
  for (size_t count = 0; count < most;) {
    struct blocks blocks;
    blocks_make(&blocks, MOST_ON_CONNECTION, any, &random);
    compare_with_nghttp2(&blocks);
    compare_with_decoder(&blocks);
    count += blocks.count;
    blocks_free(&blocks);
  }
}

Test(hpack_others, printable_octets) {
  compare_many(BLOCKS, false);
}

Test(hpack_others, any_octets) {
  compare_many(ANY_BLOCKS, true);
}

/* --- Wireshark -------------------------------------------------------------------------------- */

enum { FIRST_PORT = 10000, MOST_CONNECTIONS = 5000, LONGEST_LINE = 16384 };

/* Write all blocks of one connection into the capture, each in one HEADERS frame. */
static void capture_blocks(struct capture *capture, const struct blocks *blocks) {
  struct buffer from_client = {0};
  struct buffer from_server = {0};
  append_beginning(&from_client, &from_server, blocks->table_size);
  capture_bytes(capture, FRAME_FROM_SERVER, from_server.bytes, from_server.length);
  capture_bytes(capture, client, from_client.bytes, from_client.length);
  for (size_t i = 0; i < blocks->count; i++) {
    buffer_clear(&from_client);
    append_block(&from_client, &blocks->list[i], i, SIZE_MAX);
    capture_bytes(capture, client, from_client.bytes, from_client.length);
  }
  buffer_free(&from_client);
  buffer_free(&from_server);
}

/* Make BLOCKS blocks, and capture them. Returns on how many connections; `*expected` is how
 * many lines tshark must print. */
static size_t capture_all(FILE *file, struct blocks *all, size_t *expected) {
  uint32_t random = frames_seed();
  size_t connections = 0;
  capture_begin(file);
  for (size_t count = 0; count < BLOCKS; count += all[connections++].count) {
    cr_assert_lt(connections, MOST_CONNECTIONS, "too few blocks a connection");
    struct blocks *blocks = &all[connections];
    blocks_make(blocks, MOST_ON_CONNECTION, false, &random);
    capture_blocks(
        &(struct capture){.file = file, .client_port = (uint16_t)(FIRST_PORT + connections)},
        blocks);
    for (size_t i = 0; i < blocks->count; i++)
      *expected += blocks->list[i].fields.length > 0 && !blocks->list[i].is_wrong;
  }
  return connections;
}

/* "port, stream, names, values", with tabs between these and '|' within. Returns whether it counts:
 * without any fields Wireshark 4.0 stumbles, and it does not say that a block is wrong. */
static bool compare_line(char *line, const struct blocks *all, size_t connections) {
  line[strcspn(line, "\n")] = '\0';
  unsigned long port = strtoul(strsep(&line, "\t"), NULL, 10) - FIRST_PORT;
  size_t i = strtoul(strsep(&line, "\t"), NULL, 10) / 2;
  char *names = strsep(&line, "\t");
  cr_assert(names && line && port < connections && i < all[port].count, "a line of tshark");
  if (!*names || all[port].list[i].is_wrong)
    return false;
  struct buffer text = {0};
  while (names) {
    const char *name = strsep(&names, "|");
    const char *value = line ? strsep(&line, "|") : "";
    blocks_print(&text, name, strlen(name), value, strlen(value));
  }
  cr_assert(is_same(&text, &all[port].list[i].fields), "connection %lu, block %zu: %s, not %s",
            port, i, text.bytes, all[port].list[i].fields.bytes);
  buffer_free(&text);
  return true;
}

/* Whole blocks only: cut ones confuse Wireshark 4.0. */
Test(hpack_others, wireshark) {
  if (system("tshark -v >/dev/null 2>&1") != 0)
    cr_skip_test("tshark is not installed");
  char name[40] = "/tmp/hpack-others-XXXXXX";
  char command[400];
  char line[LONGEST_LINE];
  size_t expected = 0;
  size_t seen = 0;
  struct blocks *all = calloc(MOST_CONNECTIONS, sizeof *all);
  FILE *file = fdopen(mkstemp(name), "w");
  size_t connections = capture_all(file, all, &expected);
  cr_assert_eq(fclose(file), 0, "cannot write the capture");
  snprintf(command, sizeof command,
           "tshark -n -r %s -d tcp.port==%d,http2 -Y 'http2.type == 1' -T fields -E 'aggregator=|' "
           "-e tcp.srcport -e http2.streamid -e http2.header.name -e http2.header.value "
           ">%s.txt 2>/dev/null",
           name, CAPTURE_SERVER_PORT, name);
  cr_assert_eq(system(command), 0, "tshark fails");
  unlink(name);
  strcat(name, ".txt");
  file = fopen(name, "r");
  unlink(name);
  cr_assert_not_null(file, "tshark has written nothing");
  while (fgets(line, sizeof line, file))
    seen += compare_line(line, all, connections);
  fclose(file);
  cr_assert_eq(seen, expected, "Wireshark has fields of %zu blocks, not %zu", seen, expected);
  for (size_t i = 0; i < connections; i++)
    blocks_free(&all[i]);
  free(all);
}
