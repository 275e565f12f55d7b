/*
 * text: text of any origin, for JSON, pages and terminals.
 */
#ifndef GRADER_TEXT_H
#define GRADER_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "common/buffer.h"

/* A program's output, as a JSON string from which octets_read (common/octets.h) gets the same bytes
 * back. NULL of length 0 is an empty string. A new reference, or NULL when there is no memory. */
json_t *text_octets_json(const char *bytes, size_t length);

/* Append the grader's own words, or text that nobody reads back, to `clean`: the same, but a
 * backslash stays one. Returns 0, or -1 when there is no memory. */
int text_append_clean(struct buffer *clean, const char *text, size_t length);

/* The same as a JSON string. NULL of length 0 is an empty string. A new reference,
 * or NULL when there is no memory. */
json_t *text_json(const char *text, size_t length);

#endif
