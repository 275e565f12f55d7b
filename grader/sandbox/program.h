/*
 * program: run a stranger's program, and leave nothing of it behind.
 *
 * The program runs under `guard` (guard.c), a small separate process. The guard sets its limits,
 * watches what it and all its descendants use, and kills every one of them when the program ends,
 * when one passes a limit, when program_stop is called, or when the grader itself dies in whatever
 * way. Standard input is empty; standard output and standard error are captured and capped; the
 * working directory is new and temporary; sanitizer reports go to a file in it, so that they never
 * mix with stderr.
 *
 * Everything happens on the caller's uv loop: the functions below only look at what the loop has
 * brought so far. Order of calls: program_start; run the loop; program_stop to end it early; run
 * the loop until program_ended; program_free. The thread that calls program_start must live until
 * then: the guard takes the end of the thread for the end of the grader.
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
 * Start argv[0] (a path, not looked up in PATH) with these arguments (NULL ends them). The program
 * runs in another directory: paths among the arguments must be absolute; program_start makes
 * argv[0] absolute. The program may read the files among its arguments, and connect to the ports in
 * the URLs among them: allowance.h. It gets `environment` ("NAME=value", NULL ends it; NULL for
 * none) and a few of the grader's own variables: guard_command.c. `guard` is the path of the guard
 * program. `limits` may be NULL for the default limits. The loop calls `on_change`, which may be
 * NULL, with `user` after output arrived, the program ended, or its idleness changed (every 20 ms
 * or so while it is idle); `on_change` must not call program_free. TMPDIR and HOME are the
 * program's directory. Returns NULL with errno set when the guard cannot be started. A missing
 * program is no such failure: it ends as PROGRAM_NOT_STARTED.
 */
struct program *program_start(uv_loop_t *loop, const char *guard, const char *const argv[],
                              const char *const environment[], const struct program_limits *limits,
                              void (*on_change)(struct program *program, void *user), void *user);

/* Kill the program with all its descendants. program_ended says when that is done: at most a moment
 * later. Allowed at any time, also twice and after the end. */
void program_stop(struct program *program);

/* Send a signal (SIGTERM, SIGINT) to the program itself, as a user would. Returns 0, or -1 if the
 * program has already ended. */
int program_signal(struct program *program, int signal);

/* Whether the program has ended, all its descendants are gone, and all its output has been read. */
bool program_ended(const struct program *program);

/* How the program ended, with the exit status or signal number in `*code` if there is one (`code`
 * may be NULL); and the same in words: "exited with status 1", "was killed by SIGSEGV", "used more
 * than 1024 MiB of memory", "printed more than 32 MiB", "could not be started: No such file or
 * directory". */
enum program_end program_end(const struct program *program, int *code);
const char *program_end_text(const struct program *program);

/* The same as one word, which stays the same when the text changes: "exit", "signal-SEGV",
 * "limit-cpu". */
const char *program_end_id(const struct program *program);

/* For how many seconds, at the last look, every process of the program had been asleep without
 * waking once: a program that waits for something. 0 while it runs, even if the machine is too busy
 * to let it run. */
double program_idle(const struct program *program);

/* When one of them was last seen awake, in milliseconds of CLOCK_MONOTONIC; only if it is idle. */
double program_asleep_since(const struct program *program);

/* What the program has allocated now, and how many calls were made to fail, if it runs with
 * PROBE_FILE=PROGRAM_PROBE in its environment. Returns false for a program that is not linked with
 * common/inner/probe.c: then nothing is known. */
#define PROGRAM_PROBE "probe"
bool program_probe(const struct program *program, struct probe *probe);

/* From now on, each allocation fails once, in a program that runs with the order "each
 * allocation". Returns 0; or -1, if there is no probe. */
int program_arm_probe(const struct program *program);

/* Whether the program has put itself to sleep (sleep, nanosleep, uv_sleep), so that no event can
 * wake it. */
bool program_sleeps(const struct program *program);

/* Whether the program's first thread waits at this moment: it has nothing to do. */
bool program_waits(const struct program *program);

/* Whether it is known that the program itself does not listen at this port: somebody else does, or
 * nobody. */
bool program_listens_not(const struct program *program, int port);

/* The program's output so far; always followed by a NUL that is not counted. */
const char *program_stdout(const struct program *program, size_t *length);
const char *program_stderr(const struct program *program, size_t *length);

/* What AddressSanitizer, LeakSanitizer or UndefinedBehaviorSanitizer reported, complete once
 * program_ended; "" if nothing. It says so too if a program that runs with
 * PROBE_FILE=PROGRAM_PROBE, and is linked with the probe, has ended by itself without
 * LeakSanitizer's look, or has switched the probe off. */
const char *program_sanitizer_report(const struct program *program);

/* The program's directory, which program_free removes. */
const char *program_directory(const struct program *program);

/* Free the program after its end, or stop it first, and remove its directory. This runs the loop
 * for a moment, so it may call other callbacks, but not the program's on_change. NULL is
 * allowed. */
void program_free(struct program *program);

#endif
