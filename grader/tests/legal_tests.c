/* Frames that no program may send: legal.h. */
#include "grader/play/legal.h"

#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/sandbox/allowance.h"

TestSuite(legal, .timeout = 30);

static struct frame of(enum frame_sender sender, uint8_t type, uint8_t flags, int32_t stream_id) {
  return (struct frame){.sender = sender, .type = type, .flags = flags, .stream_id = stream_id};
}

static void pass(struct legal *legal, enum frame_sender program, struct frame frame) {
  bool wrong = legal_look(legal, program, &frame);
  cr_assert_not(wrong, "%s", legal->error);
  cr_assert_null(legal->error, "%s", legal->error);
}

static void refuse(struct legal *legal, enum frame_sender program, struct frame frame,
                   const char *words) {
  cr_assert(legal_look(legal, program, &frame), "legal_look accepts type %u", frame.type);
  cr_assert_not_null(strstr(legal->error, words), "%s", legal->error);
}

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

enum { MOST_FIELDS = 16, END_BOTH = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM };

static struct frame_field field_of(const char *name, const char *value) {
  return (struct frame_field){(const uint8_t *)name, strlen(name), (const uint8_t *)value,
                              strlen(value)};
}

/* HEADERS, or another frame with fields: name, value, name, value, ..., NULL. */
static struct frame fields_on(int32_t stream_id, enum frame_sender sender, uint8_t type,
                              uint8_t flags, const char *const *texts) {
  static struct frame_field fields[MOST_FIELDS];
  struct frame frame = of(sender, type, flags, stream_id);
  while (texts[2 * frame.field_count]) {
    const char *const *pair = &texts[2 * frame.field_count];
    fields[frame.field_count++] = field_of(pair[0], pair[1]);
  }
  frame.fields = fields;
  return frame;
}

static struct frame block(enum frame_sender sender, uint8_t type, uint8_t flags,
                          const char *const *texts) {
  return fields_on(1, sender, type, flags, texts);
}

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GET         ":method", "GET", ":scheme", "http", ":path", "/"

