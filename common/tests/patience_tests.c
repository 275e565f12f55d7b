/* How a server treats a client that is slow, silent, or in a hurry: time-outs,
 * floods, queues (connection.h, connection_timeouts; inner/calm.h; inner/watch.h). */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/field.h"
#include "common/inner/calm.h"
#include "common/server.h"
#include "common/tests/visitor.h"

TestSuite(patience, .timeout = 60);

/* A server that answers "/" at once, "/60" with 60,000 bytes, and leaves "/open" open. */
struct inn {
  uv_loop_t loop;
  struct server *server;
  bool closed;
  size_t streams;
  size_t ended; /* streams that are closed */
  struct visitor_raw raw;
};

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct inn *inn = user;
  (void)stream, (void)error_code;
  inn->ended++;
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events events = {.on_close = on_stream_close};
  static const char zeros[60000];
  struct inn *inn = user;
  inn->streams++;
  stream_set_events(stream, &events, inn);
  bool is_long = strcmp(stream_path(stream), "/60") == 0;
  size_t length = is_long ? sizeof zeros : 2;
  if (strcmp(stream_path(stream), "/open") == 0)
    return;
  stream_respond(stream, 200, NULL, 0, (int64_t)length);
  stream_end(stream, is_long ? zeros : "ok", length);
}

static void on_close(void *user) {
  struct inn *inn = user;
  inn->closed = true;
  inn->server = NULL;
}

static struct inn *open_inn(struct server_config config) {
  char error[256] = "";
  struct inn *inn = calloc(1, sizeof *inn);
  cr_assert_not_null(inn, "no memory");
  cr_assert_eq(uv_loop_init(&inn->loop), 0, "uv_loop_init");
  config.on_stream = on_stream;
  config.on_close = on_close;
  config.user = inn;
  inn->server = server_listen(&inn->loop, &config, error, sizeof error);
  cr_assert_not_null(inn->server, "%s", error);
  return inn;
}

static void close_inn(struct inn *inn) {
  visitor_raw_drop(&inn->raw);
  struct visitor peer = {0};
  visitor_connect(&peer, &inn->loop, server_port(inn->server));
  cr_assert_eq(visitor_get(&peer, &inn->loop, "/")->status, 200, "it does not serve others");
  visitor_leave(&peer, &inn->loop);
  server_close(inn->server);
  visitor_run_until(&inn->loop, &inn->closed);
  visitor_close_loop(&inn->loop);
  free(inn);
}

/* --- Time-outs -------------------------------------------------------------------------------- */

/* Set only the time-outs of a test: all others never come. */
static struct inn *open_with(struct connection_timeouts timeouts) {
  unsigned *all[] = {&timeouts.handshake, &timeouts.preface, &timeouts.frame,  &timeouts.body,
                     &timeouts.write,     &timeouts.idle,    &timeouts.goodbye};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (*all[i] == 0)
      *all[i] = CONNECTION_NEVER;
  return open_inn((struct server_config){.timeouts = timeouts});
}

static void connect_raw(struct inn *inn) {
  visitor_raw_connect(&inn->raw, &inn->loop, server_port(inn->server));
}

/* The connection must end, but not before `least` milliseconds. */
static void expect_end(struct inn *inn, uint64_t since, uint64_t least, uint32_t code) {
  visitor_run_until(&inn->loop, &inn->raw.closed);
  uint64_t took = uv_now(&inn->loop) - since;
  cr_assert_geq(took, least, "after %d ms", (int)took);
  cr_assert_eq(inn->raw.goaways, 1, "%zu GOAWAYs", inn->raw.goaways);
  cr_assert_eq(inn->raw.goaway_code, code, "code %u", inn->raw.goaway_code);
}

static void write_raw(struct inn *inn, const void *bytes, size_t length) {
  transport_write(inn->raw.transport, bytes, length);
}

