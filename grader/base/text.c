/* text: see text.h. */
#include "grader/base/text.h"

#include <string.h>

#include "common/octets.h"

/* The string, and free the text. */
static json_t *take(struct buffer *text, int failed) {
  json_t *json = failed ? NULL : json_stringn(text->bytes ? text->bytes : "", text->length);
  buffer_free(text);
  return json;
}

json_t *text_octets_json(const char *bytes, size_t length) {
  struct buffer text = {0};
  return take(&text, octets_append(&text, bytes, length, OCTETS_TEXT));
}

json_t *text_json(const char *text, size_t length) {
  struct buffer clean = {0};
  int failed = 0;
  while (length > 0 && !failed) {
    const char *backslash = memchr(text, '\\', length);
    size_t before = backslash ? (size_t)(backslash - text) : length;
    failed = octets_append(&clean, text, before, OCTETS_TEXT);
    text += before;
    length -= before;
    if (backslash && !failed) {
      failed = buffer_append(&clean, "\\", 1);
      text++;
      length--;
    }
  }
  return take(&clean, failed);
}
