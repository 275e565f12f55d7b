/*
 * text: what goes into JSON, pages and terminals, whoever has written it.
 */
#ifndef GRADER_TEXT_H
#define GRADER_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "common/buffer.h"

/* What a program has said, as a JSON string from which octets_read (common/octets.h)
 * gets the same octets back. NULL of length 0 is an empty string. A new reference,
 * or NULL when there is no memory. */
json_t *text_octets_json(const char *bytes, size_t length);

/* The grader's own words, and what is only shown and never read back: the same, but a backslash
 * stays one. Append it to `clean`. Returns 0, or -1 when there is no memory. */
int text_append_clean(struct buffer *clean, const char *text, size_t length);

/* The same as a JSON string. NULL of length 0 is an empty string. A new reference,
 * or NULL when there is no memory. */
json_t *text_json(const char *text, size_t length);

#endif