/* Whoever holds a client's frames needs a server that waits. */
Test(patience, the_environment_can_lift_every_time_out_but_goodbye) {
  setenv("H2_TIMEOUTS", "never", 1);
  struct inn *inn = open_with((struct connection_timeouts){.preface = 1, .frame = 1, .idle = 1});
  inn->raw.silent = true;
  connect_raw(inn);
  write_raw(inn, NGHTTP2_CLIENT_MAGIC, 12);
  uint64_t since = uv_now(&inn->loop);
  while (uv_now(&inn->loop) - since < 60) {
    struct visitor other = {0};
    visitor_connect(&other, &inn->loop, server_port(inn->server));
    cr_assert_eq(visitor_get(&other, &inn->loop, "/")->status, 200, "it does not serve");
    visitor_leave(&other, &inn->loop);
  }
  cr_assert_eq(inn->raw.goaways, 0, "code %u", inn->raw.goaway_code);
  close_inn(inn);
}

/* Cut the preface after this many bytes: silence, half a preface, no SETTINGS. */
Test(patience, a_preface_that_does_not_come_ends_the_connection) {
  for (size_t length = 0; length <= NGHTTP2_CLIENT_MAGIC_LEN; length += 12) {
    struct inn *inn = open_with((struct connection_timeouts){.preface = 80});
    inn->raw.silent = true;
    uint64_t start = uv_now(&inn->loop);
    connect_raw(inn);
    write_raw(inn, NGHTTP2_CLIENT_MAGIC, length);
    visitor_run_until(&inn->loop, &inn->raw.closed);
    cr_assert_geq(uv_now(&inn->loop) - start, 80, "%zu octets", length);
    close_inn(inn);
  }
}

static const uint8_t open_block[] = {0x82, 0x86, 0x04, 0x05, '/',  'o',
                                     'p',  'e',  'n',  0x01, 0x01, 'a'};

Test(patience, half_a_frame_ends_the_connection) {
  struct inn *inn = open_with((struct connection_timeouts){.frame = 80});
  connect_raw(inn);
  visitor_raw_get(&inn->raw, 1);
  visitor_run_until_count(&inn->loop, &inn->raw.responses, 1);
  uint64_t start = uv_now(&inn->loop);
  write_raw(inn, "\0\0\x08\x06", 4); /* of a PING */
  expect_end(inn, start, 80, NGHTTP2_ENHANCE_YOUR_CALM);
  close_inn(inn);
}

struct ticking {
  uv_timer_t timer;
  struct inn *inn;
  uint8_t type;
};

static void on_tick(uv_timer_t *timer) {
  struct ticking *ticking = timer->data;
  if (ticking->type == NGHTTP2_CONTINUATION)
    visitor_raw_send(&ticking->inn->raw, NGHTTP2_CONTINUATION, 0, 5, "\x00\x01x\x01y", 5);
  else
    visitor_raw_send(&ticking->inn->raw, NGHTTP2_DATA, 0, 5, "x", 1);
}

/* Begin stream 5, and send a little more every 50 ms, which must not help. */
static void expect_end_though_it_ticks(struct inn *inn, uint8_t type, uint8_t flags) {
  struct ticking ticking = {.inn = inn, .type = type, .timer.data = &ticking};
  connect_raw(inn);
  visitor_raw_get(&inn->raw, 3);
  visitor_run_until_count(&inn->loop, &inn->raw.responses, 1);
  uint64_t start = uv_now(&inn->loop);
  visitor_raw_send(&inn->raw, NGHTTP2_HEADERS, flags, 5, open_block, sizeof open_block);
  uv_timer_init(&inn->loop, &ticking.timer);
  uv_timer_start(&ticking.timer, on_tick, 50, 50);
  expect_end(inn, start, 150, NGHTTP2_ENHANCE_YOUR_CALM);
  uv_close((uv_handle_t *)&ticking.timer, NULL);
  close_inn(inn);
}

Test(patience, a_header_block_has_to_end_in_time) {
  struct inn *inn = open_with((struct connection_timeouts){.frame = 200});
  expect_end_though_it_ticks(inn, NGHTTP2_CONTINUATION, 0);
}

Test(patience, a_body_has_to_get_on) {
  struct inn *inn = open_with((struct connection_timeouts){.body = 200});
  expect_end_though_it_ticks(inn, NGHTTP2_DATA, NGHTTP2_FLAG_END_HEADERS);
}

