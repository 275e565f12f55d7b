/* scenarios: see scenarios.h. */
#include "grader/predict/scenarios.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/field.h"

/* splitmix64, as the checks have it. */
unsigned draw_between(struct draw *draw, unsigned least, unsigned most) {
  uint64_t value = draw->state += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return least + (unsigned)((value ^ (value >> 31)) % (most - least + 1));
}

void draw_order(struct draw *draw, unsigned *order, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    unsigned place = draw_between(draw, 0, i);
    order[i] = order[place];
    order[place] = i;
  }
}

void scenario_say(struct buffer *text, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  buffer_append_text(text, line);
}

void scenario_open(struct play *play, struct draw *draw, uint32_t window) {
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, draw_between(draw, 50, 250)},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
  play_begin(play, NULL, 0, settings, 2);
  play_turn(play);
}

/* --- Lab 1 ------------------------------------------------------------------------------------ */

static void say_lab01(struct buffer *text) {
  scenario_say(text,
               "The client is lab 1's: it sends SETTINGS, and GOAWAY once the session is open.\n"
               "Each frame of the server arrives separately.\n");
}

/* A server's SETTINGS of one entry. */
static void send_settings(struct play *play, struct draw *draw) {
  const uint8_t content[6] = {0, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0, 0,
                              0, (uint8_t)draw_between(draw, 50, 250)};
  play_frame(play, NGHTTP2_SETTINGS, 0, 0, content, sizeof content);
}

static void run_pings(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned pings = draw_between(draw, 2, 4);
  play->connection_too = play->ends_when_open = true;
  say_lab01(text);
  scenario_say(text,
               "The server sends SETTINGS, then %u PINGs, then the ACK of the client's SETTINGS.\n",
               pings);
  play_begin(play, NULL, 0, NULL, 0);
  send_settings(play, draw);
  for (unsigned i = 0; i < pings; i++)
    play_frame(play, NGHTTP2_PING, 0, 0, (const uint8_t[8]){(uint8_t)i}, 8);
  play_frame(play, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "", 0);
}

static void run_settings(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned times = draw_between(draw, 2, 4);
  play->connection_too = play->ends_when_open = true;
  say_lab01(text);
  scenario_say(
      text,
      "The server sends SETTINGS %u times, then the ACK of the client's SETTINGS, then a PING.\n",
      times);
  play_begin(play, NULL, 0, NULL, 0);
  for (unsigned i = 0; i < times; i++)
    send_settings(play, draw);
  play_frame(play, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "", 0);
  play_frame(play, NGHTTP2_PING, 0, 0, "12345678", 8);
}

static void run_first(struct play *play, struct draw *draw, struct buffer *text) {
  bool ping = draw_between(draw, 0, 1) == 0;
  play->connection_too = play->ends_when_open = true;
  say_lab01(text);
  scenario_say(text, "The server's first frame is %s. Then it sends SETTINGS.\n",
               ping ? "a PING" : "a WINDOW_UPDATE of 1000 on stream 0");
  play_begin(play, NULL, 0, NULL, 0);
  if (ping)
    play_frame(play, NGHTTP2_PING, 0, 0, "12345678", 8);
  else
    play_frame(play, NGHTTP2_WINDOW_UPDATE, 0, 0, (const uint8_t[4]){0, 0, 3, 232}, 4);
  send_settings(play, draw);
}

/* --- Lab 2 ------------------------------------------------------------------------------------ */

static void run_reset(struct play *play, struct draw *draw, struct buffer *text) {
  static const uint32_t codes[] = {NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR,
                                   NGHTTP2_ENHANCE_YOUR_CALM};
  unsigned count = draw_between(draw, 3, 5);
  unsigned broken = draw_between(draw, 2, count);
  unsigned length = draw_between(draw, 20, 90);
  uint32_t code = codes[draw_between(draw, 0, 3)];
  scenario_say(text,
               "%u GETs at once. The server resets the stream of request %u with %s, and answers\n"
               "each of the others with 200 and a body of %u bytes, in one piece.\n",
               count, broken, frame_error_name(code), length);
  scenario_open(play, draw, 65535);
  for (unsigned i = 0; i < count; i++)
    play_request(play, "GET", 0, false);
  play_turn(play);
  for (unsigned i = 1; i <= count; i++) {
    int32_t stream_id = (int32_t)(2 * i - 1);
    if (i == broken)
      nghttp2_submit_rst_stream(play->server, 0, stream_id, code);
    else
      play_respond(play, stream_id, "200", length);
  }
  play_turn(play);
}

static void run_windows(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned window = draw_between(draw, 18000, 30000);
  unsigned body = draw_between(draw, 45000, 60000);
  unsigned more = draw_between(draw, 1000, 9000);
  scenario_say(
      text,
      "The server's SETTINGS, with an INITIAL_WINDOW_SIZE of %u, arrive first. Then the client "
      "sends a POST with a\n"
      "body of %u bytes; a DATA frame has at most 16384. When the client has stopped, the server "
      "sends WINDOW_UPDATE of\n"
      "50000 on stream 0; and then one of %u on stream 1.\n",
      window, body, more);
  scenario_open(play, draw, window);
  play_request(play, "POST", body, false);
  play_turn(play);
  nghttp2_submit_window_update(play->server, 0, 0, 50000);
  play_turn(play);
  nghttp2_submit_window_update(play->server, 0, 1, (int32_t)more);
  play_turn(play);
}

