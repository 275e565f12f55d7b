/* peer: see peer.h. */
#include "common/fuzz/peer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/field.h"
#include "common/fuzz/words.h"

enum {
  LARGEST_UNSENT = 256 * 1024, /* drop more than this */
  LARGEST_BLOCK = 80 * 1024,
  DATA_UNIT = 64, /* the length of DATA is a multiple of this */
};

/* --- The socket ------------------------------------------------------------------------------- */

/* Take this many bytes from the front. */
static void drop(struct buffer *buffer, size_t length) {
  if (length == 0)
    return;
  buffer->length -= length;
  memmove(buffer->bytes, buffer->bytes + length, buffer->length);
}

static void on_frame(const struct frame *frame, void *user) {
  struct peer *peer = user;
  bool is_own = (frame->sender == FRAME_FROM_CLIENT) == peer->is_client;
  if (!is_own && frame->error)
    fuzz_found(frame->error);
  if (!is_own && !peer->is_client && frame->stream_id > peer->last_stream)
    peer->last_stream = frame->stream_id;
}

static void show(struct peer *peer, bool is_own, const void *octets, size_t length) {
  enum frame_sender sender = peer->is_client == is_own ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER;
  int result = frame_decoder_feed(peer->decoder, sender, octets, length);
  fuzz_must(result == 0, "there is memory for the target itself");
}

void peer_close(struct peer *peer) {
  if (peer->descriptor >= 0)
    close(peer->descriptor);
  peer->descriptor = -1;
}

void peer_send(struct peer *peer) {
  struct buffer *unsent = &peer->unsent;
  if (unsent->length == 0 || peer->descriptor < 0 || peer->said_end)
    return;
  ssize_t sent = send(peer->descriptor, unsent->bytes, unsent->length, MSG_NOSIGNAL);
  if (sent <= 0)
    return;
  show(peer, true, unsent->bytes, (size_t)sent);
  drop(unsent, (size_t)sent);
  peer->last_frame = 0;
}

void peer_receive(struct peer *peer) {
  static char octets[64 * 1024];
  ssize_t length;
  while (peer->descriptor >= 0 && !peer->is_deaf &&
         (length = recv(peer->descriptor, octets, sizeof octets, 0)) > 0)
    show(peer, false, octets, (size_t)length);
}

/* --- Beginning and end ------------------------------------------------------------------------ */

void peer_begin(struct peer *peer, int descriptor, bool is_client) {
  *peer = (struct peer){.descriptor = descriptor, .is_client = is_client, .last_stream = -1};
  peer->decoder = frame_decoder_new(on_frame, peer);
  fuzz_must(peer->decoder && nghttp2_hd_deflate_new(&peer->deflater, 4096) == 0, "memory");
}

void peer_end(struct peer *peer) {
  peer_close(peer);
  buffer_free(&peer->unsent);
  buffer_free(&peer->block);
  nghttp2_hd_deflate_del(peer->deflater);
  frame_decoder_free(peer->decoder);
}

/* --- Frames ----------------------------------------------------------------------------------- */

static void append(struct peer *peer, const void *octets, size_t length) {
  if (peer->unsent.length + length > LARGEST_UNSENT)
    return;
  fuzz_must(buffer_append(&peer->unsent, octets, length) == 0, "memory");
}

