/*
 * enclosure: the whole grading inside one bubblewrap (bwrap), and a clock outside
 * that nobody inside can reach.
 *
 * Inside there are no other processes than the grading's, no network but a loopback of its own, no
 * files that can be written but the results, a /tmp of limited size, and neither solutions nor
 * known mistakes. When it ends, all that is in it ends. Where bubblewrap or user namespaces are not
 * to be had, the grading runs without, and the clock remains. TMPDIR is in both cases a folder of
 * this run alone.
 */
#ifndef GRADER_ENCLOSURE_H
#define GRADER_ENCLOSURE_H

#include <stdbool.h>

/* Set inside: to "bubblewrap", or "" where there is none. */
#define ENCLOSURE_KIND "GRADE_ENCLOSED"

struct enclosure {
  const char *programs; /* the folder that is graded */
  const char *output;   /* the folder of the results, which is there */
  const char *known;    /* the table of known mistakes */
};

/* Whether bubblewrap works here: it is tried. */
bool enclosure_is_there(void);

/* Run this program again with these arguments, inside, and wait until it ends. Returns its exit
 * status; 3, and it has been said why, if it did not end by itself or could not be started. */
int enclosure_run(const struct enclosure *enclosure, char **argv);

#endif
