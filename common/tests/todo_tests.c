/* The message of a starter for a TODO that is not done. todo ends the program: so the test looks
 * at the message when its process ends, and another status makes the test fail. */
#include "common/todo.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(todo, .timeout = 30);

static const char *expected;
static int said;           /* the output, in place of the terminal */
static int standard_error; /* the real one */

static void look(void) {
  char text[512];
  ssize_t length = pread(said, text, sizeof text - 1, 0);
  text[length < 0 ? 0 : length] = '\0';
  if (strcmp(text, expected) == 0)
    return;
  dprintf(standard_error, "todo printed:\n%s\nnot:\n%s\n", text, expected);
  _exit(99);
}

/* All output on `descriptor` from now on must be `text`. */
static void expect(int descriptor, const char *text) {
  char name[] = "/tmp/todo_tests.XXXXXX";
  said = mkstemp(name);
  cr_assert_geq(said, 0, "no temporary file");
  unlink(name);
  fflush(NULL);
  standard_error = dup(STDERR_FILENO);
  dup2(said, descriptor);
  expected = text;
  atexit(look);
}

Test(todo, names_what_and_where, .exit_code = 1) {
  expect(STDERR_FILENO, "TODO 3 is not done: submit the SETTINGS frame (tests/README.md)\n");
  todo(3, "submit the SETTINGS frame");
}

Test(todo, relative_path, .exit_code = 1) {
  expect(STDERR_FILENO,
         "TODO 3 is not done: submit the SETTINGS frame (lab01-session/README.md)\n");
  todo_stop("lab01-session/session.c", 3, "submit the SETTINGS frame");
}

Test(todo, absolute_path, .exit_code = 1) {
  expect(STDERR_FILENO, "TODO 12 is not done: 100% of it (lab02-requests/README.md)\n");
  todo_stop("/home/you/h2/lab02-requests/requests.c", 12, "100% of it");
}

Test(todo, a_bonus_has_its_lab, .exit_code = 1) {
  expect(STDERR_FILENO, "TODO 2 is not done: see it (lab04-router/bonus/grpc.md)\n");
  todo_stop("/home/you/h2/lab04-router/bonus/grpc.c", 2, "see it");
}

Test(todo, a_bonus_without_a_lab, .exit_code = 1) {
  expect(STDERR_FILENO, "TODO 2 is not done: see it (bonus/grpc.md)\n");
  todo_stop("bonus/grpc.c", 2, "see it");
}

Test(todo, path_upwards, .exit_code = 1) {
  expect(STDERR_FILENO, "TODO 1 is not done: begin (lab03-server/README.md)\n");
  todo_stop("../../lab03-server/server.c", 1, "begin");
}

Test(todo, no_folder, .exit_code = 1) {
  expect(STDERR_FILENO, "TODO 1 is not done: begin (./README.md)\n");
  todo_stop("session.c", 1, "begin");
}

/* Earlier output comes first, also if both go to the same place. */
Test(todo, after_what_was_printed, .exit_code = 1) {
  expect(STDERR_FILENO, "listening\nTODO 1 is not done: begin (tests/README.md)\n");
  dup2(said, STDOUT_FILENO);
  printf("listening\n");
  todo(1, "begin");
}

Test(todo, nothing_on_standard_output, .exit_code = 1) {
  expect(STDOUT_FILENO, "");
  todo(1, "begin (this line is expected here)");
}
