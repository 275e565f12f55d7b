/*
 * connector: connect a TCP socket to a host and a port; the inner part of transport_connect.
 *
 * It looks the name up in the background, tries the addresses one after the other, and takes the
 * first that answers.
 *
 * Order of calls: connector_start; the callback, once, from the loop; then the connector is gone.
 * connector_free ends it early, without a callback.
 */
#ifndef COMMON_CONNECTOR_H
#define COMMON_CONNECTOR_H

#include <uv.h>

struct connector;

/* `descriptor` is connected and non-blocking, and belongs to the callee from now on. Or it is -1,
 * and `error` is one line that says why: "look up nowhere.invalid: unknown node or service",
 * "connect to localhost:1: Connection refused". */
typedef void (*connector_callback)(int descriptor, const char *error, void *user);

/* Returns NULL when there is no memory; the callback reports every other failure. */
struct connector *connector_start(uv_loop_t *loop, const char *host, const char *port,
                                  connector_callback callback, void *user);

/* NULL is allowed. */
void connector_free(struct connector *connector);

#endif
