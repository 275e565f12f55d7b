/* blocks: see blocks.h. */
#include "common/tests/blocks.h"

#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/tests/frames.h"

enum {
  STATIC_COUNT = 61,   /* RFC 7541, appendix A */
  ENTRY_OVERHEAD = 32, /* section 4.1 */
  DEFAULT_TABLE_SIZE = 4096,
  MOST_ENTRIES = 4096 / ENTRY_OVERHEAD * 16,
  LONGEST_TEXT = 40,
};

/* Pairs of name and value. */
static const char *const static_table[] = {":authority",
                                           "",
                                           ":method",
                                           "GET",
                                           ":method",
                                           "POST",
                                           ":path",
                                           "/",
                                           ":path",
                                           "/index.html",
                                           ":scheme",
                                           "http",
                                           ":scheme",
                                           "https",
                                           ":status",
                                           "200",
                                           ":status",
                                           "204",
                                           ":status",
                                           "206",
                                           ":status",
                                           "304",
                                           ":status",
                                           "400",
                                           ":status",
                                           "404",
                                           ":status",
                                           "500",
                                           "accept-charset",
                                           "",
                                           "accept-encoding",
                                           "gzip, deflate",
                                           "accept-language",
                                           "",
                                           "accept-ranges",
                                           "",
                                           "accept",
                                           "",
                                           "access-control-allow-origin",
                                           "",
                                           "age",
                                           "",
                                           "allow",
                                           "",
                                           "authorization",
                                           "",
                                           "cache-control",
                                           "",
                                           "content-disposition",
                                           "",
                                           "content-encoding",
                                           "",
                                           "content-language",
                                           "",
                                           "content-length",
                                           "",
                                           "content-location",
                                           "",
                                           "content-range",
                                           "",
                                           "content-type",
                                           "",
                                           "cookie",
                                           "",
                                           "date",
                                           "",
                                           "etag",
                                           "",
                                           "expect",
                                           "",
                                           "expires",
                                           "",
                                           "from",
                                           "",
                                           "host",
                                           "",
                                           "if-match",
                                           "",
                                           "if-modified-since",
                                           "",
                                           "if-none-match",
                                           "",
                                           "if-range",
                                           "",
                                           "if-unmodified-since",
                                           "",
                                           "last-modified",
                                           "",
                                           "link",
                                           "",
                                           "location",
                                           "",
                                           "max-forwards",
                                           "",
                                           "proxy-authenticate",
                                           "",
                                           "proxy-authorization",
                                           "",
                                           "range",
                                           "",
                                           "referer",
                                           "",
                                           "refresh",
                                           "",
                                           "retry-after",
                                           "",
                                           "server",
                                           "",
                                           "set-cookie",
                                           "",
                                           "strict-transport-security",
                                           "",
                                           "transfer-encoding",
                                           "",
                                           "user-agent",
                                           "",
                                           "vary",
                                           "",
                                           "via",
                                           "",
                                           "www-authenticate",
                                           ""};

struct text {
  uint8_t octets[LONGEST_TEXT];
  size_t length;
};

struct entry {
  struct text name, value;
};

/* The encoder, and the dynamic table that both sides must have; the latest entry is the
 * last. */
struct encoder {
  struct entry *entries;
  size_t count;
  size_t size, table_size, allowed;
  bool any;
  uint32_t *random;
  struct buffer *out;
  nghttp2_hd_deflater *huffman; /* only for its strings */
};

static uint32_t choose(const struct encoder *encoder, uint32_t count) {
  return frames_random(encoder->random) % count;
}

static void put(struct buffer *buffer, const void *octets, size_t length) {
  cr_assert_eq(buffer_append(buffer, octets, length), 0, "no memory");
}

void blocks_print(struct buffer *fields, const void *name, size_t name_length, const void *value,
                  size_t value_length) {
  put(fields, name, name_length);
  put(fields, ": ", 2);
  put(fields, value, value_length);
  put(fields, "\n", 1);
}

/* --- The dynamic table ------------------------------------------------------------------------ */

static size_t entry_size(const struct entry *entry) {
  return entry->name.length + entry->value.length + ENTRY_OVERHEAD;
}

