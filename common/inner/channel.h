/*
 * channel: read and write a non-blocking socket, plain or through TLS, by the same
 * calls; an inner part of transport.
 *
 * TLS may have to write before it can read, and read before it can write; channel_events knows what
 * to wait for then. A read that has room for CHANNEL_RECORD bytes takes all that OpenSSL has
 * decrypted: nothing is kept back while the socket is not readable.
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

/* Go through TLS, as a client that asks for `host`, or as a server if that is NULL. Before the
 * socket is there. Returns 0, or -1 when there is no memory. */
int channel_use_tls(struct channel *channel, SSL_CTX *tls, const char *host);

/* The socket is there: it is the channel's from now on, which must not move any more. Returns 0, or
 * -1 when there is no memory, and then it is closed. */
int channel_open(struct channel *channel, int descriptor);

/* Returns how many bytes came; 0 for the end, and then `error` says in which way it came;
 * CHANNEL_AGAIN; or CHANNEL_FAILED with the reason in `error`. */
ssize_t channel_read(struct channel *channel, void *data, size_t size, char *error,
                     size_t error_size);

/* Returns how many bytes were taken, which may be fewer; CHANNEL_AGAIN, and then the next call must
 * have the same bytes, or more; or CHANNEL_FAILED: reading may tell why. */
ssize_t channel_write(struct channel *channel, const void *data, size_t length);

/* Say that nothing more is written: close_notify (RFC 8446, section 6.1) and FIN. Returns 0, also
 * when that cannot be said; or CHANNEL_AGAIN. */
int channel_shut_down(struct channel *channel);

/* The handshake has failed, and TLS has said so to the peer: say FIN too, and drop what has
 * arrived, so that the alert is not lost to a reset. */
void channel_give_up(struct channel *channel);

/* What to wait for (UV_READABLE, UV_WRITABLE) if there is something to read, to write, or both. */
int channel_events(const struct channel *channel, bool read, bool write);

/* Close the socket and free what TLS has. Allowed twice. */
void channel_close(struct channel *channel);

#endif
