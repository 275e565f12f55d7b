/*
 * server: listen, and get a stream (stream.h) for every request.
 *
 * Order of calls: server_listen; on_stream any number of times, from the loop; server_close;
 * on_close, after which the server is gone. server_free ends it early.
 *
 *     static void on_stream(struct stream *stream, void *user) {
 *       stream_respond(stream, 200, NULL, 0, 12);
 *       stream_end(stream, "Hello World!", 12);
 *     }
 *
 *     struct server_config config = {.host = "localhost", .port = 8000, .on_stream = on_stream};
 *     struct server *server = server_listen(loop, &config, error, sizeof error);
 *     server_close_on_signals(server);
 *     uv_run(loop, UV_RUN_DEFAULT);
 *
 * Threads: a loop, and everything made on it, belong to one thread. Several threads may each have
 * their own loop and server: give each a socket bound with SO_REUSEPORT.
 *
 * The server does not trust clients. An error of a client ends its stream or its connection, as RFC
 * 9113 says, and disturbs no other client. The memory of a connection and of a stream is bounded:
 * see server_config. The server answers a header section of more than 64 KiB with 431. Clients that
 * are too slow or silent, that send floods of frames, or that make frames queue up and do not read
 * them, lose their connection: see connection.h, and common/README.md for the numbers.
 */
#ifndef COMMON_SERVER_H
#define COMMON_SERVER_H

#include "common/connection.h"
#include "common/stream.h"

struct server;

/* The configuration of a server. server_listen copies it. Zero means the default where one is
 * named. */
struct server_config {
  const char *host; /* "localhost"; "*" is every address of this machine (see listener_open) */
  int port;         /* 0: any that is free */

  /* Sockets that already listen, instead of host and port: from systemd, with SO_REUSEPORT, one for
   * each address family. server_listen takes them over, and closes them even when it fails. NULL
   * and 0 for none; 8 at most. */
  const int *sockets;
  size_t socket_count;

  SSL_CTX *tls; /* NULL: plain TCP. The server keeps its own reference (tls.h makes one) */

  /* Takes the next step of a TLS handshake. NULL: tls_handshake (tls.h) does it. */
  enum tls_step (*handshake)(SSL *ssl, char *error, size_t error_size);

  /* A request has arrived: its header section is complete, its body is not. Respond to the stream,
   * now or later: nobody else does. */
  void (*on_stream)(struct stream *stream, void *user);

  /* A client has connected; with TLS, the handshake is complete. May be NULL. */
  void (*on_connection)(struct connection *connection, void *user);

  /* A connection has ended, and every stream on it has had its on_close. `error` says why, as in
   * connection.h: NULL if both sides had finished. It comes for every accepted client, also for one
   * whose TLS handshake failed and that had no on_connection. server_free does not call it. May be
   * NULL. */
  void (*on_connection_close)(struct connection *connection, const char *error, void *user);

  /* server_close is done, and nothing of the server is left. May be NULL. */
  void (*on_close)(void *user);
  void *user;

  /* How many streams a client may have open at once: 100, the least that RFC 9113 (section 6.5.2)
   * recommends. The responses of a hundred streams fill many writes, so a higher limit does not
   * make a server faster, but it multiplies the memory that one client can claim. */
  uint32_t max_concurrent_streams;

  /* Flow-control windows for what clients send: how much may be on its way on one stream (65,535)
   * and on a connection (1 MiB). */
  uint32_t stream_window;
  uint32_t connection_window;

  /* How long server_close waits for streams in flight, in milliseconds: 5000. */
  unsigned grace;

  /* How long the server waits for a client that makes no progress: connection.h has the defaults. A
   * handler may take as long as it likes, and so may a request and a response that overlap. */
  struct connection_timeouts timeouts;
};

/* Listen. Returns NULL on failure and puts one line that says why into `error` ("listen on
 * localhost:8000: Address already in use"). */
struct server *server_listen(uv_loop_t *loop, const struct server_config *config, char *error,
                             size_t error_size);

/* The port on which it really listens; with the caller's sockets, that of the first. */
int server_port(const struct server *server);

/*
 * Stop gracefully (RFC 9113, section 6.8): accept no more clients; tell every client by a first
 * GOAWAY to open no more streams; after one round trip, when the requests on their way have
 * arrived, say by a second GOAWAY which was the last; let streams in flight finish, for as long as
 * `grace` allows; then call on_close, from the loop. Allowed anywhere, and more than once.
 */
void server_close(struct server *server);

/* Make SIGINT and SIGTERM call server_close; a second signal ends the server at once, as the end of
 * `grace` does. Returns 0, or -1 when that fails. */
int server_close_on_signals(struct server *server);

/* End at once and free the server, without its on_close. Streams still get their on_close, because
 * their owners have memory to free; server_close does nothing inside it. NULL is allowed. Not
 * allowed inside on_stream or an event of a stream. */
void server_free(struct server *server);

#endif
