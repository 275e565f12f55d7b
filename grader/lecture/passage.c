/* passage: see passage.h. */
#include "grader/lecture/passage.h"

#include <stdlib.h>

#include "common/list.h"
#include "common/listener.h"

struct passage {
  const char *port; /* the server's */
  const struct passage_events *events;
  void *user;
  uv_loop_t *loop;
  struct listener *listener;
  struct list pairs;
  unsigned connections; /* so far */
};

/* One of the two connections of a pair: the client's, or the one to the server. */
struct end {
  struct pair *pair;
  enum frame_sender sender;
  struct transport *transport; /* NULL once it is closed */
};

struct pair {
  struct list link; /* in passage->pairs */
  struct passage_pair shown;
  struct passage *passage;
  bool started; /* we read from the client */
  bool busy;    /* in on_close, which frees the pair at its end */
  struct end ends[2];
};

static struct pair *pair_of(const struct passage_pair *shown) {
  return (struct pair *)((char *)shown - offsetof(struct pair, shown));
}

static enum frame_sender other_side(enum frame_sender side) {
  return side == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
}

static void free_pair(struct pair *pair) {
  const struct passage_events *events = pair->passage->events;
  transport_free(pair->ends[FRAME_FROM_CLIENT].transport);
  transport_free(pair->ends[FRAME_FROM_SERVER].transport);
  list_remove(&pair->link);
  if (events->on_free)
    events->on_free(&pair->shown, pair->passage->user);
  free(pair);
}

static void on_open(struct transport *transport, void *user);

static void on_data(struct transport *transport, const uint8_t *data, size_t length, void *user) {
  struct end *end = user;
  struct passage *passage = end->pair->passage;
  (void)transport;
  passage->events->on_data(&end->pair->shown, end->sender, data, length, passage->user);
}

/* The events may end the other connection too, at once. Free the pair only here, when both have
 * ended. */
static void on_close(struct transport *transport, const char *error, void *user) {
  struct end *end = user;
  struct pair *pair = end->pair;
  struct passage *passage = pair->passage;
  bool outer = !pair->busy;
  (void)transport;
  end->transport = NULL;
  pair->busy = true;
  passage->events->on_close(&pair->shown, end->sender, error, passage->user);
  if (!outer)
    return;
  pair->busy = false;
  if (!pair->started || !pair->ends[other_side(end->sender)].transport)
    free_pair(pair);
}

static const struct transport_events events = {
    .on_open = on_open, .on_data = on_data, .on_close = on_close};

/* Read from the client only now that its bytes can be passed on. */
static void on_open(struct transport *transport, void *user) {
  struct end *end = user;
  struct end *client = &end->pair->ends[FRAME_FROM_CLIENT];
  (void)transport;
  if (end->sender == FRAME_FROM_CLIENT)
    return;
  end->pair->started = true;
  transport_start(client->transport, &events, client);
}

static void on_accept(struct transport *transport, void *user) {
  struct passage *passage = user;
  struct pair *pair = calloc(1, sizeof *pair);
  if (!pair) {
    transport_free(transport);
    return;
  }
  pair->passage = passage;
  pair->shown.number = ++passage->connections;
  list_add(&passage->pairs, &pair->link);
  struct end *client = &pair->ends[FRAME_FROM_CLIENT];
  struct end *server = &pair->ends[FRAME_FROM_SERVER];
  *client = (struct end){.pair = pair, .sender = FRAME_FROM_CLIENT, .transport = transport};
  *server = (struct end){.pair = pair, .sender = FRAME_FROM_SERVER};
  passage->events->on_open(&pair->shown, passage->user);
  server->transport =
      transport_connect(passage->loop, "localhost", passage->port, NULL, &events, server);
  if (!server->transport)
    free_pair(pair);
}

struct passage *passage_open(uv_loop_t *loop, const char *port,
                             const struct passage_events *passage_events, void *user, char *error,
                             size_t error_size) {
  struct passage *passage = calloc(1, sizeof *passage);
  if (!passage) {
    snprintf(error, error_size, "out of memory");
    return NULL;
  }
  *passage = (struct passage){.port = port, .events = passage_events, .user = user, .loop = loop};
  list_init(&passage->pairs);
  passage->listener =
      listener_open(loop, "localhost", 0, NULL, on_accept, passage, error, error_size);
  if (passage->listener)
    return passage;
  free(passage);
  return NULL;
}

int passage_port(const struct passage *passage) {
  return listener_port(passage->listener);
}

void passage_send(struct passage_pair *shown, enum frame_sender sender, const void *data,
                  size_t length) {
  struct pair *pair = pair_of(shown);
  struct transport *from = pair->ends[sender].transport;
  struct transport *to = pair->ends[other_side(sender)].transport;
  if (to && transport_write(to, data, length) != 0 && from)
    transport_close(from); /* no memory */
}

void passage_finish(struct passage_pair *shown, enum frame_sender sender) {
  struct pair *pair = pair_of(shown);
  struct transport *to = pair->ends[other_side(sender)].transport;
  if (to && pair->started)
    transport_close(to);
}

bool passage_has(const struct passage_pair *shown, enum frame_sender side) {
  return pair_of(shown)->ends[side].transport != NULL;
}

void passage_free(struct passage *passage) {
  struct pair *pair;
  listener_free(passage->listener);
  while ((pair = list_first(&passage->pairs)))
    free_pair(pair);
  free(passage);
}
