/* octets: see octets.h. */
#include "common/octets.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The octets that a letter behind a backslash stands for, and these letters. */
static const char escaped[] = "\\\n\r\t";
static const char letters[] = "\\nrt";

/* The code point of the UTF-8 character at `bytes` (RFC 3629), and in `*count` how
 * many octets it has: 0 if it is none. */
static uint32_t read_utf8(const uint8_t *bytes, size_t length, size_t *count) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* by number of octets */
  uint8_t first = bytes[0];
  *count = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first >= 0xf8 || *count > length)
    *count = 0;
  if (*count < 2)
    return first;
  uint32_t code = first & (0x7fu >> *count);
  for (size_t i = 1; i < *count; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      *count = 0;
    code = code << 6 | (bytes[i] & 0x3fu);
  }
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (*count > 0 && (code < smallest[*count] || code > 0x10ffff || surrogate))
    *count = 0;
  return code;
}

/* What makes a terminal or a page do something, in place of showing something: control characters
 * but for newline and tab, those that turn the direction of writing, and those that nobody sees.
 * And what is no character, which XML does not take. */
static bool is_control(uint32_t code) {
  return (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0) ||
         code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0xfeff || code == 0xfffe || code == 0xffff || (code >= 0xe0000 && code <= 0xe007f);
}

/* How many octets may stand as they are; 0 if the first one is to be escaped. */
static size_t count_plain(const uint8_t *bytes, size_t length, enum octets_form form) {
  size_t count;
  uint32_t code = read_utf8(bytes, length, &count);
  if (form == OCTETS_LINE)
    return code >= 0x20 && code <= 0x7e ? 1 : 0;
  return is_control(code) ? 0 : count;
}

size_t octets_piece(char piece[OCTETS_PIECE], const void *bytes, size_t length,
                    enum octets_form form) {
  const uint8_t *octet = bytes;
  size_t plain = count_plain(octet, length, form);
  if (plain > 0 && *octet != '\\') {
    memcpy(piece, octet, plain);
    piece[plain] = '\0';
    return plain;
  }
  const char *found = *octet ? strchr(escaped, *octet) : NULL;
  if (found)
    snprintf(piece, OCTETS_PIECE, "\\%c", letters[found - escaped]);
  else
    snprintf(piece, OCTETS_PIECE, "\\x%02x", *octet);
  return 1;
}

int octets_append(struct buffer *text, const void *bytes, size_t length, enum octets_form form) {
  size_t before = text->length;
  const uint8_t *octet = bytes;
  while (length > 0) {
    char piece[OCTETS_PIECE];
    size_t taken = octets_piece(piece, octet, length, form);
    if (buffer_append_text(text, piece) != 0) {
      buffer_truncate(text, before);
      return -1;
    }
    octet += taken;
    length -= taken;
  }
  return 0;
}

void octets_print(FILE *out, const char *text) {
  for (char piece[OCTETS_PIECE]; *text; text++) {
    octets_piece(piece, text, 1, OCTETS_LINE);
    fputs(piece, out);
  }
}

/* The value of a hexadecimal digit; -1 if it is none. */
static int digit(char c) {
  const char *digits = "0123456789abcdef";
  const char *found = c ? strchr(digits, c) : NULL;
  return found ? (int)(found - digits) : -1;
}

/* The octet that the escape at `text` stands for, and in `*end` what follows it; -1
 * if it is none. */
static int read_escape(const char *text, const char **end) {
  const char *letter = text[1] ? strchr(letters, text[1]) : NULL;
  if (letter) {
    *end = text + 2;
    return escaped[letter - letters];
  }
  if (text[1] != 'x' || digit(text[2]) < 0 || digit(text[3]) < 0)
    return -1;
  *end = text + 4;
  return 16 * digit(text[2]) + digit(text[3]);
}

int octets_read(struct buffer *bytes, const char *text) {
  size_t before = bytes->length;
  int failed = 0;
  while (*text && !failed) {
    size_t plain = strcspn(text, "\\");
    failed = buffer_append(bytes, text, plain);
    text += plain;
    if (!*text || failed)
      break;
    int octet = read_escape(text, &text);
    char c = (char)octet;
    failed = octet < 0 || buffer_append(bytes, &c, 1) != 0;
  }
  if (failed)
    buffer_truncate(bytes, before);
  return failed ? -1 : 0;
}
