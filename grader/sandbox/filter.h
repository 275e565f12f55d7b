/*
 * filter: make the kernel refuse system calls that no lab's program needs (seccomp).
 *
 * The rules are in make_filters.c, which turns them into files when make builds the grader. Order
 * of calls: filter_read; filter_enter, in the process to confine.
 */
#ifndef GRADER_FILTER_H
#define GRADER_FILTER_H

#include <linux/filter.h>
#include <sys/types.h>

#define FILTER_OF_PROGRAM      "program.bpf"
#define FILTER_OF_ANY_LANGUAGE "language.bpf" /* the same, for a program that may make code */
#define FILTER_OF_COMPILER     "compiler.bpf"

/* In the file, this stands for the number of the process, the only one to which it may send
 * signals. */
enum { FILTER_SELF = 0x5e1f5e1f };

/* Zeroed before filter_read. */
struct filter {
  struct sock_filter *steps;
  unsigned short count;
};

/* Read the file of this name from the folder of our own program. Returns 0; or -1 with errno
 * set. */
int filter_read(struct filter *filter, const char *name);

/* Apply the filter from now on, to the calling thread and everything that it starts; `self` is the
 * process that may signal itself. PR_SET_NO_NEW_PRIVS must be set. A kernel without filters refuses
 * nothing. Returns 0, or -1 with errno set. */
int filter_enter(struct filter *filter, pid_t self);

void filter_free(struct filter *filter);

#endif
