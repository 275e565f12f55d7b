/*
 * blocks: header blocks and their fields, from an HPACK encoder of our own (RFC 7541) that chooses
 * at random among all ways to encode the same field. Real encoders do not: they have habits.
 *
 * One client sends a sequence of blocks on one connection, and they share one dynamic table. Fields
 * are indexed, or literal in each of the three ways, with static, dynamic or new names, with and
 * without Huffman code; numbers may be longer than necessary. Before the fields the table changes
 * its size: to less, to nothing, to the most allowed, twice at once, to the same size.
 */
#ifndef COMMON_TESTS_BLOCKS_H
#define COMMON_TESTS_BLOCKS_H

#include "common/buffer.h"
#include "common/frame.h"

struct block {
  struct buffer octets;
  struct buffer fields; /* "name: value\n" for each; their bytes are printable, unless `any` */
  bool is_wrong;        /* no decoder can decompress it, so it is the last one */
};

struct blocks {
  uint32_t table_size; /* the server's SETTINGS_HEADER_TABLE_SIZE */
  size_t count;
  struct block *list;
};

/* Make up to `most` blocks; `any`: values may have any bytes. `*random` as in frames_random. */
void blocks_make(struct blocks *blocks, size_t most, bool any, uint32_t *random);
void blocks_free(struct blocks *blocks);

/* Append one field, as in block.fields. */
void blocks_print(struct buffer *fields, const void *name, size_t name_length, const void *value,
                  size_t value_length);

#endif
