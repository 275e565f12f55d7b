/*
 * run: what the user requested, and what the grader found before any check ran.
 */
#ifndef GRADER_RUN_H
#define GRADER_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { RUN_LABS = 16 };

struct course;

struct run {
  const char *programs; /* the folder with the programs */
  const char *seed;
  const char *only_check;  /* NULL: all */
  bool selected[RUN_LABS]; /* by lab: the user requested it */
  bool missing[RUN_LABS];  /* by lab: it has no program */
  double seconds;          /* how long the checks took */
  size_t left;             /* programs' folders that cannot be removed */
  const json_t *beside;    /* points beside the 100 (beside.h); NULL if there are none */
  const json_t *progress;  /* how checks ended before this run; NULL if nothing is known */

  /* What the labs are worth in a course (base/course.h); NULL: their own points. */
  const struct course *course;
};

#endif
