/* calm: see calm.h. */
#include "common/inner/calm.h"

struct calm calm_begin(uint64_t now) {
  return (struct calm){.filled = now, .resets = CALM_RESETS, .noise = CALM_NOISE};
}

static int32_t fill(int32_t purse, uint64_t added, int32_t full) {
  return purse >= full || added >= (uint64_t)(full - purse) ? full : purse + (int32_t)added;
}

/* A rate of frames per second equals a rate per millisecond in the purses' unit. */
void calm_fill(struct calm *calm, uint64_t now, uint64_t sent) {
  uint64_t elapsed = now - calm->filled;
  calm->resets = fill(calm->resets, elapsed * CALM_RESETS_A_SECOND, CALM_RESETS);
  calm->noise = fill(calm->noise, elapsed * CALM_NOISE_A_SECOND + sent, CALM_NOISE);
  calm->filled = now;
}
