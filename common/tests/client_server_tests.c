/* Tests of client, against servers that a test plays byte by byte, or that do not exist. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/client.h"
#include "common/field.h"
#include "common/tests/asker.h"
#include "common/tests/frames.h"
#include "common/tests/support.h"

TestSuite(client_server, .init = support_begin, .fini = support_end, .timeout = 60);

/* --- A played server -------------------------------------------------------------------------- */

struct played {
  int listening;
  int port;
  int descriptor;
  struct frames frames; /* from the client */
  struct buffer bytes;  /* to send */
};

static void open_played(struct played *played, struct asker *asker) {
  *played = (struct played){.descriptor = -1};
  played->listening = support_listen(&played->port);
  frames_begin(&played->frames);
  char text[64];
  snprintf(text, sizeof text, "http://127.0.0.1:%d/", played->port);
  asker_connect_url(asker, text);
}

static void append(struct played *played, const char *text) {
  frames_append_text(&played->bytes, text);
}

/* Send the appended bytes, and these (in the form of frames_append_text). */
static void play(struct played *played, const char *text) {
  append(played, text);
  support_send(played->descriptor, played->bytes.bytes, played->bytes.length);
  buffer_clear(&played->bytes);
}

/* Receive until the n-th frame of this type, counted from 1, is there. */
static const struct frame *await(struct played *played, unsigned type, size_t n) {
  char bytes[4096];
  for (;;) {
    size_t seen = 0;
    for (size_t i = 0; i < played->frames.count; i++)
      if (played->frames.list[i]->type == type && ++seen == n)
        return played->frames.list[i];
    ssize_t length = support_receive(played->descriptor, bytes, sizeof bytes);
    cr_assert_gt(length, 0, "the client left before it sent frame %zu of type %u", n, type);
    frames_feed(&played->frames, FRAME_FROM_CLIENT, bytes, (size_t)length);
  }
}

/* Accept, and exchange SETTINGS; the caller gives the payload of ours. */
static void accept_client(struct played *played, const char *settings) {
  played->descriptor = support_accept(played->listening);
  play(played, settings);
  await(played, NGHTTP2_SETTINGS, 1);
  play(played, "000000 04 01 00000000");
}

#define NO_SETTINGS "000000 04 00 00000000"
#define TWO_AT_ONCE "000006 04 00 00000000 0003 00000002"
#define OK_1        "000001 01 05 00000001 88" /* HEADERS: END_STREAM, END_HEADERS; :status 200 */
#define OK_3        "000001 01 05 00000003 88"
#define OK_NO_END_1 "000001 01 04 00000001 88"

static void close_played(struct played *played) {
  if (played->descriptor >= 0)
    close(played->descriptor);
  close(played->listening);
  frames_end(&played->frames);
  buffer_free(&played->bytes);
}

/* The client is done, and leaves politely. */
static void leave(struct played *played, struct asker *asker) {
  client_close(asker->client);
  const struct frame *goaway = await(played, NGHTTP2_GOAWAY, 1);
  cr_assert_eq(goaway->error_code, NGHTTP2_NO_ERROR, "%u", goaway->error_code);
  close(played->descriptor);
  played->descriptor = -1;
  asker_leave(asker);
  close_played(played);
}

/* --- Frames from the client ------------------------------------------------------------------- */

static void expect_field(const struct frame *frame, size_t index, const char *name,
                         const char *value) {
  cr_assert_lt(index, frame->field_count, "no %s", name);
  const struct frame_field *field = &frame->fields[index];
  cr_assert(field_is(field->name, field->name_length, name), "%s at %zu", name, index);
  cr_assert(field_is(field->value, field->value_length, value), "%s: %.*s", name,
            (int)field->value_length, (const char *)field->value);
}

