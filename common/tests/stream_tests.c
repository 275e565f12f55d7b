/* Tests of stream: a real server and a client by plain nghttp2, on one loop. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/field.h"
#include "common/inner/stream_list.h"
#include "common/server.h"
#include "common/tests/visitor.h"

TestSuite(stream, .timeout = 60);

/* The fixture of every test: a server whose streams go to `on_stream`, and one client. */
struct house {
  uv_loop_t loop;
  struct server *server;
  bool server_closed;
  struct visitor visitor;
};

static void on_server_close(void *user) {
  struct house *house = user;
  house->server = NULL;
  house->server_closed = true;
}

static struct house *open_house(void (*on_stream)(struct stream *stream, void *user), bool slow) {
  struct house *house = calloc(1, sizeof *house);
  cr_assert_not_null(house, "no memory");
  cr_assert_eq(uv_loop_init(&house->loop), 0, "uv_loop_init");
  struct server_config config = {
      .on_stream = on_stream, .on_close = on_server_close, .user = house};
  char error[256] = "";
  house->server = server_listen(&house->loop, &config, error, sizeof error);
  cr_assert_not_null(house->server, "%s", error);
  house->visitor.slow = slow;
  visitor_connect(&house->visitor, &house->loop, server_port(house->server));
  return house;
}

static void close_house(struct house *house) {
  server_close(house->server);
  visitor_leave(&house->visitor, &house->loop);
  cr_assert_str_eq(house->visitor.error, "", "%s", house->visitor.error);
  visitor_run_until(&house->loop, &house->server_closed);
  visitor_close_loop(&house->loop);
  free(house);
}

static void assert_body(const struct visitor_response *response, const char *text) {
  cr_assert_eq(response->body.length, strlen(text), "%zu bytes", response->body.length);
  if (*text)
    cr_assert_str_eq(response->body.bytes, text, "%s", response->body.bytes);
}

/* `length` bytes without two equal parts. */
static uint8_t *make_bytes(size_t length) {
  uint8_t *bytes = malloc(length);
  cr_assert_not_null(bytes, "no memory");
  uint32_t random = 1;
  for (size_t i = 0; i < length; i++) {
    random = random * 1664525 + 1013904223;
    bytes[i] = (uint8_t)(random >> 24);
  }
  return bytes;
}

/* --- Responses -------------------------------------------------------------------------------- */

static void hello(struct stream *stream, void *user) {
  (void)user;
  nghttp2_nv type = field_make("content-type", "text/plain");
  cr_assert_eq(stream_respond(stream, 200, &type, 1, 12), 0, "respond");
  cr_assert_eq(stream_end(stream, "Hello World!", 12), 0, "end");
}

Test(stream, responds_with_fields_date_length_and_body) {
  struct house *house = open_house(hello, false);
  time_t before = time(NULL);
  struct visitor_response *response = visitor_get(&house->visitor, &house->loop, "/");
  cr_assert_eq(response->status, 200, "%d", response->status);
  assert_body(response, "Hello World!");
  cr_assert(visitor_has_header(response, "content-type: text/plain"), "%s",
            response->headers.bytes);
  cr_assert(visitor_has_header(response, "content-length: 12"), "%s", response->headers.bytes);
  const char *date = strstr(response->headers.bytes, "\ndate: ");
  cr_assert_not_null(date, "%s", response->headers.bytes);
  struct tm tm = {0};
  const char *end = strptime(date, "\ndate: %a, %d %b %Y %H:%M:%S GMT\n", &tm);
  cr_assert(end && timegm(&tm) >= before && timegm(&tm) <= time(NULL), "%s", date);
  close_house(house);
}

