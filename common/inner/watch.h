/*
 * watch: how long a server waits for a client; an inner part of connection.
 *
 * It looks from time to time, a quarter of the shortest time-out apart, so that a frame costs
 * nothing. A time-out may therefore come up to two of these quarters late, and never early.
 * Progress is counted in bytes: a client that sends or takes one now and then makes no progress.
 */
#ifndef COMMON_WATCH_H
#define COMMON_WATCH_H

#include <uv.h>

#include "common/connection.h"
#include "common/inner/strict.h"

enum { WATCH_PROGRESS = 1024 }; /* bytes: less counts as nothing */

enum watch_verdict {
  WATCH_FINE,
  WATCH_PREFACE,
  WATCH_FRAME,
  WATCH_BODY,
  WATCH_WRITE,
  WATCH_IDLE,
  WATCH_GOODBYE,
};

/* Something that must make progress, and when it last did. */
struct watch_progress {
  bool is_awaited; /* at the last look */
  uint64_t since;
  uint64_t octets; /* so many had moved by then */
};

struct watch {
  struct connection_timeouts timeouts;
  uv_timer_t *timer; /* NULL once it is closed */
  uint64_t received; /* bytes */
  uint64_t heard;    /* when the last of them came */
  bool has_streams;  /* at the last look */
  uint64_t busy;     /* when there may last have been one */
  uint64_t goodbye;  /* when connection_close was called; 0 before */
  uint64_t rested;   /* the last watch_rest */
  struct watch_progress body, write;
};

/* What there is to look at. */
struct watch_view {
  const struct strict *strict;
  unsigned waits;  /* as connection_config has it */
  bool is_stuck;   /* the socket takes nothing */
  bool has_window; /* of the connection */
  uint64_t sent;   /* bytes */
};

/* Begin: a timer calls `look`, with `user` as the timer's data. Returns 0, or -1 when there is no
 * memory. */
int watch_begin(struct watch *watch, uv_loop_t *loop, const struct connection_timeouts *timeouts,
                uv_timer_cb look, void *user);

/* The client has completed the handshake. */
void watch_open(struct watch *watch);

/* `length` bytes have arrived. */
void watch_received(struct watch *watch, size_t length);

/* Somebody holds the client's frames, or ours: no time has passed. */
void watch_rest(struct watch *watch);

/* connection_close was called. */
void watch_goodbye(struct watch *watch);

/* What takes too long. */
enum watch_verdict watch_look(struct watch *watch, const struct watch_view *view);

/* In words. */
const char *watch_text(enum watch_verdict verdict);

/* Allowed twice. */
void watch_end(struct watch *watch);

#endif