Test(client_server, settings_come_before_a_request_that_was_made_early) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  asker_get(&asker, "/a?b=c");
  accept_client(&played, NO_SETTINGS);
  const struct frame *headers = await(&played, NGHTTP2_HEADERS, 1);
  const struct frame *settings = played.frames.list[1]; /* after the preface */
  cr_assert_eq(settings->type, NGHTTP2_SETTINGS, "first: frame type %u", settings->type);
  cr_assert_eq(settings->settings[0].id, NGHTTP2_SETTINGS_ENABLE_PUSH, "push");
  cr_assert_eq(settings->settings[0].value, 0, "push is on");
  char authority[32];
  snprintf(authority, sizeof authority, "127.0.0.1:%d", played.port);
  expect_field(headers, 0, ":method", "GET");
  expect_field(headers, 1, ":scheme", "http");
  expect_field(headers, 2, ":authority", authority);
  expect_field(headers, 3, ":path", "/a?b=c");
  cr_assert_eq(headers->field_count, 4, "%zu fields", headers->field_count);
  cr_assert(headers->flags & NGHTTP2_FLAG_END_STREAM, "HEADERS without END_STREAM");
  play(&played, OK_1);
  asker_await(&asker.asked[0], NGHTTP2_NO_ERROR);
  leave(&played, &asker);
}

Test(client_server, goodbye_comes_after_the_reset) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  struct asked *asked = asker_get(&asker, "/");
  accept_client(&played, NO_SETTINGS);
  await(&played, NGHTTP2_HEADERS, 1);
  stream_close(asked->stream, NGHTTP2_CANCEL);
  client_close(asker.client);
  cr_assert_eq(await(&played, NGHTTP2_RST_STREAM, 1)->error_code, NGHTTP2_CANCEL, "code");
  cr_assert_eq(await(&played, NGHTTP2_GOAWAY, 1)->error_code, NGHTTP2_NO_ERROR, "code");
  cr_assert_eq(asked->error_code, NGHTTP2_CANCEL, "%u", asked->error_code);
  leave(&played, &asker);
}

/* --- Frames from the server ------------------------------------------------------------------- */

/* Two streams are open and three more wait for their turn, when GOAWAY names the first: all others
 * are refused, the first gets its response, and the connection ends cleanly. */
Test(client_server, goaway_half_way_refuses_what_it_does_not_name) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  accept_client(&played, TWO_AT_ONCE);
  await(&played, NGHTTP2_SETTINGS, 2); /* its ACK */
  for (int i = 0; i < 5; i++)
    asker_get(&asker, "/");
  await(&played, NGHTTP2_HEADERS, 2);
  play(&played, "000008 07 00 00000000 00000001 00000000");
  asker_await(&asker.asked[1], NGHTTP2_REFUSED_STREAM);
  play(&played, OK_1);
  asker_await(&asker.asked[0], NGHTTP2_NO_ERROR);
  cr_assert_eq(asker.asked[0].status, 200, "%d", asker.asked[0].status);
  asker_expect_close(&asker, "");
  cr_assert_eq(asker.refused_count, 4, "%zu", asker.refused_count);
  asker_free(&asker);
  close_played(&played);
}

static void request_after_goaway(struct asked *asked) {
  cr_assert_null(asker_try_request(asked->asker, "GET", "/after", 0), "the client took a request");
}

Test(client_server, a_request_after_goaway_is_refused) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  struct asked *asked = asker_get(&asker, "/");
  accept_client(&played, NO_SETTINGS);
  await(&played, NGHTTP2_HEADERS, 1);
  asked->at_headers = request_after_goaway;
  append(&played, "000008 07 00 00000000 00000001 00000000");
  play(&played, OK_1);
  asker_expect_close(&asker, "");
  cr_assert_eq(asker.count, 1, "%zu", asker.count);
  cr_assert_eq(asker.refused_count, 0, "%zu", asker.refused_count);
  asker_free(&asker);
  close_played(&played);
}

