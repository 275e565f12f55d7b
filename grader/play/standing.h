/*
 * standing: what the program does right now, when a check has failed and the program still runs.
 */
#ifndef GRADER_STANDING_H
#define GRADER_STANDING_H

#include "common/buffer.h"
#include "grader/play/exchange.h"

/* Append that the program waits, with the last frame each way; the finding keeps the
 * kinds of these frames. */
void standing_waiting(struct buffer *text, struct exchange *exchange);

/* If the finding does not yet say what was seen, say how the program stands: it has exited, closed
 * the connection, or waits, and for what. Call it before the program is stopped. */
void standing_tell(struct exchange *exchange);

/* If the program sleeps right now, so that it can do nothing else, the finding says that and
 * nothing else. Call it before the program is stopped. */
void standing_sleep(struct exchange *exchange);

#endif