/* Section 4.4: evict the oldest entries until the rest has room. */
static void evict(struct encoder *encoder, size_t most) {
  size_t gone = 0;
  while (encoder->size > most)
    encoder->size -= entry_size(&encoder->entries[gone++]);
  encoder->count -= gone;
  memmove(encoder->entries, encoder->entries + gone, encoder->count * sizeof *encoder->entries);
}

static void add_entry(struct encoder *encoder, const struct entry *entry) {
  size_t size = entry_size(entry);
  evict(encoder, size > encoder->table_size ? 0 : encoder->table_size - size);
  if (size > encoder->table_size)
    return;
  encoder->entries[encoder->count++] = *entry;
  encoder->size += size;
}

static struct text as_text(const char *octets) {
  struct text text = {.length = strlen(octets)};
  memcpy(text.octets, octets, text.length);
  return text;
}

/* The entry of an index of section 2.3.3, from 1 on. */
static struct entry entry_at(const struct encoder *encoder, size_t index) {
  if (index > STATIC_COUNT)
    return encoder->entries[encoder->count - (index - STATIC_COUNT)];
  return (struct entry){as_text(static_table[2 * (index - 1)]),
                        as_text(static_table[2 * (index - 1) + 1])};
}

/* --- Numbers and strings ---------------------------------------------------------------------- */

/* Section 5.1. Now and then append zeros, which change nothing. */
static void put_number(const struct encoder *encoder, uint8_t first, unsigned bits, size_t number) {
  size_t most = (1U << bits) - 1;
  uint8_t octet = (uint8_t)(first | (number < most ? number : most));
  put(encoder->out, &octet, 1);
  if (number < most)
    return;
  bool is_long = choose(encoder, 8) == 0;
  for (number -= most; number >= 128 || is_long; number >>= 7) {
    octet = (uint8_t)(number | 128);
    put(encoder->out, &octet, 1);
    is_long = is_long && number >= 128;
  }
  octet = (uint8_t)number;
  put(encoder->out, &octet, 1);
}

/* Section 5.2. Take the Huffman code from nghttp2: a field never to index is 0x10, its name as a
 * string, here "a" (01 61), and its value as one. */
static void put_string(const struct encoder *encoder, const struct text *text) {
  uint8_t octets[4 * LONGEST_TEXT + 16];
  nghttp2_nv field = {(uint8_t *)"a", (uint8_t *)text->octets, 1, text->length,
                      NGHTTP2_NV_FLAG_NO_INDEX};
  if (choose(encoder, 2) == 0) {
    put_number(encoder, 0, 7, text->length);
    put(encoder->out, text->octets, text->length);
    return;
  }
  ssize_t length = nghttp2_hd_deflate_hd(encoder->huffman, octets, sizeof octets, &field, 1);
  cr_assert(length > 3 && memcmp(octets,
                                 "\x10\x01"
                                 "a",
                                 3) == 0,
            "nghttp2 encodes differently now");
  put(encoder->out, octets + 3, (size_t)length - 3);
}

/* --- Fields ----------------------------------------------------------------------------------- */

static struct text make_text(const struct encoder *encoder, bool is_name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz-0123456789";
  static const char visible[] = "ABCXYZ !#$%&'()*+/:<=>?@[]^_`{}~.;";
  struct text text = {.length = choose(encoder, 12)};
  if (is_name)
    text.length++;
  else if (choose(encoder, 10) == 0)
    text.length = choose(encoder, LONGEST_TEXT);
  for (size_t i = 0; i < text.length; i++) {
    bool plain = is_name || choose(encoder, 3) > 0;
    text.octets[i] = (uint8_t)(plain ? letters[choose(encoder, sizeof letters - 1)]
                                     : visible[choose(encoder, sizeof visible - 1)]);
    if (encoder->any && !is_name)
      text.octets[i] = (uint8_t)choose(encoder, 256);
  }
  return text;
}

/* Sections 6.2.1 to 6.2.3: into the table, not into it, never. */
static struct entry put_literal(struct encoder *encoder) {
  static const struct {
    uint8_t first;
    unsigned bits;
  } kinds[] = {{0x40, 6}, {0x00, 4}, {0x10, 4}};
  size_t kind = choose(encoder, 3);
  size_t index = choose(encoder, 2) * choose(encoder, (uint32_t)(STATIC_COUNT + encoder->count));
  struct entry entry = {.value = make_text(encoder, false)};
  entry.name = index > 0 ? entry_at(encoder, index).name : make_text(encoder, true);
  put_number(encoder, kinds[kind].first, kinds[kind].bits, index);
  if (index == 0)
    put_string(encoder, &entry.name);
  put_string(encoder, &entry.value);
  if (kind == 0)
    add_entry(encoder, &entry);
  return entry;
}

