/* text: see text.h. */
#include "grader/base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 sequence that begins here, and its character; 0 if it is none (RFC 3629). */
static size_t decode(const unsigned char *bytes, size_t length, unsigned *character) {
  static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t size = bytes[0] < 0x80   ? 1
                : bytes[0] < 0xc0 ? 0
                : bytes[0] < 0xe0 ? 2
                : bytes[0] < 0xf0 ? 3
                : bytes[0] < 0xf8 ? 4
                                  : 0;
  if (size == 0 || size > length)
    return 0;
  *character = size == 1 ? bytes[0] : bytes[0] & (0x7fU >> size);
  for (size_t i = 1; i < size; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
    *character = *character << 6 | (bytes[i] & 0x3f);
  }
  bool surrogate = *character >= 0xd800 && *character < 0xe000;
  return *character < least[size] || surrogate || *character > 0x10ffff ? 0 : size;
}

/* What makes a terminal or a page do something, in place of showing something: the control characters, and those that
 * turn the direction of writing. */
static bool is_control(unsigned character) {
  return (character < 0x20 && character != '\n' && character != '\t') ||
         (character >= 0x7f && character < 0xa0) || (character >= 0x202a && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069) || character == 0x2028 ||
         character == 0x2029 || character == 0xfffe || character == 0xffff;
}

int text_append_clean(struct buffer *text, const char *bytes, size_t length) {
  size_t kept = 0; /* as it is, of what comes before i */
  size_t i = 0;
  while (i < length) {
    unsigned character = 0;
    size_t size = decode((const unsigned char *)bytes + i, length - i, &character);
    if (size > 0 && !is_control(character)) {
      i += size;
      continue;
    }
    if (buffer_append(text, bytes + kept, i - kept) != 0)
      return -1;
    size_t end = i + (size > 0 ? size : 1);
    for (; i < end; i++) {
      char hex[8];
      snprintf(hex, sizeof hex, "\\x%02x", (unsigned char)bytes[i]);
      if (buffer_append_text(text, hex) != 0)
        return -1;
    }
    kept = i;
  }
  return kept < length ? buffer_append(text, bytes + kept, length - kept) : 0;
}

json_t *text_json(const char *bytes, size_t length) {
  struct buffer clean = {0};
  json_t *text = NULL;
  if (length == 0 || text_append_clean(&clean, bytes, length) == 0)
    text = json_stringn(clean.bytes != NULL ? clean.bytes : "", clean.length);
  buffer_free(&clean);
  return text;
}
