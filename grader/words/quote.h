/*
 * quote: put frames and texts into words for a message.
 */
#ifndef GRADER_QUOTE_H
#define GRADER_QUOTE_H

#include <stddef.h>

#include "common/buffer.h"
#include "common/frame.h"

/* Append a text by a printf format; leave out what does not fit into 512 bytes, or into memory. */
void quote_append(struct buffer *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Append what kind of frame it is: "HEADERS END_STREAM|END_HEADERS", "GOAWAY NO_ERROR". */
void quote_frame_kind(struct buffer *text, const struct frame *frame);

/* Append a frame in words: "HEADERS END_STREAM|END_HEADERS on stream 1, 38 bytes". */
void quote_frame(struct buffer *text, const struct frame *frame);

/* Append bytes as a quoted text, with control characters and non-ASCII bytes escaped, cut after
 * some 60 characters; or after some 240, for texts that a person should read whole. */
void quote_text(struct buffer *text, const char *bytes, size_t length);
void quote_message(struct buffer *text, const char *bytes, size_t length);

/* Append the first line in which two texts differ: that line of each, quoted, with its number. */
void quote_difference(const char *expected, size_t expected_length, const char *seen,
                      size_t seen_length, struct buffer *expected_text, struct buffer *seen_text);

#endif
