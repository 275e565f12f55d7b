/*
 * layer: the layers of protection by name, which a test can switch off one by one.
 */
#ifndef GRADER_LAYER_H
#define GRADER_LAYER_H

#include <stdbool.h>

/* The names of the layers to leave out, to find out what each does: "landlock seccomp
 * bubblewrap". */
#define LAYER_WITHOUT "GRADE_WITHOUT"

/* Whether the environment says to leave out this layer. */
bool layer_is_off(const char *layer);

#endif
