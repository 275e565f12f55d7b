/* What a check says of a program that is without the probe. */
#include "grader/play/exchange.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/play/check_run.h"
#include "grader/play/standing.h"

TestSuite(exchange, .timeout = 60);

static const struct check check = {.lab = "lab01", .id = "calls_fail"};
static struct exchange exchange;

/* Start a hostile program, which has no probe, in place of lab 1's. */
static void start(char folder[64], const char *hostile, const char *argument) {
  char path[128], program[4096];
  snprintf(folder, 64, "/tmp/exchange-XXXXXX");
  cr_assert_not_null(mkdtemp(folder));
  cr_assert_eq(chmod(folder, 0755), 0);
  snprintf(path, sizeof path, "build/tests/hostile/%s", hostile);
  cr_assert_not_null(realpath(path, program), "%s", path);
  snprintf(path, sizeof path, "%s/lab01-session", folder);
  cr_assert_eq(mkdir(path, 0755), 0);
  snprintf(path, sizeof path, "%s/lab01-session/session", folder);
  cr_assert_eq(symlink(program, path), 0);
  cr_assert_eq(setenv(CHECK_PROGRAMS, folder, 1), 0);
  cr_assert_eq(setenv(CHECK_GUARD, "build/grader/guard", 1), 0);
  cr_assert_eq(exchange_init(&exchange, &check), 0);
  exchange_start(&exchange, "session", argument, NULL);
}

static void end(const char *folder) {
  char path[128];
  exchange_free(&exchange);
  snprintf(path, sizeof path, "%s/lab01-session/session", folder);
  cr_assert_eq(unlink(path), 0);
  snprintf(path, sizeof path, "%s/lab01-session", folder);
  cr_assert_eq(rmdir(path), 0);
  cr_assert_eq(rmdir(folder), 0);
}

static void expect_finding(const char *hostile, const char *argument, bool waits, const char *id,
                           const char *seen) {
  char folder[64];
  start(folder, hostile, argument);
  if (setjmp(exchange.stop) == 0) {
    if (waits)
      exchange_await_end(&exchange);
    else
      exchange.deadline = 0;
    (void)exchange_expect_failed_call(&exchange);
    cr_assert_fail("it found nothing");
  }
  standing_tell(&exchange);
  cr_assert_str_eq(exchange.finding.id, id, "%s: %s", hostile, exchange.finding.id);
  cr_assert(strstr(exchange.finding.seen.bytes, seen), "%s: %s", hostile,
            exchange.finding.seen.bytes);
  end(folder);
}

Test(exchange, blames_for_the_probe_who_ends_without_it) {
  expect_finding("mute", "exit", true, "probe-switched-off", "no such file");
}

Test(exchange, blames_nobody_for_the_probe_who_was_stopped) {
  expect_finding("loop", NULL, false, "program-does-not-end", "runs on and on");
}

Test(exchange, blames_nobody_for_the_probe_who_was_killed) {
  expect_finding("signal", "9", true, "ends-not-by-itself", "SIGKILL");
}

/* Each program has its own time, if the one before has ended by itself. */
Test(exchange, gives_each_program_its_time) {
  char folder[64];
  start(folder, "mute", "exit");
  cr_assert(setjmp(exchange.stop) == 0, "%s", exchange.finding.id);
  exchange_await_end(&exchange);
  double used_up = recording_clock();
  exchange.deadline = used_up;
  exchange_start(&exchange, "session", "exit", NULL);
  cr_assert_gt(exchange.deadline, used_up + 10e3);
  exchange_await_end(&exchange);
  end(folder);
}
