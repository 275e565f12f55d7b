/*
 * gradescope: build/grade/results.json, in the format that Gradescope reads.
 * https://gradescope-autograders.readthedocs.io/en/latest/specs/
 */
#ifndef GRADER_GRADESCOPE_H
#define GRADER_GRADESCOPE_H

#include "grader/result/outcome.h"
#include "grader/result/run.h"

/* Write the results to `path`. Returns 0; or -1, and then it has written nothing or a part. */
int gradescope_write(const char *path, const struct run *run, const struct outcome_list *list);

#endif
