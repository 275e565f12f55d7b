/*
 * brief: a shortened frame, which fits into a few lines of a ladder.
 */
#ifndef GRADER_BRIEF_H
#define GRADER_BRIEF_H

#include <stdbool.h>

#include "common/frame.h"

enum {
  BRIEF_FIELDS = 4 /* of a frame that is shown in full; of others there is one line at most */
};

struct brief {
  struct frame frame;
  struct frame_field fields[BRIEF_FIELDS];
  char rest[256]; /* of the last field that is shown, with the others behind it */
};

/* Make it from `frame`, which must live as long as the result. Returns how many lines of a ladder
 * it takes. */
int brief_make(struct brief *brief, const struct frame *frame, bool full);

#endif