Test(patience, half_a_data_frame_is_a_body_too) {
  struct inn *inn = open_with((struct connection_timeouts){.body = 80});
  connect_raw(inn);
  uint64_t start = uv_now(&inn->loop);
  visitor_raw_send(&inn->raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, open_block,
                   sizeof open_block);
  write_raw(inn, "\0\0\x09\0\1\0\0\0\1x", 10);
  expect_end(inn, start, 80, NGHTTP2_ENHANCE_YOUR_CALM);
  close_inn(inn);
}

/* The age of the connection must not matter: the watch has looked while nothing was due. */
Test(patience, what_begins_between_two_looks_has_all_its_time) {
  struct inn *inn = open_with((struct connection_timeouts){.body = 200});
  connect_raw(inn);
  for (uint64_t begin = uv_now(&inn->loop); uv_now(&inn->loop) - begin < 90;)
    uv_run(&inn->loop, UV_RUN_NOWAIT); /* the watch looks every 50 ms */
  uint64_t start = uv_now(&inn->loop);
  visitor_raw_send(&inn->raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, open_block,
                   sizeof open_block);
  expect_end(inn, start, 200, NGHTTP2_ENHANCE_YOUR_CALM);
  close_inn(inn);
}

/* SETTINGS(INITIAL_WINDOW_SIZE 0), and a request. */
Test(patience, a_window_of_0_ends_the_connection) {
  struct inn *inn = open_with((struct connection_timeouts){.write = 80});
  connect_raw(inn);
  uint64_t start = uv_now(&inn->loop);
  visitor_raw_send(&inn->raw, NGHTTP2_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
  visitor_raw_get(&inn->raw, 1);
  expect_end(inn, start, 80, NGHTTP2_ENHANCE_YOUR_CALM);
  close_inn(inn);
}

/* 100 times 60,000 bytes do not fit into the socket's buffers. */
Test(patience, a_client_that_does_not_read_loses_its_connection) {
  static const uint8_t block[] = {0x82, 0x86, 0x04, 0x03, '/', '6', '0', 0x01, 0x01, 'a'};
  struct inn *inn = open_with((struct connection_timeouts){.write = 100});
  int deaf = visitor_deaf_get(server_port(inn->server));
  uint8_t request[9 + sizeof block] = {0, 0, sizeof block, NGHTTP2_HEADERS, 5};
  memcpy(request + 9, block, sizeof block);
  for (uint8_t id = 3; id < 203; id += 2) {
    request[8] = id;
    cr_assert_eq(send(deaf, request, sizeof request, MSG_NOSIGNAL), sizeof request, "send");
  }
  visitor_run_until_count(&inn->loop, &inn->ended, 100);
  close(deaf);
  close_inn(inn);
}

Test(patience, a_silent_client_is_told_goodbye) {
  struct inn *inn = open_with((struct connection_timeouts){.idle = 80});
  connect_raw(inn);
  uint64_t start = uv_now(&inn->loop);
  visitor_raw_get(&inn->raw, 1);
  visitor_run_until_count(&inn->loop, &inn->raw.responses, 1);
  expect_end(inn, start, 80, NGHTTP2_NO_ERROR);
  cr_assert_eq(inn->raw.goaway_last, 1, "%d", inn->raw.goaway_last);
  close_inn(inn);
}

/* It is the server's turn: the client may wait. */
Test(patience, a_client_that_waits_for_the_server_is_left_alone) {
  struct inn *inn = open_inn((struct server_config){
      .timeouts = {.preface = 200, .frame = 200, .body = 200, .write = 200, .idle = 200}});
  connect_raw(inn);
  visitor_raw_send(&inn->raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
                   1, open_block, sizeof open_block);
  uint64_t start = uv_now(&inn->loop);
  while (uv_now(&inn->loop) - start < 800) {
    cr_assert_not(inn->raw.closed, "after %d ms", (int)(uv_now(&inn->loop) - start));
    uv_run(&inn->loop, UV_RUN_ONCE);
  }
  close_inn(inn);
}

/* --- Floods ----------------------------------------------------------------------------------- */

typedef void (*sender)(struct visitor_raw *raw, int32_t number);

/* Send again and again, and read the answers, until the server ends the connection; that must be no
 * sooner than after `least` and no later than after `most` frames. */
static void expect_calm(sender send_one, int32_t least, int32_t most) {
  struct inn *inn = open_inn((struct server_config){0});
  connect_raw(inn);
  int32_t number = 0;
  while (!inn->raw.closed && number < 2 * most) {
    for (int i = 0; i < 100; i++)
      send_one(&inn->raw, number++);
    uv_run(&inn->loop, UV_RUN_NOWAIT);
    uv_run(&inn->loop, UV_RUN_NOWAIT);
  }
  visitor_run_until(&inn->loop, &inn->raw.closed);
  cr_assert(number >= least && number <= most, "after %d", (int)number);
  cr_assert_eq(inn->raw.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM, "%u", inn->raw.goaway_code);
  close_inn(inn);
}

static void send_ping(struct visitor_raw *raw, int32_t number) {
  (void)number;
  visitor_raw_send(raw, NGHTTP2_PING, 0, 0, "12345678", 8);
}

static void send_settings(struct visitor_raw *raw, int32_t number) {
  (void)number;
  visitor_raw_send(raw, NGHTTP2_SETTINGS, 0, 0, "\0\4\0\0\0\1", 6);
}

static void send_window_update(struct visitor_raw *raw, int32_t number) {
  (void)number;
  visitor_raw_send(raw, NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
}

static void send_priority(struct visitor_raw *raw, int32_t number) {
  (void)number;
  visitor_raw_send(raw, NGHTTP2_PRIORITY, 0, 1, "\0\0\0\0\1", 5);
}

static void send_unknown(struct visitor_raw *raw, int32_t number) {
  (void)number;
  visitor_raw_send(raw, 0xee, 0, 0, NULL, 0);
}

static void send_empty_data(struct visitor_raw *raw, int32_t number) {
  if (number == 0)
    visitor_raw_send(raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, open_block,
                     sizeof open_block);
  else
    visitor_raw_send(raw, NGHTTP2_DATA, 0, 1, NULL, 0);
}

static void send_reset(struct visitor_raw *raw, int32_t number) {
  visitor_raw_send(raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 2 * number + 1, open_block,
                   sizeof open_block);
  visitor_raw_send(raw, NGHTTP2_RST_STREAM, 0, 2 * number + 1, "\0\0\0\x08", 4);
}

/* content-length: 1, and two bytes: the server resets it (CVE-2025-8671). */
static void make_reset(struct visitor_raw *raw, int32_t number) {
  static const uint8_t block[] = {0x83, 0x86, 0x84, 0x01, 0x01, 'a', 0x0f, 0x0d, 0x01, '1'};
  visitor_raw_send(raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 2 * number + 1, block,
                   sizeof block);
  visitor_raw_send(raw, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 2 * number + 1, "xx", 2);
}

enum {
  NOISE = CALM_NOISE / CALM_ONE,
  RESETS = CALM_RESETS / CALM_ONE,
  LATER = 20000, /* frames that come in while the purse fills up again */
};

Test(patience, floods_of_ping) {
  expect_calm(send_ping, 1000, NOISE + LATER);
}
Test(patience, floods_of_settings) {
  expect_calm(send_settings, 900, NOISE / 10 + LATER);
}
Test(patience, floods_of_window_update) {
  expect_calm(send_window_update, NOISE, NOISE + LATER);
}
Test(patience, floods_of_priority) {
  expect_calm(send_priority, NOISE, NOISE + LATER);
}
Test(patience, floods_of_unknown_frames) {
  expect_calm(send_unknown, NOISE, NOISE + LATER);
}
Test(patience, floods_of_empty_data) {
  expect_calm(send_empty_data, NOISE, NOISE + LATER);
}
Test(patience, floods_of_resets) {
  expect_calm(send_reset, RESETS, RESETS + 1000);
}
Test(patience, floods_of_resets_that_the_client_provokes) {
  expect_calm(make_reset, RESETS, RESETS + 1000);
}

/* 300 requests one after the other, each with its WINDOW_UPDATEs and a PING, are not a flood. */
Test(patience, what_belongs_to_requests_is_no_flood) {
  struct inn *inn = open_inn((struct server_config){0});
  connect_raw(inn);
  for (int32_t number = 0; number < 4000; number++) {
    visitor_raw_get(&inn->raw, 2 * number + 1);
    send_window_update(&inn->raw, number);
    send_window_update(&inn->raw, number);
    send_ping(&inn->raw, number);
    if (number % 20 == 19)
      visitor_run_until_count(&inn->loop, &inn->raw.responses, (size_t)number + 1);
  }
  cr_assert_eq(inn->raw.goaways, 0, "code %u", inn->raw.goaway_code);
  close_inn(inn);
}

/* --- Queues ----------------------------------------------------------------------------------- */

/* 100 streams are open, so the server refuses more; the client reads nothing, and does not
 * acknowledge SETTINGS. */
Test(patience, refusals_that_nobody_reads_are_bounded) {
  struct inn *inn = open_inn((struct server_config){0});
  int deaf = visitor_deaf_connect(server_port(inn->server));
  uint8_t request[9 + sizeof open_block] = {0, 0, sizeof open_block, NGHTTP2_HEADERS, 4};
  memcpy(request + 9, open_block, sizeof open_block);
  uint64_t deadline = uv_hrtime() + UINT64_C(20000000000);
  uint32_t id = 1;
  size_t offset = 0;
  ssize_t sent = 0;
  while (uv_hrtime() < deadline && (sent >= 0 || errno == EAGAIN)) {
    for (size_t i = 0; i < 4; i++)
      request[5 + i] = (uint8_t)(id >> (24 - 8 * i));
    sent = send(deaf, request + offset, sizeof request - offset, MSG_NOSIGNAL | MSG_DONTWAIT);
    offset += sent > 0 ? (size_t)sent : 0;
    if (offset == sizeof request) {
      offset = 0;
      id += 2;
    }
    if (sent < 0 || id % 64 == 1)
      uv_run(&inn->loop, UV_RUN_NOWAIT);
  }
  cr_assert_lt(uv_hrtime(), deadline, "it still takes requests");
  cr_assert_eq(inn->streams, 100, "%zu streams", inn->streams);
  close(deaf);
  close_inn(inn);
}

/* Each has 60 KiB of fields that HPACK cannot share: all that a client may keep here. */
Test(patience, fields_of_open_streams_are_bounded) {
  enum { VALUE = 15000, FIELD = VALUE + 6, BLOCK = sizeof open_block + FIELD };
  static uint8_t block[BLOCK];
  struct inn *inn = open_inn((struct server_config){0});
  connect_raw(inn);
  memcpy(block, open_block, sizeof open_block);
  uint8_t *field = block + sizeof open_block;
  const uint8_t name[] = {0, 1, 'x', 0x7f, (VALUE - 127) % 128 + 128, (VALUE - 127) / 128};
  memcpy(field, name, sizeof name);
  memset(field + sizeof name, 'v', VALUE);
  for (int32_t id = 1; id < 121; id += 2)
    visitor_raw_send(&inn->raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, block, BLOCK);
  visitor_run_until_count(&inn->loop, &inn->raw.resets, 16);
  cr_assert_eq(inn->raw.reset_code, NGHTTP2_REFUSED_STREAM, "%u", inn->raw.reset_code);
  cr_assert(inn->streams > 12 && inn->streams < 18, "%zu streams", inn->streams);
  visitor_raw_get(&inn->raw, 1001);
  cr_assert_eq(inn->raw.goaways, 0, "code %u", inn->raw.goaway_code);
  close_inn(inn);
}

/* A server that allows more streams has room for their fields: here 16 of them, never indexed. */
Test(patience, fields_of_a_thousand_streams_have_room) {
  enum { FIELD = 24, BLOCK = sizeof open_block + 16 * FIELD };
  uint8_t block[BLOCK];
  struct inn *inn = open_inn((struct server_config){.max_concurrent_streams = 1000});
  connect_raw(inn);
  memcpy(block, open_block, sizeof open_block);
  for (size_t i = 0; i < 16; i++)
    memcpy(block + sizeof open_block + i * FIELD,
           "\x1f\x2b\x15"
           "a value of 21 letters",
           FIELD);
  for (int32_t id = 1; id < 2001; id += 2)
    visitor_raw_send(&inn->raw, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, block, BLOCK);
  visitor_run_until_count(&inn->loop, &inn->streams, 1000);
  cr_assert_eq(inn->raw.resets, 0, "%zu are refused", inn->raw.resets);
  close_inn(inn);
}
