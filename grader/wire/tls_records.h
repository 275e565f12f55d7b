/*
 * wire: the bytes below TLS, for a capture: the records as they are sent and
 * received, and the keys that open them.
 *
 * transport_observe shows what TLS carries; what it makes of this is seen at
 * OpenSSL's end of the socket.
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

  /* The header of a record, until the rest of it is read: they have come in one packet. */
  struct buffer received;
};

/* Before the handshake: have the keys of `ssl` put into the capture, and remember
 * `wire` for wire_watch. */
void wire_begin(struct wire *wire, SSL *ssl);

/* At every step of the handshake of `ssl`: from the first on, all that passes goes into the
 * capture. Does nothing without wire_begin. */
void wire_watch(SSL *ssl);

/* The connection has ended: nothing more will come. Allowed at any time, and twice. */
void wire_end(struct wire *wire);

#endif
