/*
 * use: a program that uses streams (stream.h) in all possible ways: it responds at once, later or
 * never, writes too much or too little, pauses, keeps, gives up. It checks that events come in
 * their order, and that each stream gets its on_close once.
 */
#ifndef COMMON_FUZZ_USE_H
#define COMMON_FUZZ_USE_H

#include "common/fuzz/fuzz.h"
#include "common/stream.h"

/* On a server: a request has come. The letter in its path says how to use it. */
void use_request(struct stream *stream);

/* On a client: we made a request, to use it in this way. */
void use_response(struct stream *stream, uint8_t way);

/* Do what the tape says with one of the streams in use, outside of events. */
void use_step(struct tape *tape);

/* How many streams are in use. */
size_t use_count(void);

#endif
