/*
 * tls_cause: why a program of lab 6 does not come to HTTP/2, by what its own function `handshake`
 * and OpenSSL's calls have returned.
 */
#ifndef GRADER_TLS_CAUSE_H
#define GRADER_TLS_CAUSE_H

#include "grader/play/exchange.h"

/* If the check has failed for want of a connection, and the probe knows why, say so in its finding.
 * Otherwise leave it as it is. */
void tls_cause_find(struct exchange *exchange);

#endif
