/*
 * finding: what is wrong with a program, as data. A check makes it, its words are for the student, and
 * nobody else reads them: what refers to a failure does so by its evidence.
 */
#ifndef GRADER_FINDING_H
#define GRADER_FINDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"

/* How a check ended. */
enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_GRADER_FAULT };

/* What is told to the student about a check that failed. Empty texts are left out. */
struct finding {
  struct buffer what;     /* one sentence: what the program did wrong */
  struct buffer expected; /* the frame, or line of output, that should have come */
  struct buffer seen;     /* what came in its place */
  struct buffer report;   /* a sanitizer's first lines, or the end of stderr */
  long frame;             /* the entry of the recording that is wrong; -1 if none */
  unsigned connection;    /* what was looked at last: this connection (0: none yet) ... */
  int32_t stream;         /* ... and this stream of it; 0 if no single one */
  const char *section;    /* of RFC 9113, if it is another one than the check's; NULL if not */
  int todo;               /* the TODO where the program stopped; 0 if at none */
  char function[64];      /* the student's function in which it crashed; "" if in none */
  int todo_of_place;      /* the TODO that this function belongs to; 0 if to none */
  bool crashed;           /* the program did not end by itself: the frames tell little */
  bool waiting;           /* nothing moved any more, or it did not stop */
};

/* Nothing is wrong yet. */
void finding_init(struct finding *finding);
void finding_free(struct finding *finding);

/* {"says": ..., "expected": ..., "seen": ...}: the sentence; what should have come; and the first divergent frame, or
 * what else was seen, or the student's function in which the program crashed. Numbers are left out, since they differ
 * from run to run, and so are texts that are empty. A new reference, or NULL when there is no memory. */
json_t *finding_evidence(const struct finding *finding);

#endif
