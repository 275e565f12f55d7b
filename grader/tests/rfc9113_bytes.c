/* rfc9113_bytes: see rfc9113.h for the language. */
#include <ctype.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"
#include "grader/tests/rfc9113.h"

enum { WORD_SIZE = 512, UNKNOWN_TYPE = -1 };

/* The frame that a statement is building. */
struct composition {
  int type;
  uint32_t flags;
  struct buffer payload;
};

static int append_word(struct composition *frame, const char *word);

/* Each function that appends returns 0, or -1 if the text makes no sense or memory runs out. */

static int append_octet(struct buffer *bytes, unsigned octet) {
  char c = (char)octet;
  return buffer_append(bytes, &c, 1);
}

static int append_number(struct buffer *bytes, unsigned long number, int octets) {
  for (int i = octets - 1; i >= 0; i--)
    if (append_octet(bytes, number >> (8 * i) & 0xff) != 0)
      return -1;
  return 0;
}

/* The byte that two hexadecimal digits stand for, or -1. */
static int hex_octet(const char *text) {
  if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
    return -1;
  const char digits[] = {text[0], text[1], '\0'};
  return (int)strtol(digits, NULL, 16);
}

static int append_hex(struct buffer *bytes, const char *text) {
  for (; *text; text += 2)
    if (hex_octet(text) < 0 || append_octet(bytes, (unsigned)hex_octet(text)) != 0)
      return -1;
  return 0;
}

/* Append `length` characters, in which %HH stands for one byte. */
static int append_text(struct buffer *bytes, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    int octet = (unsigned char)text[i];
    if (octet == '%') {
      octet = hex_octet(text + i + 1);
      i += 2;
    }
    if (octet < 0 || append_octet(bytes, (unsigned)octet) != 0)
      return -1;
  }
  return 0;
}

/* --- HPACK ------------------------------------------------------------------------------------ */

/* RFC 7541, section 5.2: a string without Huffman code, after its length; the first byte holds
 * 7 bits of the length. */
static int append_string(struct buffer *bytes, const char *text, size_t text_length) {
  struct buffer decoded = {0};
  if (append_text(&decoded, text, text_length) != 0)
    return -1;
  size_t length = decoded.length;
  int result = append_octet(bytes, length < 127 ? (unsigned)length : 127);
  if (length >= 127) {
    for (length -= 127; length >= 128; length >>= 7)
      result |= append_octet(bytes, (length & 127) | 128);
    result |= append_octet(bytes, (unsigned)length);
  }
  result |= buffer_append(bytes, decoded.bytes, decoded.length);
  buffer_free(&decoded);
  return result;
}

/* A literal field with a literal name (section 6.2). The name of a pseudo-header field begins with
 * a colon. A plus before a name, which is not part of it, asks for the dynamic table. */
static int append_field(struct buffer *bytes, const char *word) {
  bool indexed = word[0] == '+';
  const char *name = word + indexed;
  const char *equals = strchr(name, '=');
  return append_octet(bytes, indexed ? 0x40 : 0x00) |
         append_string(bytes, name, (size_t)(equals - name)) |
         append_string(bytes, equals + 1, strlen(equals + 1));
}

static int append_request(struct buffer *bytes, const char *method, const char *path) {
  return append_field(bytes, method) | append_field(bytes, ":scheme=http") |
         append_field(bytes, path) | append_field(bytes, ":authority=localhost");
}

/* --- Words ------------------------------------------------------------------------------------ */

/* INITIAL_WINDOW_SIZE=5, or xHHHH=5. */
static int append_setting(struct buffer *bytes, const char *word) {
  const char *equals = strchr(word, '=');
  unsigned long value = strtoul(equals + 1, NULL, 0);
  size_t length = (size_t)(equals - word);
  if (word[0] == 'x' && length == 5)
    return append_number(bytes, strtoul(word + 1, NULL, 16), 2) | append_number(bytes, value, 4);
  for (int id = 1; id <= NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE; id++) {
    const char *name = frame_setting_name((uint16_t)id) + strlen("SETTINGS_");
    if (strlen(name) == length && strncmp(name, word, length) == 0)
      return append_number(bytes, (unsigned long)id, 2) | append_number(bytes, value, 4);
  }
  return -1;
}

/* The flag of this name, or 0. */
static uint32_t flag_of(const struct composition *frame, const char *word) {
  if (strncmp(word, "flags:", 6) == 0)
    return (uint32_t)strtoul(word + 6, NULL, 0);
  for (uint32_t flag = 1; flag <= 0x80 && frame->type != UNKNOWN_TYPE; flag <<= 1) {
    const char *name = frame_flag_name((unsigned)frame->type, (uint8_t)flag);
    if (name && strcmp(name, word) == 0)
      return flag;
  }
  return 0;
}

static int append_error_code(struct buffer *bytes, const char *word) {
  for (uint32_t code = NGHTTP2_NO_ERROR; code <= NGHTTP2_HTTP_1_1_REQUIRED; code++)
    if (strcmp(frame_error_name(code), word) == 0)
      return append_number(bytes, code, 4);
  return -1;
}

