/*
 * client: what the variants of labs 5 and 6 share: one GET on wire.h, given up when
 * nothing has come for a while.
 */
#ifndef VARIANTS_CLIENT_H
#define VARIANTS_CLIENT_H

#include <openssl/ssl.h>

/* Do what the command line says. With `open_tls` in TLS: it makes the SSL for a
 * server called `host`, by the file of --ca, and returns NULL when it has said what
 * is wrong. Returns the status to exit with. */
int variant_client(int argc, char **argv, SSL *(*open_tls)(const char *ca, const char *host));

#endif
