/*
 * confine: start a program within bounds that neither it nor its descendants can leave.
 *
 * There are two layers besides the limits: Landlock (landlock.h) guards files, ports and signals; a
 * filter (filter.h) guards system calls. If the kernel lacks one of them, the program runs without
 * it.
 */
#ifndef GRADER_CONFINE_H
#define GRADER_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct confinement {
  const char *directory; /* to run in */
  double cpu_seconds;    /* of each process */
  double file_size;      /* bytes of each file */
  double threads;        /* of its own: at this number, it can start no more */
  double others;         /* that already exist, and count if `user` is not alone */
  bool alone;            /* nobody else is `user` */
  int nice;              /* as getpriority returns it: the grader's own, not the guard's */
  uid_t user;            /* the user it runs as, for root; 0: as the caller, without privileges */
  uid_t next_user;       /* the same, if that user cannot read the program; 0: none */
  const char *const *allowed;            /* as allowance.h has them; NULL ends them */
  bool compiler;                         /* it is the compiler, not a lab's program */
  bool any_language;                     /* it may make code while it runs */
  bool without_landlock, without_filter; /* layers to leave out */
};

/* Start argv[0] in its own session, with these limits and with the default action for all signals.
 * The kernel kills it when the calling thread dies; it can do nothing else to that thread. If a
 * user cannot read the allowed files, or reach the directory, the next user runs the program, and
 * bounds->user says which. The directory becomes that user's. Returns the process number, or -1. If
 * the process could not start or did not become the program, `reason` says why: "failed: ...", or
 * "lost ..." if the program is not to blame; otherwise it is "". */
pid_t confine_start(struct confinement *bounds, char **argv, char *reason, size_t size);

#endif
