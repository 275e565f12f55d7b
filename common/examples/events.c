/*
 * events: send the same events to every client that listens (server-sent events).
 *
 *   events [--port N] [--every MS]
 *
 * GET /events never ends: each second it sends the next number. What to see here: one timer for all
 * clients, a list of those that listen, and the care for a client that does not read. Its events
 * would pile up in memory, so it misses some, until on_drain says that it has caught up.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/list.h"
#include "common/number.h"
#include "common/server.h"
#include "common/signals.h"

/* One client that listens. */
struct listening {
  struct list link;
  struct stream *stream;
  bool is_behind; /* it has not read everything yet: wait for on_drain */
};

struct hub {
  struct list listeners;
  struct server *server;
  struct signals *signals;
  uv_timer_t timer;
  unsigned long number; /* of the last event */
};

/* --- Listeners -------------------------------------------------------------------------------- */

static void on_drain(struct stream *stream, void *user) {
  struct listening *listening = user;
  (void)stream;
  listening->is_behind = false;
}

static void on_close(struct stream *stream, uint32_t error_code, void *user) {
  struct listening *listening = user;
  (void)stream, (void)error_code; /* it no longer listens, for whatever reason */
  list_remove(&listening->link);
  free(listening);
}

static const struct stream_events events = {.on_drain = on_drain, .on_close = on_close};

static void listen_to_us(struct stream *stream, struct hub *hub) {
  static const char hello[] = "retry: 1000\n\n"; /* milliseconds until the client tries again */
  const nghttp2_nv fields[] = {field_make("content-type", "text/event-stream"),
                               field_make("cache-control", "no-store")};
  struct listening *listening = calloc(1, sizeof *listening);
  if (!listening) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  listening->stream = stream;
  list_add(&hub->listeners, &listening->link);
  stream_set_events(stream, &events, listening);
  if (stream_respond(stream, 200, fields, 2, STREAM_LENGTH_UNKNOWN) != 0 ||
      stream_write_static(stream, hello, sizeof hello - 1) < 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
}

static void on_timer(uv_timer_t *timer) {
  struct hub *hub = timer->data;
  char text[64];
  int length =
      snprintf(text, sizeof text, "id: %lu\ndata: %lu\n\n", hub->number + 1, hub->number + 1);
  hub->number++;
  /* stream_write calls no event, so that the list stays as it is while we walk it. */
  struct listening *listening = list_first(&hub->listeners);
  for (; listening; listening = list_next(&hub->listeners, &listening->link))
    if (!listening->is_behind)
      listening->is_behind = stream_write(listening->stream, text, (size_t)length) == 0;
}

/* --- The server ------------------------------------------------------------------------------- */

static void on_stream(struct stream *stream, void *user) {
  struct hub *hub = user;
  bool is_known = strcmp(stream_path(stream), "/events") == 0;
  if (is_known && strcmp(stream_method(stream), "GET") == 0)
    listen_to_us(stream, hub);
  else if (stream_respond(stream, is_known ? 405 : 404, NULL, 0, 0) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
}

/* The responses never end by themselves: end them when the server closes, so that it can close. */
static void on_signal(void *user) {
  struct hub *hub = user;
  struct listening *listening = list_first(&hub->listeners);
  for (; listening; listening = list_next(&hub->listeners, &listening->link))
    stream_end(listening->stream, NULL, 0);
  server_close(hub->server);
}

/* The server has gone, and all listeners before it. */
static void on_server_close(void *user) {
  struct hub *hub = user;
  signals_free(hub->signals);
  uv_close((uv_handle_t *)&hub->timer, NULL); /* nothing is left to wait for: uv_run returns */
}

static int usage(void) {
  fprintf(stderr, "usage: events [--port N] [--every MS]\n");
  return 2;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"port", required_argument, NULL, 'p'}, {"every", required_argument, NULL, 'e'}, {0}};
  long port = 8000;
  long every = 1000;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (option == 'p')
      port = number_parse(optarg, 65535);
    else if (option == 'e')
      every = number_parse(optarg, 3600000);
    if (option == '?' || port < 0 || every < 1)
      return usage();
  }
  if (optind != argc)
    return usage();
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  struct hub hub = {.number = 0};
  list_init(&hub.listeners);
  const struct server_config config = {
      .port = (int)port, .on_stream = on_stream, .on_close = on_server_close, .user = &hub};
  hub.server = server_listen(loop, &config, error, sizeof error);
  hub.signals = signals_open(loop, on_signal, &hub);
  if (!hub.server || !hub.signals) {
    fprintf(stderr, "events: %s\n", hub.server ? "no signals" : error);
    return EXIT_FAILURE;
  }
  uv_timer_init(loop, &hub.timer); /* these two cannot fail */
  uv_timer_start(&hub.timer, on_timer, (uint64_t)every, (uint64_t)every);
  hub.timer.data = &hub;
  printf("listening on http://localhost:%d\n", server_port(hub.server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
