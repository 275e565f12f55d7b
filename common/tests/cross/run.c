/* run: see criterion/criterion.h. The status is 0 if no test fails. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/tests/cross/criterion/criterion.h"

enum { TIMEOUT = 60, SLOWER = 10, FAILED = 70, SKIPPED = 71 };

static struct cross_test *tests;

void cross_add(struct cross_test *test) {
  test->next = tests;
  tests = test;
}

_Noreturn void cross_fail(const char *file, int line, const char *what) {
  fprintf(stderr, "%s:%d: %s\n", file, line, what);
  _exit(FAILED);
}

_Noreturn void cross_skip(const char *why) {
  fprintf(stderr, "skipped: %s\n", why);
  _exit(SKIPPED);
}

static struct cross_options options_of(const struct cross_test *test) {
  struct cross_options none = {.timeout = 0};
  for (const struct cross_test *suite = tests; suite; suite = suite->next)
    if (!suite->name && strcmp(suite->suite, test->suite) == 0)
      none = suite->options;
  struct cross_options own = test->options;
  if (!own.init)
    own.init = none.init;
  if (!own.fini)
    own.fini = none.fini;
  if (own.timeout == 0)
    own.timeout = none.timeout;
  return own;
}

static int run(const struct cross_test *test, const struct cross_options *options) {
  int status = 0;
  pid_t pid = fork();
  if (pid < 0)
    return -1;
  if (pid > 0)
    return waitpid(pid, &status, 0) == pid ? status : -1;
  alarm(SLOWER * (options->timeout ? options->timeout : TIMEOUT)); /* an emulated machine is slow */
  if (options->init)
    options->init();
  test->run();
  if (options->fini)
    options->fini();
  exit(0);
}

int main(void) {
  int number = 0;
  int failures = 0;
  setvbuf(stdout, NULL, _IONBF, 0);
  for (const struct cross_test *test = tests; test; test = test->next) {
    if (!test->name)
      continue;
    struct cross_options options = options_of(test);
    int status = run(test, &options);
    int code = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    bool skipped = code == SKIPPED;
    bool failed = !skipped && code != options.exit_code;
    failures += failed;
    printf("%s %d - %s::%s%s\n", failed ? "not ok" : "ok", ++number, test->suite, test->name,
           skipped ? " # SKIP" : "");
  }
  printf("1..%d\n", number);
  return failures > 0;
}
