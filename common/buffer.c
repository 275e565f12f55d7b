/* buffer: see buffer.h. */
#include "common/buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int buffer_append(struct buffer *buffer, const void *bytes, size_t length) {
  if (length >= SIZE_MAX / 2 - buffer->length)
    return -1;
  size_t needed = buffer->length + length + 1;
  if (needed > buffer->size) {
    size_t size = needed < 64 ? 64 : needed + needed / 2;
    char *grown = realloc(buffer->bytes, size);
    if (!grown)
      return -1;
    buffer->bytes = grown;
    buffer->size = size;
  }
  if (length > 0)
    memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
  buffer->bytes[buffer->length] = '\0';
  return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text) {
  return buffer_append(buffer, text, strlen(text));
}

int buffer_print(const struct buffer *buffer, FILE *out) {
  if (buffer->length == 0)
    return 0;
  return fwrite(buffer->bytes, 1, buffer->length, out) == buffer->length ? 0 : -1;
}

int buffer_print_line(const struct buffer *buffer, FILE *out) {
  bool ended = buffer->length == 0 || buffer->bytes[buffer->length - 1] == '\n';
  if (buffer_print(buffer, out) != 0)
    return -1;
  return ended || putc('\n', out) != EOF ? 0 : -1;
}

void buffer_truncate(struct buffer *buffer, size_t length) {
  buffer->length = length;
  if (buffer->bytes)
    buffer->bytes[length] = '\0';
}

void buffer_clear(struct buffer *buffer) {
  buffer_truncate(buffer, 0);
}

void buffer_free(struct buffer *buffer) {
  free(buffer->bytes);
  *buffer = (struct buffer){0};
}
