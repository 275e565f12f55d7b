/*
 * repeat: the commands by which a student can do by hand what a check did.
 */
#ifndef GRADER_REPEAT_H
#define GRADER_REPEAT_H

#include <stdio.h>

#include "grader/result/outcome.h"

/* Print them, one a line. The other side of the connection is not the check's, which plays
 * tricks, but the reference server, or curl. */
void repeat_print(FILE *out, const struct outcome *outcome);

#endif
