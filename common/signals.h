/*
 * signals: be told of SIGINT (Ctrl-C) and SIGTERM on the loop, so that a server can end gracefully.
 */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <uv.h>

struct signals;

/* Call `callback` from the loop with `user` when SIGINT or SIGTERM comes. Returns
 * NULL when that cannot be had. */
struct signals *signals_open(uv_loop_t *loop, void (*callback)(void *user), void *user);

/* Listen to them no more: the next one ends the program at once, as it does without us. NULL is
 * allowed, and so is a call from within the callback. */
void signals_free(struct signals *signals);

#endif
