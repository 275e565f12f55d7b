/*
 * frame_requests: which request the frames of a stream belong to. An inner part of frame.h: the
 * decoder of one connection shows it every frame, in order.
 *
 * It remembers the open streams, and closed ones for a while. If so many are open that it has to
 * forget one of them, later frames of that stream have no request, and at_once is no longer known.
 */
#ifndef COMMON_FRAME_REQUESTS_H
#define COMMON_FRAME_REQUESTS_H

#include "common/frame.h"

enum { FRAME_REQUESTS_REMEMBERED = 256 };

/* All zero to begin with. */
struct frame_requests {
  struct frame_request *slots; /* NULL until the first request */
  unsigned count;              /* requests so far */
  unsigned open;               /* of these, how many are neither answered to the end nor reset */
  unsigned at_once;            /* the most that `open` has been */
  bool forgot;
};

/* Look at one frame, and fill in its `request`. Returns 0, or -1 when there is no memory. */
int frame_requests_see(struct frame_requests *requests, struct frame *frame);

/* Free what it holds. */
void frame_requests_free(struct frame_requests *requests);

#endif
