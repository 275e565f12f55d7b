/*
 * progress: what has become better or worse since the last run of each check.
 *
 * The file keeps the last verdict of every check, by the folder with the programs, so that a run of
 * one lab, or of the solutions, does not change the verdicts of the others.
 */
#ifndef GRADER_PROGRESS_H
#define GRADER_PROGRESS_H

#include <jansson.h>

#include "grader/result/outcome.h"

enum progress_change { PROGRESS_NONE, PROGRESS_FIXED, PROGRESS_BROKEN };

/* Read the file; NULL if it does not exist yet, or is invalid. */
json_t *progress_load(const char *path);

/* Whether this check ended differently from last time. */
enum progress_change progress_of(const json_t *progress, const char *programs,
                                 const struct outcome *outcome);

/* How many points more than last time, in all checks of the lab (NULL: of all labs) that ran both
 * times. */
int progress_points(const json_t *progress, const char *programs, const struct outcome_list *list,
                    const struct lab *lab);

/* How many points the lab has, by this run and earlier ones; -1 if no check of it ever ran. */
int progress_standing(const json_t *progress, const char *programs, const struct outcome_list *list,
                      const struct lab *lab);

/* Write the file again, with the verdicts of this run. Returns 0 or -1. */
int progress_write(const char *path, const json_t *progress, const char *programs,
                   const struct outcome_list *list);

#endif