Test(client_server, a_response_before_the_request_has_ended) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  struct asked *asked = asker_request(&asker, "POST", "/", STREAM_LENGTH_UNKNOWN);
  accept_client(&played, NO_SETTINGS);
  await(&played, NGHTTP2_HEADERS, 1);
  append(&played, OK_1);
  play(&played, "000004 03 00 00000001 00000000"); /* RST_STREAM(NO_ERROR): nothing more, please */
  asker_await(asked, NGHTTP2_NO_ERROR);
  cr_assert_str_eq(asked->order, "HEC", "%s", asked->order);
  leave(&played, &asker);
}

/* A body that goes on after the stream was closed counts for the connection's window alone. */
Test(client_server, data_on_a_closed_stream_is_dropped) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  struct asked *asked = asker_get(&asker, "/");
  struct asked *other = asker_get(&asker, "/");
  accept_client(&played, NO_SETTINGS);
  await(&played, NGHTTP2_HEADERS, 2);
  stream_close(asked->stream, NGHTTP2_CANCEL);
  append(&played, OK_NO_END_1);
  append(&played, "000005 00 00 00000001 'Hello'");
  play(&played, OK_3);
  asker_await(asked, NGHTTP2_CANCEL);
  asker_await(other, NGHTTP2_NO_ERROR);
  cr_assert_str_eq(asked->order, "C", "%s", asked->order);
  leave(&played, &asker);
}

/* --- Errors ----------------------------------------------------------------------------------- */

/* After it gets a request, the server sends `text`; the client must end with `error`. */
static void expect_error(const char *text, const char *error) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  struct asked *asked = asker_get(&asker, "/");
  accept_client(&played, NO_SETTINGS);
  await(&played, NGHTTP2_HEADERS, 1);
  play(&played, text);
  if (*text == '\0')
    support_reset(played.descriptor);
  else
    close(played.descriptor);
  played.descriptor = -1;
  asker_expect_close(&asker, error);
  cr_assert_eq(asked->error_code, NGHTTP2_CANCEL, "%u", asked->error_code);
  asker_free(&asker);
  close_played(&played);
}

Test(client_server, errors_are_told_by_how_they_begin) {
  expect_error("", "read: Connection reset by peer");
  expect_error(OK_NO_END_1, "closed by the peer");
  expect_error("000001 01 05 00000002 88", "PROTOCOL_ERROR");           /* no such stream */
  expect_error("000005 05 04 00000001 00000002 88", "PROTOCOL_ERROR");  /* PUSH_PROMISE */
  expect_error("000001 01 05 00000001 ff", "COMPRESSION_ERROR");        /* no HPACK */
  expect_error("000004 08 00 00000000 7fffffff", "FLOW_CONTROL_ERROR"); /* a window too wide */
  expect_error("000003 06 00 00000000 000000", "FRAME_SIZE_ERROR");     /* a short PING */
}

Test(client_server, a_server_that_speaks_http_1_1) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  asker_get(&asker, "/");
  played.descriptor = support_accept(played.listening);
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  support_send(played.descriptor, answer, strlen(answer));
  asker_expect_close(&asker, "PROTOCOL_ERROR");
  cr_assert_eq(asker.asked[0].error_code, NGHTTP2_CANCEL, "%u", asker.asked[0].error_code);
  asker_free(&asker);
  close_played(&played);
}

Test(client_server, nobody_listens) {
  struct asker asker = {0};
  int port;
  int descriptor = support_refuse(&port);
  char text[64];
  char error[64];
  snprintf(text, sizeof text, "http://127.0.0.1:%d/", port);
  snprintf(error, sizeof error, "connect to 127.0.0.1:%d: Connection refused", port);
  asker_connect_url(&asker, text);
  struct asked *asked = asker_get(&asker, "/");
  asker_expect_close(&asker, error);
  cr_assert_str_eq(asked->order, "C", "%s", asked->order);
  cr_assert_eq(asked->error_code, NGHTTP2_CANCEL, "%u", asked->error_code);
  asker_free(&asker);
  close(descriptor);
}

