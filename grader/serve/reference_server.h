/*
 * reference_server: the tutorial's server with all its routes, on common/server.h.
 *
 *   GET  /             200  Hello World!
 *   GET  /hello-world  200  Hello World
 *   GET  /ping         200  pong
 *   POST /send-data    200  the request's body, streamed back while it still arrives
 *   anything else      404  path not found (content-type: text/plain; charset=utf-8)
 *
 * On request it misbehaves, so that you can try a client against a server that is broken in one
 * exact way.
 */
#ifndef GRADER_REFERENCE_SERVER_H
#define GRADER_REFERENCE_SERVER_H

#include <stdbool.h>

#include "common/server.h"

enum reference_fault {
  REFERENCE_NO_FAULT,
  REFERENCE_SLOW,    /* it sends a body byte by byte, each in a DATA frame, milliseconds apart */
  REFERENCE_LATE,    /* it answers requests after two seconds */
  REFERENCE_HINTS,   /* each request gets 103 (Early Hints), and then nothing */
  REFERENCE_NEVER,   /* it never answers requests */
  REFERENCE_REFUSE,  /* it resets every stream with REFUSED_STREAM */
  REFERENCE_GOAWAY,  /* it ends every connection at once with GOAWAY(ENHANCE_YOUR_CALM) */
  REFERENCE_GARBAGE, /* it speaks HTTP/1.1 */
  REFERENCE_WINDOW,  /* it keeps the windows of its clients' streams closed: no body gets through */
  REFERENCE_HALF,    /* it sends half of a response's body, and closes the connection */
  REFERENCE_FAULTS,
};

struct reference_config {
  int port;                   /* on localhost; 0: any free port */
  SSL_CTX *tls;               /* as in server.h; NULL: plain TCP */
  enum reference_fault fault; /* may change while the server runs: see reference_server_listen */
  bool log;                   /* a line on standard output for each request: "GET /ping 200" */

  /* As in server.h; may be NULL. */
  void (*on_connection)(struct connection *connection, void *user);
  void (*on_connection_close)(struct connection *connection, void *user);
  void (*on_close)(void *user);
  void *user;
};

/* The name of a fault as the user types it ("slow", "never", ...), and back: REFERENCE_FAULTS for
 * an unknown name. */
const char *reference_fault_name(enum reference_fault fault);
enum reference_fault reference_fault_of(const char *name);

/* Set the window of this client's streams (SETTINGS_INITIAL_WINDOW_SIZE). Call connection_send
 * afterwards. */
void reference_server_set_window(struct connection *connection, uint32_t size);

/* Start the server. `config` must outlive it; a fault that changes counts for the requests and the
 * connections that come then. Returns NULL on failure, and puts one line that says
 * why into `error`. Close and free the server as in server.h. */
struct server *reference_server_listen(uv_loop_t *loop, const struct reference_config *config,
                                       char *error, size_t error_size);

#endif
