/* Bytes as text, and back. */
#include "common/octets.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(octets, .timeout = 30);

static const enum octets_form forms[] = {OCTETS_TEXT, OCTETS_LINE};

static void expect(const void *bytes, size_t length, enum octets_form form, const char *text) {
  struct buffer written = {0};
  struct buffer read = {0};
  cr_assert_eq(octets_append(&written, bytes, length, form), 0, "no memory");
  const char *seen = written.bytes ? written.bytes : "";
  if (text)
    cr_assert_str_eq(seen, text, "%s, not %s", seen, text);
  cr_assert_eq(octets_read(&read, seen), 0, "%s cannot be read", seen);
  cr_assert_eq(read.length, length, "%zu bytes, not %zu, of %s", read.length, length, seen);
  cr_assert(length == 0 || memcmp(read.bytes, bytes, length) == 0, "other bytes: %s", seen);
  buffer_free(&written);
  buffer_free(&read);
}

Test(octets, text) {
  expect("", 0, OCTETS_TEXT, "");
  expect("plain \n\t\"text\"", 14, OCTETS_TEXT, "plain \n\t\"text\"");
  expect("\xc3\xa9\xe2\x82\xac", 5, OCTETS_TEXT, "\xc3\xa9\xe2\x82\xac");
  expect("\\xff", 4, OCTETS_TEXT, "\\\\xff");
  expect("\xff", 1, OCTETS_TEXT, "\\xff");
  expect("\0\r\033[2J\x7f", 7, OCTETS_TEXT, "\\x00\\r\\x1b[2J\\x7f");
  expect("\xc2\x9b"
         "2J",
         4, OCTETS_TEXT, "\\xc2\\x9b2J"); /* CSI, as one character */
  /* NOLINTNEXTLINE(misc-misleading-bidirectional): you read escapes */
  expect("\xe2\x80\xae", 3, OCTETS_TEXT, "\\xe2\\x80\\xae"); /* from right to left */
  expect("\xed\xa0\x80", 3, OCTETS_TEXT, "\\xed\\xa0\\x80"); /* a surrogate */
  expect("\xc0\x80", 2, OCTETS_TEXT, "\\xc0\\x80");          /* longer than necessary */
  expect("\xe2\x82", 2, OCTETS_TEXT, "\\xe2\\x82");          /* cut off */
}

Test(octets, line) {
  expect("a b~", 4, OCTETS_LINE, "a b~");
  expect("one\ntwo\r\n\t\\", 11, OCTETS_LINE, "one\\ntwo\\r\\n\\t\\\\");
  expect("\x80\x9f\xff\0", 4, OCTETS_LINE, "\\x80\\x9f\\xff\\x00");
  expect("\xc3\xa9", 2, OCTETS_LINE, "\\xc3\\xa9");
}

/* A path in a log: C1 controls (0x80 to 0x9f, also as UTF-8) drive terminals. */
Test(octets, print) {
  char *printed;
  size_t length;
  FILE *out = open_memstream(&printed, &length);
  cr_assert_not_null(out, "no memory");
  octets_print(out, "/a\x80\x9b"
                    "2J\x9f\xc2\x9b?\\\033[m");
  cr_assert_eq(fclose(out), 0, "no memory");
  cr_assert_str_eq(printed, "/a\\x80\\x9b2J\\x9f\\xc2\\x9b?\\\\\\x1b[m");
  free(printed);
}

/* Every sequence of two bytes, and many longer ones. */
Test(octets, round_trip) {
  for (unsigned pair = 0; pair < 65536; pair++) {
    const unsigned char bytes[] = {(unsigned char)(pair >> 8), (unsigned char)pair};
    for (size_t form = 0; form < 2; form++)
      expect(bytes, sizeof bytes, forms[form], NULL);
  }
  srand(4711);
  for (int i = 0; i < 5000; i++) {
    unsigned char bytes[24];
    for (size_t n = 0; n < sizeof bytes; n++)
      bytes[n] = (unsigned char)(rand() % 3 ? rand() : "\\nrtx0f\xe2\x82\xac"[rand() % 10]);
    expect(bytes, (size_t)rand() % sizeof bytes, forms[i % 2], NULL);
  }
}

Test(octets, nothing_is_printed_that_acts) {
  for (unsigned octet = 0; octet < 256; octet++) {
    char piece[OCTETS_PIECE];
    const unsigned char byte = (unsigned char)octet;
    cr_assert_eq(octets_piece(piece, &byte, 1, OCTETS_LINE), 1, "not one byte");
    for (const char *c = piece; *c; c++)
      cr_assert(*c >= ' ' && *c <= '~', "0x%02x is printed as 0x%02x", octet, (unsigned char)*c);
  }
}

Test(octets, what_is_no_such_text) {
  static const char *const texts[] = {"\\",   "a\\",   "\\q",   "\\x",
                                      "\\x4", "\\x4g", "\\xFF", "ok \\x0"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct buffer read = {0};
    cr_assert_eq(buffer_append_text(&read, "kept"), 0, "no memory");
    cr_assert_eq(octets_read(&read, texts[i]), -1, "octets_read accepts %s", texts[i]);
    cr_assert_str_eq(read.bytes, "kept", "%s has changed the buffer", texts[i]);
    buffer_free(&read);
  }
}
