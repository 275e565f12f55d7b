/*
 * peer: the other end of the connection of a program under test. It sends what the tape says:
 * frames that are right except for the tape's changes, because random bytes seldom get past the
 * first frame; and random bytes too. It must receive only right frames.
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
  bool said_end;        /* it has sent FIN */
  struct buffer unsent; /* bytes that the socket has not taken yet */
  size_t last_frame;    /* where in `unsent` the latest frame begins */
  struct buffer block;  /* the rest of a field block, for CONTINUATION */
  nghttp2_hd_deflater *deflater;
  struct frame_decoder *decoder;
  int32_t last_stream; /* the latest stream that it has begun (client), or seen (server) */
  int32_t block_stream;
};

void peer_begin(struct peer *peer, int descriptor, bool is_client);
void peer_end(struct peer *peer);

/* Do step `kind` (4 to 15) of the tape, with 4 more bits. */
void peer_step(struct peer *peer, unsigned kind, uint8_t argument, struct tape *tape);

/* Send as much as the socket takes, and read everything there, unless the peer is deaf. */
void peer_send(struct peer *peer);
void peer_receive(struct peer *peer);

void peer_close(struct peer *peer);

#endif