Test(client_server, there_is_no_such_host) {
  struct asker asker = {0};
  asker_connect_url(&asker, "http://nowhere.invalid/");
  asker_get(&asker, "/");
  asker_expect_close(&asker, "look up nowhere.invalid: ");
  asker_free(&asker);
}

/* Send too many fields: 17 in one HEADERS frame, of 4 KiB each. */
Test(client_server, a_header_section_that_is_too_large_resets_the_stream) {
  struct asker asker = {0};
  struct played played;
  open_played(&played, &asker);
  struct asked *asked = asker_get(&asker, "/");
  accept_client(&played, NO_SETTINGS);
  await(&played, NGHTTP2_HEADERS, 1);
  struct buffer block = {0};
  frames_append_text(&block, "88 40 01 'a' 7f 810f"); /* name a; a value of 127 + 1921 = 2048 */
  for (int i = 0; i < 2048; i++)
    buffer_append_text(&block, "b");
  for (int i = 0; i < 40; i++)
    frames_append_text(&block, "be"); /* once more */
  frames_append(&played.bytes, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block.bytes,
                block.length);
  play(&played, "");
  asker_await(asked, NGHTTP2_ENHANCE_YOUR_CALM);
  cr_assert_str_eq(asked->order, "C", "%s", asked->order);
  buffer_free(&block);
  leave(&played, &asker);
}

/* --- Responses that are right, and malformed -------------------------------------------------- */

struct response {
  const char *what;
  const char *frames[3]; /* type, flags, payload */
};

#define HEADERS "01 04 " /* END_HEADERS */
#define ENDING  "01 05 " /* END_STREAM and END_HEADERS */
#define DATA    "00 00 "
#define LAST    "00 01 "
#define LENGTH  "0f0d " /* content-length */

static void play_frame(struct played *played, const char *text) {
  struct buffer frame = {0};
  frames_append_text(&frame, text);
  frames_append(&played->bytes, (uint8_t)frame.bytes[0], (uint8_t)frame.bytes[1], 1,
                frame.bytes + 2, frame.length - 2);
  buffer_free(&frame);
}

static void expect_responses(const char *method, const struct response *responses, size_t count,
                             uint32_t code) {
  for (size_t i = 0; i < count; i++) {
    struct asker asker = {0};
    struct played played;
    open_played(&played, &asker);
    struct asked *asked = asker_request(&asker, method, "/", 0);
    accept_client(&played, NO_SETTINGS);
    await(&played, NGHTTP2_HEADERS, 1);
    for (size_t j = 0; j < 3 && responses[i].frames[j]; j++)
      play_frame(&played, responses[i].frames[j]);
    play(&played, "");
    while (!asked->closed)
      support_turn();
    cr_expect_eq(asked->error_code, code, "%s: %u", responses[i].what, asked->error_code);
    leave(&played, &asker);
  }
}

Test(client_server, a_response_may_have_a_length_and_no_content) {
  static const struct response to_get[] = {
      {"204", {ENDING "89"}},
      {"204 with a length (RFC 9113, section 8.1.1)", {ENDING "89 " LENGTH "01 '5'"}},
      {"204 with a length, and an empty DATA", {HEADERS "89 " LENGTH "01 '5'", LAST}},
      {"304 with a length", {ENDING "8b " LENGTH "01 '5'"}},
      {"103 and 200", {HEADERS "08 03 '103'", ENDING "88"}},
      {"103 with a length", {HEADERS "08 03 '103' " LENGTH "01 '5'", ENDING "88"}},
      {"a length that is right", {HEADERS "88 " LENGTH "01 '3'", DATA "'12'", LAST "'3'"}},
      {"a length of 0", {ENDING "88 " LENGTH "01 '0'"}},
      {"trailers", {HEADERS "88 " LENGTH "01 '1'", DATA "'1'", ENDING "00 01 'x' 01 'y'"}},
  };
  static const struct response to_head[] = {
      {"HEAD", {ENDING "88"}},
      {"HEAD with a length", {ENDING "88 " LENGTH "01 '5'"}},
  };
  expect_responses("GET", to_get, sizeof to_get / sizeof *to_get, NGHTTP2_NO_ERROR);
  expect_responses("HEAD", to_head, sizeof to_head / sizeof *to_head, NGHTTP2_NO_ERROR);
}

