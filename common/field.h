/*
 * field: header fields in nghttp2's form: bytes with a length, not texts that end in NUL.
 *
 */
#ifndef COMMON_FIELD_H
#define COMMON_FIELD_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A field made of two texts that end in NUL. It points to the texts, which must live until
 * nghttp2 has copied them: nghttp2_submit_request and nghttp2_submit_response do that before
 * they return. */
static inline nghttp2_nv field_make(const char *name, const char *value);

/* Whether `length` bytes are exactly `text`, which ends in NUL. */
static inline bool field_is(const uint8_t *bytes, size_t length, const char *text);

/* The definitions are in the header, so that the compiler counts the letters of constant texts and
 * compares them without a call: every field of every request uses both. */

static inline nghttp2_nv field_make(const char *name, const char *value) {
  return (nghttp2_nv){
      .name = (uint8_t *)name, /* nghttp2 only reads them, but its struct does not say so */
      .value = (uint8_t *)value,
      .namelen = strlen(name),
      .valuelen = strlen(value),
      .flags = NGHTTP2_NV_FLAG_NONE,
  };
}

static inline bool field_is(const uint8_t *bytes, size_t length, const char *text) {
  return length == strlen(text) && (length == 0 || memcmp(bytes, text, length) == 0);
}

#endif
