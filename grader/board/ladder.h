/*
 * ladder: print the frames of a check, which are in JSON, as a ladder on the terminal.
 */
#ifndef GRADER_LADDER_H
#define GRADER_LADDER_H

#include <jansson.h>
#include <stdio.h>

#include "common/trace_print.h"

/* Print these entries (recording.h), point at `mark` (its "index"; -1: none), and print a line for
 * each gap. With `brief`, show the first fields only of the marked entry, and one line for each of
 * the others. `connections` says how many there were: if more than one, show their numbers. Print
 * nothing if there are no entries. */
void ladder_print(FILE *out, const struct trace_style *style, const json_t *entries, long mark,
                  int connections, bool brief);

#endif
