/*
 * lossy: a relay between clients and a server that can delay one segment, as a loss would.
 *
 * TCP delivers bytes in order. If a segment is lost, everything after it on the same connection
 * waits at the receiver until TCP has sent it again, about 200 ms later if few bytes are on their
 * way. The relay does the same: it holds back the next bytes, and all bytes after them; other
 * connections go on.
 *
 * Order of calls: lossy_open; lossy_lose any number of times; lossy_free.
 */
#ifndef GRADER_LECTURE_LOSSY_H
#define GRADER_LECTURE_LOSSY_H

#include <uv.h>

struct lossy;

/* Listen on a free port of localhost, and pass bytes on to `to`, another port of it. Returns NULL
 * on failure. */
struct lossy *lossy_open(uv_loop_t *loop, int to, unsigned hold_ms);

/* The port on which it listens. */
int lossy_port(const struct lossy *lossy);

/* Delay the next bytes of the server, on any connection, by hold_ms. */
void lossy_lose(struct lossy *lossy);

/* Close every connection and free it; the loop has to run once more. NULL is allowed. */
void lossy_free(struct lossy *lossy);

#endif
