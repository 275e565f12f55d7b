/*
 * hpack: check two header blocks that somebody has written by hand.
 *
 *   hpack FILE
 *
 * The file is hex digits; "#" begins a comment, a line "--" parts the blocks. Prints a
 * line for each rule of lab02-requests/bonus/hpack.md: "ok NAME", or "no NAME: why". The
 * status is 0 if the file could be read.
 *
 * One inflater of nghttp2's reads both blocks, as a connection's would; a new one is
 * to fail at the second.
 */
#include <ctype.h>
#include <nghttp2/nghttp2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/field.h"

enum { BLOCKS = 2, FIELDS = 5, FIELDS_MAX = 16, SHORT = 13 };

static const char *const wanted[BLOCKS][FIELDS][2] = {
    {{":method", "GET"},
     {":scheme", "https"},
     {":authority", "h2.test"},
     {":path", "/a"},
     {"authorization", "t0p"}},
    {{":method", "GET"},
     {":scheme", "https"},
     {":authority", "h2.test"},
     {":path", "/b"},
     {"authorization", "t0p"}},
};

/* A block, and what an inflater has made of it. */
struct block {
  struct buffer bytes;
  const char *error; /* NULL if it could be decoded */
  size_t count;
  struct {
    char text[64]; /* "name: value" */
    bool never;    /* never indexed */
    size_t length; /* in bytes of the block */
    bool added;    /* it went into the dynamic table */
  } fields[FIELDS_MAX];
};

/* --- Reading ---------------------------------------------------------------------------------- */

/* The hex digits of a line, up to a comment. Returns 0, or -1. */
static int read_line(struct block *block, const char *line) {
  char digits[3] = "";
  for (; *line && *line != '#'; line++) {
    if (isspace((unsigned char)*line))
      continue;
    if (!isxdigit((unsigned char)*line))
      return -1;
    digits[strlen(digits)] = *line;
    if (!digits[1])
      continue;
    uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
    buffer_append(&block->bytes, &byte, 1);
    memset(digits, 0, sizeof digits);
  }
  return digits[0] ? -1 : 0;
}

static int read_file(struct block *blocks, const char *path) {
  char line[512];
  int number = 0;
  int block = 0;
  FILE *file = fopen(path, "r");
  if (!file) {
    perror(path);
    return -1;
  }
  while (fgets(line, sizeof line, file)) {
    number++;
    bool parts = strncmp(line, "--", 2) == 0;
    if ((parts && ++block == BLOCKS) || (!parts && read_line(&blocks[block], line) != 0)) {
      fprintf(stderr, "%s:%d: two hex digits for each byte, and one line \"--\"\n", path, number);
      fclose(file);
      return -1;
    }
  }
  fclose(file);
  return 0;
}

/* --- Decoding --------------------------------------------------------------------------------- */

/* Decode it, one field after the other. */
static void decode(struct block *block, nghttp2_hd_inflater *inflater) {
  const uint8_t *in = (const uint8_t *)block->bytes.bytes;
  size_t left = block->bytes.length;
  size_t field_begin = left;
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    size_t before = nghttp2_hd_inflate_get_num_table_entries(inflater);
    ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &field, &flags, in, left, 1);
    if (taken < 0) {
      block->error = nghttp2_strerror((int)taken);
      return;
    }
    in += taken;
    left -= (size_t)taken;
    if (flags & NGHTTP2_HD_INFLATE_EMIT && block->count < FIELDS_MAX) {
      snprintf(block->fields[block->count].text, sizeof block->fields[0].text, "%.*s: %.*s",
               (int)field.namelen, (const char *)field.name, (int)field.valuelen,
               (const char *)field.value);
      block->fields[block->count].never = field.flags & NGHTTP2_NV_FLAG_NO_INDEX;
      block->fields[block->count].length = field_begin - left;
      block->fields[block->count].added =
          nghttp2_hd_inflate_get_num_table_entries(inflater) > before;
      block->count++;
      field_begin = left;
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL || (!(flags & NGHTTP2_HD_INFLATE_EMIT) && left == 0))
      break;
  }
  nghttp2_hd_inflate_end_headers(inflater);
}

