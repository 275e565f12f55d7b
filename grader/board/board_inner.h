/*
 * board_inner: what board.c, board_check.c and page_data.c share; of no use to others.
 */
#ifndef GRADER_BOARD_INNER_H
#define GRADER_BOARD_INNER_H

#include "grader/board/board.h"

/* What everything here prints with. */
struct board {
  FILE *out;
  const struct trace_style *style;
  const struct board_run *run;
  const struct outcome_list *list;
};

#define BOARD_GREEN "\033[32m"
#define BOARD_RED   "\033[31m"
#define BOARD_BOLD  "\033[1m"
#define BOARD_DIM   "\033[2m"
#define BOARD_PLAIN "\033[0m"

/* The code, or "" where there is no colour. */
const char *board_color(const struct board *board, const char *code);

/* A paragraph that fits, with a label before it. */
void board_text(const struct board *board, int indent, const char *label, const char *text);

/* A sign for how it ended. */
void board_mark(const struct board *board, const struct outcome *outcome);

/* One line for a check, and what has changed since the last run. */
void board_check_line(const struct board *board, const struct outcome *outcome);

/* What is wrong, in a dozen lines. */
void board_finding(const struct board *board, const struct outcome *outcome);

/* The TODO that a failure belongs to: as outcome_todo says; but where nothing points to a place in the student's file, by the
 * known mistakes of the same program that say the same in this check. 0 if to none. */
int board_todo(const struct board *board, const struct outcome *outcome);

/* "TODO 4 at lab01-session/session.c:120" */
void board_todo_text(const struct board *board, const struct outcome *outcome, char *text,
                     size_t size);

#endif
