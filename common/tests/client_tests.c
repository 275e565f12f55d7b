/* Tests of client, against server.h on the same loop. */
#include "common/client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/server.h"
#include "common/tests/asker.h"
#include "common/tests/failing.h"
#include "common/tests/support.h"
#include "common/tests/visitor.h"

TestSuite(client, .init = support_begin, .fini = support_end, .timeout = 60);

/* --- The server: the path tells it what to do ------------------------------------------------- */

enum { LARGE = 300 * 1024 };

struct house {
  struct server *server;
  bool closed;
  size_t streams;      /* how many have come, */
  size_t closed_count; /* how many are closed, */
  uint32_t error_code; /* the last of them with this */
  struct stream *held; /* of "/hold" */
  char content_length[24];
};

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct house *house = user;
  if (house->held == stream)
    house->held = NULL;
  house->closed_count++;
  house->error_code = error_code;
}

static void on_echo_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  (void)user;
  int more = stream_write(stream, data, length);
  if (more < 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR); /* no memory */
  else if (more == 0)
    stream_pause(stream);
}

static void on_echo_drain(struct stream *stream, void *user) {
  (void)user;
  stream_resume(stream);
}

static void on_echo_end(struct stream *stream, void *user) {
  const char *trailer = stream_trailer(stream, "x-trailer");
  const nghttp2_nv field = field_make("x-trailer", trailer ? trailer : "none");
  (void)user;
  if (stream_trailers(stream, &field, 1) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR); /* no memory */
}

static void send_large(struct stream *stream) {
  uint8_t *bytes = malloc(LARGE);
  cr_assert_not_null(bytes, "no memory");
  support_fill(bytes, 0, LARGE);
  stream_respond(stream, 200, NULL, 0, LARGE);
  stream_end(stream, bytes, LARGE);
  free(bytes);
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events echo = {.on_data = on_echo_data,
                                            .on_drain = on_echo_drain,
                                            .on_end = on_echo_end,
                                            .on_close = on_stream_close};
  static const struct stream_events watch = {.on_close = on_stream_close};
  struct house *house = user;
  const char *path = stream_path(stream);
  const char *length = stream_header(stream, "content-length");
  snprintf(house->content_length, sizeof house->content_length, "%s", length ? length : "none");
  house->streams++;
  stream_set_events(stream, &watch, house);
  if (strcmp(path, "/hold") == 0) {
    house->held = stream;
  } else if (strcmp(path, "/refuse") == 0) {
    stream_close(stream, NGHTTP2_REFUSED_STREAM);
  } else if (strcmp(path, "/reset") == 0) {
    stream_respond(stream, 200, NULL, 0, 8);
    stream_write(stream, "half", 4);
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  } else if (strcmp(path, "/large") == 0) {
    send_large(stream);
  } else {
    if (strcmp(path, "/hint") == 0) {
      stream_inform(stream, 100, NULL, 0);
      stream_inform(stream, 103, NULL, 0);
    }
    stream_set_events(stream, &echo, house);
    if (stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN) != 0 ||
        stream_write(stream, path, strlen(path)) < 0)
      stream_close(stream, NGHTTP2_INTERNAL_ERROR); /* no memory */
  }
}

static void on_close(void *user) {
  struct house *house = user;
  house->server = NULL;
  house->closed = true;
}

static struct house open_house(struct house *house) {
  char error[256] = "";
  const struct server_config config = {.on_stream = on_stream, .on_close = on_close, .user = house};
  struct house opened = {.server = server_listen(support_loop(), &config, error, sizeof error)};
  cr_assert_not_null(opened.server, "%s", error);
  return opened;
}

/* A server, and a client that connects to it. */
static struct house *house_of(struct asker *asker) {
  static struct house house;
  house = open_house(&house);
  asker_connect(asker, server_port(house.server));
  return &house;
}

static void close_house(struct house *house, struct asker *asker) {
  asker_leave(asker);
  server_close(house->server);
  support_wait(&house->closed);
}

static void expect_body(const struct asked *asked, const char *text) {
  cr_assert_eq(asked->body.length, strlen(text), "%zu bytes", asked->body.length);
  cr_assert_eq(memcmp(asked->body.bytes, text, strlen(text)), 0, "another body");
}

static void run_until(const size_t *count, size_t least) {
  visitor_run_until_count(support_loop(), count, least);
}

/* --- Requests --------------------------------------------------------------------------------- */

