/*
 * score: the points of a run in a course, in words; the page shows them too.
 */
#ifndef GRADER_SCORE_H
#define GRADER_SCORE_H

#include "grader/result/outcome.h"
#include "grader/result/run.h"

enum { SCORE_TEXT = 256 };

/* "22.5 of 37.5 points in the course; hidden checks have another 2"; "" without a course. */
void score_in_course(char text[SCORE_TEXT], const struct run *run, const struct outcome_list *list);

/* Whether the run has all points that it can have: those of the checks that are not hidden, in the
 * labs that count. */
bool score_is_full(const struct run *run, const struct outcome_list *list);

#endif
