/*
 * connection: a transport that carries an nghttp2_session.
 *
 * A connection does what lab 1 does by hand: it feeds arriving bytes to the session, collects and
 * sends the frames that the session wants to send, says goodbye, and reports the end. Everything in
 * between is plain nghttp2: the owner makes requests, responses and callbacks.
 *
 * Order of calls: connection_connect or connection_accept; on_open; nghttp2 calls, mostly from
 * nghttp2's own callbacks; connection_close; on_close, after which the connection is gone.
 * connection_free ends it early, without a callback.
 *
 * The session's `user_data`, the last argument of every nghttp2 callback, is the `user` given here.
 * The connection asks nghttp2 for frames only while the transport has room (back-pressure), and
 * never from within nghttp2's own callbacks: what you submit there leaves when the callback has
 * returned.
 *
 * A server's connection bounds what a client can make it hold and do. It ends with
 * ENHANCE_YOUR_CALM if the client is slower than connection_timeouts allow, if the client makes
 * more frames queue up than it reads, or if the client sends floods of frames that cost the client
 * little (common/README.md has the numbers).
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
 * How long a server waits for a client, in milliseconds; 0 means the default. A client that is too
 * slow keeps a descriptor and memory that others need, so the server ends the connection: when
 * `idle` is over, as connection_close does; otherwise with GOAWAY(ENHANCE_YOUR_CALM), whatever else
 * the client is doing. With H2_TIMEOUTS=never in the environment, only `goodbye` counts: for a
 * client in a debugger, or whose frames somebody holds.
 */
struct connection_timeouts {
  unsigned handshake; /* for the TLS handshake: 10,000 */
  unsigned preface;   /* from on_open until the preface and SETTINGS have arrived: 10,000 */
  unsigned frame;     /* for a frame other than DATA, or a whole header block: 10,000 */
  unsigned body;      /* for each KiB of requests' bodies, while the server waits: 30,000 */
  unsigned write;     /* until the client reads one KiB, or opens its windows: 30,000 */
  unsigned idle;      /* without an open stream and without a frame: 60,000 */
  unsigned goodbye;   /* for streams in flight after connection_close: 5,000 */
};

/* What streams wait for, for connection_config. */
enum {
  CONNECTION_HAS_STREAMS = 1,   /* one is open */
  CONNECTION_AWAITS_BODY = 2,   /* of a request, and the client may send it */
  CONNECTION_AWAITS_WINDOW = 4, /* a body waits to be sent, and has used up its window */
};

/* The configuration of all connections of a program. It must outlive them. */
struct connection_config {
  const nghttp2_session_callbacks *callbacks;
  const nghttp2_option *option;           /* may be NULL */
  const nghttp2_settings_entry *settings; /* the SETTINGS to begin with; may be NULL */
  size_t setting_count;

  /* The connection is open and the SETTINGS are submitted: submit requests from now on. May be
   * NULL. */
  void (*on_open)(struct connection *connection, void *user);

  /*
   * The end, whatever the reason. `error` is NULL if both sides had finished: every stream was
   * closed and a GOAWAY(NO_ERROR) was sent or received. Otherwise it is one line that says why: a
   * text of transport.h; "not HTTP/2: ..."; "PROTOCOL_ERROR: ..." for an error that this side found
   * in the peer's frames and has sent as GOAWAY; or "the peer sent GOAWAY(PROTOCOL_ERROR)" for an
   * error that the peer has found. It is valid until the call returns. nghttp2 calls no
   * on_stream_close for streams that were still open.
   */
  void (*on_close)(struct connection *connection, const char *error, void *user);

  /* Takes the next step of the TLS handshake. NULL: tls_handshake (tls.h) does it. */
  enum tls_step (*handshake)(SSL *ssl, char *error, size_t error_size);

  /* For servers only. Clients wait as long as their owner likes. */
  struct connection_timeouts timeouts;

  /* For servers only: what the streams wait for, as the bits above, so that the server never blames
   * a client whose turn it is not. NULL: the server waits for a request's body as long as there may
   * be more of it, and for a window if it is used up. */
  unsigned (*waits)(const struct connection *connection, void *user);
};

/* Connect to the host and port of `url`; `tls` as in transport_connect. Returns NULL
 * when there is no memory. */
struct connection *connection_connect(uv_loop_t *loop, const struct url *url, SSL_CTX *tls,
                                      const struct connection_config *config, void *user);

/* Be the server on an accepted transport, which belongs to the connection from now on. Returns NULL
 * when there is no memory, after freeing the transport. Over plain TCP it calls on_open before it
 * returns. */
struct connection *connection_accept(struct transport *transport,
                                     const struct connection_config *config, void *user);

/* The session, for nghttp2_submit_... and nghttp2_session_.... */
nghttp2_session *connection_session(const struct connection *connection);

/* A server's, inside nghttp2's callbacks for a header block: whether a field of it was longer than
 * nghttp2 takes (64 KiB), and is shortened now. Refuse such a request: with 431, say. */
bool connection_has_cut_field(const struct connection *connection);

/* The transport below, for owners who watch it. */
struct transport *connection_transport(const struct connection *connection);

/* Send, in the next turn, what was submitted outside any callback (from a timer, say). */
void connection_send(struct connection *connection);

/*
 * Say goodbye: send GOAWAY(NO_ERROR), let streams in flight finish, close the transport, and call
 * on_close with NULL. Allowed at any time and more than once, also in nghttp2 callbacks. Before
 * on_open it gives up at once.
 */
void connection_close(struct connection *connection);

/* End at once and free the connection, without a callback. NULL is allowed. Not allowed inside an
 * nghttp2 callback. */
void connection_free(struct connection *connection);

#endif
