/*
 * limits: what a program may use, and how it ended.
 */
#ifndef GRADER_LIMITS_H
#define GRADER_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/inner/probe.h"

struct program_limits {
  size_t memory;      /* bytes resident, of all its processes together */
  int processes;      /* processes at once */
  double cpu_seconds; /* of each process */
  size_t file_size;   /* bytes of each file it writes */
  size_t output;      /* bytes of standard output and of standard error, each */
  const char *order;  /* what is to fail: the text that probe.h finds in its file; NULL for none */
  const char *file;   /* it may read this one, besides those among its arguments; NULL for none */
  const char *const *allowed; /* of a compiler: texts for the guard; NULL ends them */
  bool compiler;              /* it is the compiler: it starts programs, and removes its files */
  bool any_language; /* it may use everything installed, not only what a program in C needs */
};

/* 1 GiB, 32 processes, 10 s, 64 MiB, 32 MiB. */
extern const struct program_limits program_default_limits;

/* The exit status of a program that a sanitizer ended. */
enum { PROGRAM_SANITIZER_STATUS = PROBE_STATUS };

enum program_end {
  PROGRAM_RUNNING,
  PROGRAM_EXITED,      /* by itself; the code is its exit status */
  PROGRAM_KILLED,      /* by a signal, also by one of program_signal; the code is its number */
  PROGRAM_OVER_LIMIT,  /* killed because it passed a limit; program_end_text names the limit */
  PROGRAM_STOPPED,     /* program_stop was called while it ran */
  PROGRAM_NOT_STARTED, /* missing or not executable; program_end_text says why */
  PROGRAM_LOST,        /* the guard itself failed or was killed: the grader's fault or an attack */
};

#endif
