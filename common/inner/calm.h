/*
 * calm: limits on requests of a connection that cost the client little and the server more; an
 * inner part of strict.
 *
 * There are two purses, which fill up as time goes by. What a client does takes something out of
 * one of them. When it is empty, the connection must end with ENHANCE_YOUR_CALM (RFC 9113, section
 * 10.5).
 *
 *     resets  RST_STREAM, the client's; and ours, where it was the client's fault
 *     noise   PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, frames of unknown types.
 *             Requests add to it, and so does what is sent: WINDOW_UPDATE belongs to both
 *
 * nghttp2 itself limits the client's RST_STREAM (from 1.57 on, and in Debian's 1.52), and more from
 * 1.66 on. These numbers are lower, so that this limit comes first and gives the right error code.
 */
#ifndef COMMON_CALM_H
#define COMMON_CALM_H

#include <stdbool.h>
#include <stdint.h>

enum {
  CALM_ONE = 1000,              /* one frame, in the unit that purses are counted in */
  CALM_RESETS = 900 * CALM_ONE, /* a full purse: nghttp2 allows 1,000, */
  CALM_RESETS_A_SECOND = 33,    /* and as many more each second */
  CALM_NOISE = 10000 * CALM_ONE,
  CALM_NOISE_A_SECOND = 1000,
  CALM_NOISE_A_REQUEST = 4 * CALM_ONE,
  CALM_SETTINGS_COST = 10 * CALM_ONE, /* they are applied to every stream, and acknowledged */
};

struct calm {
  uint64_t filled; /* when, in milliseconds */
  int32_t resets;
  int32_t noise;
};

/* Full purses. */
struct calm calm_begin(uint64_t now);

/* Fill the purses for the time since the last call. The server has sent `sent` bytes in that time:
 * the noise purse gets one frame for each thousand of them. */
void calm_fill(struct calm *calm, uint64_t now, uint64_t sent);

/* Take `cost` out of `purse`. Returns whether there was enough. */
static inline bool calm_take(int32_t *purse, int32_t cost) {
  *purse -= cost;
  return *purse >= 0;
}

#endif