Test(client, a_get_before_it_is_connected) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *asked = asker_get(&asker, "/a?b=c");
  cr_assert(!asker.open, "connected already");
  asker_await(asked, NGHTTP2_NO_ERROR);
  cr_assert_eq(asked->status, 200, "%d", asked->status);
  cr_assert_str_eq(asked->order, "HDEC", "%s", asked->order);
  expect_body(asked, "/a?b=c");
  cr_assert_str_eq(house->content_length, "none", "%s", house->content_length);
  close_house(house, &asker);
}

static void request_more(struct asker *asker) {
  asker_get(asker, "/from-on_open");
}

Test(client, requests_from_on_open_and_later) {
  struct asker asker = {.at_open = request_more};
  struct house *house = house_of(&asker);
  support_wait(&asker.open);
  asker_await(&asker.asked[0], NGHTTP2_NO_ERROR);
  asker_await(asker_get(&asker, "/later"), NGHTTP2_NO_ERROR);
  expect_body(&asker.asked[0], "/from-on_open");
  expect_body(&asker.asked[1], "/later");
  close_house(house, &asker);
}

/* 250 are more than the server's MAX_CONCURRENT_STREAMS, and client_close waits for all of them. */
Test(client, more_requests_than_are_allowed_at_once_before_close) {
  enum { MANY = 250 };
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  char paths[MANY][16];
  for (int i = 0; i < MANY; i++) {
    snprintf(paths[i], sizeof paths[i], "/%d", i);
    asker_get(&asker, paths[i]);
  }
  client_close(asker.client);
  support_wait(&asker.closed);
  cr_assert_str_eq(asker.error, "", "%s", asker.error);
  cr_assert_eq(house->streams, MANY, "%zu", house->streams);
  for (int i = 0; i < MANY; i++) {
    cr_assert_eq(asker.asked[i].error_code, NGHTTP2_NO_ERROR, "%d", i);
    expect_body(&asker.asked[i], paths[i]);
  }
  asker_free(&asker);
  server_close(house->server);
  support_wait(&house->closed);
}

static void request_again(struct asked *asked) {
  asker_get(asked->asker, "/again");
}

Test(client, a_request_from_the_last_on_close_is_served_before_the_end) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  asker_get(&asker, "/first")->at_close = request_again;
  client_close(asker.client);
  support_wait(&asker.closed);
  cr_assert_str_eq(asker.error, "", "%s", asker.error);
  cr_assert_eq(asker.count, 2, "%zu", asker.count);
  expect_body(&asker.asked[1], "/again");
  asker_free(&asker);
  server_close(house->server);
  support_wait(&house->closed);
}

static void refuse(struct asker *asker, const char *method, const char *path,
                   const nghttp2_nv *fields, size_t count, int64_t length) {
  cr_assert_null(client_request(asker->client, method, path, fields, count, length), "%s %s",
                 method, path);
}

Test(client, what_cannot_be_sent_is_refused_and_changes_nothing) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  const nghttp2_nv split = field_make("x-split", "a\r\nb");
  nghttp2_nv many[STREAM_FIELDS_MAX + 1];
  for (size_t i = 0; i <= STREAM_FIELDS_MAX; i++)
    many[i] = field_make("x-many", "1");
  refuse(&asker, "", "/", NULL, 0, 0);
  refuse(&asker, "GE T", "/", NULL, 0, 0);
  refuse(&asker, "CONNECT", "/", NULL, 0, 0);
  refuse(&asker, "GET", "", NULL, 0, 0);
  refuse(&asker, "GET", "/a b", NULL, 0, 0);
  refuse(&asker, "GET", "/", NULL, 0, -2);
  refuse(&asker, "GET", "/", &split, 1, 0);
  refuse(&asker, "GET", "/", many, STREAM_FIELDS_MAX + 1, 0);
  struct stream *stream = client_request(asker.client, "GET", "/", many, STREAM_FIELDS_MAX, 0);
  cr_assert_not_null(stream, "%d fields", STREAM_FIELDS_MAX);
  asker_await(asker_get(&asker, "/"), NGHTTP2_NO_ERROR);
  cr_assert_eq(house->streams, 2, "%zu", house->streams);
  close_house(house, &asker);
}

/* --- Bodies ----------------------------------------------------------------------------------- */

static void write_rest(struct asked *asked, uint8_t *bytes, size_t *offset) {
  enum { PIECE = 10000 };
  int more = 1;
  while (more == 1 && *offset < LARGE) {
    size_t length = LARGE - *offset < PIECE ? LARGE - *offset : PIECE;
    support_fill(bytes, *offset, length);
    more = stream_write(asked->stream, bytes, length);
    cr_assert_geq(more, 0, "not taken");
    *offset += length;
  }
  if (*offset == LARGE)
    cr_assert_eq(stream_end(asked->stream, NULL, 0), 0, "end");
}