static void append_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream_id,
                         const void *payload, size_t length) {
  uint32_t id = (uint32_t)stream_id;
  const uint8_t header[FRAME_HEADER_LENGTH] = {
      (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length,    type,       flags,
      (uint8_t)(id >> 24),     (uint8_t)(id >> 16),    (uint8_t)(id >> 8), (uint8_t)id};
  peer->last_frame = peer->unsent.length;
  append(peer, header, sizeof header);
  append(peer, payload, length);
}

/* 0 is the latest stream, 1 a new one, 2 the connection, others one of the first. */
static int32_t choose_stream(struct peer *peer, struct tape *tape) {
  uint8_t choice = tape_octet(tape);
  int32_t latest = peer->last_stream < 0 ? 1 : peer->last_stream;
  switch (choice) {
  case 0: return latest;
  case 1:
    if (peer->is_client)
      peer->last_stream += 2;
    return peer->is_client ? peer->last_stream : latest;
  case 2: return 0;
  case 255: return 0x7fffffff;
  default: return choice - 2;
  }
}

/* A number that makes a difference, as 4 bytes. */
static void put_number(uint8_t octets[static 4], uint8_t choice) {
  uint32_t number = words_number(choice);
  for (int i = 3; i >= 0; i--, number >>= 8)
    octets[i] = (uint8_t)number;
}

static void add_settings(struct peer *peer, uint8_t count, struct tape *tape) {
  uint8_t payload[16 * 6];
  size_t length = 0;
  for (; count > 0; count--) {
    uint8_t choice = tape_octet(tape);
    payload[length] = 0;
    payload[length + 1] = choice & 15;
    put_number(payload + length + 2, tape_octet(tape));
    length += 6;
  }
  append_frame(peer, NGHTTP2_SETTINGS, 0, 0, payload, length);
}

/* --- Field blocks ----------------------------------------------------------------------------- */

/* Compress fields that the tape chooses, after those that every message has, into peer->block. */
static void make_block(struct peer *peer, bool is_trailer, uint8_t count, struct tape *tape) {
  static uint8_t octets[LARGEST_BLOCK];
  nghttp2_nv fields[24];
  size_t length = 0;
  if (!is_trailer)
    length = words_begin(peer->is_client, tape_octet(tape), fields);
  for (; count > 0; count--)
    fields[length++] = words_field(tape_octet(tape));
  ssize_t size = nghttp2_hd_deflate_hd(peer->deflater, octets, sizeof octets, fields, length);
  buffer_clear(&peer->block);
  if (size > 0)
    buffer_append(&peer->block, octets, (size_t)size);
}

/* Send the next `part` sixteenths of the rest of the block; if that is nothing, send all. */
static void add_block(struct peer *peer, uint8_t type, uint8_t flags, uint8_t part) {
  struct buffer *block = &peer->block;
  size_t length = block->length * part / 16;
  if (length == 0)
    length = block->length;
  if (length > 16384)
    length = 16384;
  if (length == block->length)
    flags |= NGHTTP2_FLAG_END_HEADERS;
  append_frame(peer, type, flags, peer->block_stream, block->bytes, length);
  drop(block, length);
}

static void add_headers(struct peer *peer, uint8_t argument, struct tape *tape) {
  uint8_t choice = tape_octet(tape);
  peer->block_stream = choose_stream(peer, tape);
  make_block(peer, choice & 2, argument & 7, tape);
  add_block(peer, NGHTTP2_HEADERS, choice & NGHTTP2_FLAG_END_STREAM, choice >> 4);
  while (peer->block.length > 0 && choice & 4)
    add_block(peer, NGHTTP2_CONTINUATION, 0, choice & 8 ? 4 : 0);
}

/* PUSH_PROMISE: for the next even stream. */
static void add_promise(struct peer *peer, uint8_t argument, struct tape *tape) {
  static const uint8_t promised[] = {0, 0, 0, 2};
  struct buffer payload = {0};
  int32_t stream = choose_stream(peer, tape);
  peer->is_client = !peer->is_client; /* a promise has the fields of a request */
  make_block(peer, false, argument & 7, tape);
  peer->is_client = !peer->is_client;
  buffer_append(&payload, promised, sizeof promised);
  buffer_append(&payload, peer->block.bytes, peer->block.length);
  append_frame(peer, NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, stream, payload.bytes,
               payload.length);
  buffer_free(&payload);
  buffer_clear(&peer->block);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void add_data(struct peer *peer, uint8_t argument, struct tape *tape) {
  static const uint8_t octets[256 * DATA_UNIT];
  uint8_t flags = argument & (NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_PADDED >> 1);
  flags = (uint8_t)((flags & 1) | (flags & 4 ? NGHTTP2_FLAG_PADDED : 0));
  int32_t stream = choose_stream(peer, tape);
  size_t length = argument & 2 ? tape_octet(tape) : (size_t)tape_octet(tape) * DATA_UNIT;
  append_frame(peer, NGHTTP2_DATA, flags, stream, octets, length);
}

/* A frame of any type, with a payload from the tape; or with a wrong length. */
static void add_any(struct peer *peer, uint8_t argument, struct tape *tape) {
  uint8_t type = tape_octet(tape);
  uint8_t flags = tape_octet(tape);
  int32_t stream = choose_stream(peer, tape);
  size_t length = tape_octet(tape);
  const uint8_t *payload = tape_octets(tape, &length);
  append_frame(peer, type, flags, stream, payload, length);
  if (argument & 4 && peer->unsent.length > peer->last_frame)
    peer->unsent.bytes[peer->last_frame + (argument & 2)] ^= 1; /* of the length's 3 bytes */
}

/* Frames with a payload of four or five bytes. */
static void add_short(struct peer *peer, struct tape *tape) {
  static const uint8_t types[] = {NGHTTP2_WINDOW_UPDATE, NGHTTP2_RST_STREAM, NGHTTP2_PRIORITY};
  uint8_t type = types[tape_octet(tape) % sizeof types];
  int32_t stream = choose_stream(peer, tape);
  uint8_t payload[5] = {0};
  put_number(payload, tape_octet(tape));
  append_frame(peer, type, 0, stream, payload, type == NGHTTP2_PRIORITY ? 5 : 4);
}

static void add_goaway(struct peer *peer, struct tape *tape) {
  uint8_t payload[8];
  put_number(payload, tape_octet(tape));
  put_number(payload + 4, tape_octet(tape));
  append_frame(peer, NGHTTP2_GOAWAY, 0, 0, payload, sizeof payload);
}

/* The latest frame again and again: a flood. */
static void repeat(struct peer *peer, uint8_t times) {
  struct buffer frame = {0};
  if (peer->unsent.length <= peer->last_frame)
    return;
  buffer_append(&frame, peer->unsent.bytes + peer->last_frame,
                peer->unsent.length - peer->last_frame);
  for (; times > 0; times--)
    append(peer, frame.bytes, frame.length);
  buffer_free(&frame);
}

/* Steps of the peer with its end of the connection. */
static void use_socket(struct peer *peer, uint8_t argument) {
  switch (argument & 7) {
  case 0: peer->is_deaf = true; break;
  case 1: peer->is_deaf = false; break;
  case 2: peer_close(peer); break;
  case 3:
    if (peer->descriptor >= 0)
      shutdown(peer->descriptor, SHUT_WR);
    peer->said_end = true;
    break;
  default: peer_receive(peer);
  }
}

void peer_step(struct peer *peer, unsigned kind, uint8_t argument, struct tape *tape) {
  static const uint8_t ping[8];
  size_t length = argument & 7;
  switch (kind) {
  case 4: add_headers(peer, argument, tape); break;
  case 5: add_data(peer, argument, tape); break;
  case 6: add_settings(peer, argument & 7, tape); break;
  case 7: append_frame(peer, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "", 0); break;
  case 8: add_short(peer, tape); break;
  case 9: add_any(peer, argument, tape); break;
  case 10:
    length = length == 0 ? tape_octet(tape) : length;
    append(peer, tape_octets(tape, &length), length);
    break;
  case 11: append_frame(peer, NGHTTP2_PING, argument & 1, 0, ping, sizeof ping); break;
  case 12: add_goaway(peer, tape); break;
  case 13: repeat(peer, tape_octet(tape)); break;
  case 14: use_socket(peer, argument); break;
  case 15:
    if (argument & 1)
      append(peer, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    else if (argument & 2)
      add_promise(peer, argument, tape);
    else
      add_block(peer, NGHTTP2_CONTINUATION, 0, argument);
    break;
  default: break;
  }
}
