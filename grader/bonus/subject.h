/*
 * subject: the student's program, as the checks of a bonus run it: a server that is started and
 * ended, a client that runs to its end while our server answers it on the loop, or a program that
 * we talk to.
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

/* Send SIGTERM, wait, and kill it if it takes too long. Returns whether it ended with status 0. */
bool subject_end(pid_t process);

/* Wait at most `ms` for its end. Returns its exit status; -1 if something else has ended it, -2 if
 * it goes on. */
int subject_wait(pid_t process, int ms);

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

/* --- A program that we talk to ---------------------------------------------------------------- */

/* Its process, our ends of its standard input, output and errors, and what it has printed so far:
 * both texts are NULL before the first byte, and then end in NUL. */
struct subject_talk {
  pid_t process;
  int input, output, errors;
  struct buffer said, complained;
};

/* Start it. Returns 0 or -1. */
int subject_talk(struct subject_talk *talk, const char *const arguments[]);

/* Take what it has printed, without waiting. */
void subject_hear(struct subject_talk *talk);

/* End its input, wait for its end, and kill it if it takes too long. Copies the report of a
 * sanitizer to our standard error. Returns the exit status; -1 if something else has ended it, or
 * if there is such a report. Free the texts with subject_forget. */
int subject_talk_end(struct subject_talk *talk);
void subject_forget(struct subject_talk *talk);

/* The TODO at which it has stopped, as it says itself, or NULL. */
const char *subject_todo(const struct subject_talk *talk);

#endif
