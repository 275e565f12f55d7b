/*
 * transport: one non-blocking byte stream on a libuv loop.
 *
 * A transport is a TCP connection, to a server (transport_connect) or from a client
 * (transport_accept). It moves bytes and knows nothing of HTTP/2. Given an SSL_CTX it carries the
 * same bytes through TLS, behind the same calls.
 *
 * The owner hands over a table of events and is called from the loop: on_open once, then on_data
 * and on_writable any number of times, then on_close once, whatever happens. After on_close the
 * transport is gone and must not be touched. transport_free ends it early, without a call back.
 *
 * With TLS the handshake comes before on_open, step by step as the socket allows, so that it keeps
 * nobody waiting; a peer that does not finish it in time is dropped. When it fails, on_close is the
 * first and only event: nothing is sent to a peer that is refused. A client sends the host's name
 * (SNI), but whether the peer has to prove that it has this name is for the SSL_CTX to say: see
 * tls.h. close_notify is sent at the end.
 *
 * Writing: transport_write only collects bytes. They leave in one system call when the event
 * that is being handled returns, or in the next turn of the loop if it was called from
 * elsewhere. After every event the transport asks on_writable for more, as long as the socket
 * takes it: an owner that writes only there, and only while transport_room says so, never
 * holds more than one buffer in memory.
 *
 * With H2_TRACE in the environment, every transport shows what it carries: see trace.h.
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
  /* It is connected: bytes can be written from now on. */
  void (*on_open)(struct transport *transport, void *user);

  /* `length` bytes, at least one, arrived; `data` is valid until the call returns. */
  void (*on_data)(struct transport *transport, const uint8_t *data, size_t length, void *user);

  /* There is room: write what there is to write, if anything. May be NULL. */
  void (*on_writable)(struct transport *transport, void *user);

  /* The end. `error` is NULL if it ended because transport_close was called; else one line that
   * says why: "look up nowhere.invalid: unknown node or service", "connect to localhost:1:
   * Connection refused", "TLS: certificate verify failed: self-signed certificate", "closed by the
   * peer", "read: Connection reset by peer". Valid until the call returns. */
  void (*on_close)(struct transport *transport, const char *error, void *user);

  /* Takes the next step of the handshake: see tls_handshake, which does it where this is NULL. */
  enum tls_step (*handshake)(SSL *ssl, char *error, size_t error_size);

  /* How long the handshake may take, in milliseconds; 0 means 10,000. */
  unsigned handshake_timeout;
};

/*
 * Connect to `port` of `host`: names are looked up in the background, addresses are tried one after
 * the other. With `tls` through TLS; it may be freed when this returns. NULL: plain TCP. Returns
 * NULL when there is no memory; every other failure is told by on_close, from the loop.
 */
struct transport *transport_connect(uv_loop_t *loop, const char *host, const char *port,
                                    SSL_CTX *tls, const struct transport_events *events,
                                    void *user);

/* Make a transport of a socket that a listener (listener.h) has accepted; it does nothing until
 * transport_start. The descriptor is the transport's from now on, and is closed on failure. `tls`
 * as for transport_connect. Returns NULL on failure, with errno set. */
struct transport *transport_accept(uv_loop_t *loop, int descriptor, SSL_CTX *tls);

/* Take over an accepted transport. If it is plain, on_open is called before transport_start
 * returns; with TLS no event comes before that. */
void transport_start(struct transport *transport, const struct transport_events *events,
                     void *user);

/*
 * Collect `length` bytes to be sent; they are copied. Allowed from on_open on; after
 * transport_close the bytes are dropped. Takes more than transport_room says, if it must. Returns
 * 0, or -1 when there is no memory: then nothing was taken.
 */
int transport_write(struct transport *transport, const void *data, size_t length);

/* How many bytes to write before its buffer counts as full; 0 while it is, or before on_open. */
size_t transport_room(const struct transport *transport);

/* Whether the peer has to take something before more can be sent; how many bytes the
 * socket has taken so far. */
bool transport_is_stuck(const struct transport *transport);
uint64_t transport_sent(const struct transport *transport);

/* Have on_writable called in the next turn of the loop. */
void transport_wake(struct transport *transport);

/*
 * End politely: send what was written, then FIN; drop what still arrives until the peer has closed
 * too, for half a second at most, so that the last bytes are not lost to a reset (RFC 9112,
 * section 9.6); then on_close with NULL. No other event comes. A peer that takes nothing for five
 * seconds is not waited for any longer. Allowed twice. Before on_open it gives up at once, and
 * on_close is called before it returns.
 */
void transport_close(struct transport *transport);

/* End at once, without a call back. NULL is allowed; also inside any event but on_close. */
void transport_free(struct transport *transport);

/* Have all bytes that pass, both ways, shown to `observer` too (one at most; NULL ends it). `sent`
 * tells the direction as this side sees it. For tests and recorders. */
void transport_observe(struct transport *transport,
                       void (*observer)(bool sent, const void *data, size_t length, void *user),
                       void *user);

/* Its socket, to ask the kernel about; -1 while there is none. It stays the transport's. */
int transport_descriptor(const struct transport *transport);

/* Write the peer's address into `text`: "127.0.0.1:50312", "[::1]:50312". 56 octets are always
 * enough. Returns 0; or -1, and `text` is "", when there is no socket, or no address to it. */
int transport_peer(const struct transport *transport, char *text, size_t size);

/* What TLS knows of it: the peer's certificate, the version. NULL if it is plain, or closed. */
SSL *transport_tls(const struct transport *transport);

/* The loop it was started on. */
uv_loop_t *transport_loop(const struct transport *transport);

#endif
