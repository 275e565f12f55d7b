/* body: see body.h. A list of chunks. */
#include "common/inner/body.h"

#include <stdint.h>
#include <string.h>

#include "common/inner/pool.h"

/* The bytes of one append. Small appends share a chunk, so that a body of many short texts is not a
 * list of many short chunks. */
struct body_chunk {
  struct body_chunk *next;
  const uint8_t *data; /* the bytes left to send: in `copy`, or the caller's */
  size_t length;
  size_t room;    /* how many more bytes fit after them */
  uint8_t copy[]; /* flexible: empty for static bytes */
};

enum { SHARED_CHUNK_SIZE = 4096 };

/* Returns NULL when there is no memory. */
static struct body_chunk *add_chunk(struct body *body, size_t room) {
  struct body_chunk *chunk = pool_alloc(sizeof *chunk + room);
  if (!chunk)
    return NULL;
  *chunk = (struct body_chunk){.data = chunk->copy, .room = room};
  if (body->last)
    body->last->next = chunk;
  else
    body->first = chunk;
  body->last = chunk;
  return chunk;
}

int body_append(struct body *body, const void *data, size_t length) {
  if (length == 0)
    return 0;
  struct body_chunk *chunk = body->last;
  if (!chunk || chunk->room < length) {
    /* The first chunk has no room to share: most bodies are one append. */
    bool is_shared = body->first && length < SHARED_CHUNK_SIZE;
    chunk = add_chunk(body, is_shared ? SHARED_CHUNK_SIZE : length);
  }
  if (!chunk)
    return -1;
  memcpy((uint8_t *)chunk->data + chunk->length, data,
         length); /* not const: it points into `copy` */
  chunk->length += length;
  chunk->room -= length;
  body->length += length;
  return 0;
}

int body_append_static(struct body *body, const void *data, size_t length) {
  if (length == 0)
    return 0;
  struct body_chunk *chunk = add_chunk(body, 0);
  if (!chunk)
    return -1;
  chunk->data = data;
  chunk->length = length;
  body->length += length;
  return 0;
}

static void free_first(struct body *body) {
  struct body_chunk *chunk = body->first;
  body->first = chunk->next;
  if (!body->first)
    body->last = NULL;
  pool_free(chunk);
}

int body_send(struct body *body, struct transport *transport, size_t length) {
  while (length > 0) {
    struct body_chunk *chunk = body->first;
    size_t part = chunk->length < length ? chunk->length : length;
    if (transport_write(transport, chunk->data, part) != 0)
      return -1;
    chunk->data += part;
    chunk->length -= part;
    body->length -= part;
    length -= part;
    if (chunk->length == 0)
      free_first(body);
  }
  return 0;
}

void body_free(struct body *body) {
  while (body->first)
    free_first(body);
  body->length = 0;
}