static void own_date(struct stream *stream, void *user) {
  (void)user;
  const nghttp2_nv fields[] = {field_make("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                               field_make("content-length", "2")};
  stream_respond(stream, 200, fields, 2, 2);
  stream_end(stream, "ok", 2);
}

Test(stream, fields_of_the_caller_are_not_doubled) {
  struct house *house = open_house(own_date, false);
  struct visitor_response *response = visitor_get(&house->visitor, &house->loop, "/");
  cr_assert_str_eq(response->headers.bytes,
                   ":status: 200\ndate: Sun, 06 Nov 1994 08:49:37 GMT\ncontent-length: 2\n", "%s",
                   response->headers.bytes);
  cr_assert_eq(response->error_code, NGHTTP2_NO_ERROR, "%u", response->error_code);
  close_house(house);
}

/* The path is "/STATUS/LENGTH". Always write the body. */
static void by_path(struct stream *stream, void *user) {
  (void)user;
  int status = 0;
  int length = 0;
  cr_assert_eq(sscanf(stream_path(stream), "/%d/%d", &status, &length), 2, "path");
  cr_assert_eq(stream_respond(stream, status, NULL, 0, length), 0, "respond");
  for (int i = 0; i < 5; i++)
    stream_write(stream, "x", 1);
  stream_end(stream, NULL, 0);
}

static void assert_no_body(struct house *house, const char *method, const char *path, int status,
                           bool has_length) {
  int32_t id = visitor_request(&house->visitor, method, path, NULL, 0, NULL, 0);
  struct visitor_response *response = visitor_response(&house->visitor, id);
  visitor_run_until(&house->loop, &response->closed);
  cr_assert_eq(response->status, status, "%s %s: %d", method, path, response->status);
  cr_assert_eq(response->error_code, NGHTTP2_NO_ERROR, "%s %s: %u", method, path,
               response->error_code);
  cr_assert(response->ended_by_headers, "%s %s: END_STREAM is not on HEADERS", method, path);
  cr_assert_eq(response->body.length, 0, "%s %s: a body", method, path);
  cr_assert_eq(visitor_has_header(response, "content-length: 5"), has_length, "%s %s: %s", method,
               path, response->headers.bytes);
  cr_assert(has_length || !strstr(response->headers.bytes, "content-length"), "%s %s: %s", method,
            path, response->headers.bytes);
}

Test(stream, some_responses_have_no_body) {
  struct house *house = open_house(by_path, false);
  assert_no_body(house, "HEAD", "/200/5", 200, true);
  assert_no_body(house, "HEAD", "/200/-1", 200, false);
  assert_no_body(house, "GET", "/204/5", 204, false);
  assert_no_body(house, "GET", "/304/5", 304, false);
  assert_no_body(house, "GET", "/200/0", 200, false);
  close_house(house);
}

enum { SMALL_WRITES = 5000 };

static void many_writes(struct stream *stream, void *user) {
  (void)user;
  stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
  char space[16];
  for (int i = 0; i < 3; i++) {
    snprintf(space, sizeof space, "%d ", i);
    cr_assert_eq(stream_write(stream, space, 2), 1, "write");
    cr_assert_eq(stream_write_static(stream, "static ", 7), 1, "write_static");
    memset(space, '#', sizeof space); /* the stream has a copy */
  }
  for (int i = 0; i < SMALL_WRITES; i++)
    stream_write(stream, i % 2 ? "-" : "+", 1);
  stream_end(stream, "end", 3);
}

Test(stream, writes_of_both_kinds_arrive_in_order) {
  struct house *house = open_house(many_writes, false);
  struct visitor_response *response = visitor_get(&house->visitor, &house->loop, "/");
  enum { BEGINNING = 27 };
  cr_assert_eq(response->body.length, BEGINNING + SMALL_WRITES + 3, "%zu", response->body.length);
  const char *body = response->body.bytes;
  cr_assert_eq(memcmp(body, "0 static 1 static 2 static ", BEGINNING), 0, "%.27s", body);
  for (int i = 0; i < SMALL_WRITES; i++)
    cr_assert_eq(body[BEGINNING + i], i % 2 ? '-' : '+', "byte %d", i);
  cr_assert_str_eq(body + BEGINNING + SMALL_WRITES, "end", "%s", body + BEGINNING + SMALL_WRITES);
  cr_assert_null(strstr(response->headers.bytes, "content-length"), "%s", response->headers.bytes);
  close_house(house);
}

static void hints(struct stream *stream, void *user) {
  nghttp2_nv link = field_make("link", "</style.css>; rel=preload");
  cr_assert_eq(stream_inform(stream, 101, NULL, 0), -1, "101 does not exist in HTTP/2");
  cr_assert_eq(stream_inform(stream, 200, NULL, 0), -1, "200 is not informational");
  cr_assert_eq(stream_respond(stream, 103, NULL, 0, 0), -1, "103 is not final");
  cr_assert_eq(stream_inform(stream, 103, &link, 1), 0, "103");
  cr_assert_eq(stream_inform(stream, 100, NULL, 0), 0, "100");
  hello(stream, user);
  cr_assert_eq(stream_inform(stream, 103, NULL, 0), -1, "too late");
}

Test(stream, informational_responses_come_first) {
  struct house *house = open_house(hints, false);
  struct visitor_response *response = visitor_get(&house->visitor, &house->loop, "/");
  cr_assert_eq(response->informational, 2, "%zu", response->informational);
  cr_assert_eq(response->status, 200, "%d", response->status);
  assert_body(response, "Hello World!");
  close_house(house);
}

static void refuse_wrong_responses(struct stream *stream) {
  nghttp2_nv bad = field_make("x-split", "a\r\nb");
  nghttp2_nv many[STREAM_FIELDS_MAX + 1];
  for (size_t i = 0; i <= STREAM_FIELDS_MAX; i++)
    many[i] = field_make("x-many", "1");
  cr_assert_eq(stream_respond(stream, 200, &bad, 1, 0), -1, "CR LF in a value");
  cr_assert_eq(stream_respond(stream, 600, NULL, 0, 0), -1, "status 600");
  cr_assert_eq(stream_respond(stream, 200, NULL, 0, -2), -1, "length -2");
  cr_assert_eq(stream_respond(stream, 200, many, STREAM_FIELDS_MAX + 1, 0), -1, "too many fields");
}

static void misuse(struct stream *stream, void *user) {
  cr_assert_eq(stream_write(stream, "x", 1), -1, "written before the response");
  cr_assert_eq(stream_end(stream, NULL, 0), -1, "ended before the response");
  refuse_wrong_responses(stream);
  hello(stream, user);
  cr_assert_eq(stream_respond(stream, 200, NULL, 0, 0), -1, "a second response");
  cr_assert_eq(stream_write(stream, "x", 1), -1, "written after the end");
  cr_assert_eq(stream_end(stream, "x", 1), -1, "a second end");
  cr_assert_eq(stream_trailers(stream, NULL, 0), -1, "trailers after the end");
}

Test(stream, misuse_is_refused_and_changes_nothing) {
  struct house *house = open_house(misuse, false);
  struct visitor_response *response = visitor_get(&house->visitor, &house->loop, "/");
  cr_assert_eq(response->status, 200, "%d", response->status);
  assert_body(response, "Hello World!");
  close_house(house);
}

static void wrong_length(struct stream *stream, void *user) {
  (void)user;
  stream_respond(stream, 200, NULL, 0, 5);
  if (strcmp(stream_path(stream), "/more") == 0)
    cr_assert_eq(stream_end(stream, "123456", 6), -1, "more than announced");
  else
    cr_assert_eq(stream_end(stream, "1234", 4), -1, "less than announced");
  cr_assert(stream_is_closed(stream), "not closed");
}

Test(stream, a_body_of_another_length_than_announced_resets_the_stream) {
  struct house *house = open_house(wrong_length, false);
  cr_assert_eq(visitor_get(&house->visitor, &house->loop, "/more")->error_code,
               NGHTTP2_INTERNAL_ERROR, "more");
  cr_assert_eq(visitor_get(&house->visitor, &house->loop, "/less")->error_code,
               NGHTTP2_INTERNAL_ERROR, "less");
  close_house(house);
}

/* --- Requests --------------------------------------------------------------------------------- */

static void look_at_all_fields(struct stream *stream) {
  static const char *const names[] = {":method", ":path", ":scheme", ":authority", "x-a",
                                      "x-b",     "x-a",   "x-c",     "x-d",        "x-empty"};
  cr_assert_str_eq(stream_header(stream, "x-a"), "1", "the first of two");
  cr_assert_str_eq(stream_header(stream, "x-empty"), "", "an empty value");
  cr_assert_eq(stream_header_count(stream), 10, "%zu", stream_header_count(stream));
  for (size_t i = 0; i < 10; i++)
    cr_assert_str_eq(stream_header_name(stream, i), names[i], "%zu", i);
  cr_assert_str_eq(stream_header_value(stream, 6), "3", "the second x-a");
}

static void look_at_stream(struct stream *stream) {
  cr_assert_eq(stream_status(stream), 0, "a request has no status");
  cr_assert_eq(stream_id(stream), 1, "%d", stream_id(stream));
  cr_assert_not_null(stream_connection(stream), "connection");
}

static void look_at_request(struct stream *stream, void *user) {
  cr_assert_str_eq(stream_method(stream), "GET", "%s", stream_method(stream));
  cr_assert_str_eq(stream_path(stream), "/a?b=c", "%s", stream_path(stream));
  cr_assert_null(stream_header(stream, "x-none"), "an absent field");
  cr_assert_null(stream_trailer(stream, "x-a"), "a header is not a trailer");
  look_at_all_fields(stream);
  look_at_stream(stream);
  hello(stream, user);
}

Test(stream, gives_every_field_of_a_request) {
  struct house *house = open_house(look_at_request, false);
  const nghttp2_nv fields[] = {field_make("x-a", "1"), field_make("x-b", "2"),
                               field_make("x-a", "3"), field_make("x-c", "4"),
                               field_make("x-d", "5"), field_make("x-empty", "")};
  int32_t id = visitor_request(&house->visitor, "GET", "/a?b=c", fields, 6, NULL, 0);
  visitor_run_until(&house->loop, &visitor_response(&house->visitor, id)->closed);
  cr_assert_eq(visitor_response(&house->visitor, id)->status, 200, "status");
  close_house(house);
}

/* Notes each event as a letter. */
struct notes {
  char text[32];
  uint32_t error_code;
  size_t data_length;
  bool closed;
};

static struct notes notes;

static void note(char letter) {
  size_t length = strlen(notes.text);
  if (length + 1 < sizeof notes.text)
    notes.text[length] = letter;
}

static void note_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  (void)stream, (void)data, (void)user;
  notes.data_length += length;
  if (!strchr(notes.text, 'd'))
    note('d');
}

static void note_end(struct stream *stream, void *user) {
  note('e');
  if (!stream_is_closed(stream))
    hello(stream, user);
}

static void note_close(struct stream *stream, uint32_t error_code, void *user) {
  (void)user;
  note('c');
  notes.error_code = error_code;
  notes.closed = true;
  cr_assert(stream_is_closed(stream), "not closed in on_close");
  cr_assert_null(stream_connection(stream), "a connection in on_close");
}

static const struct stream_events note_events = {
    .on_data = note_data, .on_end = note_end, .on_close = note_close};

static void take_notes(struct stream *stream, void *user) {
  memset(&notes, 0, sizeof notes);
  note('s');
  stream_set_events(stream, &note_events, user);
  if (strcmp(stream_path(stream), "/close") == 0)
    stream_close(stream, NGHTTP2_ENHANCE_YOUR_CALM);
}

Test(stream, events_come_in_order) {
  struct house *house = open_house(take_notes, false);
  visitor_get(&house->visitor, &house->loop, "/");
  cr_assert_str_eq(notes.text, "sec", "GET: %s", notes.text);
  cr_assert_eq(notes.error_code, NGHTTP2_NO_ERROR, "%u", notes.error_code);
  int32_t id = visitor_request(&house->visitor, "POST", "/", NULL, 0, "body", 4);
  visitor_run_until(&house->loop, &visitor_response(&house->visitor, id)->closed);
  cr_assert_str_eq(notes.text, "sdec", "POST: %s", notes.text);
  cr_assert_eq(notes.data_length, 4, "%zu", notes.data_length);
  close_house(house);
}

Test(stream, close_resets_and_no_event_but_on_close_follows) {
  struct house *house = open_house(take_notes, false);
  const char *const bodies[] = {NULL, "body"};
  for (size_t i = 0; i < 2; i++) {
    int32_t id = visitor_request(&house->visitor, "POST", "/close", NULL, 0, bodies[i], 4);
    struct visitor_response *response = visitor_response(&house->visitor, id);
    visitor_run_until(&house->loop, &response->closed);
    cr_assert_eq(response->error_code, NGHTTP2_ENHANCE_YOUR_CALM, "%u", response->error_code);
    cr_assert_str_eq(notes.text, "sc", "%s", notes.text);
    cr_assert_eq(notes.error_code, NGHTTP2_ENHANCE_YOUR_CALM, "%u", notes.error_code);
  }
  close_house(house);
}

Test(stream, on_close_tells_the_code_of_the_peers_reset) {
  struct house *house = open_house(take_notes, false);
  int32_t id = visitor_request_open(&house->visitor, "POST", "/");
  while (strcmp(notes.text, "s") != 0)
    uv_run(&house->loop, UV_RUN_ONCE);
  nghttp2_submit_rst_stream(connection_session(house->visitor.connection), NGHTTP2_FLAG_NONE, id,
                            NGHTTP2_CANCEL);
  connection_send(house->visitor.connection);
  visitor_run_until(&house->loop, &notes.closed);
  cr_assert_str_eq(notes.text, "sc", "%s", notes.text);
  cr_assert_eq(notes.error_code, NGHTTP2_CANCEL, "%u", notes.error_code);
  close_house(house);
}

/* --- Trailers --------------------------------------------------------------------------------- */

static void answer_with_trailers(struct stream *stream, void *user) {
  (void)user;
  char value[32];
  snprintf(value, sizeof value, "%s",
           stream_trailer(stream, "x-sum") ? stream_trailer(stream, "x-sum") : "none");
  nghttp2_nv trailer = field_make("x-seen", value);
  cr_assert_null(stream_header(stream, "x-sum"), "a trailer is not a header");
  stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
  if (strcmp(stream_path(stream), "/long") == 0)
    for (int i = 0; i < 2000; i++)
      stream_write_static(stream, "0123456789", 10);
  else if (strcmp(stream_path(stream), "/empty") != 0)
    stream_write(stream, "body", 4);
  cr_assert_eq(stream_trailers(stream, &trailer, 1), 0, "trailers");
  memset(value, '#', sizeof value); /* the stream has copies */
}

static void trailers(struct stream *stream, void *user) {
  static const struct stream_events events = {.on_end = answer_with_trailers};
  stream_set_events(stream, &events, user);
}

static ssize_t read_with_trailer(nghttp2_session *session, int32_t id, uint8_t *buffer,
                                 size_t length, uint32_t *data_flags, nghttp2_data_source *source,
                                 void *user_data) {
  nghttp2_nv trailer = field_make("x-sum", "42");
  (void)length, (void)source, (void)user_data;
  memcpy(buffer, "up", 2);
  *data_flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  nghttp2_submit_trailer(session, id, &trailer, 1);
  return 2;
}

Test(stream, trailers_go_both_ways) {
  struct house *house = open_house(trailers, false);
  nghttp2_nv fields[] = {field_make(":method", "POST"), field_make(":path", "/"),
                         field_make(":scheme", "http"), field_make(":authority", "a")};
  nghttp2_data_provider provider = {.read_callback = read_with_trailer};
  int32_t id = nghttp2_submit_request(connection_session(house->visitor.connection), NULL, fields,
                                      4, &provider, NULL);
  connection_send(house->visitor.connection);
  struct visitor_response *response = visitor_response(&house->visitor, id);
  visitor_run_until(&house->loop, &response->closed);
  assert_body(response, "body");
  cr_assert_str_eq(response->trailers.bytes, "x-seen: 42\n", "%s", response->trailers.bytes);
  close_house(house);
}

Test(stream, trailers_come_after_a_long_body_and_without_any) {
  struct house *house = open_house(trailers, false);
  struct visitor_response *response = visitor_get(&house->visitor, &house->loop, "/long");
  cr_assert_eq(response->body.length, 20000, "%zu", response->body.length);
  cr_assert_str_eq(response->trailers.bytes, "x-seen: none\n", "%s", response->trailers.bytes);
  response = visitor_get(&house->visitor, &house->loop, "/empty");
  cr_assert_eq(response->body.length, 0, "%zu", response->body.length);
  cr_assert(visitor_has_header(response, "x-seen: none"), "%s", response->headers.bytes);
  cr_assert_eq(response->error_code, NGHTTP2_NO_ERROR, "%u", response->error_code);
  close_house(house);
}

/* --- Large bodies and flow control ------------------------------------------------------------ */

enum { LARGE = 64 * 1024 * 1024, PIECE = 10000 };

struct download {
  uint8_t *bytes; /* PIECE of them, again and again */
  size_t written;
  size_t most_waiting;
  size_t drains;
};

static struct download download;

static void write_more(struct stream *stream, void *user) {
  (void)user;
  int result = 1;
  while (result == 1 && download.written < LARGE) {
    size_t offset = download.written % PIECE;
    size_t length = PIECE - offset;
    if (length > LARGE - download.written)
      length = LARGE - download.written;
    result = stream_write(stream, download.bytes + offset, length);
    download.written += length;
    if (stream->body.length > download.most_waiting)
      download.most_waiting = stream->body.length;
  }
  cr_assert_neq(result, -1, "write failed after %zu bytes", download.written);
  if (download.written == LARGE)
    cr_assert_eq(stream_end(stream, NULL, 0), 0, "end");
}

static void on_drain(struct stream *stream, void *user) {
  cr_assert_lt(stream->body.length, STREAM_HIGH_WATER / 2, "%zu wait", stream->body.length);
  download.drains++;
  write_more(stream, user);
}

static void send_large(struct stream *stream, void *user) {
  static const struct stream_events events = {.on_drain = on_drain};
  stream_set_events(stream, &events, user);
  stream_respond(stream, 200, NULL, 0, LARGE);
  write_more(stream, user);
}

Test(stream, a_large_body_waits_for_a_slow_reader) {
  download.bytes = make_bytes(PIECE);
  struct house *house = open_house(send_large, true);
  house->visitor.discard_bodies = true;
  int32_t id = visitor_request(&house->visitor, "GET", "/", NULL, 0, NULL, 0);
  struct visitor_response *response = visitor_response(&house->visitor, id);
  visitor_run_until_count(&house->loop, &response->body_length, NGHTTP2_INITIAL_WINDOW_SIZE);
  for (int i = 0; i < 100; i++) /* the window is used up: nothing moves */
    uv_run(&house->loop, UV_RUN_NOWAIT);
  cr_assert_leq(download.written, 2 * STREAM_HIGH_WATER + PIECE, "%zu written", download.written);
  while (!response->closed) {
    visitor_consume(&house->visitor, id);
    uv_run(&house->loop, UV_RUN_ONCE);
  }
  cr_assert_eq(response->error_code, NGHTTP2_NO_ERROR, "%u", response->error_code);
  cr_assert_eq(response->body_length, LARGE, "%zu", response->body_length);
  cr_assert_leq(download.most_waiting, STREAM_HIGH_WATER + PIECE, "%zu", download.most_waiting);
  cr_assert_gt(download.drains, 100, "%zu", download.drains);
  free(download.bytes);
  close_house(house);
}

Test(stream, a_large_body_waits_for_a_reader_that_never_reads) {
  download.bytes = make_bytes(PIECE);
  struct house *house = open_house(send_large, false);
  int descriptor = visitor_deaf_get(server_port(house->server));
  size_t before = SIZE_MAX;
  for (int quiet = 0; quiet < 100; quiet = download.written == before ? quiet + 1 : 0) {
    before = download.written;
    uv_run(&house->loop, UV_RUN_NOWAIT);
  }
  cr_assert_gt(download.written, 2 * STREAM_HIGH_WATER, "the windows are not open");
  cr_assert_lt(download.written, LARGE / 2, "all is in memory"); /* the kernel takes some */
  close(descriptor);
  free(download.bytes);
  close_house(house);
}

static void large_or_small(struct stream *stream, void *user) {
  if (strcmp(stream_path(stream), "/large") == 0)
    send_large(stream, user);
  else
    hello(stream, user);
}

Test(stream, a_large_body_lets_others_take_turns) {
  enum { WINDOW = 1 << 30 };
  download.bytes = make_bytes(PIECE);
  struct house *house = open_house(large_or_small, false);
  nghttp2_session *session = connection_session(house->visitor.connection);
  const nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW};
  cr_assert_eq(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &window, 1), 0, "no memory");
  cr_assert_eq(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, WINDOW), 0,
               "no memory");
  house->visitor.discard_bodies = true;
  int32_t id = visitor_request(&house->visitor, "GET", "/large", NULL, 0, NULL, 0);
  visitor_run_until_count(&house->loop, &house->visitor.received, 10 * STREAM_HIGH_WATER);
  visitor_get(&house->visitor, &house->loop, "/small");
  cr_assert(!visitor_response(&house->visitor, id)->closed, "it waited for the large one");
  visitor_run_until(&house->loop, &visitor_response(&house->visitor, id)->closed);
  free(download.bytes);
  close_house(house);
}

