/* signals: see signals.h. */
#include "common/signals.h"

#include <signal.h>
#include <stdlib.h>

struct signals {
  uv_signal_t interrupt;
  uv_signal_t terminate;
  int open; /* how many of the two handles libuv still has */
  void (*callback)(void *user);
  void *user;
};

static void on_signal(uv_signal_t *handle, int number) {
  struct signals *signals = handle->data;
  (void)number;
  signals->callback(signals->user);
}

static void on_handle_close(uv_handle_t *handle) {
  struct signals *signals = handle->data;
  signals->open--;
  if (signals->open == 0)
    free(signals);
}

void signals_free(struct signals *signals) {
  if (!signals)
    return;
  uv_close((uv_handle_t *)&signals->interrupt, on_handle_close);
  uv_close((uv_handle_t *)&signals->terminate, on_handle_close);
}

struct signals *signals_open(uv_loop_t *loop, void (*callback)(void *user), void *user) {
  struct signals *signals = calloc(1, sizeof *signals);
  if (!signals)
    return NULL;
  signals->callback = callback;
  signals->user = user;
  signals->open = 2;
  signals->interrupt.data = signals->terminate.data = signals;
  if (uv_signal_init(loop, &signals->interrupt) != 0) {
    free(signals);
    return NULL;
  }
  if (uv_signal_init(loop, &signals->terminate) != 0) {
    signals->open = 1;
    uv_close((uv_handle_t *)&signals->interrupt, on_handle_close);
    return NULL;
  }
  if (uv_signal_start(&signals->interrupt, on_signal, SIGINT) != 0 ||
      uv_signal_start(&signals->terminate, on_signal, SIGTERM) != 0) {
    signals_free(signals);
    return NULL;
  }
  return signals;
}
