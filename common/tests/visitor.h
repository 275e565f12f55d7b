/*
 * peer: what the tests of streams and servers share: a loop with a deadline, a client that is plain
 * nghttp2 over a connection, and one that sends raw bytes.
 */
#ifndef COMMON_TESTS_PEER_H
#define COMMON_TESTS_PEER_H

#include "common/buffer.h"
#include "common/connection.h"
#include "common/frame.h"

enum { PEER_STREAMS = 128 };

/* Run the loop until `*flag`, or until `*count` is at least `least`. Fails the test after 20
 * seconds. */
void peer_run_until(uv_loop_t *loop, const bool *flag);
void peer_run_until_count(uv_loop_t *loop, const size_t *count, size_t least);

/* Run the loop until nothing is left on it, and close it: fails when a handle was forgotten. */
void peer_close_loop(uv_loop_t *loop);

/* --- A client by nghttp2 ---------------------------------------------------------------------- */

/* What came on one stream. */
struct peer_response {
  int status;
  size_t informational;  /* responses with 1xx */
  struct buffer headers; /* "name: value\n" for each field of the final response */
  struct buffer trailers;
  struct buffer body;
  size_t body_length; /* also counted where the bodies are not kept */
  bool ended_by_headers;
  bool closed;
  uint32_t error_code;
};

struct peer {
  struct connection *connection;
  bool open;
  bool closed;
  char error[256]; /* why; "" for none */
  bool discard_bodies;
  bool slow; /* set before connecting: windows are given back by peer_consume only */
  size_t goaways;
  int32_t goaway_last[8];                       /* the last stream of each */
  struct peer_response responses[PEER_STREAMS]; /* by the stream's identifier, divided by two */
  size_t headers_received; /* of how many streams the final response has begun */
  size_t closed_count;     /* how many streams are closed */
  size_t received;         /* bytes of bodies, on all streams */
};

/* Connect to `port` of localhost and wait until it is open. */
void peer_connect(struct peer *peer, uv_loop_t *loop, int port);

/* Send a request with `fields` after :method, :path, :scheme, and :authority. `body` may be NULL: a
 * GET ends at once. With a body it ends after `length` bytes, which must stay. Returns the stream's
 * identifier. */
int32_t peer_request(struct peer *peer, const char *method, const char *path,
                     const nghttp2_nv *fields, size_t count, const void *body, size_t length);

/* The same, but the stream is left open: END_STREAM is never sent. */
int32_t peer_request_open(struct peer *peer, const char *method, const char *path);

struct peer_response *peer_response(struct peer *peer, int32_t id);

/* A GET; waits for the stream to close. */
struct peer_response *peer_get(struct peer *peer, uv_loop_t *loop, const char *path);

/* Whether "name: value" is among the response's header fields. */
bool peer_has_header(const struct peer_response *response, const char *line);

/* Give back windows for all that came on `id`. */
void peer_consume(struct peer *peer, int32_t id);

/* Leave without a word, or politely if it is still open, and wait for it; free what was
 * received. */
void peer_drop(struct peer *peer);
void peer_leave(struct peer *peer, uv_loop_t *loop);

/* --- A client by raw bytes -------------------------------------------------------------------- */

struct peer_raw {
  struct transport *transport;
  bool open;
  bool closed;
  struct frame_decoder *decoder;
  bool silent; /* set before connecting: no preface */
  size_t frames;
  size_t goaways;
  int32_t goaway_last;
  uint32_t goaway_code;
  size_t resets;
  uint32_t reset_code;
  int32_t reset_stream;
  size_t responses; /* HEADERS */
  size_t pings;
  char status[4]; /* of the last response */
};

/* Connect; sends the preface and an empty SETTINGS, unless it is silent. */
void peer_raw_connect(struct peer_raw *raw, uv_loop_t *loop, int port);

/* Send one frame. */
void peer_raw_send(struct peer_raw *raw, uint8_t type, uint8_t flags, int32_t id,
                   const void *payload, size_t length);

/* A whole GET of "/" on stream `id`. */
void peer_raw_get(struct peer_raw *raw, int32_t id);

void peer_raw_drop(struct peer_raw *raw);

/* A client that never reads: a socket, connected to `port`, on which the preface and an empty
 * SETTINGS are sent, or one that opens all windows, and a GET of "/". Close it. */
int peer_deaf_connect(int port);
int peer_deaf_get(int port);

#endif
