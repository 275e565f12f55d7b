/*
 * trace_live: what H2_TRACE=live sends to `make live`, without slowing the program down.
 *
 * A person reads some frames a second, a browser draws some thousand, and a program sends hundreds
 * of thousands. So only as many frames have a place as a page can show: BURST at once, and then
 * some RATE a second, always several that follow one another. The others are only counted. Sending
 * waits at most once, briefly, for a reader that is slow.
 *
 * Order of calls: trace_live_open once; for each frame trace_live_admits, and if it does,
 * trace_live_send with its line. One thread at a time.
 */
#ifndef COMMON_INNER_TRACE_LIVE_H
#define COMMON_INNER_TRACE_LIVE_H

#include <stdbool.h>
#include <stddef.h>

enum {
  TRACE_LIVE_BURST = 1000, /* frames */
  TRACE_LIVE_RATE = 500,   /* frames a second */
};

/* Connect to `make live`. Returns 0, or -1 with errno. */
int trace_live_open(void);

/* Whether the next frame, `milliseconds` after some fixed moment, has a place. If not, count it. */
bool trace_live_admits(double milliseconds);

/* Send whole lines. Returns how many of them are lost because the reader is too slow; or -1 with
 * errno when the reader has gone: then nothing more can be sent. */
long trace_live_send(const char *text, size_t length);

#endif
