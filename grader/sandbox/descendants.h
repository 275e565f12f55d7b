/*
 * descendants: the children of the calling process, their children, and so on; what they use, and
 * whether any of them is working.
 *
 * Linux shows this in /proc, for one process after the other, so the list describes no single
 * moment. A process that starts meanwhile may be missing from it.
 */
#ifndef GRADER_DESCENDANTS_H
#define GRADER_DESCENDANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct descendant {
  pid_t pid, parent;
  double memory;      /* bytes resident */
  double cpu;         /* seconds of processor time */
  double cpu_of_dead; /* and those of its children that it has reaped */
  bool descends;      /* true of all in the list, once it is made */
};

/* Begin with a zeroed struct; free `list` in the end. */
struct descendants {
  struct descendant *list;
  size_t count;
  size_t capacity;
};

/* Make a new list, and send each process this signal on the way, if it is not 0. Returns 0, or -1
 * with errno set and the list empty. */
int descendants_look(struct descendants *descendants, int signal);

/* Whether every thread of every process is asleep. Sets `*activity` to a number that changes
 * between two calls if any of them was awake in between, however shortly. */
bool descendants_asleep(const struct descendants *descendants, unsigned long long *activity);

/* How many threads there are on this machine, of all users, in one step. Infinitely many if the
 * system does not say. */
double descendants_count_threads(void);

#endif
