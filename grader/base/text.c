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

int text_append_clean(struct buffer *clean, const char *text, size_t length) {
  while (length > 0) {
    const char *backslash = memchr(text, '\\', length);
    size_t before = backslash ? (size_t)(backslash - text) : length;
    if (octets_append(clean, text, before, OCTETS_TEXT) != 0)
      return -1;
    text += before;
    length -= before;
    if (!backslash)
      break;
    if (buffer_append(clean, "\\", 1) != 0)
      return -1;
    text++;
    length--;
  }
  return 0;
}

json_t *text_json(const char *text, size_t length) {
  struct buffer clean = {0};
  return take(&clean, text_append_clean(&clean, text, length));
}
