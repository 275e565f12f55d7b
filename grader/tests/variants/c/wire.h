/*
 * wire: sockets for the variants in C, which share nothing with common/: poll in place of libuv,
 * nghttp2's callbacks for sending in place of mem_send, bytes kept until the socket takes them. No
 * call asks for the TLS handshake: the first SSL_read does it.
 *
 * The `user` of every nghttp2 callback is the struct wire; if you need more, put it first into a
 * struct of your own.
 */
#ifndef VARIANTS_WIRE_H
#define VARIANTS_WIRE_H

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdbool.h>

struct wire {
  int socket;
  SSL *ssl;       /* NULL: plain TCP */
  bool greeted;   /* the handshake is complete and chose "h2"; only in TLS */
  short greeting; /* what the handshake waits for */
  nghttp2_session *session;
  uint8_t *out; /* bytes that the socket has not taken yet */
  size_t length;
  size_t size;
  const char *error; /* why the connection failed; NULL if it did not */
};

/* Set what every session here has: sending through the wire, and padding in every frame that may
 * have it. */
void wire_set_callbacks(nghttp2_session_callbacks *callbacks);

/* Queue these bytes for sending. Returns 0 or -1. */
int wire_put(struct wire *wire, const void *bytes, size_t length);

/* For a send_data callback: queue a DATA frame with these bytes as content. */
int wire_put_data(struct wire *wire, const nghttp2_frame *frame, const uint8_t *header,
                  const void *bytes, size_t length);

/* A TCP connection to this host and port; -1 if it fails, and then *error says why. */
int wire_connect(const char *host, const char *port, const char **error);

/* A socket that listens on localhost; *port becomes the real one. -1 and *error as above. */
int wire_listen(int *port, const char **error);

/* Use TLS from now on, with an `ssl` that knows its side; the wire takes it. Returns 0 or -1. */
int wire_use_tls(struct wire *wire, SSL *ssl);

/* What to ask poll for. */
short wire_events(const struct wire *wire);

/* Read the bytes that have come, if any, and send. Returns false once the connection is over: then
 * the socket is closed, the memory is freed, and `error` says why if it failed. */
bool wire_step(struct wire *wire, short events);

/* Step until the connection is over. */
void wire_run(struct wire *wire);

/* End the connection at once, and drop all that is waiting to be sent. */
void wire_drop(struct wire *wire);

#endif
