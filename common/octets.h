/*
 * octets: write octets of any origin as text that a person can read, and that a program can read
 * back.
 *
 * A backslash becomes \\, and an octet that must not be shown becomes \xNN, so that no two
 * sequences of octets look the same: octets_read gives back what octets_append got.
 */
#ifndef COMMON_OCTETS_H
#define COMMON_OCTETS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/buffer.h"

enum octets_form {
  OCTETS_TEXT, /* UTF-8 (RFC 3629), of control characters only newline and tab: JSON, pages */
  OCTETS_LINE, /* printable ASCII, a newline as \n: one line of a terminal or of a message */
};

enum { OCTETS_PIECE = 5 }; /* the longest piece, \xNN, and its NUL */

/* Write the first character of these octets (at least one) to `piece`, with a NUL.
 * Returns how many octets it took. */
size_t octets_piece(char piece[OCTETS_PIECE], const void *bytes, size_t length,
                    enum octets_form form);

/* Append all of them. Returns 0; or -1, and appends nothing, when there is no memory. */
int octets_append(struct buffer *text, const void *bytes, size_t length, enum octets_form form);

/* Print `text`, which ends in NUL and may come from a peer, as a part of one line (OCTETS_LINE). */
void octets_print(FILE *out, const char *text);

/* Append the octets that `text` (which ends in NUL) stands for. Returns 0; or -1, and appends
 * nothing, when the text is malformed or there is no memory. */
int octets_read(struct buffer *bytes, const char *text);

#endif
