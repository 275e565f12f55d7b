/*
 * blocks: header blocks made by an HPACK encoder of the tests' own (RFC 7541), one that chooses at
 * random among all the ways there are to say the same, and what they say. No other encoder does: a
 * real one has its habits.
 *
 * A sequence of blocks is what one client sends on one connection, which shares one dynamic table.
 * Fields are indexed, or literal in each of the three ways, by static, dynamic or new names, with
 * and without Huffman's code, numbers longer than they need be; before the fields the table changes
 * its size: to less, to nothing, to as much as is allowed, twice at once, to what it was.
 */
#ifndef COMMON_TESTS_BLOCKS_H
#define COMMON_TESTS_BLOCKS_H

#include "common/buffer.h"
#include "common/frame.h"

struct block {
  struct buffer octets;
  struct buffer fields; /* "name: value\n" for each; their bytes are printable, unless `any` */
  bool is_wrong;        /* it cannot be decompressed, so it is the last one */
};

struct blocks {
  uint32_t table_size; /* what the server allows, by SETTINGS_HEADER_TABLE_SIZE */
  size_t count;
  struct block *list;
};

/* Make up to `most` of them; `any`: values may have any bytes. `*random` as in frames_random. */
void blocks_make(struct blocks *blocks, size_t most, bool any, uint32_t *random);
void blocks_free(struct blocks *blocks);

/* Append one field, as in block.fields. */
void blocks_print(struct buffer *fields, const void *name, size_t name_length, const void *value,
                  size_t value_length);

#endif
