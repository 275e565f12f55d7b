/*
 * sanitizer: make AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer write their
 * reports into files of a directory, and read them.
 */
#ifndef GRADER_SANITIZER_H
#define GRADER_SANITIZER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/buffer.h"
#include "grader/sandbox/environment.h"

/* Whether LeakSanitizer looks at programs here: not where tracing is forbidden. */
bool sanitizer_finds_leaks(void);

/* Set the options for a program that runs with this environment: the first error ends it with
 * `status`, and is reported in `directory`. They are the same in every check: the program can read
 * them. Returns 0 or -1 with errno set. */
int sanitizer_set_options(struct environment *environment, const char *directory, int status);

/* Append the reports in `directory`. Leave out LeakSanitizer's complaint that it may not trace the
 * program, process `pid`, which says nothing about the program; but only if it `ended` the program:
 * one that goes on has written it itself. Another process of the program may have the file changed
 * that says what ended it. Returns 0, or -1 when there is no memory. */
int sanitizer_read_reports(const char *directory, pid_t pid, bool ended, struct buffer *report);

/* gcc's library of UndefinedBehaviorSanitizer, together with AddressSanitizer's, writes to standard
 * error anyway. For a program that ended with the sanitizers' status: move such a report, if it is
 * the last output there, to the others. Returns 0, or -1 when there is no memory. */
int sanitizer_move_report(struct buffer *standard_error, struct buffer *report);

#endif
