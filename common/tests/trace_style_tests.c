/* The styles of a ladder: colour, line drawing, width. */
#include <criterion/criterion.h>
#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/trace_print.h"

TestSuite(trace_style, .timeout = 30);

/* An environment in which everything is allowed. */
static void set_environment(void) {
  unsetenv("NO_COLOR");
  unsetenv("COLUMNS");
  unsetenv("LC_ALL");
  unsetenv("LC_CTYPE");
  setenv("TERM", "xterm", 1);
  setenv("LANG", "en_US.UTF-8", 1);
}

/* A terminal of 97 columns. */
static FILE *open_terminal(int *other) {
  static const struct winsize size = {.ws_row = 24, .ws_col = 97};
  int terminal;
  cr_assert_eq(openpty(other, &terminal, NULL, NULL, &size), 0, "no terminal");
  return fdopen(terminal, "w");
}

Test(trace_style, file) {
  FILE *out = tmpfile();
  set_environment();
  struct trace_style style = trace_style_for(out);
  cr_assert_not(style.color, "colour in a file");
  cr_assert_eq(style.width, 80, "%d columns", style.width);
  setenv("COLUMNS", "133", 1);
  cr_assert_eq(trace_style_for(out).width, 133, "not as wide as COLUMNS");
  setenv("COLUMNS", "9", 1);
  cr_assert_eq(trace_style_for(out).width, 20, "narrower than 20");
  setenv("COLUMNS", "wide", 1);
  cr_assert_eq(trace_style_for(out).width, 80, "a width from a word");
  fclose(out);
}

Test(trace_style, terminal) {
  int other;
  FILE *out = open_terminal(&other);
  set_environment();
  setenv("COLUMNS", "133", 1);
  struct trace_style style = trace_style_for(out);
  cr_assert(style.color, "no colour on a terminal");
  cr_assert_eq(style.width, 97, "%d columns", style.width);
  setenv("NO_COLOR", "", 1);
  cr_assert(trace_style_for(out).color, "an empty NO_COLOR must not count");
  setenv("NO_COLOR", "1", 1);
  cr_assert_not(trace_style_for(out).color, "colour in spite of NO_COLOR");
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  cr_assert_not(trace_style_for(out).color, "colour on a dumb terminal");
  unsetenv("TERM");
  cr_assert_not(trace_style_for(out).color, "colour on an unknown terminal");
  fclose(out);
  close(other);
}

static void expect_unicode(const char *name, const char *value, bool expected) {
  setenv(name, value, 1);
  cr_assert_eq(trace_style_for(stdout).unicode, expected, "%s=%s", name, value);
}

/* The first variable that is set and not empty decides. */
Test(trace_style, locale) {
  set_environment();
  expect_unicode("LANG", "C", false);
  expect_unicode("LANG", "de_DE.utf8", true);
  expect_unicode("LANG", "C.UTF-8", true);
  expect_unicode("LC_CTYPE", "", true);
  expect_unicode("LC_CTYPE", "de_DE.ISO-8859-1", false);
  expect_unicode("LC_ALL", "C.UTF-8", true);
  expect_unicode("LC_ALL", "POSIX", false);
  unsetenv("LC_ALL");
  unsetenv("LC_CTYPE");
  unsetenv("LANG");
  cr_assert_not(trace_style_for(stdout).unicode, "line drawing without any locale");
}