static int append_times(struct composition *frame, unsigned long count, const char *word) {
  for (unsigned long i = 0; i < count; i++)
    if (append_word(frame, word) != 0)
      return -1;
  return 0;
}

static int append_word(struct composition *frame, const char *word) {
  struct buffer *payload = &frame->payload;
  char *after;
  unsigned long number = strtoul(word, &after, 10);
  if (after > word && *after == '*')
    return append_times(frame, number, after + 1);
  if (word[0] == '\'')
    return append_text(payload, word + 1, strcspn(word + 1, "'"));
  if (word[0] == '#')
    return append_number(payload, strtoul(word + 1, NULL, 0), 4);
  if (strcmp(word, "get") == 0)
    return append_request(payload, ":method=GET", ":path=/hello-world");
  if (strcmp(word, "post") == 0)
    return append_request(payload, ":method=POST", ":path=/send-data");
  if (strchr(word, '='))
    return frame->type == NGHTTP2_SETTINGS ? append_setting(payload, word)
                                           : append_field(payload, word);
  if (word[0] == 'x')
    return append_hex(payload, word + 1);
  uint32_t flag = flag_of(frame, word);
  frame->flags |= flag;
  return flag ? 0 : append_error_code(payload, word);
}

/* --- Statements ------------------------------------------------------------------------------- */

/* Take the next word off `*text`. Returns false when there is none. */
static bool next_word(const char **text, char word[static WORD_SIZE]) {
  *text += strspn(*text, " ");
  size_t length = strcspn(*text, " ");
  if (length == 0 || length >= WORD_SIZE)
    return false;
  memcpy(word, *text, length);
  word[length] = '\0';
  *text += length;
  return true;
}

/* The frame type at the start of a statement, and the words that it implies; or UNKNOWN_TYPE. */
static int type_of(const char *word, const char **prefix) {
  *prefix = "";
  if (strcmp(word, "GET") == 0)
    *prefix = "END_STREAM END_HEADERS get ";
  if (strcmp(word, "POST") == 0)
    *prefix = "END_HEADERS post ";
  if (**prefix)
    return NGHTTP2_HEADERS;
  if (strncmp(word, "type:", 5) == 0)
    return (int)strtol(word + 5, NULL, 0);
  for (int type = NGHTTP2_DATA; type <= NGHTTP2_CONTINUATION; type++)
    if (strcmp(frame_type_name((unsigned)type), word) == 0)
      return type;
  return UNKNOWN_TYPE;
}

static int append_words(struct composition *frame, const char *text) {
  char word[WORD_SIZE];
  while (next_word(&text, word))
    if (append_word(frame, word) != 0)
      return -1;
  return *text ? -1 : 0;
}

static int append_frame(struct buffer *bytes, const char *statement) {
  char word[WORD_SIZE] = "";
  const char *prefix;
  next_word(&statement, word);
  struct composition frame = {.type = type_of(word, &prefix)};
  if (frame.type == UNKNOWN_TYPE || !next_word(&statement, word) || !isdigit((unsigned char)*word))
    return -1;
  uint32_t stream = (uint32_t)strtoul(word, NULL, 10);
  int result = append_words(&frame, prefix) | append_words(&frame, statement);
  result |= append_number(bytes, frame.payload.length, 3) |
            append_number(bytes, (unsigned long)frame.type, 1) |
            append_number(bytes, frame.flags, 1) | append_number(bytes, stream, 4) |
            buffer_append(bytes, frame.payload.bytes, frame.payload.length);
  buffer_free(&frame.payload);
  return result;
}

/* OPEN FIRST COUNT. */
static int append_open(struct buffer *bytes, const char *numbers) {
  char *after;
  char post[32];
  unsigned long id = strtoul(numbers, &after, 10);
  for (unsigned long count = strtoul(after, NULL, 10); count > 0; count--, id += 2) {
    snprintf(post, sizeof post, "POST %lu", id);
    if (append_frame(bytes, post) != 0)
      return -1;
  }
  return 0;
}

int rfc9113_bytes(const char *statement, struct buffer *bytes) {
  char *after;
  unsigned long times = strtoul(statement, &after, 10);
  if (after > statement && *after == '*') {
    while (times-- > 0)
      if (append_frame(bytes, after + 1) != 0)
        return -1;
    return 0;
  }
  if (strcmp(statement, "PREFACE") == 0)
    return buffer_append(bytes, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  if (strncmp(statement, "OPEN ", 5) == 0)
    return append_open(bytes, statement + 5);
  if (strncmp(statement, "BYTES ", 6) != 0)
    return append_frame(bytes, statement);
  struct composition raw = {.type = UNKNOWN_TYPE};
  int result = append_words(&raw, statement + 6);
  result |= buffer_append(bytes, raw.payload.bytes, raw.payload.length);
  buffer_free(&raw.payload);
  return result;
}
