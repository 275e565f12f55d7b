/*
 * ran: which functions of the student's file have run.
 *
 * A check that fails says more with it: a server that does not answer has called respond, or it has
 * not. common/inner/probe.c notes the functions; a program that is linked without it has none.
 */
#ifndef GRADER_RAN_H
#define GRADER_RAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/inner/probe.h"

struct program;

/* The functions that have run in the programs of one check, by their addresses. */
struct ran {
  uint64_t functions[PROBE_FUNCTIONS];
  size_t count;
};

/* What the probe says of this program (NULL: nothing); nothing in it is trusted. Returns whether it
 * says anything. */
bool ran_look(const struct program *program, struct probe *probe);

/* Add those of this program, which runs now or has ended. NULL adds nothing. */
void ran_add(struct ran *ran, const struct program *program);

/* Their names, in an array, by the program's file. A new reference. */
json_t *ran_names(const struct ran *ran, const char *path);

#endif
