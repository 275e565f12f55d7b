/*
 * use: what a program does with streams (stream.h), in all the ways there are: it responds at once,
 * later or never, writes too much or too little, pauses, keeps, gives up. It sees to it that the
 * events come in their order, and that each stream has its on_close, once.
 */
#ifndef COMMON_FUZZ_USE_H
#define COMMON_FUZZ_USE_H

#include "common/fuzz/fuzz.h"
#include "common/stream.h"

/* A server's: a request has come. The letter in its path is the way in which it is used. */
void use_request(struct stream *stream);

/* A client's: it was made, to be used in this way. */
void use_response(struct stream *stream, uint8_t way);

/* Do something to one of the streams that are used, as the tape says: not from within an event. */
void use_step(struct tape *tape);

/* How many there are. */
size_t use_count(void);

#endif
