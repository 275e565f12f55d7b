/*
 * cause: report the cause of a failure instead of its consequence.
 *
 * A program that has crashed, or stopped at a TODO, does not send what a check waits for. Report
 * the crash or the TODO, not the missing frame.
 */
#ifndef GRADER_CAUSE_H
#define GRADER_CAUSE_H

#include "grader/play/exchange.h"

/* If the program has stopped at a TODO, crashed, passed a limit, leaked or could not be started,
 * make that the finding. Otherwise add its output, as far as it may help. Call it after the
 * program's end. */
void cause_find(struct exchange *exchange);

#endif