Test(legal, a_server_answers_what_was_asked) {
  struct legal legal = {0};
  pass(&legal, server, of(server, NGHTTP2_SETTINGS, 0, 0));
  pass(&legal, server, of(client, NGHTTP2_SETTINGS, 0, 0));
  pass(&legal, server, of(server, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
  pass(&legal, server, of(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 5));
  pass(&legal, server, fields_on(5, server, NGHTTP2_HEADERS, END_BOTH, FIELDS(":status", "200")));
  pass(&legal, server, of(server, NGHTTP2_RST_STREAM, 0, 3)); /* implicitly closed */
  refuse(&legal, server, of(server, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 7), "idle");
}

Test(legal, a_server_promises_nothing_here) {
  struct legal legal = {0};
  pass(&legal, server, of(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 5));
  refuse(&legal, server, of(server, NGHTTP2_DATA, 0, 2), "promised");
}

Test(legal, a_client_opens_a_stream_first) {
  struct legal legal = {0};
  pass(&legal, client, block(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, FIELDS(GET)));
  pass(&legal, client, of(client, NGHTTP2_DATA, 0, 1));
  refuse(&legal, client, of(client, NGHTTP2_DATA, 0, 3), "idle");
}

Test(legal, an_ack_of_settings_that_were_never_sent) {
  struct legal legal = {0};
  pass(&legal, client, of(server, NGHTTP2_SETTINGS, 0, 0));
  pass(&legal, client, of(client, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
  refuse(&legal, client, of(client, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0), "never sent");
}

static struct frame ping(enum frame_sender sender, uint8_t flags, const char octets[8]) {
  struct frame frame = of(sender, NGHTTP2_PING, flags, 0);
  frame.data = (const uint8_t *)octets;
  frame.data_length = 8;
  return frame;
}

Test(legal, a_second_ack_of_a_ping) {
  struct legal legal = {0};
  pass(&legal, server, ping(client, 0, "round 01"));
  pass(&legal, server, ping(client, 0, "round 02"));
  pass(&legal, server, ping(client, 0, "round 01"));
  pass(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 01"));
  pass(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 02"));
  pass(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 01"));
  refuse(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 01"), "or twice");
}

Test(legal, an_ack_of_a_ping_that_was_never_sent) {
  struct legal legal = {0};
  pass(&legal, server, ping(client, 0, "round 01"));
  pass(&legal, server, ping(server, 0, "my own 1"));
  pass(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 01"));
  refuse(&legal, server, ping(server, NGHTTP2_FLAG_ACK, "round 02"), "never sent");
}

Test(legal, a_frame_that_is_wrong_in_itself) {
  struct legal legal = {0};
  struct frame frame = of(client, NGHTTP2_PING, 0, 0);
  frame.error = "PING is not 8 bytes long";
  pass(&legal, client, frame); /* so far it may be anything */
  pass(&legal, client, of(client, NGHTTP2_SETTINGS, 0, 0));
  refuse(&legal, client, frame, "8 bytes");
}

/* --- Messages --------------------------------------------------------------------------------- */

static struct frame data(enum frame_sender sender, uint8_t flags, size_t length) {
  struct frame frame = of(sender, NGHTTP2_DATA, flags, 1);
  frame.data_length = length;
  return frame;
}

static void pass_request(const char *const *texts) {
  struct legal legal = {0};
  pass(&legal, client, block(client, NGHTTP2_HEADERS, END_BOTH, texts));
}

static void refuse_request(const char *const *texts, const char *words) {
  struct legal legal = {0};
  refuse(&legal, client, block(client, NGHTTP2_HEADERS, END_BOTH, texts), words);
  cr_assert(legal.is_malformed, "%s", legal.error);
}

static void refuse_response(const char *const *texts, const char *words) {
  struct legal legal = {0};
  pass(&legal, server, block(client, NGHTTP2_HEADERS, END_BOTH, FIELDS(GET)));
  refuse(&legal, server, block(server, NGHTTP2_HEADERS, END_BOTH, texts), words);
}

Test(legal, right_requests) {
  pass_request(FIELDS(":path", "/", ":authority", "A:1", ":method", "get", ":scheme", "x"));
  pass_request(FIELDS(GET, ":authority", "a:1", "host", "A:1", "te", "trailers", "x", ""));
  pass_request(FIELDS(":method", "CONNECT", ":authority", "a:1"));
  pass_request(FIELDS(":method", "OPTIONS", ":scheme", "http", ":path", "*", "cookie", "a",
                      "cookie", "b", "content-length", "0"));
}

Test(legal, pseudo_header_fields_of_a_request) {
  refuse_request(FIELDS(":scheme", "http", ":path", "/"), "no :method");
  refuse_request(FIELDS(":method", "GET", ":path", "/"), "no :scheme");
  refuse_request(FIELDS(":method", "GET", ":scheme", "http"), "no :path");
  refuse_request(FIELDS(GET, ":path", "/"), "comes twice");
  refuse_request(FIELDS(":method", "GET", ":scheme", "http", ":path", ""), "begin with /");
  refuse_request(FIELDS(GET, ":version", "2"), "no such pseudo-header");
  refuse_request(FIELDS(GET, ":status", "200"), "no such pseudo-header");
  refuse_request(FIELDS("accept", "x", GET), "after a regular");
  refuse_request(FIELDS(GET, ":authority", "a:1", "host", "a:2"), "host differs");
  refuse_request(FIELDS(":method", "CONNECT", ":authority", "a:1", ":path", "/"), "CONNECT");
}

Test(legal, names_and_values) {
  refuse_request(FIELDS(GET, "", "x"), "no name");
  refuse_request(FIELDS(GET, "X-a", "x"), "capital");
  refuse_request(FIELDS(GET, "x a", "x"), "cannot have");
  refuse_request(FIELDS(GET, "x:a", "x"), "cannot have");
  refuse_request(FIELDS(GET, "x", "a\r\nb"), "CR or LF");
  refuse_request(FIELDS(GET, "x", " a"), "blank");
  refuse_request(FIELDS(GET, "x", "a\t"), "blank");
  refuse_request(FIELDS(GET, "upgrade", "h2c"), "connection");
  refuse_request(FIELDS(GET, "te", "gzip"), "te may");
  refuse_request(FIELDS(GET, "content-encoding", "gzip"), "content-encoding");
}

Test(legal, pseudo_header_fields_of_a_response) {
  refuse_response(FIELDS("x", "y"), "no :status");
  refuse_response(FIELDS(":status", "200", ":status", "200"), "twice");
  refuse_response(FIELDS(":status", "20"), "three digits");
  refuse_response(FIELDS(":status", "2 0"), "three digits");
  refuse_response(FIELDS(":status", "200", ":path", "/"), "no such pseudo-header");
  refuse_response(FIELDS("x", "y", ":status", "200"), "after a regular");
  refuse_response(FIELDS(":status", "103"), "END_STREAM");
  refuse_response(FIELDS(":status", "200", "content-type", "a", "content-type", "b"), "twice");
}

Test(legal, a_field_in_the_continuation) {
  struct legal legal = {0};
  pass(&legal, client, block(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, FIELDS(GET)));
  refuse(&legal, client,
         block(client, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, FIELDS(":path", "/")),
         "twice");
}

Test(legal, content_length_of_a_request) {
  refuse_request(FIELDS(GET, "content-length", "7"), "not as long");
  refuse_request(FIELDS(GET, "content-length", ""), "digits");
  refuse_request(FIELDS(GET, "content-length", "0, 0"), "digits");
  refuse_request(FIELDS(GET, "content-length", "0", "content-length", "1"), "twice");
}

/* The program answers a request of this method with `length` bytes, in two frames. */
static struct legal answered(const char *method, const char *const *texts, size_t length) {
  struct legal legal = {0};
  const char *const request[] = {":method", method, ":scheme", "http", ":path", "/", NULL};
  pass(&legal, server, block(client, NGHTTP2_HEADERS, END_BOTH, request));
  pass(&legal, server,
       block(server, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, FIELDS(":status", "103")));
  pass(&legal, server, block(server, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, texts));
  struct frame first = data(server, 0, length / 2);
  struct frame last = data(server, NGHTTP2_FLAG_END_STREAM, length - length / 2);
  legal_look(&legal, server, &first);
  legal_look(&legal, server, &last);
  return legal;
}

Test(legal, content_length_of_a_response) {
  const char *const *twelve = FIELDS(":status", "200", "content-length", "12");
  cr_assert_null(answered("GET", twelve, 12).error, "12 bytes");
  cr_assert_not_null(answered("GET", twelve, 11).error, "11 bytes");
  cr_assert_not_null(answered("GET", twelve, 13).error, "13 bytes");
  cr_assert_null(answered("HEAD", twelve, 0).error, "HEAD");
  cr_assert_not_null(answered("head", twelve, 0).error, "head is another method");
  cr_assert_not_null(answered("HEAD", FIELDS(":status", "200"), 12).error, "HEAD with a body");
  cr_assert_null(answered("GET", FIELDS(":status", "304", "content-length", "12"), 0).error, "304");
  cr_assert_not_null(answered("GET", FIELDS(":status", "204"), 12).error, "204 with a body");
}

Test(legal, what_comes_after_a_body) {
  struct legal legal = {0};
  const char *const *trailers = FIELDS("x-sum", "1");
  pass(&legal, client, block(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, FIELDS(GET)));
  pass(&legal, client, data(client, 0, 5));
  struct legal other = legal;
  refuse(&other, client, block(client, NGHTTP2_HEADERS, END_BOTH, FIELDS(":path", "/")),
         "trailers");
  other = legal;
  refuse(&other, client, block(client, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, trailers),
         "trailers end");
  pass(&legal, client, block(client, NGHTTP2_HEADERS, END_BOTH, trailers));
  refuse(&legal, client, data(client, 0, 0), "ended this stream");
}

Test(legal, data_before_the_fields) {
  struct legal legal = {0};
  pass(&legal, server, block(client, NGHTTP2_HEADERS, END_BOTH, FIELDS(GET)));
  refuse(&legal, server, data(server, 0, 1), "before the header section");
}

static struct frame goaway(enum frame_sender sender, int32_t last, uint32_t error_code) {
  struct frame frame = of(sender, NGHTTP2_GOAWAY, 0, 0);
  frame.last_stream_id = last;
  frame.error_code = error_code;
  return frame;
}

Test(legal, the_last_stream_of_a_goaway) {
  struct legal legal = {0};
  pass(&legal, server, block(client, NGHTTP2_HEADERS, END_BOTH, FIELDS(GET)));
  struct legal other = legal;
  refuse(&other, server, goaway(server, 3, NGHTTP2_NO_ERROR), "opened");
  pass(&legal, server, goaway(server, INT32_MAX, NGHTTP2_NO_ERROR));
  pass(&legal, server, goaway(server, 0, NGHTTP2_NO_ERROR));
  refuse(&legal, server, goaway(server, 1, NGHTTP2_NO_ERROR), "higher");
  other = (struct legal){0};
  pass(&other, client, block(client, NGHTTP2_HEADERS, END_BOTH, FIELDS(GET)));
  pass(&other, client, block(server, NGHTTP2_HEADERS, END_BOTH, FIELDS(":status", "200")));
  refuse(&other, client, goaway(client, 1, NGHTTP2_NO_ERROR), "opened");
}

/* --- What a program may read ------------------------------------------------------------------ */

static bool allows(const struct allowance *allowance, const char *folder) {
  char text[4096];
  snprintf(text, sizeof text, "execute:%s", folder);
  for (size_t i = 0; i < allowance->count; i++)
    if (strcmp(allowance->texts[i], text) == 0)
      return true;
  return false;
}

/* Somebody may keep this project in a folder where other things are installed. */
Test(legal, no_folder_that_has_this_project) {
  char root[] = "/tmp/allowance-XXXXXX";
  char bin[64];
  char here[64];
  char library[64];
  cr_assert_not_null(mkdtemp(root), "mkdtemp");
  snprintf(bin, sizeof bin, "%s/bin", root);
  snprintf(library, sizeof library, "%s/bin/../lib", root);
  snprintf(here, sizeof here, "%s/lib/labs", root);
  char *command = NULL;
  cr_assert_gt(asprintf(&command, "mkdir -p %s %s", bin, here), 0, "no memory");
  cr_assert_eq(system(command), 0, "%s", command); /* NOLINT(cert-env33-c) */
  free(command);
  setenv("PATH", bin, 1);
  for (int inside = 0; inside <= 1; inside++) {
    struct allowance allowance = {0};
    const char *const program[] = {"/bin/true", NULL};
    cr_assert_eq(chdir(inside ? here : "/"), 0, "chdir");
    cr_assert_eq(allowance_make(&allowance, program, ALLOWANCE_OF_ANY_LANGUAGE), 0, "no memory");
    cr_assert(allows(&allowance, bin), "a program may not read %s", bin);
    cr_assert_eq(allows(&allowance, library), !inside, "inside: %d", inside);
    allowance_free(&allowance);
  }
}