/* Send the body back while it comes. */
static size_t most_echoed;

static void echo_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  (void)user;
  if (stream_write(stream, data, length) == 0)
    stream_pause(stream);
  if (stream->body.length > most_echoed)
    most_echoed = stream->body.length;
}

static void echo_drain(struct stream *stream, void *user) {
  (void)user;
  stream_resume(stream);
}

static void echo_end(struct stream *stream, void *user) {
  (void)user;
  cr_assert_eq(stream_end(stream, NULL, 0), 0, "end");
}

static void echo(struct stream *stream, void *user) {
  static const struct stream_events events = {
      .on_data = echo_data, .on_end = echo_end, .on_drain = echo_drain};
  stream_set_events(stream, &events, user);
  stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
}

Test(stream, an_echo_is_bounded_and_complete) {
  enum { LENGTH = 4 * 1024 * 1024 };
  uint8_t *bytes = make_bytes(LENGTH);
  struct house *house = open_house(echo, true);
  int32_t id = visitor_request(&house->visitor, "POST", "/", NULL, 0, bytes, LENGTH);
  struct visitor_response *response = visitor_response(&house->visitor, id);
  visitor_run_until_count(&house->loop, &response->body_length, NGHTTP2_INITIAL_WINDOW_SIZE);
  for (int i = 0; i < 100; i++) /* the client takes no more, so the server takes no more either */
    uv_run(&house->loop, UV_RUN_NOWAIT);
  while (!response->closed) {
    visitor_consume(&house->visitor, id);
    uv_run(&house->loop, UV_RUN_ONCE);
  }
  cr_assert_eq(response->body.length, LENGTH, "%zu", response->body.length);
  cr_assert_eq(memcmp(response->body.bytes, bytes, LENGTH), 0, "other bytes");
  cr_assert_leq(most_echoed, STREAM_HIGH_WATER + NGHTTP2_INITIAL_WINDOW_SIZE, "%zu", most_echoed);
  cr_assert_geq(most_echoed, STREAM_HIGH_WATER, "never full: this proves nothing");
  free(bytes);
  close_house(house);
}

