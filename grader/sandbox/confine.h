/*
 * confine: start a program in bounds that neither it nor anything it starts can leave.
 */
#ifndef GRADER_CONFINE_H
#define GRADER_CONFINE_H

#include <stddef.h>
#include <sys/types.h>

struct confinement {
  const char *directory; /* to run in */
  double cpu_seconds;    /* of each process */
  double file_size;      /* bytes of each file */
  double threads;        /* of this user, with all others: at so many, it can start no more */
};

/* Start argv[0] in a session of its own, with these limits and all signals as they are by default. It is killed
 * when the calling thread dies, and may do no more to it. Returns its number, or -1. If it could not be started
 * or did not become the program, `reason` is why: "failed: ...", or "lost ..." if the fault is not the
 * program's; else it is "". */
pid_t confine_start(const struct confinement *bounds, char **argv, char *reason, size_t size);

#endif
