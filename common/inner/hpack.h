/*
 * hpack: decompress the field blocks of one direction of a connection (RFC 9113, section 4.3).
 *
 * nghttp2 does HPACK (RFC 7541). This module takes a block in fragments, as HEADERS and
 * CONTINUATION bring it. It also handles the blocks after a malformed one: all blocks of a
 * direction share the compression state, so these blocks are lost as well.
 */
#ifndef COMMON_HPACK_H
#define COMMON_HPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"

struct hpack;

/* For a new connection. Returns NULL when there is no memory. */
struct hpack *hpack_new(void);

/* The receiver of these blocks allows a dynamic table of `size` bytes, from the next block on.
 * Ignore a size below an earlier one: the sender may not know it yet, and when it does, it says so
 * in the block itself (RFC 7541, section 4.2). */
void hpack_allow_table_size(struct hpack *hpack, uint32_t size);

/*
 * Decompress the next fragment of a block; a block begins with the first fragment, and after one
 * that `ends` a block. Returns 0, or -1 when there is no memory. Sets `*error` to a constant text
 * when it cannot decompress the fragment; otherwise `*error` is unchanged.
 */
int hpack_decode(struct hpack *hpack, const uint8_t *fragment, size_t length, bool ends,
                 const char **error);

/* A fragment is missing, so later fragments cannot be decompressed: their error is `why`, which
 * must be constant. The first reason counts. */
void hpack_lose(struct hpack *hpack, const char *why);

/* The usual reason. */
extern const char hpack_error[];

/* The fields that the last hpack_decode completed. Valid until the next one. */
const struct frame_field *hpack_fields(const struct hpack *hpack, size_t *count);

/* NULL is allowed. */
void hpack_free(struct hpack *hpack);

#endif
