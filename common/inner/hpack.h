/*
 * hpack: decompress the field blocks of one direction of a connection (RFC 9113, section 4.3).
 *
 * HPACK (RFC 7541) is nghttp2's; what is added is that a block may come in fragments, as it does in
 * HEADERS and CONTINUATION, and what happens to the blocks that follow one which makes no sense:
 * the compression state is shared by all blocks of a direction, so they are lost as well.
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

/* The receiver of these blocks allows a dynamic table of `size` octets, from the next block on. A
 * size below one that was allowed before is not heeded: the sender may not know of it yet, and when
 * it does, it says so in the block itself (RFC 7541, section 4.2). */
void hpack_allow_table_size(struct hpack *hpack, uint32_t size);

/*
 * Decompress the next fragment of a block; a block begins with the first one and after one that
 * `ends` it. Returns 0, or -1 when there is no memory. `*error` is left alone, or set to a constant
 * text when the fragment cannot be decompressed.
 */
int hpack_decode(struct hpack *hpack, const uint8_t *fragment, size_t length, bool ends,
                 const char **error);

/* A fragment is missing, so nothing that follows can be decompressed. */
void hpack_lose(struct hpack *hpack);

/* The fields that the last hpack_decode completed. Valid until the next one. */
const struct frame_field *hpack_fields(const struct hpack *hpack, size_t *count);

/* NULL is allowed. */
void hpack_free(struct hpack *hpack);

#endif
