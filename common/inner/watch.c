/* watch: see watch.h. */
#include "common/inner/watch.h"

#include <stdlib.h>
#include <string.h>

#include "common/inner/handle.h"

static const struct connection_timeouts defaults = {
    .handshake = 10000,
    .preface = 10000,
    .frame = 10000,
    .body = 30000,
    .write = 30000,
    .idle = 60000,
    .goodbye = 5000,
};

static unsigned or_default(bool for_ever, unsigned value, unsigned standard) {
  return for_ever ? CONNECTION_NEVER : value ? value : standard;
}

/* Somebody steps through the client, or holds its frames. The end of the server stays quick. */
static bool is_patient(void) {
  const char *value = getenv("H2_TIMEOUTS");
  return value && strcmp(value, "never") == 0;
}

static struct connection_timeouts fill_in(const struct connection_timeouts *given, bool patient) {
  return (struct connection_timeouts){
      .handshake = or_default(patient, given->handshake, defaults.handshake),
      .preface = or_default(patient, given->preface, defaults.preface),
      .frame = or_default(patient, given->frame, defaults.frame),
      .body = or_default(patient, given->body, defaults.body),
      .write = or_default(patient, given->write, defaults.write),
      .idle = or_default(patient, given->idle, defaults.idle),
      .goodbye = or_default(false, given->goodbye, defaults.goodbye),
  };
}

/* A quarter of the shortest. */
static uint64_t interval(const struct connection_timeouts *timeouts) {
  const unsigned all[] = {timeouts->preface, timeouts->frame, timeouts->body,
                          timeouts->write,   timeouts->idle,  timeouts->goodbye};
  unsigned least = CONNECTION_NEVER;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] < least)
      least = all[i];
  return least < 4 ? 1 : least / 4;
}

int watch_begin(struct watch *watch, uv_loop_t *loop, const struct connection_timeouts *timeouts,
                uv_timer_cb look, void *user) {
  watch->timeouts = fill_in(timeouts, is_patient());
  watch->timer = malloc(sizeof *watch->timer);
  if (!watch->timer)
    return -1;
  uv_timer_init(loop, watch->timer); /* neither can fail */
  uv_timer_start(watch->timer, look, interval(&watch->timeouts), interval(&watch->timeouts));
  watch->timer->data = user;
  watch_open(watch);
  return 0;
}

static uint64_t now(const struct watch *watch) {
  return uv_now(watch->timer->loop);
}

void watch_open(struct watch *watch) {
  watch->heard = watch->busy = now(watch);
}

void watch_received(struct watch *watch, size_t length) {
  watch->received += length;
  watch->heard = now(watch);
}

void watch_rest(struct watch *watch) {
  watch->rested = now(watch);
}

void watch_goodbye(struct watch *watch) {
  watch->goodbye = now(watch);
}

static bool is_over(const struct watch *watch, uint64_t since, unsigned timeout) {
  if (since < watch->rested)
    since = watch->rested;
  return timeout != CONNECTION_NEVER && now(watch) - since >= timeout;
}

/* Whether something that the server waits for has made too little progress. */
static bool is_late(const struct watch *watch, struct watch_progress *progress, bool is_awaited,
                    uint64_t octets, unsigned timeout) {
  if (!progress->is_awaited || octets - progress->octets >= WATCH_PROGRESS)
    *progress = (struct watch_progress){.since = now(watch), .octets = octets};
  progress->is_awaited = is_awaited;
  return is_awaited && is_over(watch, progress->since, timeout);
}

enum watch_verdict watch_look(struct watch *watch, const struct watch_view *view) {
  const struct connection_timeouts *timeouts = &watch->timeouts;
  uint64_t begun;
  enum strict_place place = strict_place(view->strict, &begun);
  bool has_streams = view->waits & CONNECTION_HAS_STREAMS;
  bool in_body = view->waits & CONNECTION_AWAITS_BODY || place == STRICT_IN_DATA;
  bool is_full = view->waits & CONNECTION_AWAITS_WINDOW || (has_streams && !view->has_window);
  if (has_streams || watch->has_streams)
    watch->busy = now(watch);
  watch->has_streams = has_streams;
  uint64_t quiet = watch->heard > watch->busy ? watch->heard : watch->busy;
  if (watch->goodbye && is_over(watch, watch->goodbye, timeouts->goodbye))
    return WATCH_GOODBYE;
  if (place == STRICT_GREETING && is_over(watch, watch->busy, timeouts->preface))
    return WATCH_PREFACE;
  if (place == STRICT_IN_FRAME && is_over(watch, begun, timeouts->frame))
    return WATCH_FRAME;
  if (is_late(watch, &watch->body, in_body, watch->received, timeouts->body))
    return WATCH_BODY;
  if (is_late(watch, &watch->write, view->is_stuck || is_full, view->sent, timeouts->write))
    return WATCH_WRITE;
  if (!has_streams && place == STRICT_BETWEEN && is_over(watch, quiet, timeouts->idle))
    return WATCH_IDLE;
  return WATCH_FINE;
}

const char *watch_text(enum watch_verdict verdict) {
  switch (verdict) {
  case WATCH_FINE: return "nothing";
  case WATCH_PREFACE: return "no preface";
  case WATCH_FRAME: return "an incomplete frame or header block";
  case WATCH_BODY: return "no more of a request's body";
  case WATCH_WRITE: return "the client reads nothing";
  case WATCH_IDLE: return "no request";
  case WATCH_GOODBYE: return "streams in flight";
  }
  return "";
}

void watch_end(struct watch *watch) {
  handle_close((uv_handle_t *)watch->timer);
  watch->timer = NULL;
}
