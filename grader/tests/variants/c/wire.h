/*
 * wire: sockets for the variants in C, which share nothing with common/: poll in place of libuv,
 * nghttp2's callbacks for sending in place of mem_send, octets kept until the socket takes them. In
 * TLS the handshake is never asked for: the first SSL_read does it.
 *
 * The `user` of every nghttp2 callback is the struct wire; who needs more puts it
 * first into a struct of their own.
 */
#ifndef VARIANTS_WIRE_H
#define VARIANTS_WIRE_H

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdbool.h>

struct wire {
  int socket;
  SSL *ssl;       /* NULL: plain TCP */
  bool greeted;   /* the handshake is complete, and "h2" was chosen; only in TLS */
  short greeting; /* what the handshake waits for */
  nghttp2_session *session;
  uint8_t *out; /* what the socket has not taken yet */
  size_t length;
  size_t size;
  const char *error; /* why it ended; NULL if it has not, or well */
};

/* Set what every session here has: sending through the wire, and padding for every
 * frame that may have it. */
void wire_set_callbacks(nghttp2_session_callbacks *callbacks);

/* Have these octets sent. Returns 0 or -1. */
int wire_put(struct wire *wire, const void *bytes, size_t length);

/* For a send_data callback: have a DATA frame sent whose content is these octets. */
int wire_put_data(struct wire *wire, const nghttp2_frame *frame, const uint8_t *header,
                  const void *bytes, size_t length);

/* A TCP connection to that host and port; -1 if there is none, and then *error says why. */
int wire_connect(const char *host, const char *port, const char **error);

/* A socket that listens on localhost; *port becomes the real one. -1 and *error as above. */
int wire_listen(int *port, const char **error);

/* Go through TLS from now on, by an `ssl` that knows its side; it is the wire's.
 * Returns 0 or -1. */
int wire_use_tls(struct wire *wire, SSL *ssl);

/* What to ask poll for. */
short wire_events(const struct wire *wire);

/* Read what has come, if anything has, and send. Returns false once it is over: the socket is
 * closed and the memory is freed then, and `error` says why if it was not meant to be. */
bool wire_step(struct wire *wire, short events);

/* The same until it is over. */
void wire_run(struct wire *wire);

/* End it at once, with all that was to be sent. */
void wire_drop(struct wire *wire);

#endif
