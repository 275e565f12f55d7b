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

struct exchange;

/* The functions that have run in the programs of one check, by their addresses. */
struct ran {
  uint64_t functions[PROBE_FUNCTIONS];
  size_t count;
};

/* Add those of the program that runs now, or has run last. */
void ran_add(struct ran *ran, const struct exchange *exchange);

/* Their names, in an array. A new reference. */
json_t *ran_names(const struct ran *ran, const struct exchange *exchange);

/* Whether the program that runs now, or has run last, has never called this function of the student,
 * as far as anything is known of it. */
bool ran_without(const struct exchange *exchange, const char *function);

/* For a check that has failed: note in its finding the TODOs whose functions have run in the
 * last program. If the program was ended from outside, note also in which function it was. */
void ran_note(struct exchange *exchange);

#endif
