/*
 * text: what goes into JSON, pages and terminals, whoever has written it.
 */
#ifndef GRADER_TEXT_H
#define GRADER_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* What a program has said, as a JSON string from which octets_read (common/octets.h) gets the same octets back. NULL of
 * length 0 is an empty string. A new reference, or NULL when there is no memory. */
json_t *text_octets_json(const char *bytes, size_t length);

/* The grader's own words, in which what a program has said is quoted (words/quote.h) or was taken from a file: the same, but
 * a backslash stays one. */
json_t *text_json(const char *text, size_t length);

#endif
