/*
 * protection: the layers that confine a stranger's program, and which of them this machine has.
 *
 * README.md in this folder says what each layer stops. `make protection` prints the layers of this
 * machine.
 */
#ifndef GRADER_PROTECTION_H
#define GRADER_PROTECTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Set it to grade strangers' programs even without enough protection. */
#define PROTECTION_UNPROTECTED "UNPROTECTED"

/* Keep other processes of this user from looking into ours, or stopping it by ptrace. Returns 0, or
 * -1 with errno set. */
int protection_hide(void);

/* Print the layers of this machine, and what the missing layers would stop. Returns 0, or 1 if the
 * grader would refuse strangers' programs. */
int protection_print(FILE *out);

/* Whether the grader may grade strangers' programs here: Landlock or bubblewrap works, or
 * UNPROTECTED is set. Returns 0; or says why not, and returns -1. */
int protection_check(void);

/* The names of the layers that work, as a JSON array, for the results. A new reference. */
json_t *protection_json(void);

#endif
