/*
 * standing: what the program is doing when a check has failed and the program still runs.
 */
#ifndef GRADER_STANDING_H
#define GRADER_STANDING_H

#include "common/buffer.h"
#include "grader/play/exchange.h"

/* Append that the program waits, with the last frame in each direction; the finding keeps the kinds
 * of these frames. */
void standing_waiting(struct buffer *text, struct exchange *exchange);

/* If the finding does not yet say what was seen, add the state of the program: it has exited, has
 * closed the connection, or waits, and for what. Call it before stopping the program. */
void standing_tell(struct exchange *exchange);

/* If the program has put itself to sleep, so that it can do nothing else, make that the whole
 * finding. Call it before stopping the program. */
void standing_sleep(struct exchange *exchange);

#endif
