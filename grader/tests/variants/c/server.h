/*
 * server: shared by the variants of labs 3 to 6: serves clients on wire.h, until SIGINT or SIGTERM.
 * It pads every frame, and sends a body without a copy (NO_COPY), two bytes in each DATA frame, and
 * an empty one at the end.
 */
#ifndef VARIANTS_SERVER_H
#define VARIANTS_SERVER_H

#include <openssl/ssl.h>
#include <stddef.h>

/* A request and its answer. */
struct exchange_of_variant {
  char method[32];
  char path[64]; /* cut off here: no route is as long */
  const char *status;
  const char *content_type; /* NULL for none */
  const char *body;
  long delay; /* of the answer, in milliseconds; 0 for none */
  double due; /* when to give the answer; 0 if it does not wait */
  int stream;
  size_t sent;
  struct exchange_of_variant *next; /* of the same client */
};

/* --delay of the command line, in milliseconds. */
extern long variant_delay;

/* If set, clients use TLS, with the context that this function makes from the files of --key and
 * --cert. It returns NULL after it has printed an error. */
extern SSL_CTX *(*variant_context)(const char *key, const char *cert);

/* The answers of labs 4 to 6: the routes of the tutorial, /ping after a delay in milliseconds. */
void variant_route(struct exchange_of_variant *exchange, long ping_delay);

/* Serve `program` on the port of the command line. `answer` fills in status, content_type, body
 * (which must last) and delay. Returns the exit status. */
int variant_serve(const char *program, int argc, char **argv,
                  void (*answer)(struct exchange_of_variant *exchange));

#endif
