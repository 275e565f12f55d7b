/*
 * quoted: JSON in C, without a backslash before each quotation mark.
 */
#ifndef GRADER_QUOTED_H
#define GRADER_QUOTED_H

#include <jansson.h>

/* JSON of at most 2,047 bytes with ' in place of ". A new reference; the test fails if it is
 * wrong. */
json_t *quoted_json(const char *text);

#endif
