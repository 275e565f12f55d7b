/*
 * listener: wait for clients on a TCP port, and make a transport of each.
 *
 * Order of calls: listener_open or listener_take; the callback any number of times, from the loop;
 * listener_free.
 */
#ifndef COMMON_LISTENER_H
#define COMMON_LISTENER_H

#include "common/transport.h"

struct listener;

/* A client has connected. The callee owns `transport`, which does nothing until transport_start. */
typedef void (*listener_callback)(struct transport *transport, void *user);

/*
 * Listen on every address of `host` ("localhost": 127.0.0.1 and, where there is one, ::1), on the
 * same port of each; port 0 takes any free port. "*" means every address of this machine, of both
 * families; "0.0.0.0" only those of IPv4, "::" only those of IPv6. The listener passes `tls` to
 * transport_accept, and keeps its own reference. When descriptors or memory run out, clients wait
 * in the kernel's queue, and the listener tries again later. Returns NULL on failure and puts one
 * line that says why into `error` ("listen on localhost:8000: Address already in use").
 */
struct listener *listener_open(uv_loop_t *loop, const char *host, int port, SSL_CTX *tls,
                               listener_callback callback, void *user, char *error,
                               size_t error_size);

/* The same on `count` sockets that already listen. The listener owns them from now on, and also
 * closes them on failure. */
struct listener *listener_take(uv_loop_t *loop, const int *sockets, size_t count, SSL_CTX *tls,
                               listener_callback callback, void *user, char *error,
                               size_t error_size);

/* The port on which it really listens (that of the first socket, if they differ). */
int listener_port(const struct listener *listener);

/* Stop listening and free the listener; accepted transports stay open. NULL is allowed, and so is a
 * call inside the callback. */
void listener_free(struct listener *listener);

#endif
