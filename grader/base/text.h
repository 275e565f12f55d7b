/*
 * text: bytes of unknown origin as JSON strings.
 */
#ifndef GRADER_TEXT_H
#define GRADER_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* A JSON string of these bytes; those that are not UTF-8, and NUL, are escaped as \xNN. NULL bytes of length 0 are an
 * empty string. A new reference, or NULL when there is no memory. */
json_t *text_json(const char *bytes, size_t length);

#endif
