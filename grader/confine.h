/*
 * confine: the last things a new process does before it becomes a stranger's program.
 *
 * They are inherited by all that the program starts, and the program cannot undo them.
 */
#ifndef GRADER_CONFINE_H
#define GRADER_CONFINE_H

#include <sys/types.h>

/* Set the limits that the kernel itself watches: seconds of processor time and bytes of a file, for each
 * process; processes, roughly, as the kernel counts all threads of the user: this only stops a flood.
 * Memory is not among them, because AddressSanitizer reserves far more than it uses. Returns 0 or -1. */
int confine_limits(double cpu, double file, double processes);

double confine_count_threads(void);
extern const double confine_flood;

/* Refuse what no program needs here (EPERM): to leave the process group, in which all that it has started
 * can be killed at one stroke; to send a signal to `guard`; and kill(-1, ...), "every process of this
 * user", which is what kill(fork(), ...) means when fork has failed. Also, set-user-ID programs run
 * without their powers from here on. Returns 0 or -1; a kernel that has no filters is not a failure. */
int confine_calls(pid_t guard);

#endif
