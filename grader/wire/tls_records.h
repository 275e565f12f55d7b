/*
 * wire: the bytes below TLS, for a capture: the records as they are sent and
 * received, and the keys that open them.
 *
 * transport_observe shows what TLS carries; the records are visible only between OpenSSL and the
 * socket.
 */
#ifndef GRADER_WIRE_H
#define GRADER_WIRE_H

#include <openssl/ssl.h>

#include "common/buffer.h"
#include "grader/wire/pcap.h"

/* Whose bytes go into which capture. It must live as long as the SSL that it watches. */
struct wire {
  struct pcap *pcap;
  unsigned connection;
  enum frame_sender own; /* which side we are */
  bool watching;

  /* The header of a record, until its rest is read: both came in one packet. */
  struct buffer received;
};

/* Before the handshake: make `ssl` put its keys into the capture, and remember `wire` for
 * wire_watch. */
void wire_begin(struct wire *wire, SSL *ssl);

/* Call it at every step of the handshake of `ssl`: from the first call on, everything that passes
 * goes into the capture. Does nothing without wire_begin. */
void wire_watch(SSL *ssl);

/* The connection has ended: nothing more will come. Allowed at any time, and twice. */
void wire_end(struct wire *wire);

#endif
