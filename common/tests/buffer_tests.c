/* Growing byte buffers. */
#include "common/buffer.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/tests/failing.h"

TestSuite(buffer, .timeout = 30);

static void expect(const struct buffer *buffer, const void *bytes, size_t length) {
  cr_assert_eq(buffer->length, length, "%zu bytes, not %zu", buffer->length, length);
  cr_assert_not_null(buffer->bytes, "no bytes");
  cr_assert_arr_eq(buffer->bytes, bytes, length, "other bytes");
  cr_assert_eq(buffer->bytes[length], '\0', "no NUL after them");
  cr_assert_gt(buffer->size, length, "no place for the NUL");
}

Test(buffer, zeroed_is_empty) {
  struct buffer buffer = {0};
  cr_assert_eq(buffer_print(&buffer, stdout), 0, "not printed");
  buffer_clear(&buffer);
  cr_assert(!buffer.bytes && buffer.length == 0 && buffer.size == 0, "clear has changed it");
  buffer_free(&buffer);
  buffer_free(&buffer);
}

Test(buffer, append) {
  struct buffer buffer = {0};
  cr_assert_eq(buffer_append(&buffer, "one", 3), 0, "no memory");
  expect(&buffer, "one", 3);
  cr_assert_eq(buffer_append(&buffer, "\0two\0", 5), 0, "no memory");
  expect(&buffer, "one\0two\0", 8);
  cr_assert_eq(buffer_append_text(&buffer, "three"), 0, "no memory");
  expect(&buffer, "one\0two\0three", 13);
  buffer_free(&buffer);
}

Test(buffer, append_nothing) {
  struct buffer buffer = {0};
  cr_assert_eq(buffer_append(&buffer, NULL, 0), 0, "refused");
  cr_assert_eq(buffer_append_text(&buffer, ""), 0, "refused");
  expect(&buffer, "", 0);
  cr_assert_eq(buffer_append_text(&buffer, "x"), 0, "no memory");
  cr_assert_eq(buffer_append(&buffer, NULL, 0), 0, "refused");
  expect(&buffer, "x", 1);
  buffer_free(&buffer);
}

/* Append byte by byte, past every size of the buffer, which must grow seldom. */
Test(buffer, growth) {
  struct buffer buffer = {0};
  char expected[20000];
  size_t grown = 0;
  for (size_t i = 0; i < sizeof expected; i++) {
    size_t size = buffer.size;
    expected[i] = (char)(i * 31 >> 3);
    cr_assert_eq(buffer_append(&buffer, &expected[i], 1), 0, "no memory");
    cr_assert_eq(buffer.bytes[i + 1], '\0', "no NUL after %zu bytes", i + 1);
    grown += buffer.size != size;
  }
  expect(&buffer, expected, sizeof expected);
  cr_assert_leq(grown, 30, "it grew %zu times", grown);
  buffer_free(&buffer);
}

Test(buffer, large) {
  enum { LENGTH = 1000000 };
  char *bytes = malloc(LENGTH);
  cr_assert_not_null(bytes, "no memory");
  memset(bytes, 'x', LENGTH);
  struct buffer buffer = {0};
  cr_assert_eq(buffer_append(&buffer, bytes, LENGTH), 0, "no memory");
  expect(&buffer, bytes, LENGTH);
  free(bytes);
  buffer_free(&buffer);
}

Test(buffer, clear_keeps_the_memory) {
  struct buffer buffer = {0};
  buffer_append_text(&buffer, "something");
  const char *bytes = buffer.bytes;
  size_t size = buffer.size;
  buffer_clear(&buffer);
  expect(&buffer, "", 0);
  buffer_append_text(&buffer, "else");
  expect(&buffer, "else", 4);
  cr_assert(buffer.bytes == bytes && buffer.size == size, "other memory");
  buffer_free(&buffer);
  cr_assert(!buffer.bytes && buffer.length == 0 && buffer.size == 0, "not empty after buffer_free");
}

Test(buffer, too_much_is_refused) {
  struct buffer buffer = {0};
  cr_assert_eq(buffer_append(&buffer, "x", SIZE_MAX), -1, "taken");
  cr_assert_null(buffer.bytes, "changed");
  buffer_append_text(&buffer, "kept");
  const struct buffer before = buffer;
  static const size_t lengths[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4, SIZE_MAX - 5,
                                   SIZE_MAX / 2};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    cr_assert_eq(buffer_append(&buffer, "x", lengths[i]), -1, "taken: %zu", lengths[i]);
    cr_assert_arr_eq(&buffer, &before, sizeof buffer, "changed");
  }
  expect(&buffer, "kept", 4);
  buffer_free(&buffer);
}

Test(buffer, no_memory) {
  struct buffer buffer = {0};
  failing_start(1);
  int result = buffer_append_text(&buffer, "x");
  cr_assert(failing_stop(), "nothing was allocated");
  cr_assert_eq(result, -1, "taken without memory");
  cr_assert(!buffer.bytes && buffer.length == 0 && buffer.size == 0, "changed");

  buffer_append_text(&buffer, "kept");
  const struct buffer before = buffer;
  static const char more[1000];
  failing_start(1);
  result = buffer_append(&buffer, more, sizeof more);
  cr_assert(failing_stop(), "nothing was allocated");
  cr_assert_eq(result, -1, "taken without memory");
  cr_assert_arr_eq(&buffer, &before, sizeof buffer, "changed");
  expect(&buffer, "kept", 4);
  buffer_free(&buffer);
}

Test(buffer, print) {
  char *printed = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&printed, &length);
  cr_assert_not_null(out, "no memory");
  struct buffer buffer = {0};
  buffer_append(&buffer, "a\0b\n", 4);
  cr_assert_eq(buffer_print(&buffer, out), 0, "not printed");
  cr_assert_eq(buffer_print(&buffer, out), 0, "not printed");
  fclose(out);
  cr_assert_eq(length, 8, "%zu bytes", length);
  cr_assert_arr_eq(printed, "a\0b\na\0b\n", 8, "other bytes");
  free(printed);
  buffer_free(&buffer);
}

Test(buffer, print_fails) {
  FILE *full = fopen("/dev/full", "w");
  cr_assert_not_null(full, "no /dev/full");
  setbuf(full, NULL);
  struct buffer buffer = {0};
  buffer_append_text(&buffer, "x");
  cr_assert_eq(buffer_print(&buffer, full), -1, "printed to a device that takes nothing");
  buffer_clear(&buffer);
  cr_assert_eq(buffer_print(&buffer, full), 0, "printing no bytes failed");
  fclose(full);
  buffer_free(&buffer);
}