enum { PAUSED = 20 }; /* streams, whose windows exceed the connection's */

static struct stream *paused[PAUSED];
static size_t paused_count;

static void pause_at_once(struct stream *stream, void *user) {
  if (strcmp(stream_path(stream), "/other") == 0) {
    echo(stream, user);
    return;
  }
  stream_set_events(stream, &note_events, user);
  stream_pause(stream);
  paused[paused_count++] = stream;
}

Test(stream, paused_streams_receive_one_window_and_stop_no_other) {
  enum { WINDOW = NGHTTP2_INITIAL_WINDOW_SIZE, LENGTH = 2 * WINDOW };
  uint8_t *bytes = make_bytes(LENGTH);
  struct house *house = open_house(pause_at_once, false);
  for (int i = 0; i < PAUSED; i++)
    visitor_request(&house->visitor, "POST", "/", NULL, 0, bytes, LENGTH);
  visitor_run_until_count(&house->loop, &notes.data_length, PAUSED * WINDOW);
  int32_t id = visitor_request(&house->visitor, "POST", "/other", NULL, 0, bytes, LENGTH);
  visitor_run_until(&house->loop, &visitor_response(&house->visitor, id)->closed);
  cr_assert_eq(notes.data_length, PAUSED * WINDOW, "%zu", notes.data_length);
  for (int i = 0; i < PAUSED; i++) {
    stream_resume(paused[i]);
    stream_resume(paused[i]);
  }
  visitor_run_until_count(&house->loop, &house->visitor.closed_count, PAUSED + 1);
  cr_assert_eq(notes.data_length, PAUSED * LENGTH, "%zu", notes.data_length);
  free(bytes);
  close_house(house);
}

