/* servers: the scenarios of labs 4 and 5. The reference server really runs in those that need no
 * clock. */
#include <stdlib.h>

#include "common/field.h"
#include "grader/predict/live.h"
#include "grader/predict/scenarios.h"

/* --- Lab 4 ------------------------------------------------------------------------------------ */

static void run_head(struct play *play, struct draw *draw, struct buffer *text) {
  bool head_first = draw_between(draw, 0, 1) == 0;
  bool known = draw_between(draw, 0, 1) == 0;
  scenario_say(text, "%s and then %s for %s. The server is lab 4's.\n", head_first ? "HEAD" : "GET",
               head_first ? "GET" : "HEAD", known ? "/ping" : "a path that no route has");
  scenario_open(play, draw, 65535);
  for (int i = 0; i < 2; i++) {
    bool head = (i == 0) == head_first;
    int32_t id = play_ask(play, head ? "HEAD" : "GET", known ? "/ping" : "/nothing");
    play_turn(play);
    bool found = known && !head;
    play_respond(play, id, found ? "200" : "404", head ? 0 : found ? 4 : 14);
    play_turn(play);
  }
}

/* What to ask for: only the first two have a route. */
static const struct ask {
  const char *method, *path;
} asks[] = {{"GET", "/ping"},         {"GET", "/hello-world"},     {"HEAD", "/ping"},
            {"POST", "/hello-world"}, {"GET", "/ping?now"},        {"GET", "/Ping"},
            {"GET", "/ping/"},        {"GET", "/hello-world/ping"}};

enum { ASKS = sizeof asks / sizeof asks[0], WINDOW = 65535 };

static void run_routes(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned order[ASKS];
  struct live live;
  draw_order(draw, order, ASKS);
  live_begin(&live, play, NULL);
  live_connect(&live, NULL, WINDOW);
  scenario_say(text, "Four requests at once, none with a body, to lab 4's server:\n");
  for (unsigned i = 0; i < 4; i++) {
    const struct ask *ask = &asks[order[i]];
    scenario_say(text, "  %s %s\n", ask->method, ask->path);
    if (!play->failed)
      play_ask(play, ask->method, ask->path);
  }
  live_wait(&live, false);
  live_end(&live);
}

static void ask_often(struct play *play, unsigned count, const char *path) {
  for (unsigned i = 0; i < count && !play->failed; i++)
    play_ask(play, "GET", path);
}

static void run_goodbye(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned before = draw_between(draw, 1, 4);
  unsigned crossing = draw_between(draw, 1, 3);
  struct live live;
  scenario_say(
      text,
      "Lab 4's server has answered %u GET%s. Now it gets SIGTERM. Before its first frame arrives, "
      "the client sends\n"
      "%u more GET%s for /ping, at once. Write all frames from here on, those of stream 0 too. The "
      "GOAWAY of a\n"
      "server names the last stream: s GOAWAY 0 5 NO_ERROR.\n",
      before, before == 1 ? "" : "s", crossing, crossing == 1 ? "" : "s");
  play->quiet = true;
  live_begin(&live, play, NULL);
  live_connect(&live, NULL, WINDOW);
  ask_often(play, before, "/hello-world");
  live_wait(&live, false);
  play->quiet = false;
  play->connection_too = true;
  ask_often(play, crossing, "/ping");
  live_push(&live);
  live_shut(&live);
  live_wait(&live, true);
  live_end(&live);
}

/* --- Lab 5 ------------------------------------------------------------------------------------ */

/* Connect, and ask that often at once. */
static void begin_pings(struct play *play, struct draw *draw, unsigned count) {
  scenario_open(play, draw, WINDOW);
  for (unsigned i = 0; i < count; i++)
    play_ask(play, "GET", "/ping");
  play_turn(play);
}

static void run_crossing(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned count = draw_between(draw, 2, 4);
  unsigned slow = draw_between(draw, 1, count);
  scenario_say(
      text,
      "%u GETs for /ping at once; the server is lab 5's and answers all of them when the delay is "
      "over, with 200 and\n"
      "4 bytes. The client gives up request %u and resets its stream with CANCEL at the moment "
      "when the "
      "answers leave:\n"
      "the frames cross on their way.\n",
      count, slow);
  begin_pings(play, draw, count);
  for (unsigned i = 0; i < count; i++)
    play_respond(play, (int32_t)(2 * i + 1), "200", 4);
  nghttp2_submit_rst_stream(play->client, 0, (int32_t)(2 * slow - 1), NGHTTP2_CANCEL);
  play_cross(play);
  play_turn(play);
}

