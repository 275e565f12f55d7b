/*
 * board: the scoreboard on the terminal.
 */
#ifndef GRADER_BOARD_H
#define GRADER_BOARD_H

#include <stdio.h>

#include "common/trace.h"
#include "grader/result/outcome.h"
#include "grader/result/progress.h"

/* What the grader was asked for, and found before any check ran. */
struct board_run {
  const char *programs; /* the folder with the programs */
  const char *seed;
  const char *only_check; /* NULL: all */
  bool selected[16];      /* by lab: it was asked for */
  bool missing[16];       /* by lab: it has no program */
  double seconds;         /* how long the checks took */
  const json_t *progress; /* how checks ended before this run; NULL if nothing is known */
};

/* Print the scores of the labs that were asked for, with each check and what is wrong with the first ones
 * that failed, and what to do next. */
void board_print(FILE *out, const struct trace_style *style, const struct board_run *run,
                 struct outcome_list *list);

/* Write, for each lab that was asked for and is not full, into directory/labNN which program and which TODO are next, for
 * `make hint`: "requests 2". Returns 0 or -1. */
int board_write_next(const char *directory, const struct board_run *run,
                     const struct outcome_list *list);

/* One check only: everything about it, with the ladder of the whole exchange, and how to repeat it by hand. */
void board_print_check(FILE *out, const struct trace_style *style, const struct board_run *run,
                       const struct outcome_list *list, const struct outcome *outcome);

#endif
