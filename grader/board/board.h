/*
 * board: the scoreboard on the terminal.
 */
#ifndef GRADER_BOARD_H
#define GRADER_BOARD_H

#include <stdio.h>

#include "common/trace_print.h"
#include "grader/result/outcome.h"
#include "grader/result/run.h"

/* Print the scores of the requested labs, with each check, the findings of the first failed checks,
 * and what to do next. */
void board_print(FILE *out, const struct trace_style *style, const struct run *run,
                 struct outcome_list *list);

/* Print everything about one check, with the ladder of the whole exchange, and how to repeat it by
 * hand. */
void board_print_check(FILE *out, const struct trace_style *style, const struct run *run,
                       const struct outcome_list *list, const struct outcome *outcome);

#endif
