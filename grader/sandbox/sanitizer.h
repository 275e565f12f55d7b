/*
 * sanitizer: have AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer write their
 * reports into files of a directory, and read them.
 */
#ifndef GRADER_SANITIZER_H
#define GRADER_SANITIZER_H

#include "common/buffer.h"
#include "grader/sandbox/environment.h"

/* Set the options for a program that runs with this environment: the first error ends
 * it with `status`, and is reported in `directory`. `more` are further options, or
 * NULL. Returns 0 or -1 with errno set. */
int sanitizer_set_options(struct environment *environment, const char *directory, int status,
                          const char *more);

/* Append what was reported in `directory`. Left out is LeakSanitizer's complaint
 * that it may not trace the program, which tells nothing about the program. Returns
 * 0, or -1 when there is no memory. */
int sanitizer_read_reports(const char *directory, struct buffer *report);

/* UndefinedBehaviorSanitizer's library that comes with gcc, loaded together with
 * AddressSanitizer's, writes to standard error all the same. For a program that ended with the
 * sanitizers' status: move such a report from there, where it is the last thing, to the others.
 * Returns 0, or -1 when there is no memory. */
int sanitizer_move_report(struct buffer *standard_error, struct buffer *report);

#endif
