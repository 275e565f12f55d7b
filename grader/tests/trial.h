/*
 * trial: a program on a loop of its own, for tests of programs.
 *
 * A mark in the environment, which a program can hardly remove, tells the processes of a trial
 * (the guard's too) from all others, so that tests can find the processes that remain. A trial
 * that takes too long fails the test.
 */
#ifndef GRADER_TESTS_TRIAL_H
#define GRADER_TESTS_TRIAL_H

#include "grader/sandbox/program.h"

enum { TRIAL_SECONDS = 20, TRIAL_WORDS = 8 };

struct trial {
  uv_loop_t loop;
  uv_timer_t tick; /* looks at conditions even if nothing happens */
  char mark[64];
  const char *guard;                   /* build/grader/guard, unless a test wants another */
  const char *environment[8];          /* besides the mark */
  const struct program_limits *limits; /* NULL for the default ones */
  struct program *program;
  char directory[4096];
  int changes; /* how often on_change was called */
};

void trial_begin(struct trial *trial);

/* Start a hostile program, "NAME ARGUMENT ..."; a name that begins with '/' or '.' is a path. */
void trial_start(struct trial *trial, const char *words);

/* Run the loop until this is true. */
void trial_await(struct trial *trial, bool (*condition)(struct trial *trial));
void trial_await_end(struct trial *trial);
void trial_await_output(struct trial *trial, const char *text);
void trial_await_idle(struct trial *trial, double seconds);
void trial_run_for(struct trial *trial, double seconds);

/* Expect the program to have ended like this; `text` may be NULL. */
void trial_expect(const struct trial *trial, enum program_end end, int code, const char *text);
void trial_expect_output(const struct trial *trial, const char *text);

/* How many processes have the mark: those of the program, and its guard. */
int trial_count_processes(const struct trial *trial);

/* Expect that in a moment no process and no directory is left. */
void trial_expect_nothing_left(struct trial *trial);

/* Free the program, and expect that nothing is left. */
void trial_end(struct trial *trial);

/* Start a program, wait for its end, expect this end, and free it. */
void trial_run(const char *words, const struct program_limits *limits, enum program_end end,
               int code, const char *text);

#endif