static void run_blocks(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned hints = draw_between(draw, 1, 3);
  unsigned length = draw_between(draw, 20, 90);
  const nghttp2_nv early[] = {field_make(":status", "103")};
  const nghttp2_nv trailers[] = {field_make("x-checksum", "0")};
  scenario_say(
      text,
      "A GET. The server sends %u times 103 (Early Hints), then 200, a body of %u bytes in one "
      "piece, and trailers.\n",
      hints, length);
  scenario_open(play, draw, 65535);
  play_request(play, "GET", 0, false);
  play_turn(play);
  for (unsigned i = 0; i < hints; i++)
    nghttp2_submit_headers(play->server, 0, 1, NULL, early, 1, NULL);
  play_turn(play);
  nghttp2_submit_headers(play->server, 0, 1, NULL,
                         (const nghttp2_nv[]){field_make(":status", "200")}, 1, NULL);
  nghttp2_data_provider body = play_unended_body(play, length);
  nghttp2_submit_data(play->server, 0, 1, &body);
  play_turn(play);
  nghttp2_submit_trailer(play->server, 1, trailers, 1);
  play_turn(play);
}

/* --- Lab 3 ------------------------------------------------------------------------------------ */

static void run_bytes(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned window = draw_between(draw, 3, 7);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
  const nghttp2_settings_entry none[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, draw_between(draw, 50, 250)}};
  scenario_say(
      text,
      "A GET of a client whose SETTINGS_INITIAL_WINDOW_SIZE is %u. The server answers with 200 and "
      "Hello World!,\n"
      "12 bytes. Each time the window is used up before the body has ended, the client opens it\n"
      "again by %u.\n",
      window, window);
  play_begin(play, settings, 1, none, 1);
  play_turn(play);
  play_request(play, "GET", 0, false);
  play_turn(play);
  play_respond(play, 1, "200", 12);
  play_turn(play);
  for (unsigned sent = window; sent < 12; sent += window) {
    nghttp2_submit_window_update(play->client, 0, 1, (int32_t)window);
    play_turn(play);
  }
}

static void run_half(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned half = draw_between(draw, 100, 900);
  scenario_say(
      text,
      "A POST; the client sends DATA of %u bytes without END_STREAM, and then resets the stream "
      "with CANCEL. Then it\n"
      "sends a GET. The server is lab 3's: it answers a request that has ended, with 200 and 12 "
      "bytes.\n",
      half);
  scenario_open(play, draw, 65535);
  const nghttp2_nv fields[] = {field_make(":method", "POST"), field_make(":scheme", "http"),
                               field_make(":authority", "localhost"), field_make(":path", "/")};
  nghttp2_data_provider body = play_unended_body(play, half);
  nghttp2_submit_request(play->client, NULL, fields, 4, &body, NULL);
  play_turn(play);
  nghttp2_submit_rst_stream(play->client, 0, 1, NGHTTP2_CANCEL);
  play_request(play, "GET", 0, false);
  play_turn(play);
  play_respond(play, 3, "200", 12);
  play_turn(play);
}

static void run_ends(struct play *play, struct draw *draw, struct buffer *text) {
  unsigned body = draw_between(draw, 1, 900);
  unsigned first = draw_between(draw, 0, 2);
  static const char *const kinds[] = {"a GET", "a POST with a body", "a POST with an empty body"};
  scenario_say(
      text,
      "Three requests, one after the other, each answered with 200 and 12 bytes: %s, %s, %s. The "
      "body\n"
      "that is not empty has %u bytes, in one piece.\n",
      kinds[first], kinds[(first + 1) % 3], kinds[(first + 2) % 3], body);
  scenario_open(play, draw, 65535);
  for (unsigned i = 0; i < 3; i++) {
    unsigned kind = (first + i) % 3;
    int32_t id = play_request(play, kind == 0 ? "GET" : "POST", kind == 1 ? body : 0, kind == 2);
    play_turn(play);
    play_respond(play, id, "200", 12);
    play_turn(play);
  }
}

const struct scenario scenarios[] = {
    {"lab01", "pings", "c", "6.7 3.4 6.5 6.8", run_pings, NULL},
    {"lab01", "settings", "c", "6.5 6.8", run_settings, NULL},
    {"lab01", "first", "c", "3.4 5.4.1", run_first, NULL},
    {"lab02", "reset", "cs", "6.4 5.4.2 5.1", run_reset, NULL},
    {"lab02", "windows", "c", "5.2 6.9", run_windows, NULL},
    {"lab02", "blocks", "cs", "8.1", run_blocks, NULL},
    {"lab03", "bytes", "cs", "5.2 6.9", run_bytes, NULL},
    {"lab03", "half", "cs", "6.4 5.1 5.4.2", run_half, NULL},
    {"lab03", "ends", "cs", "8.1 5.1", run_ends, NULL},
    {0},
};
