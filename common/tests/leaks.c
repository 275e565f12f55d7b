/*
 * leaks: no test passes whose process did not end cleanly.
 *
 * Criterion judges a test when its function returns, and does not look at the end of its process:
 * AddressSanitizer finds leaks only at exit, and then makes the status 1. And a test that calls
 * exit(0) half-way counts as passed, though it asserted only half of what it should. This file
 * looks for both, once all tests have ended, and makes them failures. It is linked with every
 * program of tests.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/stats.h>
#include <stdbool.h>
#include <stdio.h>

/* The problem with the end of a test that Criterion passed, or NULL. */
static const char *bad_end(const struct criterion_test_stats *test) {
  if (test->test_status != CR_STATUS_PASSED) {
    return NULL;
  }
  if (test->exit_code != test->test->data->exit_code) {
    return "its process failed after the test: see the leaks above";
  }
  /* Criterion measures the time from the start of the test to its return. */
  if (test->elapsed_time <= 0 && test->exit_code == 0 && test->signal == 0) {
    return "its process ended before the test did";
  }
  return NULL;
}

/* Set only in the process that runs the tests, not in that of a test. */
static bool is_runner;

/* AddressSanitizer asks this at exit. Leaks of Criterion itself while it runs the
 * tests are not ours. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
  return is_runner;
}

ReportHook(POST_ALL)(struct criterion_global_stats *all) {
  is_runner = true;
  for (struct criterion_suite_stats *suite = all->suites; suite != NULL; suite = suite->next) {
    for (struct criterion_test_stats *test = suite->tests; test != NULL; test = test->next) {
      const char *reason = bad_end(test);
      if (reason == NULL) {
        continue;
      }
      fprintf(stderr, "[FAIL] %s::%s: %s\n", suite->suite->name, test->test->name, reason);
      test->test_status = CR_STATUS_FAILED;
      suite->tests_passed--;
      suite->tests_failed++;
      all->tests_passed--;
      all->tests_failed++;
    }
  }
}
