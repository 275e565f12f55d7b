/*
 * trail: what the student's functions that have run say of a failure.
 */
#ifndef GRADER_TRAIL_H
#define GRADER_TRAIL_H

#include <stdbool.h>

#include "grader/play/exchange.h"

/* Whether the program that runs now, or has run last, has never called this function of the
 * student, as far as anything is known of it. */
bool trail_without(const struct exchange *exchange, const char *function);

/* Whether it is known that the program has called this function. */
bool trail_with(const struct exchange *exchange, const char *function);

/* Whether the student's file has this line, in a function or elsewhere. */
bool trail_has(const struct exchange *exchange, const char *line);

/* The handshake has failed, with this error on our side. If the server closed the connection before
 * OpenSSL came to choose a protocol, without an alert, its own function `handshake` gave up: blame
 * that. Returns whether it is so. */
bool trail_blame_handshake(struct exchange *exchange, const char *error);

/* For a check that has failed: note in its finding the TODOs whose functions have run in the
 * last program. If the program was ended from outside, note also in which function it was. */
void trail_note(struct exchange *exchange);

#endif
