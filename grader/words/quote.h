/*
 * quote: what was on the wire or in a text, as words for a message.
 */
#ifndef GRADER_QUOTE_H
#define GRADER_QUOTE_H

#include <stddef.h>

#include "common/buffer.h"
#include "common/frame.h"

/* Append a text by a printf format; what does not fit into 512 octets, or into
 * memory, is left out. */
void quote_append(struct buffer *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Append what kind of frame it is: "HEADERS END_STREAM|END_HEADERS", "GOAWAY NO_ERROR". */
void quote_frame_kind(struct buffer *text, const struct frame *frame);

/* Append a frame in words: "HEADERS END_STREAM|END_HEADERS on stream 1, 38 bytes". */
void quote_frame(struct buffer *text, const struct frame *frame);

/* Append octets as a quoted text, with control characters and non-ASCII octets escaped, cut after
 * some 60 characters; or, what a person is to read whole, after some 240. */
void quote_text(struct buffer *text, const char *bytes, size_t length);
void quote_message(struct buffer *text, const char *bytes, size_t length);

/* Where two texts differ first: append that line of each, quoted, with its number. */
void quote_difference(const char *expected, size_t expected_length, const char *seen,
                      size_t seen_length, struct buffer *expected_text, struct buffer *seen_text);

#endif