/* --- Rules ------------------------------------------------------------------------------------ */

static void say(const char *name, bool holds, const char *why, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const char *name, bool holds, const char *why, ...) {
  va_list arguments;
  if (holds) {
    printf("ok %s\n", name);
    return;
  }
  printf("no %s: ", name);
  va_start(arguments, why);
  vprintf(why, arguments);
  va_end(arguments);
  putchar('\n');
}

static void check_fields(const struct block *blocks) {
  for (int b = 0; b < BLOCKS; b++) {
    const char *which = b == 0 ? "first" : "second";
    if (blocks[b].error) {
      say("fields", false, "the %s block, after %zu fields: %s", which, blocks[b].count,
          blocks[b].error);
      return;
    }
    for (size_t i = 0; i < FIELDS || i < blocks[b].count; i++) {
      char text[64] = "no more";
      const char *seen = i < blocks[b].count ? blocks[b].fields[i].text : "no more";
      if (i < FIELDS)
        snprintf(text, sizeof text, "%s: %s", wanted[b][i][0], wanted[b][i][1]);
      if (strcmp(text, seen) != 0) {
        say("fields", false, "field %zu of the %s block: expected %s, seen %s", i + 1, which, text,
            seen);
        return;
      }
    }
  }
  say("fields", true, "%s", "");
}

/* The first field of that name in a block, as an index; -1 if there is none. */
static int find(const struct block *block, const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < block->count; i++)
    if (strncmp(block->fields[i].text, name, length) == 0 && block->fields[i].text[length] == ':')
      return (int)i;
  return -1;
}

static void check_rules(const struct block *blocks) {
  int authority = find(&blocks[1], ":authority");
  say("authority", authority >= 0 && blocks[1].fields[authority].length == 1,
      "it takes %zu bytes in the second block",
      authority >= 0 ? blocks[1].fields[authority].length : (size_t)0);
  bool kept_out = true;
  bool never = true;
  for (int b = 0; b < BLOCKS; b++) {
    int path = find(&blocks[b], ":path");
    int secret = find(&blocks[b], "authorization");
    kept_out = kept_out && path >= 0 && !blocks[b].fields[path].added;
    never = never && secret >= 0 && blocks[b].fields[secret].never;
  }
  say("path", kept_out, "%s", "it is missing, or goes into the table");
  say("secret", never, "%s", "it is missing, or does not begin with the bits 0001");
  say("short", !blocks[1].error && blocks[1].count == FIELDS && blocks[1].bytes.length <= SHORT,
      "it has %zu fields in %zu bytes", blocks[1].count, blocks[1].bytes.length);
}

/* HPACK's tables are the connection's: what refers to them means nothing without
 * what came before. */
static void check_state(const struct block *second) {
  struct block alone = {.bytes = second->bytes};
  nghttp2_hd_inflater *inflater;
  if (nghttp2_hd_inflate_new(&inflater) != 0)
    return;
  decode(&alone, inflater);
  say("state", alone.error && second->count > 0, "%s",
      "a new decoder understands it: it uses nothing of the first block");
  nghttp2_hd_inflate_del(inflater);
}

int main(int argc, char **argv) {
  struct block blocks[BLOCKS] = {0};
  nghttp2_hd_inflater *inflater;
  if (argc != 2) {
    fprintf(stderr, "usage: hpack FILE\n");
    return 2;
  }
  if (read_file(blocks, argv[1]) != 0 || nghttp2_hd_inflate_new(&inflater) != 0)
    return EXIT_FAILURE;
  for (int b = 0; b < BLOCKS && (b == 0 || !blocks[0].error); b++)
    decode(&blocks[b], inflater);
  check_fields(blocks);
  check_rules(blocks);
  check_state(&blocks[1]);
  nghttp2_hd_inflate_del(inflater);
  for (int b = 0; b < BLOCKS; b++)
    buffer_free(&blocks[b].bytes);
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
