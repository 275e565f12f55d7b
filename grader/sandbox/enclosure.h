/*
 * enclosure: run the whole grading inside one bubblewrap (bwrap), with a clock outside that nobody
 * inside can reach.
 *
 * Inside there are only the grading's processes, only its own loopback network, only the results as
 * writable files, a /tmp of limited size, and neither solutions nor known mistakes. When it ends,
 * everything in it ends. If bubblewrap or user namespaces are unavailable, the grading runs without
 * them, and the clock remains. In both cases TMPDIR is a folder of this run alone.
 */
#ifndef GRADER_ENCLOSURE_H
#define GRADER_ENCLOSURE_H

#include <stdbool.h>
#include <stddef.h>

/* Set inside: to "bubblewrap", or to "" without it. */
#define ENCLOSURE_KIND "GRADE_ENCLOSED"

struct enclosure {
  const char *programs; /* the folder that is graded */
  const char *output;   /* the folder of the results, which exists */
  const char *known;    /* the table of known mistakes */
  const char *mutants;  /* the table of mutants, which need not exist */
  size_t checks;        /* that run at the same time: DISKS at most */
};

/* Whether bubblewrap works here; this tries it. */
bool enclosure_is_there(void);

/* Run this program again with these arguments, inside, and wait until it ends. Returns its exit
 * status; or, if it did not end by itself or could not be started, says why and returns 3. */
int enclosure_run(const struct enclosure *enclosure, char **argv);

/* Inside, once no program runs: remove what programs have left in TMPDIR. Returns how many of their
 * folders cannot be removed. */
size_t enclosure_clean(void);

#endif
