/*
 * long_fields: shorten fields that are too long for nghttp2; an inner part of strict.
 *
 * nghttp2 takes no name and no value of more than 64 KiB: it ends the connection with
 * COMPRESSION_ERROR. But such a field breaks no rule: only its request must be refused, with 431.
 * So this module follows a header block from string to string (RFC 7541, section 6). It lowers the
 * length of a string that is too long, and leaves out the bytes that are too many. No such string
 * fits into one frame: only blocks with CONTINUATION need to be followed.
 *
 * The low bits of an integer come first (RFC 7541, section 5.1). The third byte after the prefix
 * shows that a length is too large. A 1 in its place makes the length 16 to 32 KiB; the bytes
 * before it are passed on already, and stay. So what is left out always lies in later frames, whose
 * headers are still to be passed on, with less length. The dynamic table stays the client's: a
 * field larger than the table empties it (section 4.4), and the shortened one is larger too.
 *
 * Order of calls: long_fields_begin for HEADERS; long_fields_go_on for each CONTINUATION; after
 * each, long_fields_pass for the payload.
 */
#ifndef COMMON_LONG_FIELDS_H
#define COMMON_LONG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum long_fields_place {
  LONG_FIELDS_FRONT, /* the pad length and the priority of HEADERS */
  LONG_FIELDS_FIELD, /* the first byte of a field, or of a table size update */
  LONG_FIELDS_INDEX,
  LONG_FIELDS_PREFIX, /* the first byte of a string */
  LONG_FIELDS_LENGTH,
  LONG_FIELDS_STRING,
};

struct long_fields {
  bool was_cut; /* a field of this block was shortened */
  enum long_fields_place place;
  size_t front;   /* bytes of HEADERS before the block that are still to come */
  size_t left;    /* bytes of the frame that are, without its padding */
  bool is_padded; /* the first byte of HEADERS is the length of the padding */
  int strings;    /* of this field that are still to come */
  bool is_path;   /* the field is named by the static table's :path */
  bool is_huffman;
  unsigned shift;  /* of the next byte of an integer */
  size_t number;   /* the integer so far; of a string, how many bytes are still to come, */
  size_t shown;    /* how many of them are passed on, */
  size_t shown_of; /* and how many in all; 0: the string is not too long */
};

/* HEADERS with these flags, without END_HEADERS, and with a payload of `length` bytes. */
void long_fields_begin(struct long_fields *fields, uint8_t flags, size_t length);

/* CONTINUATION with a payload of `length` bytes. Returns how many of these long_fields_pass will
 * pass on. */
size_t long_fields_go_on(struct long_fields *fields, size_t length);

/* Whether a string that was shortened goes on after the frame that has just begun. */
bool long_fields_is_open(const struct long_fields *fields);

/* The next `length` bytes of the payload. Writes those to pass on to `passed`, which has room for
 * all of them. Returns how many there are. */
size_t long_fields_pass(struct long_fields *fields, const uint8_t *bytes, size_t length,
                        uint8_t *passed);

#endif
