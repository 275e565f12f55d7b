/*
 * signals: report SIGINT (Ctrl-C) and SIGTERM on the loop, so that a server can end gracefully.
 */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <uv.h>

struct signals;

/* Call `callback` from the loop with `user` when SIGINT or SIGTERM arrives. Returns NULL when that
 * fails. */
struct signals *signals_open(uv_loop_t *loop, void (*callback)(void *user), void *user);

/* Stop listening to signals: the next one ends the program at once, as usual. NULL is allowed, and
 * so is a call inside the callback. */
void signals_free(struct signals *signals);

#endif