static void run_late(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned count = draw_between(draw, 2, 4);
  unsigned slow = draw_between(draw, 1, count);
  scenario_say(
      text,
      "%u GETs for /ping at once, to lab 5's server. The client resets the stream of request %u "
      "with CANCEL, and the\n"
      "server has read that before the delay is over. Answers are 200 and 4 bytes.\n",
      count, slow);
  begin_pings(play, draw, count);
  nghttp2_submit_rst_stream(play->client, 0, (int32_t)(2 * slow - 1), NGHTTP2_CANCEL);
  play_turn(play);
  for (unsigned i = 1; i <= count; i++)
    if (i != slow)
      play_respond(play, (int32_t)(2 * i - 1), "200", 4);
  play_turn(play);
}

/* A frame of the server, and when it arrives. */
struct event {
  unsigned time;
  int32_t stream_id; /* 0: a PING */
  size_t length;     /* of DATA; 0: HEADERS */
  bool last;         /* it has END_STREAM */
};

static int earlier(const void *one, const void *other) {
  const struct event *left = one, *right = other;
  return left->time < right->time ? -1 : left->time > right->time;
}

/* One stream has long gaps in which only PINGs come; the other goes on and on. Both begin with
 * HEADERS. Returns how many events there are: 9 at most. */
static size_t draw_events(struct draw *draw, struct event *events, unsigned limit) {
  int32_t quick = draw_between(draw, 0, 1) == 0 ? 1 : 3;
  unsigned pieces = draw_between(draw, 2, 4);
  unsigned slow_begin = draw_between(draw, limit / 4, limit / 2);
  unsigned time = draw_between(draw, limit / 2, limit * 4 / 5);
  size_t count = 0;
  events[count++] = (struct event){.time = time, .stream_id = quick};
  for (unsigned i = 1; i <= pieces; i++) {
    time += draw_between(draw, limit / 2, limit * 4 / 5);
    events[count++] =
        (struct event){time, quick, .length = draw_between(draw, 5, 90), .last = i == pieces};
  }
  events[count++] = (struct event){.time = slow_begin, .stream_id = 4 - quick};
  events[count++] = (struct event){.time = slow_begin + draw_between(draw, limit / 2, limit - 10)};
  events[count++] = (struct event){slow_begin + limit + draw_between(draw, 11, limit / 2),
                                   4 - quick, .length = draw_between(draw, 5, 90), .last = true};
  qsort(events, count, sizeof *events, earlier);
  return count;
}

static void say_event(struct buffer *text, const struct event *event) {
  if (event->stream_id == 0)
    scenario_say(text, "  %3u ms: PING\n", event->time);
  else if (event->length == 0)
    scenario_say(text, "  %3u ms: HEADERS with 200 on stream %d\n", event->time, event->stream_id);
  else
    scenario_say(text, "  %3u ms: DATA of %zu bytes on stream %d%s\n", event->time, event->length,
                 event->stream_id, event->last ? ", END_STREAM" : "");
}

static void play_event(struct play *play, const struct event *event) {
  const nghttp2_nv fields[] = {field_make(":status", "200")};
  if (event->stream_id == 0)
    nghttp2_submit_ping(play->server, 0, NULL);
  else if (event->length == 0)
    nghttp2_submit_headers(play->server, 0, event->stream_id, NULL, fields, 1, NULL);
  else
    play_data(play, event->stream_id, event->length, event->last);
  play_turn(play);
}

static void run_timers(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned limit = 10 * draw_between(draw, 8, 20);
  struct event events[9];
  unsigned heard[4] = {0}; /* the last sign of life of streams 1 and 3 */
  bool open[4] = {false, true, false, true};
  size_t count = draw_events(draw, events, limit);
  scenario_say(
      text,
      "Two GETs at once, at 0 ms. The client has a timer like lab 5's for each of them: %u ms. The "
      "server would send\n"
      "these frames, and sends nothing more on a stream that the client has reset:\n",
      limit);
  scenario_open(play, draw, WINDOW);
  ask_often(play, 2, "/");
  play_turn(play);
  for (size_t i = 0; i < count; i++) {
    say_event(text, &events[i]);
    for (int32_t id = 1; id <= 3; id += 2)
      if (open[id] && events[i].time - heard[id] > limit) {
        nghttp2_submit_rst_stream(play->client, 0, id, NGHTTP2_CANCEL);
        open[id] = false;
      }
    play_turn(play);
    int32_t id = events[i].stream_id;
    if (id > 0 && !open[id])
      continue;
    play_event(play, &events[i]);
    heard[id] = events[i].time;
    open[id] = open[id] && !events[i].last;
  }
}

const struct scenario servers_scenarios[] = {
    {"lab04", "head", "cs", "8.1 5.1", run_head, NULL},
    {"lab04", "routes", "s", "8.3.1 8.3 8.1", run_routes, NULL},
    {"lab04", "goodbye", "cs", "6.8", run_goodbye, NULL},
    {"lab05", "crossing", "cs", "5.1 6.4 5.4.2", run_crossing, NULL},
    {"lab05", "late", "cs", "5.1 6.4 5.4.2", run_late, NULL},
    {"lab05", "timers", "cs", "6.4 5.1 7", run_timers, NULL},
    {0},
};
