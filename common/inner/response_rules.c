/* response_rules: see response_rules.h. */
#include "common/inner/response_rules.h"

#include "common/field.h"
#include "common/inner/field_rules.h"

enum { NO_CONTENT = 204, NOT_MODIFIED = 304, SWITCHING = 101, DIGITS = 18 };

void response_rules_begin(struct response_rules *rules) {
  rules->has_regular = false;
  rules->status = 0;
  rules->length = -1;
}

/* The number that these digits write; -1 if there is none, or something else than digits, or more
 * of them than a body can have bytes. */
static int64_t read_digits(nghttp2_vec text) {
  int64_t number = 0;
  if (text.len == 0 || text.len > DIGITS)
    return -1;
  for (size_t i = 0; i < text.len; i++) {
    if (text.base[i] < '0' || text.base[i] > '9')
      return -1;
    number = 10 * number + (text.base[i] - '0');
  }
  return number;
}

/* The only pseudo-header field that a response has. HTTP/2 has no 101 (section 8.6). */
static bool take_status(struct response_rules *rules, nghttp2_vec value) {
  if (rules->status != 0 || rules->has_regular || value.len != 3)
    return false;
  rules->status = (int)read_digits(value);
  return rules->status >= 100 && rules->status != SWITCHING;
}

bool response_rules_field(struct response_rules *rules, nghttp2_vec name, nghttp2_vec value) {
  if (field_is(name.base, name.len, ":status"))
    return take_status(rules, value);
  rules->has_regular = true;
  if (field_is(name.base, name.len, "content-length")) {
    if (rules->length >= 0)
      return false;
    rules->length = read_digits(value);
    return rules->length >= 0;
  }
  return response_rules_trailer(name, value);
}

bool response_rules_trailer(nghttp2_vec name, nghttp2_vec value) {
  return field_rules_allow(&(nghttp2_nv){.name = name.base,
                                         .namelen = name.len,
                                         .value = value.base,
                                         .valuelen = value.len,
                                         .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME});
}

bool response_rules_end_fields(const struct response_rules *rules, bool ends) {
  bool is_informational = rules->status < 200;
  return rules->status != 0 && !(is_informational && ends);
}

/* How much content there must be; -1: as much as comes. */
static int64_t expected(const struct response_rules *rules) {
  bool has_none = rules->is_head || rules->status == NO_CONTENT || rules->status == NOT_MODIFIED;
  return has_none ? 0 : rules->length;
}

bool response_rules_data(struct response_rules *rules, size_t length) {
  rules->received += (int64_t)length;
  return rules->status >= 200 && (expected(rules) < 0 || rules->received <= expected(rules));
}

bool response_rules_end(const struct response_rules *rules) {
  return rules->status >= 200 && (expected(rules) < 0 || rules->received == expected(rules));
}
