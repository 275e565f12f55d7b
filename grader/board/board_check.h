/*
 * board_check: what the scoreboard says about one check.
 */
#ifndef GRADER_BOARD_CHECK_H
#define GRADER_BOARD_CHECK_H

#include <stdio.h>

#include "common/trace_print.h"
#include "grader/result/outcome.h"
#include "grader/result/run.h"

/* What every function here needs to print. */
struct board {
  FILE *out;
  const struct trace_style *style;
  const struct run *run;
  const struct outcome_list *list;
};

enum { BOARD_INDENT = 6 /* columns before an explanation */ };

#define BOARD_GREEN "\033[32m"
#define BOARD_RED   "\033[31m"
#define BOARD_BOLD  "\033[1m"
#define BOARD_DIM   "\033[2m"
#define BOARD_PLAIN "\033[0m"

/* The code, or "" without colour. */
const char *board_color(const struct board *board, const char *code);

/* A paragraph that fits, with a label before it. */
void board_text(const struct board *board, int indent, const char *label, const char *text);

/* A sign for how a check ended. */
void board_mark(const struct board *board, const struct outcome *outcome);

/* One line for a check, with what has changed since the last run. */
void board_check_line(const struct board *board, const struct outcome *outcome);

/* What is wrong, in a dozen lines. */
void board_finding(const struct board *board, const struct outcome *outcome);

/* The few frames that explain a failure, as a ladder. */
void board_excerpt(const struct board *board, const struct outcome *outcome);

/* Everything about a check: what was seen, the ladder of the whole exchange, and how to repeat it
 * by hand. */
void board_check_whole(const struct board *board, const struct outcome *outcome);

#endif
