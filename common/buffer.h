/*
 * buffer: a growing array of bytes. A zeroed struct buffer is empty.
 */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

#include <stddef.h>
#include <stdio.h>

struct buffer {
  char *bytes; /* NULL before the first append; then followed by a NUL that is not counted */
  size_t length;
  size_t size; /* allocated */
};

/* Append `length` bytes (0 is fine). Returns 0, or -1 when there is no memory: then the buffer is
 * unchanged. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t length);

/* Append a text that ends in NUL, without the NUL. Returns as buffer_append does. */
int buffer_append_text(struct buffer *buffer, const char *text);

/* Write the whole buffer to `out`. Returns 0, or -1 when that fails. */
int buffer_print(const struct buffer *buffer, FILE *out);

/* The same, with a newline after it, unless the buffer ends in one or is empty: the next output
 * begins a line. */
int buffer_print_line(const struct buffer *buffer, FILE *out);

/* Keep the first `length` bytes, which must be there. */
void buffer_truncate(struct buffer *buffer, size_t length);

/* Make the buffer empty, but keep its memory. */
void buffer_clear(struct buffer *buffer);

/* Free the memory; the buffer is then empty. */
void buffer_free(struct buffer *buffer);

#endif
