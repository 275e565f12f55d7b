/*
 * lossy: a relay between clients and a server that can make one segment late, as the
 * loss of it would.
 *
 * TCP hands on bytes in their order. If a segment is lost, all that comes after it on the same
 * connection waits at the receiver until it has been sent again, about 200 ms later where little
 * is under way. This does the same to the bytes: those that come next, and all behind them, are
 * held back; other connections go on.
 *
 * Order of calls: lossy_open; lossy_lose any number of times; lossy_free.
 */
#ifndef GRADER_LECTURE_LOSSY_H
#define GRADER_LECTURE_LOSSY_H

#include <uv.h>

struct lossy;

/* Listen on a free port of localhost, and hand on to `to`, another port of it.
 * Returns NULL when that cannot be had. */
struct lossy *lossy_open(uv_loop_t *loop, int to, unsigned hold_ms);

/* Where it listens. */
int lossy_port(const struct lossy *lossy);

/* What the server sends next, on whichever connection that is, arrives hold_ms late. */
void lossy_lose(struct lossy *lossy);

/* Close every connection and free it; the loop has to run once more. NULL is allowed. */
void lossy_free(struct lossy *lossy);

#endif
