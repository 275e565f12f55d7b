/*
 * frame_payload: what one frame says by itself, by its type (RFC 9113, section 6).
 *
 * The part of the decoder that needs to know nothing of the connection: no frame before this one,
 * no header compression, no settings.
 */
#ifndef COMMON_FRAME_PAYLOAD_H
#define COMMON_FRAME_PAYLOAD_H

#include "common/buffer.h"
#include "common/frame.h"

/* The part of a HEADERS, PUSH_PROMISE or CONTINUATION that is compressed. */
struct frame_fragment {
  const uint8_t *bytes; /* NULL where the frame is so broken that it cannot be found */
  size_t length;
};

/*
 * Fill in what the payload of `frame` says, and `error` where it breaks section 6. Set before are
 * sender, type, flags, stream_id, length and payload; an `error` that is there already stays.
 * The entries of a SETTINGS frame are stored in `settings`, which must be empty.
 * Returns 0, or -1 when there is no memory.
 */
int frame_payload_decode(struct frame *frame, struct buffer *settings,
                         struct frame_fragment *fragment);

/* Set `error`, unless there is one: the first is the one that explains the others. */
void frame_payload_error(struct frame *frame, const char *error);

/* Whether the frame carries a field block, or a part of one. */
bool frame_payload_has_fields(const struct frame *frame);

#endif
