/*
 * repeat: the commands with which a student can repeat a check by hand.
 */
#ifndef GRADER_REPEAT_H
#define GRADER_REPEAT_H

#include <stdio.h>

#include "grader/result/outcome.h"

/* Print them, one per line. The other side of the connection is the reference server, or curl, not
 * the check's peer, which plays tricks. */
void repeat_print(FILE *out, const struct outcome *outcome);

#endif
