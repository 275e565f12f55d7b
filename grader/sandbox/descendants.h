/*
 * descendants: the children of the calling process, their children, and so on; what they use, and
 * whether any of them is at work.
 *
 * Linux tells it in /proc, for one process after the other: the list is true of no single moment. A
 * process that is started while the list is made may be missing from it.
 */
#ifndef GRADER_DESCENDANTS_H
#define GRADER_DESCENDANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct descendant {
  pid_t pid, parent;
  double memory; /* bytes resident */
  double cpu;    /* seconds of processor time */
  bool descends; /* true of all in the list, once it is made */
};

/* All zero to begin with; `list` is to be freed in the end. */
struct descendants {
  struct descendant *list;
  size_t count;
  size_t capacity;
};

/* Make the list anew, and send them this signal on the way, if it is not 0. Returns 0, or
 * -1 with errno set and the list empty. */
int descendants_look(struct descendants *descendants, int signal);

/* Whether every thread of every one of them is asleep. `*activity` becomes a number that differs
 * from look to look if any of them was awake in between, however shortly. */
bool descendants_asleep(const struct descendants *descendants, unsigned long long *activity);

/* How many threads there are on this machine, of whomever: told at once. Infinitely
 * many if that is not told. */
double descendants_count_threads(void);

#endif
