/*
 * hpack_writer: HPACK (RFC 7541) as other encoders than nghttp2's may write it. By chance a string
 * is in the Huffman code or not, a field goes into the table or not, or may never do so, and its
 * name or the whole field is an index. So nobody finds a request by its bytes.
 */
#ifndef GRADER_HPACK_WRITER_H
#define GRADER_HPACK_WRITER_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "common/buffer.h"
#include "grader/play/chance.h"

enum { HPACK_TABLE_SIZE = 4096, HPACK_ENTRIES = HPACK_TABLE_SIZE / 32 };

/* Nothing ever falls out of the dynamic table: a field goes into it only if there is room. */
struct hpack_writer {
  struct chance *chance;
  nghttp2_hd_deflater *huffman; /* only for its strings */
  struct {
    char *name, *value;
  } entries[HPACK_ENTRIES]; /* the dynamic table; the latest entry is the last */
  size_t count;
  size_t used;    /* of the table's size, in octets */
  size_t size;    /* of the table ... */
  size_t allowed; /* ... and what the receiver's SETTINGS_HEADER_TABLE_SIZE allows */
  bool no_memory;
};

/* Returns 0, or -1 when there is no memory. The writer borrows `chance`. */
int hpack_writer_init(struct hpack_writer *writer, struct chance *chance);
void hpack_writer_free(struct hpack_writer *writer);

/* A block begins: perhaps the table gets another size, and is empty then. */
void hpack_writer_begin(struct hpack_writer *writer, struct buffer *block);

/* Append a field to the block. The writer copies what it needs of both texts. */
void hpack_writer_put(struct hpack_writer *writer, struct buffer *block, const char *name,
                      const char *value);

#endif
