/*
 * hold: stand before a server, and hold back what passes, frame by frame, so that the programs
 * really wait. `make live` puts it before each server.
 *
 *   hold --to PORT [--tls]
 *
 * Prints `listening on http://localhost:PORT` (https with --tls), then one line of JSON whenever a
 * frame begins to wait, and when it has passed (or has nobody left to go to):
 *
 *   {"id": 7, "pair": 1, "sender": "client", "type": "HEADERS", "stream": 1, "length": 38}
 *   {"passed": 7}
 *
 * Takes orders on standard input, a line each: `hold`: let nothing pass; `flow`: let everything
 * pass (so it begins); `pace MS`: let one frame pass every MS milliseconds; `pass [client|server]`:
 * let the frame pass that has waited longest [of this sender]. Ends with standard input. It does
 * not decrypt: with --tls it holds records in the place of frames.
 */
#include <getopt.h>
#include <jansson.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/frame.h"
#include "common/inner/big_endian.h"
#include "common/list.h"
#include "common/number.h"
#include "grader/lecture/passage.h"

enum {
  RECORD_HEADER_LENGTH = 5,
  PREFACE_LENGTH = 24,
  LARGEST_PART = 1 << 20, /* of a unit that has not come whole: what comes later passes at once */
  LONGEST_PACE = 60000,
};

enum mode { FLOW, HOLD, PACE };

struct hold {
  const char *port;
  bool tls;
  enum mode mode;
  struct passage *passage;
  struct list pairs;
  struct list units; /* that wait, the oldest first */
  unsigned long last;
  uv_timer_t timer;
  uv_pipe_t input;
  char chunk[256];
  struct buffer orders; /* the beginning of a line */
};

/* Bytes that pass together: a frame, the preface, a record; or what cannot be cut. */
struct unit {
  struct list link; /* in hold->units */
  struct passage_pair *pair;
  enum frame_sender sender;
  unsigned long id;
  size_t length;
  uint8_t bytes[];
};

/* What has come from one sender of a pair. */
struct side {
  struct buffer part; /* the beginning of a unit */
  size_t sent;        /* of the part: these bytes have passed, because nothing was held */
  size_t skip;        /* bytes of the present unit that are still to come, and pass at once */
  bool begun;         /* the preface has come */
  bool ended;         /* the connection has closed */
};

struct state {
  struct list link; /* in hold->pairs */
  struct passage_pair *pair;
  struct side sides[2]; /* by sender */
};

/* --- Units ------------------------------------------------------------------------------------ */

/* The length of the first unit of these bytes; 0 if too few have come to tell. */
static size_t unit_length(const struct hold *hold, const struct side *side,
                          enum frame_sender sender) {
  const uint8_t *bytes = (const uint8_t *)side->part.bytes;
  size_t length = side->part.length;
  if (hold->tls)
    return length < RECORD_HEADER_LENGTH ? 0 : RECORD_HEADER_LENGTH + big_endian_read(bytes + 3, 2);
  if (sender == FRAME_FROM_CLIENT && !side->begun)
    return PREFACE_LENGTH;
  return length < FRAME_HEADER_LENGTH ? 0 : FRAME_HEADER_LENGTH + big_endian_24(bytes);
}

static const char *side_name(enum frame_sender sender) {
  return sender == FRAME_FROM_CLIENT ? "client" : "server";
}

/* Without memory for the line, the page does not show the unit. */
static void print_line(json_t *json) {
  if (json && json_dumpf(json, stdout, JSON_COMPACT) == 0)
    putchar('\n');
  fflush(stdout);
  json_decref(json);
}

static void tell(const struct hold *hold, const struct unit *unit, bool preface) {
  bool is_frame = !hold->tls && !preface && unit->length >= FRAME_HEADER_LENGTH;
  const char *name = is_frame ? frame_type_name(unit->bytes[3]) : NULL;
  bool is_ack = is_frame &&
                (unit->bytes[3] == NGHTTP2_SETTINGS || unit->bytes[3] == NGHTTP2_PING) &&
                unit->bytes[4] & NGHTTP2_FLAG_ACK;
  if (!is_frame)
    name = hold->tls ? "TLS record" : preface ? "preface" : "bytes";
  print_line(json_pack("{s:I, s:i, s:s, s:s+, s:i, s:I}", "id", (json_int_t)unit->id, "pair",
                       (int)unit->pair->number, "sender", side_name(unit->sender), "type",
                       name ? name : "unknown", is_ack ? " ACK" : "", "stream",
                       is_frame ? (int)(big_endian_32(unit->bytes + 5) & 0x7fffffff) : 0, "length",
                       (json_int_t)(unit->length - (is_frame ? FRAME_HEADER_LENGTH : 0))));
}

static void free_unit(struct unit *unit) {
  print_line(json_pack("{s:I}", "passed", (json_int_t)unit->id));
  list_remove(&unit->link);
  free(unit);
}

