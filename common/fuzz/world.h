/*
 * world: what a whole server or client lives in while it is fuzzed: a loop, a clock that only the
 * target moves, memory that runs out when the target says so, and a peer, at the other end of a
 * socket pair, that does what the tape says.
 *
 * No name is looked up and no port is bound: listener_open (listener.h) and connector_start
 * (connector.h) are defined here anew, so that the program under test gets its end of the pair from
 * them. All else is the library as it is.
 */
#ifndef COMMON_FUZZ_WORLD_H
#define COMMON_FUZZ_WORLD_H

#include <uv.h>

#include "common/fuzz/fuzz.h"

/* A new world. `is_client`: the peer is a client, and the program under test a server. Returns
 * the loop. */
uv_loop_t *world_begin(bool is_client);

/* The peer connects. Before that the program has called listener_open or connector_start. */
void world_connect(void);

/* One step of the peer's, of the clock's, or of memory's, as the tape says. Returns false, and
 * has done nothing, where the step is one that the program under test has to take: then
 * `*choice` tells which. */
bool world_step(struct tape *tape, uint8_t *choice);

/* Let the program run until it has nothing to do at once. */
void world_turn(void);

/* Let so many milliseconds pass, and the program run whenever a timer of its is due. */
void world_wait(unsigned milliseconds);

/* The peer closes its end, if it has not yet. */
void world_hang_up(void);

/* All must be over: nothing is left on the loop, and the program has sent nothing but frames
 * that are right. */
void world_end(void);

#endif
