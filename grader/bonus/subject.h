/*
 * subject: the student's program, as the checks of a bonus run it: a server that is started and
 * ended, or a client that runs to its end while our server answers it on the loop.
 *
 * There is no sandbox: a bonus is for the student's own machine. The sanitizers' options are those
 * of the environment.
 */
#ifndef GRADER_BONUS_SUBJECT_H
#define GRADER_BONUS_SUBJECT_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/buffer.h"

/* Print the line of a rule: "ok NAME"; or "no NAME: why", where `why` is a format. NULL: it holds.
 */
void subject_say(const char *name, const char *why, ...) __attribute__((format(printf, 2, 3)));

/* Start a server, whose arguments end with NULL, and put its address, "http://localhost:4711", into
 * `address`. Returns its process; or -1, after saying on standard error that it does not listen. */
pid_t subject_start(const char *const arguments[], char *address, size_t size);

/* Send SIGTERM, and wait. Returns whether it ended with status 0. */
bool subject_end(pid_t process);

/* What a client printed, and its exit status; -1 if something else has ended it. */
struct subject_run {
  struct buffer output, errors;
  int status;
};

/* Run a client to its end, and `loop` meanwhile. A client that takes too long is killed. Copies the
 * report of a sanitizer to our standard error. Both texts end in NUL, even if the client could not
 * be started. Free the run with subject_free. */
struct subject_run subject_run(uv_loop_t *loop, const char *const arguments[]);
void subject_free(struct subject_run *run);

/* What the client says of its error: its first line, which is cut off from `run`. */
const char *subject_complaint(struct subject_run *run);

#endif
