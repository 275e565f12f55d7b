/*
 * late_reader: a TLS client that makes the server wait in the middle of the handshake.
 *
 * Its socket takes little, and it reads nothing until the server sleeps. A server whose handshake
 * is longer than the sockets hold, because of a long chain of certificates, has to wait until it
 * can write.
 */
#ifndef GRADER_LATE_READER_H
#define GRADER_LATE_READER_H

#include "grader/play/exchange.h"

/*
 * Connect to the server with exchange->tls; wait until it sleeps in the middle of its handshake;
 * read on until the handshake is complete; then GET `path`, until `body` has arrived. Fails the
 * check if it cannot go on.
 */
void late_reader_run(struct exchange *exchange, const char *path, const char *body);

#endif
