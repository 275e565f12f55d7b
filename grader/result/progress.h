/*
 * progress: what has become better or worse since a check was run last.
 *
 * The file keeps the verdict of every check that was ever run, by the folder with the programs, so
 * that a run of one lab, or of the solutions, leaves alone what is known of the others.
 */
#ifndef GRADER_PROGRESS_H
#define GRADER_PROGRESS_H

#include <jansson.h>

#include "grader/result/outcome.h"

enum progress_change { PROGRESS_NONE, PROGRESS_FIXED, PROGRESS_BROKEN };

/* Read the file; NULL if there is none yet, or if it is none. */
json_t *progress_load(const char *path);

/* Whether this check ended otherwise than the last time. */
enum progress_change progress_of(const json_t *progress, const char *programs,
                                 const struct outcome *outcome);

/* How many points more than the last time, in all checks of the lab (NULL: of all
 * labs) that were run both times. */
int progress_points(const json_t *progress, const char *programs, const struct outcome_list *list,
                    const struct lab *lab);

/* How many points the lab has, by this run and the last ones; -1 if no check of it was ever run. */
int progress_standing(const json_t *progress, const char *programs, const struct outcome_list *list,
                      const struct lab *lab);

/* Write the file anew, with what was run now in it. Returns 0 or -1. */
int progress_write(const char *path, const json_t *progress, const char *programs,
                   const struct outcome_list *list);

#endif
