/*
 * transport: one non-blocking byte stream on a libuv loop.
 *
 * A transport is a TCP connection, to a server (transport_connect) or from a client
 * (transport_accept). It moves bytes and knows nothing of HTTP/2. Given an SSL_CTX it carries the
 * same bytes through TLS, behind the same calls.
 *
 * The owner passes a table of events, and the transport calls them from the loop: on_open once,
 * then on_data and on_writable any number of times, then on_close once, whatever happens. After
 * on_close the transport is gone: do not touch it. transport_free ends it early, without a
 * callback.
 *
 * With TLS the handshake comes before on_open, step by step as the socket allows, so that it keeps
 * nobody waiting. The transport drops a peer that does not finish the handshake in time. When the
 * handshake fails, on_close is the first and only event: the transport sends nothing to a peer that
 * it refuses. A client sends the host's name (SNI); the SSL_CTX says whether the peer must prove
 * that it has this name: see tls.h. The transport sends close_notify at the end.
 *
 * Writing: transport_write only collects bytes. They leave in one system call when the current
 * event returns, or in the next turn of the loop if the call came from elsewhere. After every event
 * the transport asks on_writable for more, as long as the socket takes it. An owner that writes
 * only there, and only while transport_room says so, never holds more than one buffer in memory.
 *
 * With H2_TRACE in the environment, every transport shows what it carries: see trace.h. With
 * H2_TRACE=live, the page of `make live` may also hold its frames back, in both directions.
 */
#ifndef COMMON_TRANSPORT_H
#define COMMON_TRANSPORT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/tls.h"

struct transport;

/* What happens to a transport. The table must outlive it; `user` is what it was started with. */
struct transport_events {
  /* The transport is connected: the owner can write from now on. */
  void (*on_open)(struct transport *transport, void *user);

  /* `length` bytes, at least one, arrived; `data` is valid until the call returns. */
  void (*on_data)(struct transport *transport, const uint8_t *data, size_t length, void *user);

  /* There is room: write what you have to write, if anything. May be NULL. */
  void (*on_writable)(struct transport *transport, void *user);

  /* The end. `error` is NULL if it ended because of transport_close; otherwise one line that says
   * why: "look up nowhere.invalid: unknown node or service", "connect to localhost:1: Connection
   * refused", "TLS: certificate verify failed: self-signed certificate", "closed by the peer",
   * "read: Connection reset by peer". Valid until the call returns. */
  void (*on_close)(struct transport *transport, const char *error, void *user);

  /* Takes the next step of the handshake. NULL: tls_handshake (tls.h) does it. */
  enum tls_step (*handshake)(SSL *ssl, char *error, size_t error_size);

  /* How long the handshake may take, in milliseconds; 0 means 10,000. */
  unsigned handshake_timeout;
};

/*
 * Connect to `port` of `host`: look the name up in the background, and try the addresses one after
 * the other. With `tls`, go through TLS; the caller may free `tls` when this returns. NULL: plain
 * TCP. Returns NULL when there is no memory; on_close reports every other failure, from the loop.
 */
struct transport *transport_connect(uv_loop_t *loop, const char *host, const char *port,
                                    SSL_CTX *tls, const struct transport_events *events,
                                    void *user);

/* Make a transport from a socket that a listener (listener.h) has accepted; it does nothing until
 * transport_start. The transport owns the descriptor from now on, and closes it on failure. `tls`
 * as for transport_connect. Returns NULL on failure, with errno set. */
struct transport *transport_accept(uv_loop_t *loop, int descriptor, SSL_CTX *tls);

/* Take over an accepted transport. A plain one calls on_open before transport_start returns; with
 * TLS no event comes before that. */
void transport_start(struct transport *transport, const struct transport_events *events,
                     void *user);

/*
 * Copy `length` bytes, to be sent. Allowed from on_open on; after transport_close it drops the
 * bytes. Takes more than transport_room says, if it must. Returns 0, or -1 when there is no memory:
 * then nothing was taken.
 */
int transport_write(struct transport *transport, const void *data, size_t length);

/* How many bytes the owner may write before the buffer counts as full; 0 while it is full, and
 * before on_open. */
size_t transport_room(const struct transport *transport);

/* Whether the transport can send more only after the peer has taken something; how many bytes the
 * socket has taken so far. */
bool transport_is_stuck(const struct transport *transport);
uint64_t transport_sent(const struct transport *transport);

/* Whether somebody holds the frames of this connection, on the page of `make live`: meanwhile no
 * time-out counts. */
bool transport_is_held(const struct transport *transport);

/* Whether frames have arrived that wait there. */
bool transport_holds_input(const struct transport *transport);

/* Call on_writable in the next turn of the loop. */
void transport_wake(struct transport *transport);

/*
 * End politely: send what was written, then FIN; drop what still arrives until the peer has closed
 * too, for half a second at most, so that a reset does not lose the last bytes (RFC 9112, section
 * 9.6); then call on_close with NULL. No other event comes. Stop waiting for a peer that takes
 * nothing for five seconds. Allowed twice. Before on_open, give up at once, and call on_close
 * before returning.
 */
void transport_close(struct transport *transport);

/* End at once, without a callback. NULL is allowed. Allowed inside any event except on_close. */
void transport_free(struct transport *transport);

/* Show all bytes that pass, both ways, to `observer` too (one at most; NULL ends it). `sent` is the
 * direction as this side sees it. For tests and recorders. */
void transport_observe(struct transport *transport,
                       void (*observer)(bool sent, const void *data, size_t length, void *user),
                       void *user);

/* The socket, for questions to the kernel; -1 while there is none. The transport still owns it. */
int transport_descriptor(const struct transport *transport);

/* Write the peer's address into `text`: "127.0.0.1:50312", "[::1]:50312". 56 bytes are always
 * enough. Returns 0; or -1, and `text` is "", when there is no socket or it has no address. */
int transport_peer(const struct transport *transport, char *text, size_t size);

/* The SSL of the connection, for the peer's certificate or the version. NULL if the transport is
 * plain, or closed. */
SSL *transport_tls(const struct transport *transport);

/* The loop of the transport. */
uv_loop_t *transport_loop(const struct transport *transport);

#endif
