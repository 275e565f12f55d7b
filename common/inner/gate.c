/* gate: see gate.h. */
#include "common/inner/gate.h"

#include <nghttp2/nghttp2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/inner/big_endian.h"
#include "common/inner/channel.h"
#include "common/inner/handle.h"
#include "common/inner/trace_socket.h"

enum {
  LONGEST_ORDER = 32,
  MOST_INPUT = 64 * 1024, /* that waits: then nothing more is read */
  PATIENCE_MS = 1000,     /* for the first order */
};

enum mode {
  ASKED, /* no order has come yet */
  FLOW,
  ASIDE,
  HOLD,
};

/* A frame that waits, or the client's preface. */
struct unit {
  size_t size; /* in bytes, with its header */
  unsigned long id;
  uint8_t header[FRAME_HEADER_LENGTH];
  bool is_preface;
};

/* What one sender has sent: a queue of bytes, the first of which is the next to pass. The bytes are
 * the caller's; the lengths count from that first byte. */
struct queue {
  uint8_t header[NGHTTP2_CLIENT_MAGIC_LEN]; /* of the frame whose header has not come whole */
  size_t have;                              /* so much of it has come */
  size_t known;                             /* the end of the last frame whose header has come */
  size_t open;                              /* so much may pass */
  size_t shown;                             /* so much the trace has */
  bool has_greeted;                         /* the client's preface has come */
  struct buffer units;                      /* struct unit: those that wait, from `open` on */
  size_t told;                              /* `make live` knows so many of them */
  unsigned long last;                       /* the id of the last one so far */
};

struct gate {
  struct trace *trace;
  enum frame_sender side;
  enum mode mode;
  bool has_given_up;      /* the first order has not come in time, and not yet */
  struct queue queues[2]; /* by sender */
  struct buffer input;    /* bytes that have been read, and wait */
  bool has_ended;         /* the last read has got no bytes, */
  ssize_t end;            /* but this, */
  char error[256];        /* and that */
  uv_pipe_t *pipe;        /* from `make live` */
  int descriptor;         /* the pipe's */
  uv_timer_t *timer;
  char chunk[256];
  char order[LONGEST_ORDER]; /* the part of a line that has come */
  size_t length;
  void (*on_change)(void *user);
  void *user;
};

/* --- What we tell ----------------------------------------------------------------------------- */

/* A line is far shorter than what the socket takes at once. Returns whether there was room for it:
 * do not wait for a reader that is slow. */
static __attribute__((format(printf, 2, 3))) bool tell(const struct gate *gate, const char *format,
                                                       ...) {
  char line[160];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return send(gate->descriptor, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT) == length;
}

static const char *name_of(enum frame_sender sender) {
  return sender == FRAME_FROM_CLIENT ? "client" : "server";
}

static bool tell_unit(const struct gate *gate, enum frame_sender sender, const struct unit *unit) {
  uint8_t type = unit->header[3];
  const char *name = unit->is_preface ? "preface" : frame_type_name(type);
  bool is_ack = !unit->is_preface && (type == NGHTTP2_SETTINGS || type == NGHTTP2_PING) &&
                unit->header[4] & NGHTTP2_FLAG_ACK;
  unsigned stream = unit->is_preface ? 0 : big_endian_32(unit->header + 5) & 0x7fffffff;
  return tell(
      gate,
      "{\"id\": %lu, \"sender\": \"%s\", \"type\": \"%s%s\", \"stream\": %u, \"length\": %zu}\n",
      unit->id, name_of(sender), name ? name : "unknown", is_ack ? " ACK" : "", stream,
      unit->is_preface ? unit->size : unit->size - FRAME_HEADER_LENGTH);
}

static struct unit *units_of(const struct queue *queue, size_t *count) {
  *count = queue->units.length / sizeof(struct unit);
  return (struct unit *)(void *)queue->units.bytes;
}

/* What there was no room for comes later. */
static void tell_units(struct gate *gate, enum frame_sender sender) {
  struct queue *queue = &gate->queues[sender];
  size_t count;
  const struct unit *units = units_of(queue, &count);
  while (gate->mode == HOLD && queue->told < count && tell_unit(gate, sender, &units[queue->told]))
    queue->told++;
}

/* --- What may pass ---------------------------------------------------------------------------- */

/* Let the first `count` units pass. */
static void let_pass(struct gate *gate, enum frame_sender sender, size_t count) {
  struct queue *queue = &gate->queues[sender];
  size_t all;
  struct unit *units = units_of(queue, &all);
  if (count == 0 || all == 0)
    return;
  for (size_t i = 0; i < count; i++)
    queue->open += units[i].size;
  if (queue->told > 0)
    tell(gate, "{\"passed\": %lu, \"sender\": \"%s\"}\n", units[count - 1].id, name_of(sender));
  queue->told -= queue->told < count ? queue->told : count;
  memmove(units, units + count, (all - count) * sizeof *units);
  buffer_truncate(&queue->units, (all - count) * sizeof *units);
}

