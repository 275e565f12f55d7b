/*
 * environment: the environment of a program that is to be started, as a copy of our own.
 *
 * All zero to begin with. The functions return 0, or -1 with errno set when there is no memory: then
 * it is as it was.
 */
#ifndef GRADER_ENVIRONMENT_H
#define GRADER_ENVIRONMENT_H

#include <stddef.h>

struct environment {
  char **entries; /* "NAME=value"; NULL ends them */
  size_t count;
};

/* Add every entry of our own environment. */
int environment_copy(struct environment *environment);

/* Add "NAME=value", in place of an entry of the same name. */
int environment_set(struct environment *environment, const char *entry);

/* Remove the entry of this name, if there is one. */
void environment_unset(struct environment *environment, const char *name);

void environment_free(struct environment *environment);

#endif