static struct entry put_field(struct encoder *encoder) {
  size_t count = STATIC_COUNT + encoder->count;
  if (choose(encoder, 2) == 0)
    return put_literal(encoder);
  size_t index = 1 + choose(encoder, (uint32_t)count);
  if (encoder->count > 0 && choose(encoder, 2) == 0) /* the dynamic ones are more interesting */
    index = 1 + STATIC_COUNT + choose(encoder, (uint32_t)encoder->count);
  put_number(encoder, 0x80, 7, index);
  return entry_at(encoder, index);
}

/* --- Blocks ----------------------------------------------------------------------------------- */

/* Section 6.3. */
static void put_size(struct encoder *encoder, size_t size) {
  put_number(encoder, 0x20, 5, size);
  encoder->table_size = size;
  evict(encoder, size);
}

static void change_size(struct encoder *encoder) {
  switch (choose(encoder, 16)) {
  case 0: put_size(encoder, 0); break;
  case 1: put_size(encoder, choose(encoder, (uint32_t)encoder->allowed + 1)); break;
  case 2: put_size(encoder, encoder->allowed); break;
  case 3: put_size(encoder, encoder->table_size); break;
  case 4: /* section 4.2: the smallest in between, then the one that counts */
    put_size(encoder, choose(encoder, (uint32_t)encoder->table_size + 1));
    put_size(encoder, encoder->allowed);
    break;
  default: break;
  }
}

/* Blocks that no decoder may accept. */
static void spoil(struct encoder *encoder) {
  switch (choose(encoder, 4)) {
  case 0: put_number(encoder, 0x20, 5, encoder->allowed + 1); break; /* more than allowed */
  case 1: /* an index that is too large */
    put_number(encoder, 0x80, 7, 1 + STATIC_COUNT + encoder->count);
    break;
  case 2: put(encoder->out, "\x80", 1); break;       /* index 0 */
  default: put(encoder->out, "\x00\x81\xff\x00", 4); /* padding of 8 bits, section 5.2 */
  }
}

/* A size after a field is wrong too (section 4.2). */
static void make_block(struct encoder *encoder, struct block *block) {
  *block = (struct block){.is_wrong = choose(encoder, 40) == 0};
  encoder->out = &block->octets;
  change_size(encoder);
  for (uint32_t count = choose(encoder, 8); count > 0; count--) {
    struct entry entry = put_field(encoder);
    blocks_print(&block->fields, entry.name.octets, entry.name.length, entry.value.octets,
                 entry.value.length);
  }
  if (block->is_wrong && block->fields.length > 0 && choose(encoder, 4) == 0)
    put_size(encoder, encoder->table_size);
  else if (block->is_wrong)
    spoil(encoder);
}

void blocks_make(struct blocks *blocks, size_t most, bool any, uint32_t *random) {
  static const uint32_t sizes[] = {DEFAULT_TABLE_SIZE, DEFAULT_TABLE_SIZE, 5000, 65536};
  *blocks = (struct blocks){.list = calloc(most, sizeof *blocks->list)};
  struct encoder encoder = {.any = any, .random = random, .table_size = DEFAULT_TABLE_SIZE};
  blocks->table_size = encoder.allowed = sizes[choose(&encoder, 4)];
  encoder.entries = calloc(MOST_ENTRIES, sizeof *encoder.entries);
  cr_assert(blocks->list && encoder.entries, "no memory");
  cr_assert_eq(nghttp2_hd_deflate_new(&encoder.huffman, DEFAULT_TABLE_SIZE), 0, "no memory");
  do
    make_block(&encoder, &blocks->list[blocks->count++]);
  while (blocks->count < most && !blocks->list[blocks->count - 1].is_wrong);
  nghttp2_hd_deflate_del(encoder.huffman);
  free(encoder.entries);
}

void blocks_free(struct blocks *blocks) {
  for (size_t i = 0; i < blocks->count; i++) {
    buffer_free(&blocks->list[i].octets);
    buffer_free(&blocks->list[i].fields);
  }
  free(blocks->list);
}
