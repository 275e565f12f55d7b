/*
 * confine: start a program in bounds that neither it nor anything it starts can leave.
 *
 * There are two layers besides the limits: Landlock (landlock.h) keeps files, ports and signals, a
 * filter (filter.h) system calls. A kernel that lacks one of them does without it.
 */
#ifndef GRADER_CONFINE_H
#define GRADER_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct confinement {
  const char *directory;      /* to run in */
  double cpu_seconds;         /* of each process */
  double file_size;           /* bytes of each file */
  double threads;             /* of its own: at so many, it can start no more */
  double others;              /* that are there already, and count where `user` is not alone */
  bool alone;                 /* nobody else is `user` */
  int nice;                   /* as getpriority tells it: the grader's own, not the guard's */
  uid_t user;                 /* as whom it runs, for root; 0: as we do, without our privileges */
  uid_t next_user;            /* the same, where that one cannot read the program; 0: none */
  const char *const *allowed; /* as allowance.h has them; NULL ends them */
  bool compiler;              /* it is no lab's program, but the compiler */
  bool without_landlock, without_filter; /* layers to be left out */
};

/* Start argv[0] in a session of its own, with these limits and all signals as they are by default.
 * It is killed when the calling thread dies, and may do no more to it. A user who cannot read what
 * is allowed, or come to the directory, does not run it: the next one does, and bounds->user is
 * who. The directory becomes that user's. Returns its number, or -1. If it could not be started or
 * did not become the program, `reason` is why: "failed: ...", or "lost ..." if the fault is not the
 * program's; else it is "". */
pid_t confine_start(struct confinement *bounds, char **argv, char *reason, size_t size);

#endif