/* --- From outside of events ------------------------------------------------------------------- */

enum { MANY = 100 };

static struct stream *kept[MANY];
static size_t kept_count;

static void keep(struct stream *stream, void *user) {
  (void)user;
  cr_assert_lt(kept_count, MANY, "too many");
  kept[kept_count++] = stream_keep(stream);
}

static void keep_noted(struct stream *stream, void *user) {
  keep(stream, user);
  static const struct stream_events events = {.on_close = note_close};
  memset(&notes, 0, sizeof notes);
  stream_set_events(stream, &events, user);
}

static void answer_one(uv_timer_t *timer) {
  struct stream *stream = kept[--kept_count];
  stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
  stream_end(stream, stream_path(stream), strlen(stream_path(stream)));
  stream_release(stream);
  if (kept_count == 0)
    uv_close((uv_handle_t *)timer, NULL);
}

Test(stream, a_hundred_at_once_are_answered_by_a_timer_in_reverse_order) {
  struct house *house = open_house(keep, false);
  char path[16];
  for (int i = 0; i < MANY; i++) {
    snprintf(path, sizeof path, "/%d", i);
    visitor_request(&house->visitor, "GET", path, NULL, 0, NULL, 0);
  }
  visitor_run_until_count(&house->loop, &kept_count, MANY);
  uv_timer_t timer;
  uv_timer_init(&house->loop, &timer);
  uv_timer_start(&timer, answer_one, 0, 1);
  visitor_run_until_count(&house->loop, &house->visitor.closed_count, MANY);
  for (int i = 0; i < MANY; i++) {
    snprintf(path, sizeof path, "/%d", i);
    assert_body(visitor_response(&house->visitor, 2 * i + 1), path);
  }
  close_house(house);
}

