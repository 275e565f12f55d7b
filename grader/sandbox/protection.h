/*
 * protection: the layers that keep a stranger's program in, and which of them this machine has.
 *
 * What each stops is in README.md beside this file. `make protection` prints what this machine has.
 */
#ifndef GRADER_PROTECTION_H
#define GRADER_PROTECTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Set to have strangers' programs graded all the same where too little protects. */
#define PROTECTION_UNPROTECTED "UNPROTECTED"

/* Have no other process of this user look into ours, or stop it by ptrace. Returns
 * 0, or -1 with errno set. */
int protection_hide(void);

/* Print the layers that this machine has, and what those that are missing would have stopped.
 * Returns 0, or 1 if strangers' programs would not be graded. */
int protection_print(FILE *out);

/* Whether strangers' programs may be graded here: Landlock or bubblewrap is there, or UNPROTECTED
 * is set. Returns 0, or -1 and has said why not. */
int protection_check(void);

/* The layers that are there, as names in a JSON array, for the results. A new reference. */
json_t *protection_json(void);

#endif
