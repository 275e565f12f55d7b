/* Making and comparing header fields. */
#include "common/field.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(field, .timeout = 30);

Test(field, make) {
  char name[] = "content-type";
  char value[] = "text/plain";
  nghttp2_nv field = field_make(name, value);
  cr_assert_eq((char *)field.name, name, "a copy of the name");
  cr_assert_eq((char *)field.value, value, "a copy of the value");
  cr_assert_eq(field.namelen, strlen(name), "name of %zu", field.namelen);
  cr_assert_eq(field.valuelen, strlen(value), "value of %zu", field.valuelen);
  cr_assert_eq(field.flags, NGHTTP2_NV_FLAG_NONE, "flags %d", field.flags);
}

Test(field, make_empty) {
  nghttp2_nv field = field_make("x", "");
  cr_assert_eq(field.namelen, 1, "name of %zu", field.namelen);
  cr_assert_eq(field.valuelen, 0, "value of %zu", field.valuelen);
}

static bool is(const char *bytes, size_t length, const char *text) {
  return field_is((const uint8_t *)bytes, length, text);
}

Test(field, is) {
  cr_assert(is(":status", 7, ":status"), "the same");
  cr_assert(is(":statusABC", 7, ":status"), "only `length` bytes count");
  cr_assert(is("", 0, ""), "both empty");
  cr_assert(is(NULL, 0, ""), "no bytes at all are empty too");
}

Test(field, is_not) {
  cr_assert_not(is(":statuS", 7, ":status"), "the last byte");
  cr_assert_not(is(":Status", 7, ":status"), "upper case");
  cr_assert_not(is(":status", 6, ":status"), "only the beginning");
  cr_assert_not(is(":status", 7, ":statu"), "more than the text");
  cr_assert_not(is(":status", 0, ":status"), "empty");
  cr_assert_not(is("x", 1, ""), "not empty");
  cr_assert_not(is("a\0b", 3, "a"), "a NUL is a byte like others");
  cr_assert_not(is("a\0b", 3, "a\0b"), "a text ends with its first NUL");
}