static void let_all_pass(struct gate *gate, enum frame_sender sender) {
  struct queue *queue = &gate->queues[sender];
  let_pass(gate, sender, queue->units.length / sizeof(struct unit));
  queue->open = queue->known;
}

static bool is_shut(const struct gate *gate) {
  return gate->mode == ASKED || gate->mode == HOLD;
}

/* The header of a frame has come, or the preface: the frame waits, unless a part of it has passed
 * before. Without memory, it and all before it pass. */
static void add_unit(struct gate *gate, enum frame_sender sender, size_t header_length) {
  struct queue *queue = &gate->queues[sender];
  bool is_preface = header_length == NGHTTP2_CLIENT_MAGIC_LEN;
  bool has_begun = queue->open + header_length > queue->known;
  struct unit unit = {.size = header_length, .id = queue->last + 1, .is_preface = is_preface};
  memcpy(unit.header, queue->header, sizeof unit.header);
  if (!is_preface)
    unit.size += big_endian_24(queue->header);
  queue->known += unit.size - header_length;
  queue->has_greeted = true;
  queue->have = 0;
  if (!has_begun && is_shut(gate) && buffer_append(&queue->units, &unit, sizeof unit) == 0) {
    queue->last++;
    return;
  }
  let_all_pass(gate, sender);
}

/* How many of these bytes of a queue may pass. */
static size_t admit(struct gate *gate, enum frame_sender sender, const uint8_t *bytes,
                    size_t length) {
  struct queue *queue = &gate->queues[sender];
  while (queue->known < length) {
    bool greets = sender == FRAME_FROM_CLIENT && !queue->has_greeted;
    size_t whole = greets ? NGHTTP2_CLIENT_MAGIC_LEN : FRAME_HEADER_LENGTH;
    size_t part = length - queue->known;
    if (part > whole - queue->have)
      part = whole - queue->have;
    memcpy(queue->header + queue->have, bytes + queue->known, part);
    queue->have += part;
    queue->known += part;
    if (queue->have == whole)
      add_unit(gate, sender, whole);
  }
  if (!is_shut(gate))
    queue->open = queue->known;
  tell_units(gate, sender);
  return queue->open < length ? queue->open : length;
}

static void show(struct gate *gate, enum frame_sender sender, const uint8_t *bytes, size_t length) {
  struct queue *queue = &gate->queues[sender];
  if (length > queue->shown) {
    trace_bytes(gate->trace, sender, bytes + queue->shown, length - queue->shown);
    queue->shown = length;
  }
}

/* The page shows a frame that waits: its sender has sent it. */
static void show_waiting(struct gate *gate, enum frame_sender sender, const uint8_t *bytes,
                         size_t length) {
  if (gate->mode == HOLD && gate_holds(gate, sender))
    show(gate, sender, bytes, length);
}

static void pass(struct gate *gate, enum frame_sender sender, const uint8_t *bytes, size_t length) {
  struct queue *queue = &gate->queues[sender];
  show(gate, sender, bytes, length);
  queue->known -= length;
  queue->open -= length;
  queue->shown -= length;
}

static enum frame_sender peer_of(const struct gate *gate) {
  return gate->side == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
}

/* Keep what channel_read has got, or the end, for when all before it has passed. */
static void keep(struct gate *gate, const void *data, ssize_t length, const char *error) {
  if (length == CHANNEL_AGAIN || gate->has_ended)
    return;
  if (length > 0 && buffer_append(&gate->input, data, (size_t)length) == 0)
    return;
  gate->has_ended = true;
  gate->end = length > 0 ? CHANNEL_FAILED : length;
  snprintf(gate->error, sizeof gate->error, "%s", length > 0 ? "no memory" : error);
}

ssize_t gate_read(struct gate *gate, void *data, ssize_t length, size_t size, char *error,
                  size_t error_size) {
  enum frame_sender peer = peer_of(gate);
  struct buffer *input = &gate->input;
  keep(gate, data, length, error);
  size_t passing = admit(gate, peer, (const uint8_t *)input->bytes, input->length);
  if (gate->has_ended && !gate_holds(gate, peer)) /* the last frame has not come whole */
    passing = gate->queues[peer].open = input->length;
  if (passing == 0 && gate->has_ended && input->length == 0) {
    snprintf(error, error_size, "%s", gate->error);
    return gate->end;
  }
  show_waiting(gate, peer, (const uint8_t *)input->bytes, input->length);
  if (passing == 0)
    return CHANNEL_AGAIN;
  if (passing > size)
    passing = size;
  memcpy(data, input->bytes, passing);
  pass(gate, peer, data, passing);
  memmove(input->bytes, input->bytes + passing, input->length - passing);
  buffer_truncate(input, input->length - passing);
  return (ssize_t)passing;
}

size_t gate_write(struct gate *gate, const void *data, size_t length) {
  size_t passing = admit(gate, gate->side, data, length);
  show_waiting(gate, gate->side, data, length);
  return passing;
}

