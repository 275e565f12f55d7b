/*
 * cause: put the cause of a failure in place of its consequence.
 *
 * A program that has crashed, or stopped at a TODO, does not do what a check waits
 * for; that is not what is to be told.
 */
#ifndef GRADER_CAUSE_H
#define GRADER_CAUSE_H

#include "grader/play/exchange.h"

/* If the program has stopped at a TODO, crashed, passed a limit, leaked or could not be
 * started, this becomes what the finding says. Else its output is added, as far as it may
 * help. Called after the program's end. */
void cause_find(struct exchange *exchange);

#endif
