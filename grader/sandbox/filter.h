/*
 * filter: have the kernel refuse system calls that no lab's program needs (seccomp).
 *
 * The rules stand in make_filters.c, which makes files of them when the grader is built. Order of
 * calls: filter_read; filter_enter, in the process that is to be bound.
 */
#ifndef GRADER_FILTER_H
#define GRADER_FILTER_H

#include <linux/filter.h>
#include <sys/types.h>

#define FILTER_OF_PROGRAM  "program.bpf"
#define FILTER_OF_COMPILER "compiler.bpf"

/* Stands in the file for the number of the process, to which alone it may send signals. */
enum { FILTER_SELF = 0x5e1f5e1f };

/* All zero before it is read. */
struct filter {
  struct sock_filter *steps;
  unsigned short count;
};

/* Read the file of this name beside our own program. Returns 0; or -1 with errno set. */
int filter_read(struct filter *filter, const char *name);

/* From now on, for the calling thread and all that it starts; `self` is the process that
 * may signal itself. PR_SET_NO_NEW_PRIVS must be set. A kernel without filters refuses
 * nothing. Returns 0, or -1 with errno set. */
int filter_enter(struct filter *filter, pid_t self);

void filter_free(struct filter *filter);

#endif
