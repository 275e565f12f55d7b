/*
 * legal: what no program may send, whatever a check is about: a frame that is wrong in itself, a
 * frame on a stream that nobody has opened, an acknowledgement of what was never sent, a GOAWAY
 * that names a stream of nobody, a malformed request or response (legal_message.h). It sees the
 * frames of one connection in both directions, and keeps the first error.
 *
 * A program that knows its lines by heart, and sends them without reading, ends here.
 */
#ifndef GRADER_LEGAL_H
#define GRADER_LEGAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"
#include "grader/play/legal_message.h"

enum { LEGAL_PINGS = 64 };

struct legal {
  const char *error; /* what is wrong with the first wrong frame; NULL if none is */
  size_t frames;     /* right ones of the program: what begins wrong may be no HTTP/2 at all */
  bool is_malformed; /* the first wrong frame is of a malformed message */
  int32_t opened;    /* the highest stream that the client has opened */
  int32_t of_peer;   /* the highest stream that the peer has named as its own */
  bool says_goodbye; /* the program has sent GOAWAY ... */
  int32_t goodbye;   /* ... with this last stream */
  size_t settings;   /* that wait for their acknowledgement */
  uint8_t pings[LEGAL_PINGS][8]; /* the last ones that were sent to the program ... */
  size_t ping_count;             /* ... and how many there were */
  struct messages messages;
};

/* A frame has passed, from the program or to it. Returns whether it is the first wrong one. */
bool legal_look(struct legal *legal, enum frame_sender program, const struct frame *frame);

#endif
