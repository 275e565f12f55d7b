/*
 * program: run a stranger's program, and let nothing of it remain.
 *
 * The program runs under `guard` (guard.c), a small process of its own, which gives it limits,
 * watches what it and all its descendants use, and kills every one of them when the program
 * ends, when a limit is passed, when program_stop is called, or when the grader itself dies in
 * whatever way. Standard input is empty; standard output and standard error are captured and
 * capped; the working directory is a fresh temporary one; sanitizer reports go to a file in it,
 * so that they never mix with stderr.
 *
 * All of it happens on the caller's uv loop: the functions below only look at what the loop has
 * brought so far. Order of calls: program_start; run the loop; program_stop if it is to end early;
 * run the loop until program_ended; program_free. The thread that calls program_start must live on
 * until then: the guard takes its end for the grader's.
 */
#ifndef GRADER_PROGRAM_H
#define GRADER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/inner/probe.h"
#include "grader/sandbox/limits.h"

struct program;

/*
 * Start argv[0] (a path, not looked up in PATH) with these arguments (NULL ends them). It runs in
 * another directory: paths among the arguments must be absolute; argv[0] is made so. It may read
 * the files among its arguments, and connect to the ports in the URLs among them: allowance.h.
 * `environment` ("NAME=value", NULL ends it; NULL for none) is added to the few variables that it
 * gets of the grader's own: guard_command.c. `guard` is the path of the guard program. `limits` may
 * be NULL for the default ones. `on_change`, which may be NULL, is called from the loop with `user`
 * after output arrived, or the program ended, or its idleness changed (every 20 ms or so while it
 * is idle); it must not call program_free.
 * TMPDIR and HOME are the program's directory.
 * Returns NULL when the guard cannot be started, with errno set; a program that is missing is not
 * that: it ends as PROGRAM_NOT_STARTED.
 */
struct program *program_start(uv_loop_t *loop, const char *guard, const char *const argv[],
                              const char *const environment[], const struct program_limits *limits,
                              void (*on_change)(struct program *program, void *user), void *user);

/* Kill it with all its descendants. program_ended tells when that is done: at most a moment later.
 * Allowed at any time, also twice and after its end. */
void program_stop(struct program *program);

/* Send a signal (SIGTERM, SIGINT) to the program itself, as a user would. Returns 0,
 * or -1 if it has ended already. */
int program_signal(struct program *program, int signal);

/* Whether it has ended, all its descendants are gone, and all its output has been read. */
bool program_ended(const struct program *program);

/* How it ended, and the exit status or signal number in `*code` where there is one (`code` may be
 * NULL); and the same as words: "exited with status 1", "was killed by SIGSEGV",
 * "used more than 1024 MiB of memory", "printed more than 32 MiB", "could not be
 * started: No such file or directory". */
enum program_end program_end(const struct program *program, int *code);
const char *program_end_text(const struct program *program);

/* The same as one word that stays the same, whatever becomes of the text: "exit",
 * "signal-SEGV", "limit-cpu". */
const char *program_end_id(const struct program *program);

/* For how many seconds, when last looked at, every process of it had been asleep
 * without being woken once: a program that waits for something. 0 while it runs, even
 * if the machine is too busy to let it. */
double program_idle(const struct program *program);

/* What is allocated in it now, and how many calls were made to fail, if it was started with
 * PROBE_FILE=PROGRAM_PROBE in its environment. Returns false for a program that is not linked with
 * common/inner/probe.c: of it nothing is known. */
#define PROGRAM_PROBE "probe"
bool program_probe(const struct program *program, struct probe *probe);

/* Whether it has put itself to sleep (sleep, nanosleep, uv_sleep), so that no event can wake it. */
bool program_sleeps(const struct program *program);

/* Its output so far; always followed by a NUL that is not counted. */
const char *program_stdout(const struct program *program, size_t *length);
const char *program_stderr(const struct program *program, size_t *length);

/* What AddressSanitizer, LeakSanitizer or UndefinedBehaviorSanitizer reported, complete once
 * program_ended; "" if nothing. */
const char *program_sanitizer_report(const struct program *program);

/* The directory it runs in, removed by program_free. */
const char *program_directory(const struct program *program);

/* Free it, after its end or before (then it is stopped first), and remove its
 * directory. For this the loop is run for a moment, so that other callbacks may be
 * called; not its on_change. NULL is allowed. */
void program_free(struct program *program);

#endif
