/*
 * frames: shared by the tests of frame and trace: frames written as text, and a
 * list of a decoder's reports.
 */
#ifndef COMMON_TESTS_FRAMES_H
#define COMMON_TESTS_FRAMES_H

#include "common/buffer.h"
#include "common/frame.h"

/* A decoder, and copies of the frames that it has reported. */
struct frames {
  struct frame_decoder *decoder;
  struct frame **list;
  size_t count;
};

/* Begin with a new decoder. */
void frames_begin(struct frames *frames);

/* The same, and feed the decoder the preface and the empty SETTINGS of both sides; the list
 * is empty afterwards. */
void frames_begin_open(struct frames *frames);

/* Free the decoder and the list. */
void frames_end(struct frames *frames);

/* Feed bytes. */
void frames_feed(struct frames *frames, enum frame_sender sender, const void *bytes, size_t length);

/* Feed bytes written as text, which must be one more frame. Returns that frame. */
const struct frame *frames_feed_text(struct frames *frames, enum frame_sender sender,
                                     const char *text);

/* Append the bytes that `text` stands for: hexadecimal digits in pairs, blanks, and 'characters' in
 * quotes: "000005 00 01 00000001 'Hello'" is a DATA frame. */
void frames_append_text(struct buffer *bytes, const char *text);

/* Write the header of a frame (RFC 9113, section 4.1). */
void frames_header(uint8_t header[static FRAME_HEADER_LENGTH], size_t length, uint8_t type,
                   uint8_t flags, int32_t stream_id);

/* Append a frame: a header made from the arguments, and the payload. */
void frames_append(struct buffer *bytes, uint8_t type, uint8_t flags, int32_t stream_id,
                   const void *payload, size_t length);

/* Fail the test unless the two lists have the same frames; only bytes and values count. */
void frames_expect_equal(const struct frames *seen, const struct frames *expected);

/* The next number of a sequence that looks random, and is always the same for the same first
 * `*state`, which must not be 0. */
uint32_t frames_random(uint32_t *state);

/* A seed from SEED in the environment, or else a new one; prints it. */
uint32_t frames_seed(void);

/* The allocated bytes of this process, as its allocator counts them. */
size_t frames_allocated(void);

#endif
