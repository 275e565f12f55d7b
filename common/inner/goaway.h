/*
 * goaway: find the error codes of GOAWAY frames among the bytes of a connection; an
 * inner part of connection.
 *
 * nghttp2 reports GOAWAY by callbacks, but those belong to the owner of the connection.
 */
#ifndef COMMON_GOAWAY_H
#define COMMON_GOAWAY_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"

/* Begin with a zeroed struct; but for bytes that begin with a client's preface, set `skip` to its
 * length. */
struct goaway {
  size_t skip;   /* how many of the next bytes to ignore */
  size_t length; /* how much has arrived of: */
  uint8_t frame[FRAME_HEADER_LENGTH +
                8]; /* the header, and of GOAWAY also the last stream and the code */
};

/* Look at the next bytes, in any fragmentation. Returns the error code of the first GOAWAY in them
 * that has one; NGHTTP2_NO_ERROR if there is none. */
uint32_t goaway_find(struct goaway *goaway, const uint8_t *bytes, size_t length);

/* The error code of one GOAWAY frame: at least 17 bytes. */
uint32_t goaway_error_code(const uint8_t *frame);

#endif