static void assert_nothing_is_sent(struct stream *stream) {
  nghttp2_nv field = field_make("a", "b");
  cr_assert_eq(stream_inform(stream, 103, NULL, 0), -1, "inform");
  cr_assert_eq(stream_respond(stream, 200, &field, 1, 1), -1, "respond");
  cr_assert_eq(stream_write(stream, "x", 1), -1, "write");
  cr_assert_eq(stream_write_static(stream, "x", 1), -1, "write_static");
  cr_assert_eq(stream_end(stream, "x", 1), -1, "end");
  cr_assert_eq(stream_trailers(stream, &field, 1), -1, "trailers");
}

static void assert_all_refused(struct stream *stream) {
  cr_assert(stream_is_closed(stream), "not closed");
  cr_assert_null(stream_connection(stream), "has a connection");
  assert_nothing_is_sent(stream);
  stream_pause(stream);
  stream_resume(stream);
  stream_close(stream, NGHTTP2_CANCEL);
  cr_assert_str_eq(stream_path(stream), "/kept", "%s", stream_path(stream));
  cr_assert_str_eq(stream_header(stream, "x-long"), "a value of its own", "x-long");
}

static void request_kept(struct house *house) {
  const nghttp2_nv field = field_make("x-long", "a value of its own");
  visitor_request(&house->visitor, "GET", "/kept", &field, 1, NULL, 0);
  visitor_run_until_count(&house->loop, &kept_count, 1);
}

