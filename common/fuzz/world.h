/*
 * world: the surroundings of a whole server or client under test: a loop, a clock that only the
 * target moves, memory that runs out when the target says so, and a peer, at the other end of a
 * socket pair, that does what the tape says.
 *
 * Nothing looks up a name or binds a port: world.c replaces listener_open (listener.h) and
 * connector_start (connector.h), which give the program under test its end of the pair. Everything
 * else is the unchanged library.
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

/* Do one step of the peer, of the clock, or of memory, as the tape says. Returns false, and does
 * nothing, if the step belongs to the program under test: then `*choice` says which. */
bool world_step(struct tape *tape, uint8_t *choice);

/* Let the program run until it has nothing to do at once. */
void world_turn(void);

/* Let this many milliseconds pass, and run the program whenever one of its timers is due. */
void world_wait(unsigned milliseconds);

/* The peer closes its end, if it has not yet. */
void world_hang_up(void);

/* Everything must be over: nothing is left on the loop, and the program has sent only right
 * frames. */
void world_end(void);

#endif
