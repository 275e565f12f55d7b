/*
 * run: what the grader was asked for, and found before any check ran.
 */
#ifndef GRADER_RUN_H
#define GRADER_RUN_H

#include <jansson.h>
#include <stdbool.h>

enum { RUN_LABS = 16 };

struct run {
  const char *programs; /* the folder with the programs */
  const char *seed;
  const char *only_check;  /* NULL: all */
  bool selected[RUN_LABS]; /* by lab: it was asked for */
  bool missing[RUN_LABS];  /* by lab: it has no program */
  double seconds;          /* how long the checks took */
  const json_t *beside;    /* what stands beside the points (beside.h); NULL if nothing does */
  const json_t *progress;  /* how checks ended before this run; NULL if nothing is known */
};

#endif
