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
 * same port of each; port 0 takes any that is free. "*" is every address of this machine, of both
 * families; "0.0.0.0" is those of IPv4 only, "::" those of IPv6 only. `tls` is handed to
 * transport_accept; the listener keeps a reference of its own. When descriptors or memory run out,
 * clients wait in the kernel's queue, and it is tried again later. Returns NULL on failure and puts
 * one line that says why into `error` ("listen on localhost:8000: Address already in use").
 */
struct listener *listener_open(uv_loop_t *loop, const char *host, int port, SSL_CTX *tls,
                               listener_callback callback, void *user, char *error,
                               size_t error_size);

/* The same on `count` sockets that listen already; they are the listener's from now on, and are
 * closed on failure too. */
struct listener *listener_take(uv_loop_t *loop, const int *sockets, size_t count, SSL_CTX *tls,
                               listener_callback callback, void *user, char *error,
                               size_t error_size);

/* The port that it really listens on (the first socket, if they differ). */
int listener_port(const struct listener *listener);

/* Stop to listen and free it; what was accepted stays open. NULL is allowed, and so is a call from
 * within the callback. */
void listener_free(struct listener *listener);

#endif
