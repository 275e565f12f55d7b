/*
 * course: what the labs are worth in a course. Its file, course.conf, is also read by
 * grader/class/course.py:
 *
 *   lab01 = 10                      # a lab without a line does not count
 *   lab02 = 12.5
 *   bonus = 5                       # predictions, quizzes and the bonus, at most
 *   hidden = lab02/post lab02/reset # checks that only the instructor runs
 *   due = 2026-12-01T23:59          # due and late are for `make class` and `make export`
 *   late = 10%/day
 */
#ifndef GRADER_COURSE_H
#define GRADER_COURSE_H

#include <stdbool.h>
#include <stddef.h>

enum { COURSE_LABS = 16, COURSE_HIDDEN = 32, COURSE_NAME = 64 };

struct course {
  double worth[COURSE_LABS]; /* by lab, as in labs_all; 0: it does not count */
  double bonus;
  char hidden[COURSE_HIDDEN][COURSE_NAME]; /* "lab02/post" */
  size_t hidden_count;
};

/* Read the text of a course's file. Returns 0, or -1 after one line on standard error, which begins
 * with `name`, the file's, and the number of the line. */
int course_parse(struct course *course, const char *text, const char *name);

/* Whether only the instructor runs this check. */
bool course_hides(const struct course *course, const char *lab, const char *check);

#endif
