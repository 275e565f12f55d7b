/*
 * talker: one end of a connection, on plain nghttp2 calls, and a note of all that happens to it. A
 * client asks with a body, a server answers with one; both look at every byte of what they get.
 *
 * The other end is a talker too, or a plain socket.
 */
#ifndef COMMON_TESTS_TALKER_H
#define COMMON_TESTS_TALKER_H

#include "common/connection.h"
#include "common/tests/frames.h"

enum { TALKER_STREAMS = 256 };

struct talker;
typedef void (*talker_hook)(struct talker *talker);

/* Zero it before use. Events out of order fail the test. */
struct talker {
  /* A test sets these before it begins. */
  const struct connection_config *config; /* NULL for talker_config() */
  size_t body;                            /* the length of each body that it sends */
  bool holds;                             /* a server: it does not answer until talker_answer */
  bool observes;                          /* all frames, both ways, go into `frames` */

  /* The test's part of an event, after the note. May be NULL. */
  talker_hook at_open;
  talker_hook at_frame; /* `frame` was received */
  talker_hook at_stream_close;
  talker_hook at_close;
  int fails;      /* the result of the callback that has called at_frame */
  int body_fails; /* the result of the callback that reads the body, unless 0 */

  /* The events so far. */
  struct connection *connection; /* NULL after the end */
  bool open;
  bool closed;                /* on_close was called, */
  char error[256];            /* with this; "" for NULL */
  const nghttp2_frame *frame; /* in at_frame only */
  struct frames frames;
  size_t requests;                 /* a server: how many are complete; */
  int32_t asked;                   /* the stream of the last one */
  size_t finished;                 /* streams closed with NO_ERROR, */
  size_t failed;                   /* and with another error */
  size_t received[TALKER_STREAMS]; /* how much of the body came, by half the stream's identifier, */
  size_t read[TALKER_STREAMS];     /* and how much of its own body nghttp2 has read; */
  size_t produced;                 /* that for all streams together */
  size_t sent;                     /* bytes, */
  size_t system_calls;             /* that sent them */
};

/* The configuration and the settings of talkers. */
const struct connection_config *talker_config(void);

/* Let a client connect, and a server accept it; both are open then. */
void talker_meet(struct talker *client, struct talker *server);

/* Let a client connect to a plain socket, or a server accept one; returns that. */
int talker_meet_raw_server(struct talker *client);
int talker_meet_raw_client(struct talker *server);

/* The parts of the above: begin to connect to a port of 127.0.0.1; accept on a socket. */
void talker_connect(struct talker *client, int port);
void talker_accept(struct talker *server, int descriptor);

/* A client: send a request. Returns the stream's identifier. */
int32_t talker_request(struct talker *client);

/* A server that holds: answer the last request. */
void talker_answer(struct talker *server);

/* Wait until this many streams are finished. */
void talker_await(struct talker *talker, size_t finished);

/* Wait for the end, which must come with this error; NULL for none. */
void talker_expect_close(struct talker *talker, const char *error);

/* The n-th frame of this type from `sender`, or NULL: 0 is the first. */
const struct frame *talker_find(const struct talker *talker, enum frame_sender sender,
                                unsigned type, size_t n);

/* Free the connection if it is still there, and the frames. */
void talker_free(struct talker *talker);

#endif
