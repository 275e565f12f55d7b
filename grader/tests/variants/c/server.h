/*
 * server: what the variants of labs 3 to 6 share: clients on wire.h, until SIGINT or
 * SIGTERM. Every frame is padded, a body is sent without a copy (NO_COPY), two octets in
 * each DATA frame, and ended by an empty one.
 */
#ifndef VARIANTS_SERVER_H
#define VARIANTS_SERVER_H

#include <openssl/ssl.h>
#include <stddef.h>

/* What a request asks for, and what it gets. */
struct exchange_of_variant {
  char method[32];
  char path[64]; /* cut: no route is as long */
  const char *status;
  const char *content_type; /* NULL for none */
  const char *body;
  long delay; /* of the answer, in milliseconds; 0 for none */
  double due; /* when it is to be given; 0 if it does not wait */
  int stream;
  size_t sent;
  struct exchange_of_variant *next; /* of the same client */
};

/* --delay of the command line, in milliseconds. */
extern long variant_delay;

/* If it is set, clients go through TLS, by the context that it makes of the files of --key and
 * --cert. It returns NULL when it has said what is wrong. */
extern SSL_CTX *(*variant_context)(const char *key, const char *cert);

/* What labs 4 to 6 answer: the routes of the tutorial, /ping after that delay in milliseconds. */
void variant_route(struct exchange_of_variant *exchange, long ping_delay);

/* Serve `program` on the port of the command line. `answer` fills in status, content_type and body,
 * which must last, and delay. Returns the status to exit with. */
int variant_serve(const char *program, int argc, char **argv,
                  void (*answer)(struct exchange_of_variant *exchange));

#endif
