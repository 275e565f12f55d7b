/*
 * allowance: what a program may do besides computing and writing into its own
 * directory, as arguments for its guard.
 *
 *   read:PATH      read this file, or all beneath this directory
 *   execute:PATH   and execute it
 *   bind:PORT      be a server on this TCP port; 0 is any that is free
 *   connect:PORT   connect to this TCP port
 *
 * A program in C may read itself, the libraries that the grader uses too, and the files among its
 * arguments, and may execute itself and the loader: so it cannot run the solution, curl or Node.js
 * in its place. A program in any other language needs what its interpreter needs: then all that is
 * installed is allowed, and the program's folder. It may connect to the ports in the URLs among its
 * arguments, and be a server on the port behind `--port`.
 */
#ifndef GRADER_ALLOWANCE_H
#define GRADER_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>

/* All zero to begin with. */
struct allowance {
  char **texts; /* NULL ends them */
  size_t count;
};

/* Make those of the program argv[0], an absolute path. Returns 0, or -1 when there is no
 * memory; in either case it is to be freed. */
int allowance_make(struct allowance *allowance, const char *const argv[], bool any_language);

/* Allow this file to be read, as well. Returns 0 or -1. */
int allowance_add(struct allowance *allowance, const char *what, const char *path);

void allowance_free(struct allowance *allowance);

#endif
