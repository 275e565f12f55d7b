/*
 * loss: the effect of one lost TCP segment on requests that share a connection, and on requests
 * that do not. A part of the program `lecture`.
 */
#ifndef GRADER_LECTURE_LOSS_H
#define GRADER_LECTURE_LOSS_H

#include <uv.h>

/* Four requests over one connection, then over four. Answers leave 10 ms apart; the first one's
 * segment arrives `hold_ms` late (lossy.h). Prints a line for each, "stream 1 of one connection
 * 211.3 ms". Returns 0; or -1 after a message on standard error. */
int lecture_loss(uv_loop_t *loop, unsigned hold_ms);

#endif