static void write_on(struct asked *asked) {
  static uint8_t bytes[10000];
  static size_t offset;
  write_rest(asked, bytes, &offset);
}

Test(client, a_post_larger_than_the_windows_is_echoed) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *asked = asker_request(&asker, "POST", "/", LARGE);
  asked->at_drain = write_on;
  write_on(asked);
  asker_await(asked, NGHTTP2_NO_ERROR);
  cr_assert_str_eq(house->content_length, "307200", "%s", house->content_length);
  cr_assert_eq(asked->body.length, 1 + LARGE, "%zu", asked->body.length);
  support_expect_filled(asked->body.bytes + 1, 0, LARGE);
  close_house(house, &asker);
}

Test(client, a_body_goes_both_ways_at_once_and_ends_with_trailers) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  const nghttp2_nv trailer = field_make("x-trailer", "there");
  struct asked *asked = asker_request(&asker, "PUT", "/", STREAM_LENGTH_UNKNOWN);
  stream_write(asked->stream, "both ", 5);
  run_until(&asked->received, 6); /* the answer begins before the request has ended */
  stream_write(asked->stream, "ways", 4);
  cr_assert_eq(stream_trailers(asked->stream, &trailer, 1), 0, "trailers");
  asker_await(asked, NGHTTP2_NO_ERROR);
  expect_body(asked, "/both ways");
  cr_assert_str_eq(asked->trailer, "there", "%s", asked->trailer);
  cr_assert_str_eq(house->content_length, "none", "%s", house->content_length);
  close_house(house, &asker);
}

Test(client, a_body_of_another_length_than_announced_closes_the_stream) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *more = asker_request(&asker, "POST", "/", 3);
  struct asked *less = asker_request(&asker, "POST", "/", 3);
  support_wait(&asker.open);
  cr_assert_eq(stream_write(more->stream, "1234", 4), -1, "more");
  cr_assert_eq(stream_end(less->stream, "12", 2), -1, "less");
  asker_await(more, NGHTTP2_INTERNAL_ERROR);
  asker_await(less, NGHTTP2_INTERNAL_ERROR);
  close_house(house, &asker);
}

/* A paused stream receives no more than a window, and does not stop another one. */
Test(client, pausing_bounds_what_comes) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *asked = asker_get(&asker, "/large");
  stream_pause(asked->stream);
  run_until(&asked->received, NGHTTP2_INITIAL_WINDOW_SIZE);
  asker_await(asker_get(&asker, "/large"), NGHTTP2_NO_ERROR);
  cr_assert_eq(asked->received, NGHTTP2_INITIAL_WINDOW_SIZE, "%zu", asked->received);
  stream_resume(asked->stream);
  asker_await(asked, NGHTTP2_NO_ERROR);
  support_expect_filled(asked->body.bytes, 0, LARGE);
  close_house(house, &asker);
}

Test(client, informational_responses_and_head) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *hint = asker_get(&asker, "/hint");
  struct asked *head = asker_request(&asker, "HEAD", "/large", 0);
  asker_await(hint, NGHTTP2_NO_ERROR);
  cr_assert_str_eq(hint->order, "IHDEC", "%s", hint->order);
  cr_assert_eq(hint->inform, 103, "%d", hint->inform);
  cr_assert_eq(hint->status, 200, "%d", hint->status);
  asker_await(head, NGHTTP2_NO_ERROR);
  cr_assert_str_eq(head->order, "HEC", "%s", head->order);
  close_house(house, &asker);
}

/* --- Streams that end early ------------------------------------------------------------------- */

static void give_up(struct asked *asked) {
  stream_close(asked->stream, NGHTTP2_CANCEL);
}

Test(client, closing_a_stream_resets_it_and_no_other) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *held = asker_get(&asker, "/hold");
  struct asked *large = asker_get(&asker, "/large");
  large->at_headers = give_up;
  asker_await(large, NGHTTP2_CANCEL);
  cr_assert_str_eq(large->order, "HC", "%s", large->order);
  run_until(&house->closed_count, 1);
  cr_assert_eq(house->error_code, NGHTTP2_CANCEL, "%u", house->error_code);
  stream_respond(house->held, 200, NULL, 0, 0);
  asker_await(held, NGHTTP2_NO_ERROR);
  cr_assert_str_eq(held->order, "HEC", "%s", held->order);
  close_house(house, &asker);
}

