/*
 * connector: connect a TCP socket to a host and a port; the inner part of transport_connect.
 *
 * Names are looked up in the background, addresses are tried one after the other,
 * and the first that answers is taken.
 *
 * Order of calls: connector_start; the callback, once, from the loop, and then the connector is
 * gone. connector_free ends it early, without a call back.
 */
#ifndef COMMON_CONNECTOR_H
#define COMMON_CONNECTOR_H

#include <uv.h>

struct connector;

/* `descriptor` is connected, non-blocking, and the callee's from now on. Or it is -1, and
 * `error` is one line that says why: "look up nowhere.invalid: unknown node or service",
 * "connect to localhost:1: Connection refused". */
typedef void (*connector_callback)(int descriptor, const char *error, void *user);

/* Returns NULL when there is no memory; every other failure is told by the callback. */
struct connector *connector_start(uv_loop_t *loop, const char *host, const char *port,
                                  connector_callback callback, void *user);

/* NULL is allowed. */
void connector_free(struct connector *connector);

#endif
