/*
 * visitor: shared by the tests of streams and servers: a loop with a deadline, a client on
 * plain nghttp2 over a connection, and one that sends raw bytes.
 */
#ifndef COMMON_TESTS_VISITOR_H
#define COMMON_TESTS_VISITOR_H

#include "common/buffer.h"
#include "common/connection.h"
#include "common/frame.h"

enum { VISITOR_STREAMS = 128 };

/* Run the loop until `*flag`, or until `*count` is at least `least`. Fails the test after 20
 * seconds. */
void visitor_run_until(uv_loop_t *loop, const bool *flag);
void visitor_run_until_count(uv_loop_t *loop, const size_t *count, size_t least);

/* Run the loop until nothing is left on it, and close it: fails if a handle is left open. */
void visitor_close_loop(uv_loop_t *loop);

/* --- A client by nghttp2 ---------------------------------------------------------------------- */

/* The response on one stream. */
struct visitor_response {
  int status;
  size_t informational;  /* responses with 1xx */
  struct buffer headers; /* "name: value\n" for each field of the final response */
  struct buffer trailers;
  struct buffer body;
  size_t body_length; /* counted also if the bodies are not kept */
  bool ended_by_headers;
  bool closed;
  uint32_t error_code;
};

struct visitor {
  struct connection *connection;
  bool open;
  bool closed;
  char error[256]; /* why; "" for none */
  bool discard_bodies;
  bool slow; /* set before connecting: windows are given back by visitor_consume only */
  size_t goaways;
  int32_t goaway_last[8]; /* the last stream of each */
  /* By the stream's identifier, divided by two. */
  struct visitor_response responses[VISITOR_STREAMS];
  size_t headers_received; /* of how many streams the final response has begun */
  size_t closed_count;     /* how many streams are closed */
  size_t received;         /* bytes of bodies, on all streams */
};

/* Connect to `port` of localhost and wait until it is open. */
void visitor_connect(struct visitor *visitor, uv_loop_t *loop, int port);

/* Send a request with `fields` after :method, :path, :scheme, and :authority. `body` may be NULL: a
 * GET ends at once. With a body it ends after `length` bytes, which must stay. Returns the stream's
 * identifier. */
int32_t visitor_request(struct visitor *visitor, const char *method, const char *path,
                        const nghttp2_nv *fields, size_t count, const void *body, size_t length);

/* The same, but leave the stream open: never send END_STREAM. */
int32_t visitor_request_open(struct visitor *visitor, const char *method, const char *path);

struct visitor_response *visitor_response(struct visitor *visitor, int32_t id);

/* A GET; waits for the stream to close. */
struct visitor_response *visitor_get(struct visitor *visitor, uv_loop_t *loop, const char *path);

/* Whether "name: value" is among the response's header fields. */
bool visitor_has_header(const struct visitor_response *response, const char *line);

/* Give back the windows for all bytes that came on `id`. */
void visitor_consume(struct visitor *visitor, int32_t id);

/* Leave without a word, or politely if the connection is still open, and wait for the end; free all
 * that was received. */
void visitor_drop(struct visitor *visitor);
void visitor_leave(struct visitor *visitor, uv_loop_t *loop);

/* --- A client by raw bytes -------------------------------------------------------------------- */

struct visitor_raw {
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
void visitor_raw_connect(struct visitor_raw *raw, uv_loop_t *loop, int port);

/* Send one frame. */
void visitor_raw_send(struct visitor_raw *raw, uint8_t type, uint8_t flags, int32_t id,
                      const void *payload, size_t length);

/* A whole GET of "/" on stream `id`. */
void visitor_raw_get(struct visitor_raw *raw, int32_t id);

void visitor_raw_drop(struct visitor_raw *raw);

/* A client that never reads: a socket connected to `port`, which has sent the preface and an empty
 * SETTINGS, or one that opens all windows, and a GET of "/". Close the socket. */
int visitor_deaf_connect(int port);
int visitor_deaf_get(int port);

#endif
