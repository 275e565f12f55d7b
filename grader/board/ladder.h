/*
 * ladder: the frames of a check, which are kept as JSON, as a ladder on the terminal.
 */
#ifndef GRADER_LADDER_H
#define GRADER_LADDER_H

#include <jansson.h>
#include <stdio.h>

#include "common/trace_print.h"

/* Print these entries (recording.h), with `mark` (its "index"; -1: none) pointed at, and a line
 * for each gap. With `brief`, only the marked one is shown with its first fields, and of the
 * others a line for all. `connections` is how many there were: numbers are shown where it is more
 * than one. Nothing is printed for no entries. */
void ladder_print(FILE *out, const struct trace_style *style, const json_t *entries, long mark,
                  int connections, bool brief);

#endif
