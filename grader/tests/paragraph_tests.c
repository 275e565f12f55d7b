/* Text in lines that fit the terminal. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/board/paragraph.h"

TestSuite(paragraph, .timeout = 60);

/* Expect a printing function to print this text. */
#define EXPECT(expected, ...)                                                                      \
  do {                                                                                             \
    char *text = NULL;                                                                             \
    size_t size = 0;                                                                               \
    FILE *out = open_memstream(&text, &size);                                                      \
    __VA_ARGS__;                                                                                   \
    fclose(out);                                                                                   \
    cr_assert(strcmp(text, expected) == 0, "printed is\n%s", text);                                \
    free(text);                                                                                    \
  } while (0)

Test(paragraph, breaks_between_words) {
  EXPECT("see: one two\n     three\n", paragraph_print(out, 13, 0, "see: ", "one two three"));
  EXPECT("  - one two\n    three four\n", paragraph_print(out, 14, 2, "- ", "one two three four"));
}

Test(paragraph, breaks_a_word_that_is_longer_than_a_line) {
  EXPECT("aaaaaaaa\naaaa bb\n", paragraph_print(out, 8, 0, "", "aaaaaaaaaaaa bb"));
}

Test(paragraph, counts_columns_and_not_octets) {
  cr_assert(paragraph_columns("ä→b", strlen("ä→b")) == 3);
  EXPECT("äöü äö\nü\n", paragraph_print(out, 6, 0, "", "äöü äö ü"));
  EXPECT("ääää\nää\n", paragraph_print(out, 4, 0, "", "ääääää"));
}

Test(paragraph, keeps_lines_apart_and_what_they_begin_with) {
  EXPECT("  one\n    two\n    three\n", paragraph_lines(out, 9, 2, "one\n  two three\n"));
}

Test(paragraph, prints_an_empty_text) {
  EXPECT("x: \n", paragraph_print(out, 20, 0, "x: ", ""));
  EXPECT("", paragraph_lines(out, 20, 0, ""));
}
