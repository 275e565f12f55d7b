/*
 * passage: stand between clients and a server, on a port of its own; the owner decides which bytes
 * pass, and when.
 *
 * Order of calls: passage_open; the events, from the loop, with passage_send and passage_finish;
 * passage_free.
 */
#ifndef GRADER_LECTURE_PASSAGE_H
#define GRADER_LECTURE_PASSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/frame.h"

struct passage;

/* A client's connection, and the one to the server. */
struct passage_pair {
  unsigned number; /* from 1, in the order in which clients connect */
  void *user;      /* the owner's */
};

struct passage_events {
  /* A client has connected. */
  void (*on_open)(struct passage_pair *pair, void *user);

  /* `sender` has sent these bytes; valid until the call returns. */
  void (*on_data)(struct passage_pair *pair, enum frame_sender sender, const uint8_t *data,
                  size_t length, void *user);

  /* The connection with `sender` has ended; `error` as for a transport. Call passage_finish once
   * all of its bytes have passed. */
  void (*on_close)(struct passage_pair *pair, enum frame_sender sender, const char *error,
                   void *user);

  /* Both connections have ended: the last event. May be NULL. */
  void (*on_free)(struct passage_pair *pair, void *user);
};

/* Listen on any free port of localhost, for the server at `port` of localhost, which must be valid
 * as long as the passage. Returns NULL on failure, with one line in `error`. */
struct passage *passage_open(uv_loop_t *loop, const char *port, const struct passage_events *events,
                             void *user, char *error, size_t error_size);

int passage_port(const struct passage *passage);

/* Pass on what `sender` has sent; drop it if the other side has gone. */
void passage_send(struct passage_pair *pair, enum frame_sender sender, const void *data,
                  size_t length);

/* Nothing more of `sender` comes: end the other connection, after what was passed on. */
void passage_finish(struct passage_pair *pair, enum frame_sender sender);

/* Whether the connection with `side` is still there. */
bool passage_has(const struct passage_pair *pair, enum frame_sender side);

/* Stop listening, and end every connection, with on_free for each. */
void passage_free(struct passage *passage);

#endif
