/* field_rules: see field_rules.h. */
#include "common/inner/field_rules.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "common/field.h"

bool field_rules_is_named(const nghttp2_nv *field, const char *name) {
  return field->namelen == strlen(name) &&
         strncasecmp((const char *)field->name, name, field->namelen) == 0;
}

/* RFC 9110, section 5.6.2. */
static bool is_token_character(uint8_t octet) {
  bool is_letter = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
  bool is_digit = octet >= '0' && octet <= '9';
  return is_letter || is_digit || (octet != '\0' && strchr("!#$%&'*+-.^_`|~", octet));
}

/* nghttp2 does not turn capital letters into small ones in a name that it must not copy. */
static bool is_name(const nghttp2_nv *field) {
  bool copied = !(field->flags & NGHTTP2_NV_FLAG_NO_COPY_NAME);
  for (size_t i = 0; i < field->namelen; i++) {
    bool is_capital = field->name[i] >= 'A' && field->name[i] <= 'Z';
    if (!is_token_character(field->name[i]) || (is_capital && !copied))
      return false;
  }
  return field->namelen > 0;
}

static bool is_blank(uint8_t octet) {
  return octet == ' ' || octet == '\t';
}

static bool is_value(const uint8_t *value, size_t length) {
  if (length > 0 && (is_blank(value[0]) || is_blank(value[length - 1])))
    return false;
  return nghttp2_check_header_value(value, length);
}

/* Fields of one HTTP/1.1 connection, which HTTP/2 does not have. */
static bool is_of_connection(const nghttp2_nv *field) {
  static const char *const names[] = {"connection", "keep-alive", "proxy-connection",
                                      "transfer-encoding", "upgrade"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (field_rules_is_named(field, names[i]))
      return true;
  return field_rules_is_named(field, "te") && !field_is(field->value, field->valuelen, "trailers");
}

bool field_rules_allow(const nghttp2_nv *field) {
  return is_name(field) && is_value(field->value, field->valuelen) && !is_of_connection(field);
}

bool field_rules_is_authority(const nghttp2_nv *field) {
  return field_rules_is_named(field, ":authority") && field->valuelen > 0 &&
         nghttp2_check_authority(field->value, field->valuelen);
}
