/*
 * field: header fields as nghttp2 takes and gives them: counted bytes, not texts that end in NUL.
 */
#ifndef COMMON_FIELD_H
#define COMMON_FIELD_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field of two texts that end in NUL. It points to them: they must live until nghttp2 has copied them, which
 * nghttp2_submit_request and nghttp2_submit_response do before they return. */
nghttp2_nv field_make(const char *name, const char *value);

/* Whether `length` bytes are exactly `text`, which ends in NUL. */
bool field_is(const uint8_t *bytes, size_t length, const char *text);

#endif
