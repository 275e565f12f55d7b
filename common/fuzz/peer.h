/*
 * peer: the other end of the connection of a program that is fuzzed. It sends what the tape says:
 * frames that are right but for what the tape changes in them, because octets without any order
 * seldom get past the first frame; and octets without any order too. What it receives must be
 * frames that are right.
 */
#ifndef COMMON_FUZZ_PEER_H
#define COMMON_FUZZ_PEER_H

#include <nghttp2/nghttp2.h>

#include "common/buffer.h"
#include "common/frame.h"
#include "common/fuzz/fuzz.h"

struct peer {
  int descriptor; /* -1 once it is closed */
  bool is_client;
  bool is_deaf;         /* it does not read */
  bool said_end;        /* its FIN is sent */
  struct buffer unsent; /* what the socket has not taken yet */
  size_t last_frame;    /* where in `unsent` the latest begins */
  struct buffer block;  /* what is left of a field block, for CONTINUATION */
  nghttp2_hd_deflater *deflater;
  struct frame_decoder *decoder;
  int32_t last_stream; /* that it has begun (a client's), or seen (a server's) */
  int32_t block_stream;
};

void peer_begin(struct peer *peer, int descriptor, bool is_client);
void peer_end(struct peer *peer);

/* Do step `kind` (4 to 15) of the tape's, with 4 bits more to it. */
void peer_step(struct peer *peer, unsigned kind, uint8_t argument, struct tape *tape);

/* Send what the socket takes, and read what there is, unless it is deaf. */
void peer_send(struct peer *peer);
void peer_receive(struct peer *peer);

void peer_close(struct peer *peer);

#endif
