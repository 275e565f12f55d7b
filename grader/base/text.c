/* text: see text.h. */
#include "grader/base/text.h"

#include <stdio.h>
#include <string.h>

#include "common/buffer.h"

/* The length of the UTF-8 sequence that begins here, as jansson would take it; 0 if it is none. */
static size_t sequence_length(const char *bytes, size_t length) {
  for (size_t size = 1; size <= 4 && size <= length; size++) {
    json_t *text = bytes[0] != '\0' ? json_stringn(bytes, size) : NULL;
    if (text) {
      json_decref(text);
      return size;
    }
  }
  return 0;
}

json_t *text_json(const char *bytes, size_t length) {
  if (!bytes || length == 0)
    return json_string("");
  json_t *whole = json_stringn(bytes, length);
  if (whole && !memchr(bytes, 0, length))
    return whole;
  json_decref(whole);
  struct buffer escaped = {0};
  for (size_t i = 0; i < length;) {
    size_t size = sequence_length(bytes + i, length - i);
    char hex[8];
    snprintf(hex, sizeof hex, "\\x%02x", (unsigned char)bytes[i]);
    int failed =
        size > 0 ? buffer_append(&escaped, bytes + i, size) : buffer_append_text(&escaped, hex);
    if (failed)
      break;
    i += size > 0 ? size : 1;
  }
  json_t *text = json_stringn(escaped.bytes ? escaped.bytes : "", escaped.length);
  buffer_free(&escaped);
  return text;
}
