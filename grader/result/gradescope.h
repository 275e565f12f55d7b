/*
 * results: build/grade/results.json, in the format that Gradescope reads.
 * https://gradescope-autograders.readthedocs.io/en/latest/specs/
 */
#ifndef GRADER_RESULTS_H
#define GRADER_RESULTS_H

#include "grader/board/board.h"
#include "grader/result/outcome.h"

/* Write it to `path`. Returns 0, or -1 with nothing written or a part of it. */
int results_write(const char *path, const struct board_run *run, const struct outcome_list *list);

#endif