Test(stream, a_kept_stream_outlives_its_reset) {
  struct house *house = open_house(keep_noted, false);
  request_kept(house);
  cr_assert(!stream_is_closed(kept[0]), "closed already");
  nghttp2_submit_rst_stream(connection_session(house->visitor.connection), NGHTTP2_FLAG_NONE, 1,
                            NGHTTP2_CANCEL);
  connection_send(house->visitor.connection);
  visitor_run_until(&house->loop, &notes.closed);
  assert_all_refused(kept[0]);
  stream_release(kept[0]);
  close_house(house);
}

Test(stream, a_kept_stream_outlives_its_connection_and_its_server) {
  struct house *house = open_house(keep_noted, false);
  request_kept(house);
  visitor_drop(&house->visitor);
  visitor_run_until(&house->loop, &notes.closed);
  cr_assert_eq(notes.error_code, NGHTTP2_CANCEL, "%u", notes.error_code);
  assert_all_refused(kept[0]);
  server_free(house->server);
  visitor_close_loop(&house->loop);
  free(house);
  assert_all_refused(kept[0]);
  stream_release(kept[0]);
}

static size_t lost;

static void count_lost(struct stream *stream, uint32_t error_code, void *user) {
  (void)stream, (void)user;
  lost += error_code == NGHTTP2_CANCEL;
}

static void answer_half(struct stream *stream, void *user) {
  static const struct stream_events events = {.on_close = count_lost};
  stream_set_events(stream, &events, user);
  stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
  stream_write(stream, "half", 4);
}

Test(stream, a_lost_connection_closes_every_stream) {
  struct house *house = open_house(answer_half, false);
  for (int i = 0; i < MANY; i++)
    visitor_request(&house->visitor, "GET", "/", NULL, 0, NULL, 0);
  visitor_run_until_count(&house->loop, &house->visitor.received, 4 * MANY);
  visitor_drop(&house->visitor);
  visitor_run_until_count(&house->loop, &lost, MANY);
  server_close(house->server);
  visitor_run_until(&house->loop, &house->server_closed);
  cr_assert_eq(lost, MANY, "%zu", lost);
  visitor_close_loop(&house->loop);
  free(house);
}
