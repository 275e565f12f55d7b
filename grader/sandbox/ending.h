/*
 * ending: how a program ended, as the guard tells it, and in words.
 */
#ifndef GRADER_ENDING_H
#define GRADER_ENDING_H

#include "grader/sandbox/limits.h"

struct ending {
  enum program_end end; /* PROGRAM_RUNNING, which is 0, until it is known */
  int code;             /* exit status or signal number */
  char id[32]; /* "exit", "signal-SEGV", "limit-cpu": the same, whatever becomes of the text */
  char text[256];
};

/* Take what follows "end " in a line of the guard (guard.c), or "limit output". */
void ending_read(struct ending *ending, const char *how, const struct program_limits *limits);

/* The grader, the guard or the machine failed, so that nothing can be said about the program. */
void ending_lose(struct ending *ending, const char *why);

#endif
