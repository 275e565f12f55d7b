/*
 * client: shared by the variants of labs 5 and 6: one GET on wire.h, which gives up when nothing
 * has come for a while.
 */
#ifndef VARIANTS_CLIENT_H
#define VARIANTS_CLIENT_H

#include <openssl/ssl.h>

/* Do what the command line says. `open_tls`, if not NULL, makes the SSL for a server called `host`
 * from the file of --ca; it returns NULL after it has printed an error. Returns the exit status. */
int variant_client(int argc, char **argv, SSL *(*open_tls)(const char *ca, const char *host));

#endif
