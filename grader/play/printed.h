/*
 * printed: what the program has printed, and when, for the page, which shows it beside the frames.
 */
#ifndef GRADER_PRINTED_H
#define GRADER_PRINTED_H

#include <jansson.h>
#include <stddef.h>

#include "grader/sandbox/program.h"

enum { PRINTED_PIECES = 64, PRINTED_OCTETS = 4096 };

/* What had come by one moment. Once the list is full, the last piece grows. */
struct printed {
  struct {
    double milliseconds; /* since the recording began */
    size_t out, error;   /* how much of standard output and standard error had come by then */
  } pieces[PRINTED_PIECES];
  size_t count;
};

/* Note what is new, at that time; nothing new is no piece. */
void printed_look(struct printed *printed, const struct program *program, double milliseconds);

/* [{"ms": 12.5, "on": "stdout", "text": "..."}, ...], cut to PRINTED_OCTETS of text. A new
 * reference, or NULL when there is no memory. */
json_t *printed_json(const struct printed *printed, const struct program *program);

#endif
