/*
 * explain: the words of a failure.
 */
#ifndef GRADER_EXPLAIN_H
#define GRADER_EXPLAIN_H

#include "common/buffer.h"
#include "grader/play/exchange.h"

/* Append a frame in words: "HEADERS END_STREAM|END_HEADERS on stream 1, 38 bytes". */
void explain_frame(struct buffer *text, const struct frame *frame);

/* Append bytes as a quoted text, with control characters and non-ASCII bytes escaped, cut after some 60
 * characters; or, what a person is to read whole, after some 240. */
void explain_text(struct buffer *text, const char *bytes, size_t length);
void explain_message(struct buffer *text, const char *bytes, size_t length);

/* Where two texts differ first: append that line of each, quoted, with its number. */
void explain_difference(const char *expected, size_t expected_length, const char *seen,
                        size_t seen_length, struct buffer *expected_text, struct buffer *seen_text);

/* Append that the program waits, with the last frame each way. */
void explain_waiting(struct buffer *text, const struct exchange *exchange);

/* If the finding does not yet say what was seen, say what the program does right now: it has exited, closed
 * the connection, or waits, and for what. Called before it is stopped. */
void explain_how_it_stands(struct exchange *exchange);

/* If the program sleeps right now, so that it can do nothing else, this becomes what the finding says. Called before it is
 * stopped. */
void explain_sleep(struct exchange *exchange);

#endif
