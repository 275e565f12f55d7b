/* field: see field.h. */
#include "common/field.h"

#include <string.h>

nghttp2_nv field_make(const char *name, const char *value) {
  return (nghttp2_nv){
      .name = (uint8_t *)name, /* nghttp2 only reads them, but its struct does not say so */
      .value = (uint8_t *)value,
      .namelen = strlen(name),
      .valuelen = strlen(value),
      .flags = NGHTTP2_NV_FLAG_NONE,
  };
}

bool field_is(const uint8_t *bytes, size_t length, const char *text) {
  return length == strlen(text) && (length == 0 || memcmp(bytes, text, length) == 0);
}
