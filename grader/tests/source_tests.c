/* The line of a TODO in a student's file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/words/source.h"

TestSuite(source, .timeout = 60);

static char path[] = "build/source-XXXXXX";

static void write_source(void) {
  static const char text[] = "int given;\n"
                             "/* --- TODO 1: first ----- */\n"
                             "int first(void) {\n"
                             "  return 1;\n"
                             "}\n"
                             "/* --- TODO 2: second ---- */\n"
                             "int second(void) {\n"
                             "  todo(2, \"do it\");\n"
                             "}\n"
                             "/* --- Given ------ */\n"
                             "int main(void) { /* not\n"
                             "  todo(1, this) */\n"
                             "  todo(4, \"and this\"); }\n";
  int file = mkstemp(path);
  cr_assert(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
  close(file);
}

static void remove_source(void) {
  unlink(path);
}

Test(source, finds_where_a_todo_is_to_be_done, .init = write_source, .fini = remove_source) {
  cr_assert(source_line_of_todo(path, 1) == 2, "a TODO that is done: its heading");
  cr_assert(source_line_of_todo(path, 2) == 8, "a TODO that is not done: its call");
  cr_assert(source_line_of_todo(path, 3) == 0);
  cr_assert(source_line_of_todo("/nonexistent.c", 1) == 0);
}

Test(source, finds_the_todo_of_a_line, .init = write_source, .fini = remove_source) {
  static const int expected[] = {0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0};
  for (int line = 1; line <= 13; line++)
    cr_assert(source_todo_of_line(path, line) == expected[line - 1], "line %d", line);
  cr_assert(source_todo_of_line(path, 14) == 0);
}

Test(source, finds_the_todo_of_a_text, .init = write_source, .fini = remove_source) {
  cr_assert(source_todo_of_text(path, "return 1") == 1);
  cr_assert(source_todo_of_text(path, "do it") == 2);
  cr_assert(source_todo_of_text(path, "(void) {") == 0, "in two TODOs");
  cr_assert(source_todo_of_text(path, "int given") == 0, "in none");
  cr_assert(source_todo_of_text(path, "not") == 0, "in a comment");
  cr_assert(source_todo_of_text("/nonexistent.c", "return") == 0);
}

Test(source, finds_the_lowest_that_is_not_done, .init = write_source, .fini = remove_source) {
  int line = 0;
  cr_assert(source_next_undone(path, 0, &line) == 2 && line == 8);
  cr_assert(source_next_undone(path, 2, &line) == 4 && line == 13);
  cr_assert(source_next_undone(path, 4, &line) == 0);
  cr_assert(source_next_undone("/nonexistent.c", 0, &line) == 0);
}

Test(source, finds_the_definition_of_a_function, .init = write_source, .fini = remove_source) {
  cr_assert(source_line_of_function(path, "first") == 3);
  cr_assert(source_line_of_function(path, "main") == 11);
  cr_assert(source_line_of_function(path, "todo") == 0, "it is only called");
  cr_assert(source_line_of_function(path, "econd") == 0, "only the end of a name");
  cr_assert(source_line_of_function("/nonexistent.c", "first") == 0);
}

Test(source, has_the_text_of_a_line, .init = write_source, .fini = remove_source) {
  char text[64];
  cr_assert(strcmp(source_text(path, 4, text, sizeof text), "return 1;") == 0);
  cr_assert(strcmp(source_text(path, 99, text, sizeof text), "") == 0);
}

Test(source, knows_where_the_sources_of_programs_are) {
  char found[256];
  cr_assert(strcmp(source_path("/x/build/labs", "lab01-session", "session", found, sizeof found),
                   "lab01-session/session.c") == 0);
  cr_assert(strcmp(source_path("build/solutions", "lab01-session", "session", found, sizeof found),
                   "lab01-session/solution/session.c") == 0);
  cr_assert(
      !source_path("grader/tests/variants/node", "lab01-session", "session", found, sizeof found));
}

Test(source, finds_its_lines, .init = write_source, .fini = remove_source) {
  struct buffer text = {0};
  cr_assert(source_lines(path, 6, 2, &text) == 0);
  cr_assert_str_eq(text.bytes, "/* --- TODO 2: second ---- */\nint second(void) {\n");
  buffer_clear(&text);
  cr_assert(source_lines(path, 13, 9, &text) == 0);
  cr_assert_str_eq(text.bytes, "  todo(4, \"and this\"); }\n", "the file ends there");
  buffer_clear(&text);
  cr_assert(source_lines("nowhere.c", 1, 1, &text) == 0 && text.length == 0);
  buffer_free(&text);
}
