/* hpack_writer: see hpack_writer.h. */
#include "grader/play/hpack_writer.h"

#include <stdlib.h>
#include <string.h>

#include "common/field.h"

enum { STATIC_ENTRIES = 61, ENTRY_OVERHEAD = 32 };

/* RFC 7541, appendix A: those entries of the static table that the grader may send. */
static const struct {
  size_t index;
  const char *name, *value;
} known[] = {
    {1, ":authority", ""},    {2, ":method", "GET"},  {3, ":method", "POST"},
    {4, ":path", "/"},        {6, ":scheme", "http"}, {7, ":scheme", "https"},
    {8, ":status", "200"},    {9, ":status", "204"},  {11, ":status", "304"},
    {13, ":status", "404"},   {19, "accept", ""},     {28, "content-length", ""},
    {31, "content-type", ""}, {32, "cookie", ""},     {38, "host", ""},
    {54, "server", ""},       {58, "user-agent", ""},
};

static uint32_t choose(struct hpack_writer *writer, uint32_t count) {
  return (uint32_t)(chance_next(writer->chance) % count);
}

static void put(struct hpack_writer *writer, struct buffer *block, const void *octets,
                size_t length) {
  writer->no_memory = buffer_append(block, octets, length) != 0 || writer->no_memory;
}

/* Section 5.1. */
static void put_number(struct hpack_writer *writer, struct buffer *block, uint8_t first,
                       unsigned bits, size_t number) {
  size_t most = (1U << bits) - 1;
  uint8_t octet = (uint8_t)(first | (number < most ? number : most));
  put(writer, block, &octet, 1);
  if (number < most)
    return;
  for (number -= most; number >= 128; number >>= 7) {
    octet = (uint8_t)(number | 128);
    put(writer, block, &octet, 1);
  }
  octet = (uint8_t)number;
  put(writer, block, &octet, 1);
}

/* Section 5.2. Take the Huffman code from nghttp2: a field that is never to be indexed is 0x10, its
 * name as a string, here "a" (01 61), and its value as one. */
static void put_huffman(struct hpack_writer *writer, struct buffer *block, const char *text) {
  enum { BEFORE = 3 };
  nghttp2_nv field = field_make("a", text);
  field.flags = NGHTTP2_NV_FLAG_NO_INDEX;
  size_t size = nghttp2_hd_deflate_bound(writer->huffman, &field, 1);
  uint8_t *octets = malloc(size);
  ssize_t length = octets ? nghttp2_hd_deflate_hd(writer->huffman, octets, size, &field, 1) : -1;
  if (length > BEFORE)
    put(writer, block, octets + BEFORE, (size_t)length - BEFORE);
  else
    writer->no_memory = true;
  free(octets);
}

static void put_string(struct hpack_writer *writer, struct buffer *block, const char *text) {
  size_t length = strlen(text);
  if (choose(writer, 2) == 0) {
    put_huffman(writer, block, text);
    return;
  }
  put_number(writer, block, 0, 7, length);
  put(writer, block, text, length);
}

/* The index of an entry with this name and value (NULL: any value); 0 if there is none. */
static size_t find(const struct hpack_writer *writer, const char *name, const char *value) {
  for (size_t i = 0; i < writer->count; i++)
    if (strcmp(writer->entries[i].name, name) == 0 &&
        (!value || strcmp(writer->entries[i].value, value) == 0))
      return STATIC_ENTRIES + writer->count - i;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i].name, name) == 0 && (!value || strcmp(known[i].value, value) == 0))
      return known[i].index;
  return 0;
}

static void empty_table(struct hpack_writer *writer) {
  for (size_t i = 0; i < writer->count; i++) {
    free(writer->entries[i].name);
    free(writer->entries[i].value);
  }
  writer->count = writer->used = 0;
}

static size_t size_of_entry(const char *name, const char *value) {
  return strlen(name) + strlen(value) + ENTRY_OVERHEAD;
}

static void add_entry(struct hpack_writer *writer, const char *name, const char *value) {
  char *copies[] = {strdup(name), strdup(value)};
  writer->no_memory = writer->no_memory || !copies[0] || !copies[1];
  writer->entries[writer->count].name = copies[0];
  writer->entries[writer->count++].value = copies[1];
  writer->used += size_of_entry(name, value);
}

int hpack_writer_init(struct hpack_writer *writer, struct chance *chance) {
  *writer = (struct hpack_writer){
      .chance = chance, .size = HPACK_TABLE_SIZE, .allowed = HPACK_TABLE_SIZE};
  return nghttp2_hd_deflate_new(&writer->huffman, HPACK_TABLE_SIZE) == 0 ? 0 : -1;
}

void hpack_writer_free(struct hpack_writer *writer) {
  empty_table(writer);
  nghttp2_hd_deflate_del(writer->huffman);
}

/* Section 6.3. A size of 0 empties the table; the next update says what it may have from now on. */
void hpack_writer_begin(struct hpack_writer *writer, struct buffer *block) {
  enum { ONE_IN = 8 };
  if (writer->size <= writer->allowed && choose(writer, ONE_IN) != 0)
    return;
  empty_table(writer);
  writer->size = choose(writer, (uint32_t)writer->allowed + 1);
  put_number(writer, block, 0x20, 5, 0);
  put_number(writer, block, 0x20, 5, writer->size);
}

/* Sections 6.1 and 6.2. */
void hpack_writer_put(struct hpack_writer *writer, struct buffer *block, const char *name,
                      const char *value) {
  static const struct {
    uint8_t first;
    unsigned bits;
  } literals[] = {{0x40, 6}, {0x00, 4}, {0x10, 4}}; /* into the table, not into it, never */
  enum { INTO_TABLE = 0 };
  size_t whole = find(writer, name, value);
  if (whole > 0 && choose(writer, 4) != 0) {
    put_number(writer, block, 0x80, 7, whole);
    return;
  }
  size_t index = choose(writer, 4) != 0 ? find(writer, name, NULL) : 0;
  size_t kind = choose(writer, 3);
  if (kind == INTO_TABLE && writer->used + size_of_entry(name, value) > writer->size)
    kind++;
  put_number(writer, block, literals[kind].first, literals[kind].bits, index);
  if (index == 0)
    put_string(writer, block, name);
  put_string(writer, block, value);
  if (kind == INTO_TABLE)
    add_entry(writer, name, value);
}
