/*
 * loss: what the loss of one TCP segment does to requests that share a connection, and to requests
 * that do not. A part of the program `lecture`.
 */
#ifndef GRADER_LECTURE_LOSS_H
#define GRADER_LECTURE_LOSS_H

#include <uv.h>

/* Four requests over one connection, then over four. Answers leave 10 ms apart; the first one's
 * segment arrives `hold_ms` late (lossy.h). Prints a line for each, "stream 1 of one connection
 * 211.3 ms". Returns 0; or says why not, and returns -1. */
int lecture_loss(uv_loop_t *loop, unsigned hold_ms);

#endif
