/*
 * protection: the layers that keep a stranger's program in, and which of them this machine has.
 */
#ifndef GRADER_PROTECTION_H
#define GRADER_PROTECTION_H

#include <stdbool.h>

/* Names the layers that are to be left out, to find out what each is good for: "landlock seccomp". */
#define PROTECTION_WITHOUT "GRADE_WITHOUT"

/* Whether the environment says that this layer is to be left out. */
bool protection_is_off(const char *layer);

/* Have no other process of this user look into ours, or stop it by ptrace. Returns 0, or -1 with errno set. */
int protection_hide(void);

#endif
