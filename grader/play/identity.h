/*
 * identity: a private key and its certificate in files, for the checks of a lab that speaks TLS.
 *
 * The files stay beside the outcome of the check, so that a student can repeat its command.
 */
#ifndef GRADER_IDENTITY_H
#define GRADER_IDENTITY_H

#include "common/certificate.h"
#include "grader/play/exchange.h"

enum { IDENTITY_PATH = 1024 };

struct identity {
  char key[IDENTITY_PATH];
  char cert[IDENTITY_PATH];
};

/* The path of a file of this check, called `name` and of that kind, into `path`:
 * IDENTITY_PATH bytes. */
void identity_path(struct exchange *exchange, char *path, const char *name, const char *kind);

/* Make an identity for this check, called `name`. `wanted` may be NULL: for localhost, 127.0.0.1
 * and ::1. */
void identity_make(struct exchange *exchange, struct identity *identity, const char *name,
                   const struct certificate *wanted);

/* The context of a correct server with this identity; or of a client that accepts any server and
 * offers "h2". The caller may change both before using them. */
SSL_CTX *identity_server(struct exchange *exchange, const struct identity *identity);
SSL_CTX *identity_client(struct exchange *exchange);

#endif
