/*
 * report: a sanitizer's report, in a student's words.
 *
 * A student needs few of its many lines: what happened, and where in their own file. A stack frame
 * counts as theirs if it is in a file of the lab's folder.
 */
#ifndef GRADER_REPORT_H
#define GRADER_REPORT_H

#include "common/buffer.h"
#include "grader/base/labs.h"

/* The place in the student's file: the first of their stack frames. */
struct report_place {
  char path[512]; /* the path that the compiler got; "" if no frame is theirs */
  char function[64];
  int line;
};

/* One sentence: "Your program uses memory that it has already freed." */
const char *report_sentence(const char *report);

/* Find the place. Returns the rest of the report, for the next one; NULL if there is none. */
const char *report_find_place(const char *report, const struct lab *lab,
                              struct report_place *place);

/* Append the lines to quote: the error's own name, the place with the text of its line, and what
 * freed or allocated the memory. */
void report_quote(struct buffer *text, const char *report, const struct lab *lab);

#endif
