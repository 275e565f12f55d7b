/*
 * guard_command: the command line and the environment that start a program under the guard.
 */
#ifndef GRADER_GUARD_COMMAND_H
#define GRADER_GUARD_COMMAND_H

#include <limits.h>

#include "grader/sandbox/environment.h"
#include "grader/sandbox/limits.h"

struct guard_command {
  char directory[PATH_MAX]; /* the guard makes it, so that somebody always removes it */
  char key[PROBE_KEY + 1];  /* of the probe; "" without one */
  char **arguments;         /* NULL ends them */
  size_t count;
  struct environment environment;
};

/* The arguments are those of program_start; the command must be zeroed. Returns 0, or -1 with errno
 * set; free the command in either case. */
int guard_command_make(struct guard_command *command, const char *guard, const char *const argv[],
                       const char *const environment[], const struct program_limits *limits);

void guard_command_free(struct guard_command *command);

#endif