void gate_written(struct gate *gate, const void *data, size_t length) {
  pass(gate, gate->side, data, length);
}

bool gate_holds(const struct gate *gate, enum frame_sender sender) {
  return gate->queues[sender].units.length > 0;
}

bool gate_wants_to_read(const struct gate *gate) {
  return gate->input.length == 0 || (!gate->has_ended && gate->input.length < MOST_INPUT);
}

bool gate_is_patient(const struct gate *gate) {
  return gate && gate->mode != FLOW;
}

/* --- Orders ----------------------------------------------------------------------------------- */

static void set_mode(struct gate *gate, enum mode mode) {
  gate->mode = mode;
  gate->has_given_up = false;
  uv_timer_stop(gate->timer);
  if (is_shut(gate))
    return; /* on_change tells what waits */
  let_all_pass(gate, FRAME_FROM_CLIENT);
  let_all_pass(gate, FRAME_FROM_SERVER);
}

static void hold(struct gate *gate) {
  if (gate->has_given_up)
    tell(gate, "{\"late\": true}\n");
  set_mode(gate, HOLD);
}

/* What is not an order is no order. */
static void obey(struct gate *gate) {
  if (strcmp(gate->order, "flow") == 0)
    set_mode(gate, FLOW);
  else if (strcmp(gate->order, "aside") == 0)
    set_mode(gate, ASIDE);
  else if (strcmp(gate->order, "hold") == 0)
    hold(gate);
  else if (strcmp(gate->order, "pass client") == 0)
    let_pass(gate, FRAME_FROM_CLIENT, 1);
  else if (strcmp(gate->order, "pass server") == 0)
    let_pass(gate, FRAME_FROM_SERVER, 1);
}

static void take(struct gate *gate, char byte) {
  if (byte != '\n') {
    gate->order[gate->length] = byte;
    gate->length += gate->length < LONGEST_ORDER - 1;
    return;
  }
  gate->order[gate->length] = '\0';
  gate->length = 0;
  obey(gate);
}

static void on_alloc(uv_handle_t *pipe, size_t size, uv_buf_t *buffer) {
  struct gate *gate = pipe->data;
  (void)size;
  *buffer = uv_buf_init(gate->chunk, sizeof gate->chunk);
}

static void on_input(uv_stream_t *pipe, ssize_t length, const uv_buf_t *buffer) {
  struct gate *gate = pipe->data;
  if (length < 0) { /* `make live` has ended */
    uv_read_stop(pipe);
    set_mode(gate, FLOW);
  }
  for (ssize_t i = 0; i < length; i++)
    take(gate, buffer->base[i]);
  gate->on_change(gate->user);
}

/* `make live` says nothing: it has stopped, perhaps, or is busy. */
static void on_silence(uv_timer_t *timer) {
  struct gate *gate = timer->data;
  set_mode(gate, FLOW);
  gate->has_given_up = true;
  gate->on_change(gate->user);
}

/* --- Beginning and end ------------------------------------------------------------------------ */

/* Returns 0; or -1 when there is no memory, or nobody there. */
static int connect_gate(struct gate *gate, uv_loop_t *loop) {
  gate->timer = malloc(sizeof *gate->timer);
  if (!gate->timer)
    return -1;
  uv_timer_init(loop, gate->timer); /* it cannot fail */
  gate->timer->data = gate;
  gate->pipe = malloc(sizeof *gate->pipe);
  if (!gate->pipe)
    return -1;
  uv_pipe_init(loop, gate->pipe, 0); /* it cannot fail either */
  gate->pipe->data = gate;
  gate->descriptor = trace_socket_open();
  if (gate->descriptor < 0)
    return -1;
  if (uv_pipe_open(gate->pipe, gate->descriptor) != 0) {
    close(gate->descriptor);
    return -1;
  }
  uv_timer_start(gate->timer, on_silence, PATIENCE_MS, 0);
  return uv_read_start((uv_stream_t *)gate->pipe, on_alloc, on_input) == 0 ? 0 : -1;
}

struct gate *gate_open(uv_loop_t *loop, struct trace *trace, enum frame_sender side,
                       void (*on_change)(void *user), void *user) {
  unsigned number = trace_live_number(trace);
  struct gate *gate = number > 0 ? calloc(1, sizeof *gate) : NULL;
  if (!gate)
    return NULL;
  gate->trace = trace;
  gate->side = side;
  gate->on_change = on_change;
  gate->user = user;
  if (connect_gate(gate, loop) != 0) {
    gate_close(gate);
    return NULL;
  }
  tell(gate, "{\"gate\": %u}\n", number);
  return gate;
}

void gate_close(struct gate *gate) {
  if (!gate)
    return;
  handle_close((uv_handle_t *)gate->timer);
  handle_close((uv_handle_t *)gate->pipe);
  for (int sender = FRAME_FROM_CLIENT; sender <= FRAME_FROM_SERVER; sender++)
    buffer_free(&gate->queues[sender].units);
  buffer_free(&gate->input);
  free(gate);
}