static struct unit *oldest(const struct hold *hold, const struct passage_pair *pair, int sender) {
  for (struct unit *unit = list_first(&hold->units); unit;
       unit = list_next(&hold->units, &unit->link))
    if ((!pair || unit->pair == pair) && (sender < 0 || (int)unit->sender == sender))
      return unit;
  return NULL;
}

static struct side *side_of(const struct passage_pair *pair, enum frame_sender sender) {
  struct state *state = pair->user;
  return &state->sides[sender];
}

/* Let the first `length` bytes of the part pass, except those that have passed already. */
static void pass_part(struct passage_pair *pair, enum frame_sender sender, size_t length) {
  struct side *side = side_of(pair, sender);
  if (length > side->sent)
    passage_send(pair, sender, side->part.bytes + side->sent, length - side->sent);
  side->sent = length;
}

/* The connection of a sender that has gone ends once its last unit has passed. */
static void finish_if_empty(const struct hold *hold, struct passage_pair *pair,
                            enum frame_sender sender) {
  struct side *side = side_of(pair, sender);
  if (!side->ended || oldest(hold, pair, (int)sender))
    return;
  pass_part(pair, sender, side->part.length);
  passage_finish(pair, sender);
}

static void pass(struct hold *hold, struct unit *unit) {
  struct passage_pair *pair = unit->pair;
  enum frame_sender sender = unit->sender;
  passage_send(pair, sender, unit->bytes, unit->length);
  free_unit(unit);
  finish_if_empty(hold, pair, sender);
}

static void pass_all(struct hold *hold) {
  struct unit *unit;
  while ((unit = list_first(&hold->units)))
    pass(hold, unit);
}

static void on_pace(uv_timer_t *timer) {
  struct hold *hold = timer->data;
  struct unit *unit = list_first(&hold->units);
  if (unit)
    pass(hold, unit);
}

/* --- Connections ------------------------------------------------------------------------------ */

static void on_open(struct passage_pair *pair, void *user) {
  struct hold *hold = user;
  struct state *state = calloc(1, sizeof *state);
  pair->user = state; /* NULL: its bytes pass at once */
  if (!state)
    return;
  state->pair = pair;
  list_add(&hold->pairs, &state->link);
}

/* Make a unit, which waits, of the first `length` bytes of a part. Returns 0; or -1 without
 * memory. */
static int keep(struct hold *hold, struct passage_pair *pair, enum frame_sender sender,
                size_t length) {
  const struct side *side = side_of(pair, sender);
  struct unit *unit = malloc(sizeof *unit + length);
  if (!unit)
    return -1;
  *unit = (struct unit){.pair = pair, .sender = sender, .id = ++hold->last, .length = length};
  memcpy(unit->bytes, side->part.bytes, length);
  list_add(&hold->units, &unit->link);
  tell(hold, unit, sender == FRAME_FROM_CLIENT && !side->begun);
  return 0;
}

/* Take the first `length` bytes out of a part. They wait; or pass, if nothing is held, if some of
 * them have passed, or if there is no memory to keep them. */
static void cut(struct hold *hold, struct passage_pair *pair, enum frame_sender sender,
                size_t length) {
  struct side *side = side_of(pair, sender);
  if (hold->mode == FLOW || side->sent > 0 || keep(hold, pair, sender, length) != 0)
    pass_part(pair, sender, length);
  memmove(side->part.bytes, side->part.bytes + length, side->part.length - length);
  buffer_truncate(&side->part, side->part.length - length);
  side->sent = 0;
  side->begun = true;
}

/* Let the beginning of a unit pass too, as if nobody stood here. */
static void pass_beginning(struct hold *hold, struct passage_pair *pair, enum frame_sender sender) {
  struct side *side = side_of(pair, sender);
  size_t whole = unit_length(hold, side, sender);
  size_t come = side->part.length;
  if (come == 0)
    return;
  pass_part(pair, sender, come);
  if (whole == 0)
    return;
  side->skip = whole - come;
  cut(hold, pair, sender, come);
}

static void on_data(struct passage_pair *pair, enum frame_sender sender, const uint8_t *data,
                    size_t length, void *user) {
  struct hold *hold = user;
  struct side *side = pair->user ? side_of(pair, sender) : NULL;
  size_t skipped = !side ? length : side->skip < length ? side->skip : length;
  passage_send(pair, sender, data, skipped);
  if (!side)
    return;
  side->skip -= skipped;
  if (buffer_append(&side->part, data + skipped, length - skipped) != 0) {
    passage_send(pair, sender, data + skipped, length - skipped);
    return;
  }
  size_t next;
  while ((next = unit_length(hold, side, sender)) > 0 && next <= side->part.length)
    cut(hold, pair, sender, next);
  if (hold->mode == FLOW)
    pass_beginning(hold, pair, sender);
  if (side->part.length > LARGEST_PART) {
    side->skip = next - side->part.length;
    cut(hold, pair, sender, side->part.length);
  }
}

