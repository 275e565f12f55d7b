/*
 * ending: how a program ended, as the guard reports it, and in words.
 */
#ifndef GRADER_ENDING_H
#define GRADER_ENDING_H

#include "grader/sandbox/limits.h"

struct ending {
  enum program_end end; /* PROGRAM_RUNNING, which is 0, until the end is known */
  int code;             /* exit status or signal number */
  char id[32];          /* "exit", "signal-SEGV", "limit-cpu": the same even if the text changes */
  char text[256];
};

/* Parse what follows "end " in a line of the guard (guard.c), or "limit output". */
void ending_read(struct ending *ending, const char *how, const struct program_limits *limits);

/* The grader, the guard or the machine failed, so the program's end is unknown. */
void ending_lose(struct ending *ending, const char *why);

#endif
