/*
 * capture: the bytes of connections as a file that Wireshark reads (pcap, RFC draft
 * draft-ietf-opsawg-pcap): each frame a TCP segment, without the handshake, between a client's port
 * of its own for each connection and the server's.
 */
#ifndef COMMON_TESTS_CAPTURE_H
#define COMMON_TESTS_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/frame.h"

enum { CAPTURE_SERVER_PORT = 8000 };

/* One connection: both sides' next sequence numbers. */
struct capture {
  FILE *file;
  uint16_t client_port;
  uint32_t next[2]; /* by enum frame_sender */
};

/* The beginning of every file. */
void capture_begin(FILE *file);

/* Write `length` bytes, at most 60,000, from `sender`. */
void capture_bytes(struct capture *capture, enum frame_sender sender, const void *bytes,
                   size_t length);

#endif
