/* trial: see trial.h. */
#include "grader/tests/trial.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const double tick_seconds = 0.01;

static void on_tick(uv_timer_t *timer) {
  (void)timer;
}

void trial_begin(struct trial *trial) {
  unsigned long number;
  memset(trial, 0, sizeof *trial);
  cr_assert_eq(getrandom(&number, sizeof number, 0), (ssize_t)sizeof number, "getrandom");
  snprintf(trial->mark, sizeof trial->mark, "TRIAL=%d-%lx", (int)getpid(), number);
  trial->guard = "build/grader/guard";
  trial->environment[0] = trial->mark;
  cr_assert_eq(uv_loop_init(&trial->loop), 0, "uv_loop_init");
  cr_assert_eq(uv_timer_init(&trial->loop, &trial->tick), 0, "uv_timer_init");
  cr_assert_eq(uv_timer_start(&trial->tick, on_tick, (uint64_t)(tick_seconds * 1e3),
                              (uint64_t)(tick_seconds * 1e3)),
               0, "uv_timer_start");
}

static void on_change(struct program *program, void *user) {
  struct trial *trial = user;
  cr_assert(trial->program == NULL || program == trial->program, "on_change got another program");
  trial->changes++;
}

void trial_start(struct trial *trial, const char *words) {
  char text[4096];
  char path[4096];
  const char *argv[TRIAL_WORDS] = {NULL};
  size_t count = 0;
  snprintf(text, sizeof text, "%s", words);
  char *rest = NULL;
  for (char *word = strtok_r(text, " ", &rest); word != NULL && count < TRIAL_WORDS - 1;
       word = strtok_r(NULL, " ", &rest))
    argv[count++] = word;
  if (words[0] != '/' && words[0] != '.') {
    snprintf(path, sizeof path, "build/tests/hostile/%s", argv[0]);
    argv[0] = path;
  }
  trial->program = program_start(&trial->loop, trial->guard, argv, trial->environment,
                                 trial->limits, on_change, trial);
  cr_assert_not_null(trial->program, "%s did not start: %s", words, strerror(errno));
  snprintf(trial->directory, sizeof trial->directory, "%s", program_directory(trial->program));
}

/* --- waiting ---------------------------------------------------------------------------------- */

static double seconds_now(void) {
  return (double)uv_hrtime() / 1e9;
}

void trial_await(struct trial *trial, bool (*condition)(struct trial *trial)) {
  double deadline = seconds_now() + TRIAL_SECONDS;
  while (!condition(trial)) {
    uv_run(&trial->loop, UV_RUN_ONCE);
    cr_assert_lt(seconds_now(), deadline, "waited in vain; it %s, stdout \"%.100s\", idle %g s",
                 program_end_text(trial->program), program_stdout(trial->program, NULL),
                 program_idle(trial->program));
  }
}

static bool has_ended(struct trial *trial) {
  return program_ended(trial->program);
}

void trial_await_end(struct trial *trial) {
  trial_await(trial, has_ended);
}

void trial_await_output(struct trial *trial, const char *text) {
  double deadline = seconds_now() + TRIAL_SECONDS;
  while (strstr(program_stdout(trial->program, NULL), text) == NULL) {
    cr_assert(seconds_now() < deadline && !program_ended(trial->program), "never printed \"%s\"",
              text);
    uv_run(&trial->loop, UV_RUN_ONCE);
  }
}

void trial_await_idle(struct trial *trial, double seconds) {
  double deadline = seconds_now() + TRIAL_SECONDS;
  while (program_idle(trial->program) < seconds) {
    cr_assert(seconds_now() < deadline && !program_ended(trial->program), "was never idle");
    uv_run(&trial->loop, UV_RUN_ONCE);
  }
}

void trial_run_for(struct trial *trial, double seconds) {
  for (double end = seconds_now() + seconds; seconds_now() < end;)
    uv_run(&trial->loop, UV_RUN_ONCE);
}

/* --- expectations ----------------------------------------------------------------------------- */

void trial_expect(const struct trial *trial, enum program_end end, int code, const char *text) {
  int seen_code = -1;
  enum program_end seen = program_end(trial->program, &seen_code);
  const char *seen_text = program_end_text(trial->program);
  cr_assert_eq(seen, end, "end %d, not %d: it %s", (int)seen, (int)end, seen_text);
  cr_assert_eq(seen_code, code, "code %d, not %d: it %s", seen_code, code, seen_text);
  if (text != NULL)
    cr_assert_str_eq(seen_text, text, "\"%s\", not \"%s\"", seen_text, text);
}

void trial_expect_output(const struct trial *trial, const char *text) {
  size_t length;
  const char *seen = program_stdout(trial->program, &length);
  cr_assert_str_eq(seen, text, "stdout is \"%s\", not \"%s\"", seen, text);
  cr_assert_eq(length, strlen(text), "stdout has %zu bytes", length);
}

static bool has_mark(const char *pid, const char *mark) {
  char path[300];
  char text[65536];
  snprintf(path, sizeof path, "/proc/%s/environ", pid);
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return false;
  size_t length = fread(text, 1, sizeof text, file);
  fclose(file);
  return memmem(text, length, mark, strlen(mark)) != NULL;
}

int trial_count_processes(const struct trial *trial) {
  int count = 0;
  DIR *directory = opendir("/proc");
  cr_assert_not_null(directory, "/proc");
  for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
    count +=
        entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && has_mark(entry->d_name, trial->mark);
  closedir(directory);
  return count;
}

void trial_expect_nothing_left(struct trial *trial) {
  double deadline = seconds_now() + TRIAL_SECONDS;
  while (trial_count_processes(trial) > 0 || access(trial->directory, F_OK) == 0) {
    cr_assert_lt(seconds_now(), deadline, "%d processes are left; the directory %s",
                 trial_count_processes(trial), access(trial->directory, F_OK) == 0 ? "too" : "not");
    uv_run(&trial->loop, UV_RUN_ONCE);
  }
}

void trial_end(struct trial *trial) {
  program_free(trial->program);
  cr_assert_eq(trial_count_processes(trial), 0, "%d processes are left",
               trial_count_processes(trial));
  cr_assert_neq(access(trial->directory, F_OK), 0, "%s is left", trial->directory);
  uv_close((uv_handle_t *)&trial->tick, NULL);
  while (uv_run(&trial->loop, UV_RUN_ONCE) != 0)
    continue;
  cr_assert_eq(uv_loop_close(&trial->loop), 0, "a handle is left");
}

void trial_run(const char *words, const struct program_limits *limits, enum program_end end,
               int code, const char *text) {
  struct trial trial;
  trial_begin(&trial);
  trial.limits = limits;
  trial_start(&trial, words);
  trial_await_end(&trial);
  trial_expect(&trial, end, code, text);
  trial_end(&trial);
}
