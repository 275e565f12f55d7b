/*
 * layer: the layers of protection by name, which a test can switch off one by one.
 */
#ifndef GRADER_LAYER_H
#define GRADER_LAYER_H

#include <stdbool.h>

/* Names the layers that are to be left out, to find out what each is good for:
 * "landlock seccomp bubblewrap". */
#define LAYER_WITHOUT "GRADE_WITHOUT"

/* Whether the environment says that this layer is to be left out. */
bool layer_is_off(const char *layer);

#endif
