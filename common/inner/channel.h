/*
 * channel: read and write a non-blocking socket, plain or through TLS, with the same calls; an
 * inner part of transport.
 *
 * TLS may have to write before it can read, and read before it can write; channel_events knows what
 * to wait for then. A read with room for CHANNEL_RECORD bytes takes everything that OpenSSL has
 * decrypted: OpenSSL keeps nothing back while the socket is not readable.
 */
#ifndef COMMON_CHANNEL_H
#define COMMON_CHANNEL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
  CHANNEL_RECORD = 16 * 1024, /* the most that one TLS record carries (RFC 8446, section 5.1) */
  CHANNEL_AGAIN = -1,         /* not now: wait for channel_events */
  CHANNEL_FAILED = -2,
};

struct channel {
  int descriptor;        /* -1 while there is no socket */
  SSL *ssl;              /* NULL: plain */
  bool read_wants_write; /* the last read would have had to write first */
  bool write_wants_read;
  bool peer_finished; /* TLS has read the peer's FIN */
};

/* Go through TLS, as a client that asks for `host`, or as a server if `host` is NULL. Call it
 * before channel_open. Returns 0, or -1 when there is no memory. */
int channel_use_tls(struct channel *channel, SSL_CTX *tls, const char *host);

/* Take over the socket; the channel must not move in memory any more. Returns 0; or closes the
 * socket and returns -1 when there is no memory. */
int channel_open(struct channel *channel, int descriptor);

/* Returns how many bytes it has read; 0 for the end, and then `error` says how the end came;
 * CHANNEL_AGAIN; or CHANNEL_FAILED with the reason in `error`. */
ssize_t channel_read(struct channel *channel, void *data, size_t size, char *error,
                     size_t error_size);

/* Returns how many bytes it has written, which may be fewer; CHANNEL_AGAIN, and then the next call
 * must pass the same bytes, or more; or CHANNEL_FAILED: a read may say why. */
ssize_t channel_write(struct channel *channel, const void *data, size_t length);

/* Tell the peer that this side writes no more: close_notify (RFC 8446, section 6.1) and FIN.
 * Returns 0, even when it cannot tell; or CHANNEL_AGAIN. */
int channel_shut_down(struct channel *channel);

/* The handshake has failed, and TLS has told the peer: send FIN too, and drop what has arrived, so
 * that a reset does not lose the alert. */
void channel_give_up(struct channel *channel);

/* What to wait for (UV_READABLE, UV_WRITABLE) in order to read, to write, or both. */
int channel_events(const struct channel *channel, bool read, bool write);

/* Close the socket and free the SSL. Allowed twice. */
void channel_close(struct channel *channel);

#endif
