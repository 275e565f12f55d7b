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

/* Whether the program has printed the line of a TODO that is not done. */
bool cause_says_todo(const struct exchange *exchange);

/* Whether the program has ended at a call of todo() or todo_later() that is still in its file: a
 * line that only looks so, or that a crash follows, is none. */
bool cause_is_todo(const struct exchange *exchange);

/* Whether the finding is that a callback has returned failure. */
bool cause_is_failed_callback(const struct finding *finding);

#endif
