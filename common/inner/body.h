/*
 * body: a queue of the bytes of a request's or response's content that wait to be sent.
 *
 * A zeroed struct body is empty. body_append copies the bytes once; body_append_static, for bytes
 * that live long enough, does not. A last copy goes into the transport when a DATA frame leaves.
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

/* Append `length` bytes without a copy: they must not move or change until the body is sent or
 * freed. Returns as body_append does. */
int body_append_static(struct body *body, const void *data, size_t length);

/* Write the first `length` bytes, which must exist, to `transport`. Returns 0, or -1 when there is
 * no memory: then some of them may be written. */
int body_send(struct body *body, struct transport *transport, size_t length);

/* Drop everything; the body is then empty. */
void body_free(struct body *body);

#endif
