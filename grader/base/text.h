/*
 * text: bytes of unknown origin as text, which can be shown on a terminal and stand in JSON and XML.
 */
#ifndef GRADER_TEXT_H
#define GRADER_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "common/buffer.h"

/* Append these bytes. Those that are not UTF-8, and control characters but for newline and tab, are escaped as \xNN:
 * ESC, NUL, the characters that turn the direction of writing. Returns 0, or -1 when there is no memory. */
int text_append_clean(struct buffer *text, const char *bytes, size_t length);

/* The same as a JSON string. NULL bytes of length 0 are an empty string. A new reference, or NULL when there is
 * no memory. */
json_t *text_json(const char *bytes, size_t length);

#endif
