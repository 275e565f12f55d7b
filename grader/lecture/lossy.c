/* lossy: see lossy.h. */
#include "grader/lecture/lossy.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/buffer.h"
#include "common/list.h"
#include "common/listener.h"

struct lossy {
  uv_loop_t *loop;
  struct listener *listener;
  struct list pairs;
  char to[8];
  unsigned hold_ms;
  bool lose_next;
};

/* A client's connection, and the one to the server. */
struct pair {
  struct list link; /* in lossy->pairs */
  struct lossy *lossy;
  struct transport *client; /* NULL once it is closed */
  struct transport *server;
  uv_timer_t timer;
  struct buffer held; /* the bytes that wait behind the lost segment */
  bool holding;
  bool server_closed;
};

static void free_memory(uv_handle_t *timer) {
  struct pair *pair = timer->data;
  buffer_free(&pair->held);
  free(pair);
}

static void free_pair(struct pair *pair) {
  transport_free(pair->client);
  transport_free(pair->server);
  list_remove(&pair->link);
  uv_close((uv_handle_t *)&pair->timer, free_memory);
}

/* TCP has sent the segment again: all bytes that waited arrive at once. */
static void on_sent_again(uv_timer_t *timer) {
  struct pair *pair = timer->data;
  pair->holding = false;
  if (!pair->client || transport_write(pair->client, pair->held.bytes, pair->held.length) != 0 ||
      pair->server_closed)
    free_pair(pair);
  else
    buffer_clear(&pair->held);
}

/* --- From the client -------------------------------------------------------------------------- */

static void on_client_open(struct transport *transport, void *user) {
  (void)transport;
  (void)user;
}

static void on_client_data(struct transport *transport, const uint8_t *data, size_t length,
                           void *user) {
  struct pair *pair = user;
  if (transport_write(pair->server, data, length) != 0)
    transport_close(transport);
}

static void on_client_close(struct transport *transport, const char *error, void *user) {
  struct pair *pair = user;
  (void)transport;
  (void)error;
  pair->client = NULL;
  free_pair(pair);
}

static const struct transport_events client_events = {
    .on_open = on_client_open, .on_data = on_client_data, .on_close = on_client_close};

/* --- From the server -------------------------------------------------------------------------- */

static void on_server_open(struct transport *transport, void *user) {
  struct pair *pair = user;
  (void)transport;
  transport_start(pair->client, &client_events, pair);
}

static void on_server_data(struct transport *transport, const uint8_t *data, size_t length,
                           void *user) {
  struct pair *pair = user;
  if (pair->lossy->lose_next) {
    pair->lossy->lose_next = false;
    pair->holding = true;
    uv_timer_start(&pair->timer, on_sent_again, pair->lossy->hold_ms, 0);
  }
  int result = pair->holding ? buffer_append(&pair->held, data, length)
                             : transport_write(pair->client, data, length);
  if (result != 0)
    transport_close(transport);
}

static void on_server_close(struct transport *transport, const char *error, void *user) {
  struct pair *pair = user;
  (void)transport;
  (void)error;
  pair->server = NULL;
  pair->server_closed = true;
  if (!pair->holding)
    free_pair(pair);
}

static const struct transport_events server_events = {
    .on_open = on_server_open, .on_data = on_server_data, .on_close = on_server_close};

/* --- The relay -------------------------------------------------------------------------------- */

static void on_accept(struct transport *transport, void *user) {
  struct lossy *lossy = user;
  struct pair *pair = calloc(1, sizeof *pair);
  if (!pair) {
    transport_free(transport);
    return;
  }
  pair->lossy = lossy;
  pair->client = transport;
  uv_timer_init(lossy->loop, &pair->timer);
  pair->timer.data = pair;
  list_add(&lossy->pairs, &pair->link);
  pair->server = transport_connect(lossy->loop, "localhost", lossy->to, NULL, &server_events, pair);
  if (!pair->server)
    free_pair(pair);
}

struct lossy *lossy_open(uv_loop_t *loop, int to, unsigned hold_ms) {
  char error[256];
  struct lossy *lossy = calloc(1, sizeof *lossy);
  if (!lossy)
    return NULL;
  *lossy = (struct lossy){.loop = loop, .hold_ms = hold_ms};
  snprintf(lossy->to, sizeof lossy->to, "%d", to);
  list_init(&lossy->pairs);
  lossy->listener =
      listener_open(loop, "localhost", 0, NULL, on_accept, lossy, error, sizeof error);
  if (lossy->listener)
    return lossy;
  fprintf(stderr, "lecture: %s\n", error);
  free(lossy);
  return NULL;
}

int lossy_port(const struct lossy *lossy) {
  return listener_port(lossy->listener);
}

void lossy_lose(struct lossy *lossy) {
  lossy->lose_next = true;
}

void lossy_free(struct lossy *lossy) {
  struct pair *pair;
  if (!lossy)
    return;
  listener_free(lossy->listener);
  while ((pair = list_first(&lossy->pairs)))
    free_pair(pair);
  free(lossy);
}