static void drop_units(struct hold *hold, const struct passage_pair *pair, int sender) {
  struct unit *unit;
  while ((unit = oldest(hold, pair, sender)))
    free_unit(unit);
}

/* What waits for this side has nobody to go to; what it has sent still waits. */
static void on_close(struct passage_pair *pair, enum frame_sender sender, const char *error,
                     void *user) {
  struct hold *hold = user;
  (void)error;
  if (!pair->user) {
    passage_finish(pair, sender);
    return;
  }
  drop_units(hold, pair, sender == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT);
  side_of(pair, sender)->ended = true;
  finish_if_empty(hold, pair, sender);
}

static void on_free(struct passage_pair *pair, void *user) {
  struct state *state = pair->user;
  drop_units(user, pair, -1);
  if (!state)
    return;
  for (size_t i = 0; i < 2; i++)
    buffer_free(&state->sides[i].part);
  list_remove(&state->link);
  free(state);
}

static const struct passage_events events = {
    .on_open = on_open, .on_data = on_data, .on_close = on_close, .on_free = on_free};

/* --- Orders ----------------------------------------------------------------------------------- */

static void pass_everything(struct hold *hold) {
  pass_all(hold);
  for (struct state *state = list_first(&hold->pairs); state;
       state = list_next(&hold->pairs, &state->link))
    for (int sender = FRAME_FROM_CLIENT; sender <= FRAME_FROM_SERVER; sender++)
      if (!state->sides[sender].ended)
        pass_beginning(hold, state->pair, (enum frame_sender)sender);
}

static void set_mode(struct hold *hold, enum mode mode, long pace) {
  hold->mode = mode;
  uv_timer_stop(&hold->timer);
  if (mode == FLOW)
    pass_everything(hold);
  if (mode == PACE)
    uv_timer_start(&hold->timer, on_pace, (uint64_t)pace, (uint64_t)pace);
}

/* What is not an order is no order. */
static void obey(struct hold *hold, const char *order) {
  long pace = strncmp(order, "pace ", 5) == 0 ? number_parse(order + 5, LONGEST_PACE) : -1;
  int sender = strcmp(order, "pass client") == 0   ? FRAME_FROM_CLIENT
               : strcmp(order, "pass server") == 0 ? FRAME_FROM_SERVER
                                                   : -1;
  if (strcmp(order, "flow") == 0)
    set_mode(hold, FLOW, 0);
  else if (strcmp(order, "hold") == 0)
    set_mode(hold, HOLD, 0);
  else if (pace > 0)
    set_mode(hold, PACE, pace);
  else if (sender >= 0 || strcmp(order, "pass") == 0) {
    struct unit *unit = oldest(hold, NULL, sender);
    if (unit)
      pass(hold, unit);
  }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  struct hold *hold = handle->data;
  (void)size;
  *buf = uv_buf_init(hold->chunk, sizeof hold->chunk);
}

static void on_input(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf) {
  struct hold *hold = stream->data;
  if (length < 0 || buffer_append(&hold->orders, buf->base, (size_t)length) != 0) {
    uv_stop(stream->loop);
    return;
  }
  char *line = hold->orders.bytes;
  char *end;
  while (line && (end = strchr(line, '\n'))) {
    *end = '\0';
    obey(hold, line);
    line = end + 1;
  }
  size_t rest = line ? strlen(line) : 0;
  if (rest > 0)
    memmove(hold->orders.bytes, line, rest);
  buffer_truncate(&hold->orders, rest);
}

/* Pass, hold and obey until standard input ends. Returns 0; or -1 after a message. */
static int serve(struct hold *hold) {
  char error[256] = "cannot read standard input";
  uv_loop_t *loop = uv_default_loop();
  if (uv_timer_init(loop, &hold->timer) == 0 && uv_pipe_init(loop, &hold->input, 0) == 0 &&
      uv_pipe_open(&hold->input, 0) == 0) {
    hold->timer.data = hold->input.data = hold;
    if (uv_read_start((uv_stream_t *)&hold->input, on_alloc, on_input) == 0)
      hold->passage = passage_open(loop, hold->port, &events, hold, error, sizeof error);
  }
  if (!hold->passage) {
    fprintf(stderr, "hold: %s\n", error);
    return -1;
  }
  printf("listening on http%s://localhost:%d\n", hold->tls ? "s" : "", passage_port(hold->passage));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  passage_free(hold->passage);
  buffer_free(&hold->orders);
  return 0;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"to", required_argument, NULL, 't'}, {"tls", no_argument, NULL, 's'}, {0}};
  static struct hold hold;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 't')
      hold.port = optarg;
    else if (option == 's')
      hold.tls = true;
    else
      optind = argc + 1;
  }
  if (optind != argc || !hold.port || number_parse(hold.port, 65535) < 1) {
    fprintf(stderr, "usage: hold --to PORT [--tls]\n");
    return 2;
  }
  list_init(&hold.pairs);
  list_init(&hold.units);
  return serve(&hold) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
