/*
 * connection: a transport that carries an nghttp2_session.
 *
 * What lab 1 does by hand is done here once and for all: bytes that arrive are fed to the session,
 * frames that the session wants to send are collected and sent, the goodbye is said, and the end is
 * told. Everything in between is plain nghttp2: requests, responses and callbacks are the owner's.
 *
 * Order of calls: connection_connect or connection_accept; on_open; nghttp2 calls, mostly from its
 * own callbacks; connection_close; on_close, after which the connection is gone. connection_free
 * ends it early, without a call back.
 *
 * The session's `user_data`, the last argument of every nghttp2 callback, is the `user` given here.
 * nghttp2 is asked for frames only while the transport has room (back-pressure), and never from
 * within its own callbacks: what is submitted there leaves when the callback has returned.
 *
 * A server's connection bounds what a client can make it hold and do: it is slower than
 * connection_timeouts allow; it makes more frames queue up than it reads; it sends
 * floods of frames that cost it little (common/README.md has the numbers). Then it
 * is ended with ENHANCE_YOUR_CALM.
 */
#ifndef COMMON_CONNECTION_H
#define COMMON_CONNECTION_H

#include <limits.h>
#include <nghttp2/nghttp2.h>

#include "common/transport.h"
#include "common/url.h"

struct connection;

/* For no limit, among connection_timeouts. */
#define CONNECTION_NEVER UINT_MAX

/*
 * How long a server waits for a client, in milliseconds; 0 means the default. A client
 * that is too slow keeps a descriptor and memory that others need, so the connection is
 * ended: where `idle` is over, as connection_close does it, else with
 * GOAWAY(ENHANCE_YOUR_CALM), whatever else it is doing.
 */
struct connection_timeouts {
  unsigned handshake; /* for the TLS handshake: 10,000 */
  unsigned preface;   /* from on_open until the preface and SETTINGS have come: 10,000 */
  unsigned frame;     /* for a frame other than DATA, or a whole header block: 10,000 */
  unsigned body;      /* for each KiB of requests' bodies, while one is waited for: 30,000 */
  unsigned write;     /* until it reads one KiB of what waits, or opens its windows: 30,000 */
  unsigned idle;      /* without an open stream and without a frame: 60,000 */
  unsigned goodbye;   /* for streams in flight after connection_close: 5,000 */
};

/* What streams wait for, for connection_config. */
enum {
  CONNECTION_HAS_STREAMS = 1,   /* one is open */
  CONNECTION_AWAITS_BODY = 2,   /* of a request, and the client may send it */
  CONNECTION_AWAITS_WINDOW = 4, /* there is a body to be sent, which has used up its window */
};

/* What a program says once about all its connections. It must outlive them. */
struct connection_config {
  const nghttp2_session_callbacks *callbacks;
  const nghttp2_option *option;           /* may be NULL */
  const nghttp2_settings_entry *settings; /* the SETTINGS to begin with; may be NULL */
  size_t setting_count;

  /* It is connected and the SETTINGS are submitted: requests may be. May be NULL. */
  void (*on_open)(struct connection *connection, void *user);

  /*
   * The end, whatever the reason. `error` is NULL if both sides had finished: every stream was
   * closed and a GOAWAY(NO_ERROR) was sent or received. Else it is one line that says why: what
   * transport.h says, "not HTTP/2: ...", "PROTOCOL_ERROR: ..." for the error that this side found
   * in the peer's frames and has sent as GOAWAY, or "the peer sent GOAWAY(PROTOCOL_ERROR)" for
   * one that the peer has found. It is valid until the call returns. nghttp2 calls no
   * on_stream_close for streams that were still open.
   */
  void (*on_close)(struct connection *connection, const char *error, void *user);

  /* Takes the next step of the TLS handshake: see tls_handshake (tls.h), which does
   * it where this is NULL. */
  enum tls_step (*handshake)(SSL *ssl, char *error, size_t error_size);

  /* A server's. Clients wait as long as their owner likes. */
  struct connection_timeouts timeouts;

  /* A server's: what its streams wait for, as the bits above, so that nobody is blamed for
   * what is not his turn. NULL: a request's body is waited for as long as there may be more
   * of it, and a window if it is used up. */
  unsigned (*waits)(const struct connection *connection, void *user);
};

/* Connect to the host and port of `url`; `tls` as in transport_connect. Returns NULL
 * when there is no memory. */
struct connection *connection_connect(uv_loop_t *loop, const struct url *url, SSL_CTX *tls,
                                      const struct connection_config *config, void *user);

/* Be the server on an accepted transport, which is the connection's from now on.
 * Returns NULL when there is no memory, and then the transport is freed. Over plain TCP
 * on_open is called before it returns. */
struct connection *connection_accept(struct transport *transport,
                                     const struct connection_config *config, void *user);

/* The session, for nghttp2_submit_... and nghttp2_session_.... */
nghttp2_session *connection_session(const struct connection *connection);

/* The transport below, for those who want to watch it. */
struct transport *connection_transport(const struct connection *connection);

/* Something was submitted from outside of any callback (a timer, say): send it in the next turn. */
void connection_send(struct connection *connection);

/*
 * Say goodbye: GOAWAY(NO_ERROR) goes out, streams in flight finish, then the transport is closed
 * and on_close is called with NULL. May be called at any time and more than once, also from nghttp2
 * callbacks. Before on_open it gives up at once.
 */
void connection_close(struct connection *connection);

/* End at once and free it, without a call back. NULL is allowed; not from within an
 * nghttp2 callback. */
void connection_free(struct connection *connection);

#endif
