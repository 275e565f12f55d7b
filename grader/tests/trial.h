/*
 * trial: a program on a loop of its own, for tests of programs.
 *
 * A mark in its environment, which it can hardly get rid of, tells its processes
 * from all others, its guard among them: so what remains can be found. A trial that
 * takes too long fails the test.
 */
#ifndef GRADER_TESTS_TRIAL_H
#define GRADER_TESTS_TRIAL_H

#include "grader/sandbox/program.h"

enum { TRIAL_SECONDS = 20, TRIAL_WORDS = 8 };

struct trial {
  uv_loop_t loop;
  uv_timer_t tick; /* that conditions are looked at even if nothing happens */
  char mark[64];
  const char *guard;                   /* build/grader/guard, unless a test wants another */
  const char *environment[8];          /* added to the mark */
  const struct program_limits *limits; /* NULL for the default ones */
  struct program *program;
  char directory[4096];
  int changes; /* how often on_change was called */
};

void trial_begin(struct trial *trial);

/* Start a hostile program, "NAME ARGUMENT ...", or, if it begins with '/' or '.', that program. */
void trial_start(struct trial *trial, const char *words);

/* Run the loop until this is true. */
void trial_await(struct trial *trial, bool (*condition)(struct trial *trial));
void trial_await_end(struct trial *trial);
void trial_await_output(struct trial *trial, const char *text);
void trial_await_idle(struct trial *trial, double seconds);
void trial_run_for(struct trial *trial, double seconds);

/* That it ended thus; `text` may be NULL. */
void trial_expect(const struct trial *trial, enum program_end end, int code, const char *text);
void trial_expect_output(const struct trial *trial, const char *text);

/* How many processes with the mark there are: the program's, and its guard. */
int trial_count_processes(const struct trial *trial);

/* That no process and no directory is left, or will be in a moment. */
void trial_expect_nothing_left(struct trial *trial);

/* Free the program, and expect nothing to be left. */
void trial_end(struct trial *trial);

/* Start, wait for the end, expect, end. */
void trial_run(const char *words, const struct program_limits *limits, enum program_end end,
               int code, const char *text);

#endif
