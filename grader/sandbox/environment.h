/*
 * environment: the environment for a program to start.
 *
 * Begin with a zeroed struct. The functions return 0; or -1 with errno set when there is no memory,
 * and change nothing.
 */
#ifndef GRADER_ENVIRONMENT_H
#define GRADER_ENVIRONMENT_H

#include <stddef.h>

struct environment {
  char **entries; /* "NAME=value"; NULL ends them */
  size_t count;
};

/* Add the variable of this name from our own environment, if it exists. */
int environment_copy(struct environment *environment, const char *name);

/* Add "NAME=value"; it replaces an entry of the same name. */
int environment_set(struct environment *environment, const char *entry);

void environment_free(struct environment *environment);

#endif
