/*
 * environment: the environment of a program that is to be started.
 *
 * All zero to begin with. The functions return 0, or -1 with errno set when there is
 * no memory: then it is as it was.
 */
#ifndef GRADER_ENVIRONMENT_H
#define GRADER_ENVIRONMENT_H

#include <stddef.h>

struct environment {
  char **entries; /* "NAME=value"; NULL ends them */
  size_t count;
};

/* Add the variable of this name from our own environment, if it is there. */
int environment_copy(struct environment *environment, const char *name);

/* Add "NAME=value", in place of an entry of the same name. */
int environment_set(struct environment *environment, const char *entry);

void environment_free(struct environment *environment);

#endif
