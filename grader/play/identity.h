/*
 * identity: a private key and its certificate in files, for the checks of a lab that speaks TLS.
 *
 * The files stay beside the outcome of the check, so that a student can repeat its command. Their
 * names are random: they do not tell a program which check it is in.
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

/* The path of a new file of that kind ("cert.pem"), into `path`: IDENTITY_PATH bytes. */
void identity_path(struct exchange *exchange, char *path, const char *kind);

/* An RSA key of 2048 bits, in PEM form: to make a new one takes too long. It is no secret. */
extern const char identity_rsa_key[];

/* Make an identity for this check. `wanted` may be NULL: for localhost, 127.0.0.1 and ::1. From
 * then on, programs run on a system whose settings allow every version of TLS and every cipher. */
void identity_make(struct exchange *exchange, struct identity *identity,
                   const struct certificate *wanted);

/* Write the certificates of these files, at least two, into a new one, the first of them behind
 * some of the others. Its path into `path`. */
void identity_bundle(struct exchange *exchange, char *path, const char *const *certs, size_t count);

/* Put a copy of this certificate where OpenSSL looks for those that the system trusts: a running
 * program that asks for these, and has not looked yet, finds it. */
void identity_let_system_trust(struct exchange *exchange, const char *cert);

/* The context of a correct server with this identity; or of a client that accepts any server and
 * offers "h2". The caller may change both before using them. */
SSL_CTX *identity_server(struct exchange *exchange, const struct identity *identity);
SSL_CTX *identity_client(struct exchange *exchange);

#endif
