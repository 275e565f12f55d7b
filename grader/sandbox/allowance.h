/*
 * allowance: what a program may do besides computing and writing into its own
 * directory, as arguments for its guard.
 *
 *   read:PATH      read this file, or everything beneath this directory
 *   execute:PATH   and execute it
 *   bind:PORT      be a server on this TCP port; 0 is any free port
 *   connect:PORT   connect to this TCP port
 *
 * A program in C may read itself, the libraries that the grader also uses, and the files among its
 * arguments. It may execute itself and the loader, so it cannot run the solution, curl or Node.js
 * instead. A program in any other language needs what its interpreter needs: it may use everything
 * that is installed, and the program's folder; but no folder in which this project itself is. A
 * program may connect to the ports in the URLs among its arguments, and be a server on the port
 * after `--port`.
 */
#ifndef GRADER_ALLOWANCE_H
#define GRADER_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>

/* Whose it is. (A compiler's is that of a program in C, and what the caller names beside it:
 * grader/tools/compiler_files.sh knows that.) */
enum allowance_of { ALLOWANCE_OF_C, ALLOWANCE_OF_ANY_LANGUAGE };

/* All zero to begin with. */
struct allowance {
  char **texts; /* NULL ends them */
  size_t count;
};

/* Make the allowance of the program argv[0], an absolute path. Returns 0, or -1 when there is no
 * memory; free it in either case. */
int allowance_make(struct allowance *allowance, const char *const argv[], enum allowance_of of);

/* Also allow the program to read this file. Returns 0 or -1. */
int allowance_add(struct allowance *allowance, const char *what, const char *path);

void allowance_free(struct allowance *allowance);

#endif
