/*
 * body: the bytes of a request's or response's content that wait to be sent, first in, first out.
 *
 * A zeroed struct body is an empty one. What is appended is copied once, or, for bytes that live
 * long enough, not at all; it is copied a last time into the transport, when a DATA frame leaves.
 */
#ifndef COMMON_BODY_H
#define COMMON_BODY_H

#include <stddef.h>

#include "common/transport.h"

struct body_chunk;

struct body {
  struct body_chunk *first;
  struct body_chunk *last;
  size_t length; /* of all that waits */
};

/* Append a copy of `length` bytes; 0 is fine. Returns 0, or -1 when there is no memory: then the
 * body is unchanged. */
int body_append(struct body *body, const void *data, size_t length);

/* Append `length` bytes without a copy: they must stay where and as they are until the body is sent
 * or freed. Returns as body_append does. */
int body_append_static(struct body *body, const void *data, size_t length);

/* Write the first `length` bytes to `transport`; that many must be there. Returns 0, or -1 when
 * there is no memory: then some of them may be written. */
int body_send(struct body *body, struct transport *transport, size_t length);

/* Drop everything; it is empty then. */
void body_free(struct body *body);

#endif