Test(client_server, malformed_responses_are_reset) {
  static const struct response to_get[] = {
      {"less than the length", {HEADERS "88 " LENGTH "01 '5'", LAST "'1234'"}},
      {"nothing of the length", {ENDING "88 " LENGTH "01 '5'"}},
      {"more than the length", {HEADERS "88 " LENGTH "01 '1'", DATA "'12'"}},
      {"less than the length, and trailers",
       {HEADERS "88 " LENGTH "01 '5'", DATA "'1'", ENDING "00 01 'x' 01 'y'"}},
      {"a length with a sign", {ENDING "88 " LENGTH "02 '+0'"}},
      {"a length with a letter", {ENDING "88 " LENGTH "02 '0x'"}},
      {"an empty length", {ENDING "88 " LENGTH "00"}},
      {"a length of 20 digits", {HEADERS "88 " LENGTH "14 '99999999999999999999'"}},
      {"two lengths", {HEADERS "88 " LENGTH "01 '1' " LENGTH "01 '1'", LAST "'1'"}},
      {"204 with content", {HEADERS "89", LAST "'1'"}},
      {"204 with a length and content", {HEADERS "89 " LENGTH "01 '5'", LAST "'12345'"}},
      {"304 with content", {HEADERS "8b " LENGTH "01 '5'", LAST "'12345'"}},
      {"no :status", {ENDING "00 01 'x' 01 'y'"}},
      {"two times :status", {ENDING "88 88"}},
      {"a :status of two digits", {ENDING "08 02 '20'"}},
      {"a :status of four digits", {ENDING "08 04 '2000'"}},
      {"a :status of letters", {ENDING "08 03 'abc'"}},
      {"101", {HEADERS "08 03 '101'"}},
      {":status after a field", {ENDING "00 01 'x' 01 'y' 88"}},
      {":path", {ENDING "88 84"}},
      {"a capital letter", {ENDING "88 00 01 'X' 01 'y'"}},
      {"a blank in a name", {ENDING "88 00 03 'x y' 01 'y'"}},
      {"an empty name", {ENDING "88 00 00 01 'y'"}},
      {"connection", {ENDING "88 00 0a 'connection' 05 'close'"}},
      {"transfer-encoding", {ENDING "88 00 11 'transfer-encoding' 07 'chunked'"}},
      {"a line feed in a value", {ENDING "88 00 01 'x' 03 'a' 0a 'b'"}},
      {"a NUL in a value", {ENDING "88 00 01 'x' 03 'a' 00 'b'"}},
      {"a blank before a value", {ENDING "88 00 01 'x' 02 ' a'"}},
      {"103 with END_STREAM", {ENDING "08 03 '103'"}},
      {"trailers without END_STREAM", {HEADERS "88", HEADERS "00 01 'x' 01 'y'"}},
      {":status in trailers", {HEADERS "88", ENDING "88"}},
      {"END_STREAM after 103", {HEADERS "08 03 '103'", LAST}},
      {"DATA after 103", {HEADERS "08 03 '103'", DATA "'1'"}},
  };
  static const struct response to_head[] = {
      {"HEAD with content", {HEADERS "88 " LENGTH "01 '5'", LAST "'12345'"}},
  };
  expect_responses("GET", to_get, sizeof to_get / sizeof *to_get, NGHTTP2_PROTOCOL_ERROR);
  expect_responses("HEAD", to_head, sizeof to_head / sizeof *to_head, NGHTTP2_PROTOCOL_ERROR);
}
