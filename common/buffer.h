/*
 * buffer: bytes that grow. A zeroed struct buffer is an empty one.
 */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

#include <stddef.h>
#include <stdio.h>

struct buffer {
  char *bytes; /* NULL before the first append; else followed by a NUL that is not counted */
  size_t length;
  size_t size; /* allocated */
};

/* Append `length` bytes (0 is fine). Returns 0, or -1 when there is no memory: then the buffer is
 * unchanged. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t length);

/* Append a text that ends in NUL, without the NUL. The same. */
int buffer_append_text(struct buffer *buffer, const char *text);

/* Write all of it to `out`. Returns 0, or -1 when that fails. */
int buffer_print(const struct buffer *buffer, FILE *out);

/* The same, and a newline behind it, unless it ends in one or is empty: what is
 * printed next begins a line. */
int buffer_print_line(const struct buffer *buffer, FILE *out);

/* Keep the first `length` bytes, which must be there. */
void buffer_truncate(struct buffer *buffer, size_t length);

/* Make it empty, but keep its memory. */
void buffer_clear(struct buffer *buffer);

/* Give its memory back; it is empty then. */
void buffer_free(struct buffer *buffer);

#endif
