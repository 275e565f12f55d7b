/*
 * report: a sanitizer's report, in a student's words.
 *
 * Of its many lines a student needs few: what happened, and where in their own file. A frame of a
 * stack counts as theirs if it is in a file of the lab's folder.
 */
#ifndef GRADER_REPORT_H
#define GRADER_REPORT_H

#include <stdbool.h>

#include "common/buffer.h"
#include "grader/base/labs.h"

/* Where in the student's file it happened: the first of their frames. */
struct report_place {
  char path[512]; /* as the compiler was given it; "" if no frame is theirs */
  char function[64];
  int line;
};

/* One sentence: "Your program uses memory that it has already freed." */
const char *report_sentence(const char *report);

/* Find the place. Returns whether there is one. */
bool report_find_place(const char *report, const struct lab *lab, struct report_place *place);

/* Append the lines to quote: the error's own name, the place with the text of its
 * line, who freed or allocated. */
void report_quote(struct buffer *text, const char *report, const struct lab *lab);

#endif
