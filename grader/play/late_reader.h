/*
 * late_reader: a TLS client that lets the server wait in the middle of the handshake.
 *
 * Its socket takes little, and it reads nothing until the server sleeps. A server that
 * has more to say in the handshake than the sockets hold, a long chain of
 * certificates, has to wait until it can write.
 */
#ifndef GRADER_LATE_READER_H
#define GRADER_LATE_READER_H

#include "grader/play/exchange.h"

/*
 * Connect to the program that is a server, by exchange->tls; wait until it sleeps with its words
 * half said; read on until the handshake is complete; and GET `path`, until `body` has come.
 * Fails the check where it cannot go on.
 */
void late_reader_run(struct exchange *exchange, const char *path, const char *body);

#endif
