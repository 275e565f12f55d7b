/* long_fields: see long_fields.h. */
#include "common/inner/long_fields.h"

#include <nghttp2/nghttp2.h>

enum {
  LONGEST = 65536, /* as nghttp2 has it */
  ENOUGH = 1,      /* the third byte of a length that is too large, ... */
  THIRD_SHIFT = 14,
  LAST_SHIFT = 28, /* nghttp2 takes no longer integers, */
  NEVER = 1 << 30, /* and this is longer than every block */
  MORE = 0x80,
  HUFFMAN = 0x80,
  PRIORITY_LENGTH = 5,
  PATH_FIRST = 4, /* in the static table */
  PATH_LAST = 5,
};

void long_fields_begin(struct long_fields *fields, uint8_t flags, size_t length) {
  bool is_padded = flags & NGHTTP2_FLAG_PADDED;
  size_t priority = flags & NGHTTP2_FLAG_PRIORITY ? PRIORITY_LENGTH : 0;
  *fields = (struct long_fields){.left = length, .is_padded = is_padded};
  fields->front = priority + (is_padded ? 1 : 0);
  fields->place = fields->front > 0 ? LONG_FIELDS_FRONT : LONG_FIELDS_FIELD;
}

size_t long_fields_go_on(struct long_fields *fields, size_t length) {
  fields->left = length;
  if (fields->place != LONG_FIELDS_STRING || fields->shown_of == 0 || length <= fields->shown)
    return length;
  size_t end = length < fields->number ? length : fields->number;
  return length - (end - fields->shown);
}

bool long_fields_is_open(const struct long_fields *fields) {
  return fields->place == LONG_FIELDS_STRING && fields->shown_of > 0 &&
         fields->number > fields->left;
}

/* --- Integers --------------------------------------------------------------------------------- */

/* The first byte of an integer. Returns whether it is the last, too. */
static bool begin_number(struct long_fields *fields, uint8_t byte, unsigned prefix) {
  size_t full = (1u << prefix) - 1;
  fields->number = byte & full;
  fields->shift = 0;
  return fields->number < full;
}

/* Any other byte of an integer. Returns whether it is the last. */
static bool add_to_number(struct long_fields *fields, uint8_t byte) {
  size_t part = byte & ~(unsigned)MORE;
  if (part > 0 && fields->shift > THIRD_SHIFT)
    fields->number = NEVER; /* nghttp2 ends the connection */
  else if (part > 0)
    fields->number += part << fields->shift;
  if (fields->shift <= LAST_SHIFT)
    fields->shift += 7;
  return !(byte & MORE);
}

/* --- Fields ----------------------------------------------------------------------------------- */

static void begin_string(struct long_fields *fields) {
  fields->strings--;
  fields->place = fields->number > 0    ? LONG_FIELDS_STRING
                  : fields->strings > 0 ? LONG_FIELDS_PREFIX
                                        : LONG_FIELDS_FIELD;
}

/* The index of a field's name, or of the whole field, is complete. */
static void end_index(struct long_fields *fields) {
  fields->is_path = fields->number >= PATH_FIRST && fields->number <= PATH_LAST;
  if (fields->strings > 0 && fields->number == 0)
    fields->strings++; /* the name is a string too */
  fields->place = fields->strings > 0 ? LONG_FIELDS_PREFIX : LONG_FIELDS_FIELD;
}

static void begin_field(struct long_fields *fields, uint8_t byte) {
  unsigned prefix = byte & 0x80 ? 7 : byte & 0x40 ? 6 : byte & 0x20 ? 5 : 4;
  fields->strings = prefix == 7 || prefix == 5 ? 0 : 1;
  fields->place = LONG_FIELDS_INDEX;
  if (begin_number(fields, byte, prefix))
    end_index(fields);
}

/* A byte of a string's length after the first. Returns what to pass on. */
static uint8_t pass_length(struct long_fields *fields, uint8_t byte) {
  size_t low_bits = fields->number;
  bool is_third = fields->shift == THIRD_SHIFT;
  bool is_last = add_to_number(fields, byte);
  if (is_third && fields->number > LONGEST) {
    byte = ENOUGH | (byte & MORE);
    fields->shown = fields->shown_of = low_bits + (ENOUGH << THIRD_SHIFT);
    fields->was_cut = true;
  }
  if (is_last)
    begin_string(fields);
  return byte;
}

/* The bytes of a string in Huffman's code cannot end anywhere. So pass on other text: 0 has five
 * zeros. A path begins with a slash, 011000. The last bits are ones (RFC 7541, section 5.2). */
static uint8_t huffman_byte(const struct long_fields *fields) {
  enum { ZERO_BITS = 5, SLASH_BITS = 6, SLASH_BYTE = 0x60 };
  size_t slash = fields->is_path ? SLASH_BITS : 0;
  if (fields->shown == fields->shown_of)
    return fields->is_path ? SLASH_BYTE : 0;
  size_t rest = (8 * fields->shown_of - slash) % ZERO_BITS;
  return fields->shown == 1 ? (uint8_t)((1u << rest) - 1) : 0;
}

/* A byte of a string. Returns whether to pass it on. */
static bool pass_string(struct long_fields *fields, uint8_t *byte) {
  bool is_shown = fields->shown_of == 0 || fields->shown > 0;
  if (fields->shown > 0) {
    if (fields->is_huffman)
      *byte = huffman_byte(fields);
    fields->shown--;
  }
  fields->number--;
  if (fields->number == 0)
    fields->place = fields->strings > 0 ? LONG_FIELDS_PREFIX : LONG_FIELDS_FIELD;
  return is_shown;
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static void pass_front(struct long_fields *fields, uint8_t byte) {
  if (fields->is_padded)
    fields->left -= byte < fields->left ? byte : fields->left;
  fields->is_padded = false;
  fields->front--;
  if (fields->front == 0)
    fields->place = LONG_FIELDS_FIELD;
}

/* Returns whether to pass the byte on. */
static bool pass_byte(struct long_fields *fields, uint8_t *byte) {
  switch (fields->place) {
  case LONG_FIELDS_FRONT: pass_front(fields, *byte); return true;
  case LONG_FIELDS_FIELD: begin_field(fields, *byte); return true;
  case LONG_FIELDS_INDEX:
    if (add_to_number(fields, *byte))
      end_index(fields);
    return true;
  case LONG_FIELDS_PREFIX:
    fields->is_huffman = *byte & HUFFMAN;
    fields->shown = fields->shown_of = 0;
    fields->place = LONG_FIELDS_LENGTH;
    if (begin_number(fields, *byte, 7))
      begin_string(fields);
    return true;
  case LONG_FIELDS_LENGTH: *byte = pass_length(fields, *byte); return true;
  case LONG_FIELDS_STRING: return pass_string(fields, byte);
  }
  return true;
}

size_t long_fields_pass(struct long_fields *fields, const uint8_t *bytes, size_t length,
                        uint8_t *passed) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = bytes[i];
    if (fields->left == 0) { /* padding */
      passed[count++] = byte;
      continue;
    }
    fields->left--;
    if (pass_byte(fields, &byte))
      passed[count++] = byte;
  }
  return count;
}