Test(client, a_stream_closed_before_the_connection_is_there_is_never_sent) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *never = asker_get(&asker, "/never");
  struct asked *body = asker_request(&asker, "POST", "/never", 4);
  stream_write(body->stream, "1234", 4);
  give_up(never);
  give_up(body);
  cr_assert(!never->closed, "on_close before stream_close has returned");
  asker_await(asker_get(&asker, "/"), NGHTTP2_NO_ERROR);
  asker_await(never, NGHTTP2_CANCEL);
  asker_await(body, NGHTTP2_CANCEL);
  cr_assert_str_eq(never->order, "C", "%s", never->order);
  cr_assert_eq(house->streams, 1, "%zu", house->streams);
  close_house(house, &asker);
}

Test(client, refused_and_reset_streams_are_told_with_their_code) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *refused = asker_get(&asker, "/refuse");
  struct asked *reset = asker_get(&asker, "/reset");
  asker_await(refused, NGHTTP2_REFUSED_STREAM);
  asker_await(reset, NGHTTP2_INTERNAL_ERROR);
  cr_assert_str_eq(refused->order, "C", "%s", refused->order);
  close_house(house, &asker);
}

Test(client, a_kept_stream_outlives_its_client) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *asked = asker_get(&asker, "/kept");
  struct stream *stream = stream_keep(asked->stream);
  close_house(house, &asker);
  cr_assert(stream_is_closed(stream), "not closed");
  cr_assert_eq(stream_status(stream), 200, "%d", stream_status(stream));
  cr_assert_eq(stream_write(stream, "x", 1), -1, "written");
  cr_assert_null(stream_connection(stream), "a connection");
  stream_resume(stream);
  stream_close(stream, NGHTTP2_CANCEL);
  stream_release(stream);
}

/* --- The end ---------------------------------------------------------------------------------- */

Test(client, close_before_it_is_connected_gives_up_unless_there_is_a_request) {
  struct asker asker = {0};
  struct house *house = house_of(&asker);
  struct asked *asked = asker_get(&asker, "/");
  client_close(asker.client);
  cr_assert(!asker.closed, "the client did not wait");
  asker_await(asked, NGHTTP2_NO_ERROR);
  asker_expect_close(&asker, "");
  asker_free(&asker);

  struct asker second = {0};
  asker_connect(&second, server_port(house->server));
  give_up(asker_get(&second, "/"));
  client_close(second.client);
  support_wait(&second.closed);
  cr_assert(!second.open, "it connected without any request");
  cr_assert_str_eq(second.error, "", "%s", second.error);
  cr_assert_eq(second.asked[0].error_code, NGHTTP2_CANCEL, "%u", second.asked[0].error_code);
  asker_free(&second);
  server_close(house->server);
  support_wait(&house->closed);
}

Test(client, free_ends_at_once_and_streams_get_their_on_close) {
  for (int connected = 0; connected <= 1; connected++) {
    struct asker asker = {0};
    struct house *house = house_of(&asker);
    struct asked *asked = asker_get(&asker, "/hold");
    if (connected)
      run_until(&house->streams, 1);
    client_free(asker.client);
    asker.client = NULL;
    cr_assert(asked->closed && asked->error_code == NGHTTP2_CANCEL, "no on_close(CANCEL)");
    cr_assert(!asker.closed, "the client closed");
    if (connected)
      run_until(&house->closed_count, 1);
    server_close(house->server);
    support_wait(&house->closed);
  }
  client_free(NULL);
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* One client, and one request with a body; the n-th allocation until the loop turns fails. (A later
 * failure breaks nghttp2 1.52: it frees twice what it cannot put into its queue.) Returns whether
 * there were n allocations. */
static bool ask_with_little_memory(struct house *house, size_t n) {
  struct asker asker = {0};
  char text[64];
  snprintf(text, sizeof text, "http://localhost:%d/", server_port(house->server));
  failing_start(n);
  bool connects = asker_try_connect(&asker, text);
  struct asked *asked =
      connects ? asker_try_request(&asker, "POST", "/", STREAM_LENGTH_UNKNOWN) : NULL;
  bool ended = asked && stream_end(asked->stream, "body", 4) == 0;
  bool failed = failing_stop();
  cr_assert(failed || ended, "it fails with all its memory");
  if (asked && !ended)
    give_up(asked);
  if (connects) {
    client_close(asker.client);
    support_wait(&asker.closed);
    cr_assert(failed || strcmp(asker.error, "") == 0, "%s", asker.error);
  }
  asker_free(&asker);
  return failed;
}

Test(client, any_allocation_may_fail) {
  static struct house house;
  house = open_house(&house);
  ask_with_little_memory(&house, SIZE_MAX); /* libuv aborts if its threads get no memory */
  size_t n = 1;
  while (ask_with_little_memory(&house, n))
    n++;
  cr_assert_gt(n, 15, "only %zu allocations", n);
  server_close(house.server);
  support_wait(&house.closed);
}
