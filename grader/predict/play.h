/*
 * play: let a client and a server of nghttp2 talk to each other in memory, and write down their
 * frames as lines.
 *
 * A scenario (scenarios.h) makes them speak in turn: it submits something on one side, then
 * play_turn moves what waits. There is no socket and no clock, so the same scenario always gives
 * the same frames.
 *
 * A line is "SIDE TYPE STREAM [...]": "c HEADERS 1 END_STREAM", "s DATA 1 4
 * END_STREAM" (4 bytes), "c SETTINGS 0 ACK", "s RST_STREAM 3 CANCEL", "c GOAWAY 0
 * NO_ERROR", "s GOAWAY 0 5 NO_ERROR" (the last stream), "c WINDOW_UPDATE 1 5" (5 bytes more), "s
 * ALERT 2 PROTOCOL_VERSION" (of TLS).
 */
#ifndef GRADER_PREDICT_PLAY_H
#define GRADER_PREDICT_PLAY_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"
#include "common/frame.h"
#include "grader/wire/pcap.h"

enum { PLAY_BODIES = 16 };

struct play {
  nghttp2_session *client;
  nghttp2_session *server; /* NULL where a scenario writes the server's frames itself */
  struct frame_decoder *decoder;
  struct buffer lines;
  bool connection_too; /* frames of stream 0 are among the lines */
  bool quiet;          /* no frame is, for now */
  bool tls;            /* TLS carries the bytes: live.c captures them */
  bool failed;         /* the reference server could not be tried */
  unsigned number;     /* not 0: of several clients; the lines have it in place of the stream */
  bool ends_when_open; /* the client is lab 1's: it says GOAWAY once the session is open */
  bool settings_seen;  /* for that: the server's have come, ... */
  bool settings_acked; /* ... and ours are acknowledged */
  size_t bodies[PLAY_BODIES]; /* how much of each body is left to send */
  size_t body_count;
  size_t requests;       /* of the client, and ... */
  size_t ended;          /* ... how many of them the server has answered or reset */
  size_t client_frames;  /* for the quiz: without the preface, */
  size_t second_headers; /* the length of the second HEADERS frame, and */
  size_t last_headers;   /* of the client's last HEADERS; */
  uint32_t window;       /* INITIAL_WINDOW_SIZE in the client's last SETTINGS, */
  uint32_t max_streams;  /* MAX_CONCURRENT_STREAMS in the server's */
  struct pcap *pcap;     /* NULL if none is wanted */
  unsigned connection;   /* its number there */
};

/* Make a client and a server with these settings; `server_settings` NULL: no server session.
 * Windows do not open again by themselves. Returns 0 or -1. */
int play_begin(struct play *play, const nghttp2_settings_entry *client_settings,
               size_t client_count, const nghttp2_settings_entry *server_settings,
               size_t server_count);

/* All that the session has to send. */
void play_take(nghttp2_session *session, struct buffer *all);

/* Write down what `sender` has sent. */
void play_record(struct play *play, enum frame_sender sender, const uint8_t *bytes, size_t length);

/* A line of TLS: an alert by that name ("protocol version"). */
void play_alert(struct play *play, enum frame_sender sender, const char *name);

/* Move what `sender` has to send to the other side. */
void play_send(struct play *play, enum frame_sender sender);

/* Let both speak until neither has anything to say. */
void play_turn(struct play *play);

/* Send a frame from the server that no session makes: 9 bytes of header, and `length` bytes of
 * content; the client reads it and answers. */
void play_frame(struct play *play, uint8_t type, uint8_t flags, int32_t stream_id,
                const void *content, size_t length);

/* The client sends a request for "/"; `body` bytes follow, or no DATA if `body` is 0 and
 * `empty_data` is not set. Returns the stream. */
int32_t play_request(struct play *play, const char *method, size_t body, bool empty_data);

/* The client sends a request without a body for this path. Returns the stream. */
int32_t play_ask(struct play *play, const char *method, const char *path);

/* The server answers with a body of `body` bytes, 0 for none. */
void play_respond(struct play *play, int32_t stream_id, const char *status, size_t body);

/* The server sends DATA of `length` bytes; `last`: with END_STREAM. */
void play_data(struct play *play, int32_t stream_id, size_t length, bool last);

/* A body that does not end the stream: something else follows. */
nghttp2_data_provider play_unended_body(struct play *play, size_t length);

/* Let both send at the same moment: neither has read what the other sends. */
void play_cross(struct play *play);

/* End this connection; the lines stay, and play_begin may begin another. */
void play_next(struct play *play);

void play_end(struct play *play);

#endif
