/*
 * frame_payload: decode the payload of one frame, by its type (RFC 9113, section 6).
 *
 * This part of the decoder needs to know nothing about the connection: no earlier frames, no header
 * compression, no settings.
 */
#ifndef COMMON_FRAME_PAYLOAD_H
#define COMMON_FRAME_PAYLOAD_H

#include "common/buffer.h"
#include "common/frame.h"

/* The part of a HEADERS, PUSH_PROMISE or CONTINUATION that is compressed. */
struct frame_fragment {
  const uint8_t *bytes; /* NULL if the frame is too broken to find it */
  size_t length;
};

/*
 * Fill in what the payload of `frame` says, and `error` if it breaks section 6. The caller has set
 * sender, type, flags, stream_id, length and payload; an `error` that is already set stays. Store
 * the entries of a SETTINGS frame in `settings`, which must be empty. Returns 0, or -1 when there
 * is no memory.
 */
int frame_payload_decode(struct frame *frame, struct buffer *settings,
                         struct frame_fragment *fragment);

/* Set `error`, unless there is one: the first error explains the others. */
void frame_payload_error(struct frame *frame, const char *error);

/* Whether the frame carries a field block, or a part of one. */
bool frame_payload_has_fields(const struct frame *frame);

#endif
