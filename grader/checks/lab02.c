/* The checks of lab 2: requests and responses on one connection. 20 points. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "grader/play/check_run.h"
#include "grader/play/peer_expect.h"
#include "grader/play/peer_receive.h"
#include "grader/play/peer_send.h"
#include "grader/play/port.h"
#include "grader/play/trail.h"
#include "grader/words/quote.h"

enum {
  REQUEST_TODO = 1,
  BODY_TODO = 2,
  FIELDS_TODO = 3,
  KEEP_TODO = 4,
  CLOSE_TODO = 5,
  NOT_MODIFIED = 304
};

enum { PATH_SIZE = 64, NAME_SIZE = 32, LINE_SIZE = 32, MEBIBYTE = 1024 * 1024 };

/* "/", 8 to 12 random letters, large ones and a %-escape among them; and a query, perhaps. */
static void draw_path(struct exchange *exchange, char path[PATH_SIZE], bool has_query) {
  enum { LARGE = 2 };
  char query[8];
  path[0] = '/';
  exchange_random_text(exchange, path + 1, 8 + exchange_random(exchange, 5));
  for (size_t i = 0; i < LARGE; i++)
    path[1 + exchange_random(exchange, 8)] = (char)('A' + exchange_random(exchange, 26));
  size_t length = strlen(path);
  snprintf(path + length, PATH_SIZE - length, exchange_random(exchange, 2) == 0 ? "%%%x" : "%%%X",
           0xa0 + exchange_random(exchange, 6));
  if (has_query)
    snprintf(path + length + 3, PATH_SIZE - length - 3, "?%s=%c+",
             exchange_random_text(exchange, query, 4), 'A' + exchange_random(exchange, 26));
}

/* The same; two of three have a query. */
static void random_path(struct exchange *exchange, char path[PATH_SIZE]) {
  draw_path(exchange, path, exchange_random(exchange, 3) > 0);
}

/* The name of a field that nobody knows: 8 to 15 letters, half of them after "x-". */
static void random_name(struct exchange *exchange, char name[NAME_SIZE]) {
  strcpy(name, exchange_random(exchange, 2) == 0 ? "x-" : "");
  exchange_random_text(exchange, name + strlen(name), 8 + exchange_random(exchange, 8));
}

/* 4 to 23 random letters and a newline, so that neither the text nor its length is known before. */
static void random_line(struct exchange *exchange, char line[LINE_SIZE]) {
  size_t length = 4 + exchange_random(exchange, 20);
  exchange_random_text(exchange, line, length);
  strcpy(line + length, "\n");
}

/* `length` random bytes, to be freed with free(). */
static char *random_bytes(struct exchange *exchange, size_t length) {
  char *bytes = malloc(length + 1);
  if (!bytes)
    exchange_fault(exchange, "out of memory");
  exchange_random_octets(exchange, bytes, length);
  bytes[length] = '\0';
  return bytes;
}

/* The URL of the server with this path. */
static const char *url_of(struct exchange *exchange, const char *path) {
  static char url[256];
  snprintf(url, sizeof url, "%s%s", exchange->url, path);
  return url;
}

/* Listen at any name or address of this machine. */
static void listen_anywhere(struct exchange *exchange) {
  static const char *const hosts[] = {"localhost", "127.0.0.1", "::1"};
  exchange->host = hosts[chance_next(&exchange->noise) % (sizeof hosts / sizeof hosts[0])];
  peer_listen(exchange);
}

/* Start `requests` with one GET, take its connection, and exchange SETTINGS. */
static struct peer *start_get(struct exchange *exchange) {
  char path[PATH_SIZE];
  random_path(exchange, path);
  listen_anywhere(exchange);
  exchange_start(exchange, "requests", url_of(exchange, path), NULL);
  struct peer *peer = peer_accept(exchange);
  peer_handshake(peer);
  return peer;
}

/* Whether that many requests have arrived, or another connection. */
struct several {
  struct exchange *exchange;
  struct peer *peer;
  size_t count;
};

static bool has_come_or_connected(void *argument) {
  const struct several *several = argument;
  size_t count = 0;
  for (size_t i = 0; i < PEER_STREAMS; i++)
    count += several->peer->streams[i].headers_complete;
  return count >= several->count ||
         several->exchange->peer_count > several->exchange->peers_accepted;
}

/* Whether one more request comes, or another connection. */
static bool has_more_requests(struct peer *peer) {
  struct several several = {peer->exchange, peer, peer->returned_count + 1};
  return exchange_await(peer->exchange, has_come_or_connected, &several);
}

/* One of several requests on this connection. */
static int32_t expect_request_of_many(struct peer *peer) {
  struct exchange *exchange = peer->exchange;
  has_more_requests(peer);
  if (exchange->peer_count > exchange->peers_accepted)
    exchange_fail_at(exchange, -1, "all requests on one connection", "another connection",
                     "opens-connection-request| Your program opens a connection for each request.");
  return peer_expect_request(peer);
}

/* The request must have this field. */
static void expect_field(struct exchange *exchange, struct peer *peer, int32_t stream_id,
                         const char *name, const char *value) {
  const char *seen = peer_field(peer, stream_id, name);
  if (seen && strcmp(seen, value) == 0)
    return;
  char expected[256];
  char found[256];
  snprintf(expected, sizeof expected, "%s: %s", name, value);
  snprintf(found, sizeof found, "%s: %s", name, seen ? seen : "(missing)");
  finding_blame(&exchange->finding, REQUEST_TODO);
  exchange_fail_at(exchange, peer_stream(peer, stream_id)->frame, expected, found,
                   "request-field-%s-%s| The request's %s is %s.", seen ? "wrong" : "missing",
                   name + strspn(name, ":"), name, seen ? "not right" : "missing");
}

/* RFC 9110, section 9.3.1: a GET has no content. Its HEADERS have END_STREAM, and no
 * DATA follows. */
static void expect_no_data(struct exchange *exchange, const struct peer *peer, int32_t stream_id) {
  long data = peer_find_frame(peer, NGHTTP2_DATA, stream_id);
  if (data < 0)
    return;
  finding_blame(&exchange->finding, REQUEST_TODO);
  exchange_fail_at(exchange, data, "END_STREAM in the HEADERS of the GET, and no DATA", NULL,
                   "get-no-body-data-comes| Your program sends DATA with a GET, which has no "
                   "body: it submitted a data source.");
}

/* The four pseudo-header fields of the request on that stream. */
static void expect_fields(struct peer *peer, int32_t stream_id, const char *method,
                          const char *path) {
  struct exchange *exchange = peer->exchange;
  expect_field(exchange, peer, stream_id, ":method", method);
  expect_field(exchange, peer, stream_id, ":scheme", "http");
  expect_field(exchange, peer, stream_id, ":authority", exchange->url + strlen("http://"));
  expect_field(exchange, peer, stream_id, ":path", path);
}

/* The program's only request has come: a POST for this path. Returns its stream. */
static int32_t expect_post(struct peer *peer, const char *path) {
  int32_t stream_id = peer_expect_request(peer);
  expect_fields(peer, stream_id, "POST", path);
  return stream_id;
}

/* The same for a GET for this path, and its end. */
static int32_t expect_get(struct peer *peer, const char *path) {
  int32_t stream_id = peer_expect_request(peer);
  expect_fields(peer, stream_id, "GET", path);
  peer_expect_end_of_request(peer, stream_id);
  expect_no_data(peer->exchange, peer, stream_id);
  return stream_id;
}

/* The path of the URL that the program has been started with, as its last argument. */
static const char *asked_path(const struct exchange *exchange) {
  return exchange->arguments[exchange->argument_count - 1] + strlen(exchange->url);
}

/* start_get, and its request has come. */
static struct peer *start_request(struct exchange *exchange, int32_t *stream_id) {
  struct peer *peer = start_get(exchange);
  *stream_id = expect_get(peer, asked_path(exchange));
  return peer;
}

/* Several GETs, the first of them for the URL. */
enum { MOST_REQUESTS = 200, SO_MANY = 50 };

enum { LONG_PATH = 4000 };

struct gets {
  size_t count;
  const char *paths[MOST_REQUESTS];
  char texts[MOST_REQUESTS][PATH_SIZE];
  char long_text[LONG_PATH + 1];
  int32_t streams[MOST_REQUESTS]; /* of the paths; 0: its request has not come */
};

/* All requests have come. A program that takes the path from the URL asks for one path only. */
static void expect_other_paths(struct peer *peer, const struct gets *gets) {
  for (int32_t id = 1; id < (int32_t)(2 * gets->count); id += 2) {
    const char *seen = peer_field(peer, id, ":path");
    if (!seen || strcmp(seen, gets->paths[0]) != 0)
      return;
  }
  exchange_fail_at(peer->exchange, -1, "a request for each PATH on the command line",
                   "the URL's path in every request",
                   "path-of-url-in-all| Every request has the :path of the URL, also those for the "
                   "PATHs on the command line.");
}

/* No request comes any more. A program that finds a request by its path makes one for two that are
 * equal. */
static void expect_equal_paths(struct peer *peer, const struct gets *gets) {
  if (peer->returned_count + 1 != gets->count || has_more_requests(peer))
    return;
  for (size_t i = 0; i < gets->count; i++)
    for (size_t k = i + 1; k < gets->count; k++)
      if (gets->streams[i] != 0 && gets->streams[k] == 0 &&
          strcmp(gets->paths[i], gets->paths[k]) == 0)
        exchange_fail_at(peer->exchange, -1, "two requests for this path, as on the command line",
                         gets->paths[i],
                         "equal-paths-once| The command line has a path twice, and your program "
                         "requests it once.");
}

/* The next request has come: note for which path. Returns its stream. */
static int32_t take_get(struct peer *peer, struct gets *gets) {
  expect_equal_paths(peer, gets);
  int32_t stream_id = expect_request_of_many(peer);
  const char *path = peer_field(peer, stream_id, ":path");
  if (!path)
    expect_field(peer->exchange, peer, stream_id, ":path", gets->paths[0]);
  size_t i = 0;
  while (i < gets->count && (gets->streams[i] != 0 || strcmp(path, gets->paths[i]) != 0))
    i++;
  if (i < gets->count)
    gets->streams[i] = stream_id;
  return stream_id;
}

/* No request is for this path. Say so if one is for its beginning. */
static void expect_whole_path(struct peer *peer, const struct gets *gets, const char *path) {
  for (int32_t id = 1; id < (int32_t)(2 * gets->count); id += 2) {
    const char *seen = peer_field(peer, id, ":path");
    size_t length = seen ? strlen(seen) : 0;
    char expected[64];
    char found[64];
    if (length < 2 || length >= strlen(path) || strncmp(seen, path, length) != 0)
      continue;
    snprintf(expected, sizeof expected, "a :path of %zu bytes", strlen(path));
    snprintf(found, sizeof found, "its first %zu bytes", length);
    finding_blame(&peer->exchange->finding, REQUEST_TODO);
    exchange_fail_at(peer->exchange, peer_stream(peer, id)->frame, expected, found,
                     path[length] == '?' ? "path-of-get-without-query| Your program cuts the query "
                                           "off a PATH of the command line."
                                         : "path-cut| Your program cuts a long PATH of the command "
                                           "line: a path can have any length.");
  }
}

/* All requests have come: there is a right one for each path. */
static void expect_gets(struct peer *peer, const struct gets *gets) {
  expect_other_paths(peer, gets);
  for (size_t i = 0; i < gets->count; i++) {
    if (gets->streams[i] != 0)
      continue;
    expect_whole_path(peer, gets, gets->paths[i]);
    exchange_fail_at(peer->exchange, -1, gets->paths[i], "no request for it",
                     "path-command-line-not-requested| Your program does not request one of the "
                     "paths on the command line.");
  }
  for (size_t i = 0; i < gets->count; i++) {
    expect_fields(peer, gets->streams[i], "GET", gets->paths[i]);
    peer_expect_end_of_request(peer, gets->streams[i]);
    expect_no_data(peer->exchange, peer, gets->streams[i]);
  }
}

/* Among many PATHs, one is long, and two are equal. */
static void draw_odd_paths(struct exchange *exchange, struct gets *gets) {
  enum { LEAST = 300 };
  size_t order[MOST_REQUESTS];
  exchange_shuffle(exchange, order, gets->count - 1);
  draw_path(exchange, gets->long_text, true);
  size_t length = strlen(gets->long_text);
  exchange_random_text(exchange, gets->long_text + length,
                       LEAST + exchange_random(exchange, LONG_PATH - LEAST - PATH_SIZE));
  gets->paths[1 + order[0]] = gets->long_text;
  gets->paths[1 + order[1]] = gets->paths[1 + order[2]];
}

/* Start `requests` with `count` GETs, at most MOST_REQUESTS, and take its connection. */
static struct peer *begin_gets(struct exchange *exchange, size_t count, struct gets *gets) {
  const char *arguments[MOST_REQUESTS + 1] = {NULL};
  memset(gets, 0, sizeof *gets);
  gets->count = count;
  for (size_t i = 0; i < count; i++) {
    random_path(exchange, gets->texts[i]);
    gets->paths[i] = gets->texts[i];
  }
  if (count >= SO_MANY)
    draw_odd_paths(exchange, gets);
  for (size_t i = 1; i < count; i++)
    arguments[i] = gets->paths[i];
  listen_anywhere(exchange);
  arguments[0] = url_of(exchange, gets->paths[0]);
  exchange_start_with(exchange, "requests", arguments);
  return peer_accept(exchange);
}

/* The same, and return when all of them have arrived. */
static struct peer *start_gets(struct exchange *exchange, size_t count, struct gets *gets) {
  struct peer *peer = begin_gets(exchange, count, gets);
  peer_handshake(peer);
  for (size_t i = 0; i < count; i++)
    take_get(peer, gets);
  expect_gets(peer, gets);
  return peer;
}

/* What the program prints for a response with status 200, no further header fields,
 * and this body. */
static void append_plain(struct buffer *output, const char *body, size_t length) {
  buffer_append_text(output, ":status: 200\n\n");
  exchange_append_body(output, body, length);
}

/* The same for one with this status, and with one more header field (NULL: without). */
static void append_response(struct buffer *output, const char *status, const char *name,
                            const char *value, const char *body) {
  buffer_append_text(output, ":status: ");
  buffer_append_text(output, status);
  buffer_append_text(output, "\n");
  if (name) {
    buffer_append_text(output, name);
    buffer_append_text(output, ": ");
    buffer_append_text(output, value);
    buffer_append_text(output, "\n");
  }
  buffer_append_text(output, "\n");
  buffer_append_text(output, body);
}

/* The same with status 200 and a field. */
static void append_named(struct buffer *output, const char *name, const char *value,
                         const char *body) {
  append_response(output, "200", name, value, body);
}

/* The length of the common beginning of two texts. */
static size_t common_length(const char *one, size_t one_length, const char *other,
                            size_t other_length) {
  size_t length = 0;
  while (length < one_length && length < other_length && one[length] == other[length])
    length++;
  return length;
}

/* The TODO that a difference from one response's output belongs to, judged by where the difference
 * begins. 0 if there is none. */
static int todo_of_difference(const char *seen, size_t seen_length, const struct buffer *expected) {
  size_t offset = common_length(seen, seen_length, expected->bytes, expected->length);
  if (offset == seen_length && offset == expected->length)
    return 0;
  if (!expected->bytes) /* there should be nothing */
    return 5;
  const char *end = memmem(expected->bytes, expected->length, "\n\n", 2);
  size_t empty_line = end ? (size_t)(end - expected->bytes) + 1 : expected->length;
  if (offset < empty_line)
    return offset == 0 && seen_length == 0 ? 5 : 3;
  if (offset > empty_line)
    return offset == expected->length ? 5 : 4;
  const char *newline = memchr(seen + offset, '\n', seen_length - offset);
  bool field = newline && memmem(seen + offset, (size_t)(newline - seen) - offset, ": ", 2);
  return field ? 3 : 5; /* a header field too many; or no empty line */
}

static int count(const char *text, const char *words) {
  int found = 0;
  for (const char *place = text ? strstr(text, words) : NULL; place;
       place = strstr(place + 1, words))
    found++;
  return found;
}

/* While nothing comes, the program has printed more responses than are complete, or has left. */
struct patience {
  struct peer *peer;
  int complete;
};

static bool is_impatient(void *argument) {
  const struct patience *patience = argument;
  const struct program *program = patience->peer->exchange->program;
  return count(program_stdout(program, NULL), ":status: ") > patience->complete ||
         patience->peer->closed_by_program || program_ended(program);
}

/* Nothing comes for a while, and only that many responses are complete: the program must wait for
 * `event`. It may say goodbye before only to a server that has done so. */
static void expect_patience(struct peer *peer, int complete, const char *event) {
  struct exchange *exchange = peer->exchange;
  struct patience patience = {peer, complete};
  char expected[128];
  exchange->finding.todo_of_place = CLOSE_TODO;
  if (!peer->goaway_sent)
    peer_expect_patience(peer, event);
  else
    exchange_pause(exchange, is_impatient, &patience);
  snprintf(expected, sizeof expected, "nothing before %s", event);
  if (is_impatient(&patience)) {
    bool printed = count(program_stdout(exchange->program, NULL), ":status: ") > complete;
    exchange_fail_at(exchange, -1, expected,
                     printed ? "a response is printed" : "the end of the connection", "%s",
                     printed ? "prints-before-end-of-response| Your program prints a response "
                               "before its end has come: only END_STREAM is the end."
                             : "leaves-after-goaway| Your program ends the connection after the "
                               "GOAWAY, though a response that it still covers has not ended.");
  }
  exchange->finding.todo_of_place = 0;
}

/* Whether the program has put two bodies, of which it has received pieces in turn, into one: it
 * prints neither as it came, and no header lines between their beginnings. */
static bool are_mixed(const struct exchange *exchange, const struct buffer *one,
                      const struct buffer *other) {
  enum { SAME = 8 };
  size_t length;
  const char *seen = program_stdout(exchange->program, &length);
  const char *first = memmem(seen, length, one->bytes, SAME);
  const char *second = memmem(seen, length, other->bytes, SAME);
  if (!first || !second || memmem(seen, length, one->bytes, one->length) ||
      memmem(seen, length, other->bytes, other->length))
    return false;
  const char *begin = first < second ? first : second;
  return !memmem(begin, (size_t)(first < second ? second - first : first - second), ":status: ", 9);
}

static const char MIXED_UP[] = "bodies-streams-interleaved-not-kept| Your program mixes up the "
                               "bodies of interleaved streams: each piece belongs to the request "
                               "of its stream_id.";

static const char END_OF_RESPONSE[] = "END_STREAM of the response";

/* All is done: goodbye, which a server that has said goodbye itself need not hear. */
static void expect_farewell(struct peer *peer) {
  if (peer->goaway_sent)
    peer_expect_close(peer);
  else
    peer_expect_goodbye(peer);
}

/* Goodbye, status 0, and this output; `what` is the sentence if the output differs. */
static void finish(struct exchange *exchange, struct peer *peer, struct buffer *output,
                   const char *what) {
  expect_farewell(peer);
  exchange_wait_for_end(exchange);
  long reset = peer_find_frame(peer, NGHTTP2_RST_STREAM, 0);
  if (reset >= 0)
    exchange_fail_at(exchange, reset, "a stream that the server ends", NULL,
                     "resets-stream-itself-one-callbacks| Your program resets the stream itself: "
                     "one of its callbacks has failed.");
  size_t length;
  const char *seen = program_stdout(exchange->program, &length);
  if (peer->returned_count == 1)
    exchange->finding.todo_of_place = todo_of_difference(seen, length, output);
  if (exchange->finding.todo_of_place == KEEP_TODO && length > output->length + 1)
    what =
        "prints-more-than-body| Your program prints more than the body: bytes that are not in it.";
  else if (peer->returned_count > 1 && count(seen, ":status:") < count(output->bytes, ":status:"))
    what = "header-lines-response-missing| The header lines of a response are missing.";
  exchange_expect_output(exchange, what, output->bytes, output->length);
  exchange->finding.todo_of_place = 0;
  exchange_expect_status(exchange, 0);
  buffer_free(output);
}

/* At least one line on standard error, each with the program's name, and status 1; one of them is
 * about `what`, a path or the URL, or about `other`. */
static void expect_failure(struct exchange *exchange, const char *what, const char *other) {
  exchange_expect_status(exchange, 1);
  const char *text = program_stderr(exchange->program, NULL);
  if (!*text)
    exchange_fail(exchange, "failed-not-say-standard-error| Your program failed, but did not say "
                            "why on standard error.");
  for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
    if (strncmp(line, "requests: ", strlen("requests: ")) != 0)
      exchange_fail_at(
          exchange, -1, "lines on standard error: \"requests: what: why\"", text,
          "error-without-program-name| The error does not begin with the program's name.");
  char lines[2][256];
  snprintf(lines[0], sizeof lines[0], "requests: %s: ", what);
  snprintf(lines[1], sizeof lines[1], "requests: %s: ", other);
  if (!strstr(text, lines[0]) && !strstr(text, lines[1]))
    exchange_fail_at(exchange, -1, lines[0], text,
                     "error-not-name-failed-request| The error does not name what failed: the path "
                     "of the request, or the URL of the connection.");
}

/* A request's body, as it should be: these pieces, one after the other. */
struct right_body {
  const char *bytes;
  size_t length;
  char *const *pieces;
  size_t count;
};

/* A place in it: in this piece, that far behind its beginning. */
struct piece_place {
  const char *piece;
  size_t length;
  size_t from;
};

/* The place of this byte, which the body has. At a boundary: the beginning of the next piece. */
static struct piece_place place_in(const struct right_body *body, size_t offset) {
  struct piece_place place = {body->bytes, body->length, offset};
  for (size_t i = 0; i < body->count; i++) {
    place = (struct piece_place){body->pieces[i], strlen(body->pieces[i]), offset};
    if (offset < place.length)
      break;
    offset -= place.length;
  }
  return place;
}

/* Whether a piece ends before this byte, or the body does. */
static bool is_end_of_piece(const struct right_body *body, size_t offset) {
  return offset > 0 && (offset == body->length || place_in(body, offset).from == 0);
}

/* Append what a body has from this byte on. */
static void quote_rest(struct buffer *text, const char *bytes, size_t length, size_t offset) {
  if (offset > 0)
    quote_append(text, "from byte %zu on: ", offset);
  if (offset < length)
    quote_text(text, bytes + offset, length - offset);
  else
    quote_append(text, "nothing");
}

/* Whether the body has the beginning of this piece at that byte, and not by chance. */
static bool begins_at(const struct buffer *seen, size_t offset, const char *piece, size_t length) {
  enum { SAME = 8 };
  return length >= SAME && seen->length >= offset + SAME &&
         memcmp(seen->bytes + offset, piece, SAME) == 0;
}

/* Whether an earlier piece than the one at that byte comes there again. */
static bool earlier_comes_again(const struct right_body *body, const struct buffer *seen,
                                size_t offset) {
  const char *due = place_in(body, offset).piece;
  for (size_t i = 0; i < body->count && body->pieces[i] != due; i++)
    if (begins_at(seen, offset, body->pieces[i], strlen(body->pieces[i])))
      return true;
  return false;
}

/* Whether the body has something of this piece at that byte, but not its beginning. */
static bool comes_from_middle(const struct buffer *seen, size_t offset,
                              const struct piece_place *place) {
  enum { SAME = 8 };
  return place->length > SAME && seen->length >= offset + SAME &&
         memmem(place->piece + 1, place->length - 1, seen->bytes + offset, SAME);
}

/* The sentence for a body of which not even the first `right` bytes are all that is right. */
static const char *fault_of_body(const struct right_body *body, const struct buffer *seen,
                                 size_t right) {
  enum { CHANCE = 2 /* bytes that are the same by chance */ };
  for (size_t i = 0; i <= CHANCE && i <= right; i++) {
    struct piece_place place = place_in(body, right - i);
    if (place.from > 0 && begins_at(seen, right - i, place.piece, place.length))
      return "first-bytes-of-piece-again| After %zu bytes of the body, the first bytes of the same "
             "-d come again: the copy does not begin at the offset.";
    if (place.from > 0 || right == i)
      continue;
    if (earlier_comes_again(body, seen, right - i))
      return "piece-again-for-next| The body is right up to byte %zu, where the next -d begins: an "
             "earlier -d comes again in its place. Which piece do you copy?";
    if (comes_from_middle(seen, right - i, &place))
      return "body-wrong-at-next-piece| The body is right up to byte %zu, where the next -d "
             "begins: "
             "that one does not come from its first byte on.";
  }
  return "after-first-octets-requests-body| The request's body differs from -d after its first "
         "%zu bytes.";
}

/* AddressSanitizer fills new memory with this, up to 4096 bytes of it; the rest is mostly zero. */
enum { NEVER_WRITTEN = 0xbe, MANY = 4 };

/* How many bytes like this one there are from it on. */
static size_t run_length(const struct buffer *text, size_t offset) {
  size_t end = offset;
  while (end < text->length && text->bytes[end] == text->bytes[offset])
    end++;
  return end - offset;
}

/* No -d has NUL, or that byte: a body that has some has gone beyond the end of its piece, or has
 * bytes that the program has never written. */
static void expect_only_copied(struct exchange *exchange, const struct right_body *body,
                               const struct buffer *seen) {
  size_t right = common_length(seen->bytes, seen->length, body->bytes, body->length);
  size_t at = 0;
  struct buffer quoted = {0};
  while (at < seen->length && seen->bytes[at] && (uint8_t)seen->bytes[at] != NEVER_WRITTEN)
    at++;
  if (at == seen->length)
    return;
  quote_rest(&quoted, seen->bytes, seen->length, at);
  if (!seen->bytes[at] && run_length(seen, at) < MANY && right == at && is_end_of_piece(body, at))
    exchange_fail_at(
        exchange, -1, "no NUL", quoted.bytes,
        "body-beyond-end-of-piece| After %zu bytes of the request's body comes the NUL "
        "that ends a -d: your program reads beyond the end of it.",
        at);
  if (run_length(seen, at) < MANY)
    return;
  exchange_fail_at(
      exchange, -1, "only bytes of the -d", quoted.bytes, "%s",
      right == at
          ? "body-longer-than-copied| The request's body has bytes that your program has never "
            "written: the read callback returns more than it has copied."
          : "body-not-all-copied| The request's body has bytes that your program has never "
            "written: the read callback copies one -d over another, or returns more than it has "
            "copied.");
}

/* The body is wrong. The mistake is source.ptr if it is the request, and read_data takes it for the
 * client, as it was given. */
static void expect_right_source(struct exchange *exchange) {
  struct probe probe;
  if (!program_probe(exchange->program, &probe) || probe.source_of_session > 0 ||
      probe.source_of_stream == 0 || !trail_has(exchange, "struct client *client = source->ptr;"))
    return;
  finding_blame(&exchange->finding, REQUEST_TODO);
  exchange_fail(exchange,
                "source-of-another-type| source.ptr of your data provider is the user "
                "data of the stream; the read callback takes it for that of the session.");
}

/* Every byte of the body that has come is right, and none is missing; `what` is the sentence if it
 * is too short. */
static void expect_body_bytes(struct exchange *exchange, const struct right_body *body,
                              const struct buffer *seen, const char *what) {
  size_t right = common_length(seen->bytes, seen->length, body->bytes, body->length);
  if (right == seen->length && right == body->length)
    return;
  expect_right_source(exchange);
  struct buffer quoted[2] = {0};
  quote_rest(&quoted[0], body->bytes, body->length, right);
  quote_rest(&quoted[1], seen->bytes, seen->length, right);
  if (right < seen->length && right < body->length)
    what = fault_of_body(body, seen, right);
  else if (right < seen->length)
    what = "body-goes-on-too-long| After the %zu bytes of -d, the request's body goes on.";
  exchange_fail_at(exchange, -1, quoted[0].bytes, quoted[1].bytes, what, right);
}

/* The request has ended, and had these pieces as its body, joined in `body`. */
static void expect_body_of(struct peer *peer, int32_t stream_id, const char *body,
                           char *const *pieces, size_t count, const char *what) {
  struct exchange *exchange = peer->exchange;
  peer_expect_end_of_request(peer, stream_id);
  const struct buffer *seen = &peer_stream(peer, stream_id)->body;
  const struct right_body right = {body, strlen(body), pieces, count};
  expect_only_copied(exchange, &right, seen);
  expect_body_bytes(exchange, &right, seen, what);
  const char *length = peer_field(peer, stream_id, "content-length");
  if (length && strtoul(length, NULL, 10) != seen->length) {
    exchange->finding.section = "8.1.1";
    exchange_fail_at(exchange, peer_stream(peer, stream_id)->frame, NULL, NULL,
                     "content-length-wrong| content-length is %s, but the body has %zu bytes: the "
                     "request is malformed.",
                     length, seen->length);
  }
}

/* The same for one piece. */
static void expect_body(struct peer *peer, int32_t stream_id, char *body, const char *what) {
  expect_body_of(peer, stream_id, body, &body, 1, what);
}

/* --- Requests --------------------------------------------------------------------------------- */

CHECK(lab02, get, .points = 1, .todo = 1, .section = "8.3.1",
      .sentence = "a GET has its four pseudo-header fields, path and query untouched") {
  char path[128] = "/";
  exchange_random_text(exchange, path + 1, 10);
  strcat(path, "/a%20b//..?q=");
  exchange_random_text(exchange, path + strlen(path), 5);
  strcat(path, "&e=%2F?:@");
  char host[16]; /* which is not the address of localhost */
  snprintf(host, sizeof host, "127.0.0.%u", 2 + exchange_random(exchange, 250));
  exchange->host = host;
  peer_listen(exchange);
  exchange_start(exchange, "requests", url_of(exchange, path), NULL);
  struct peer *peer = peer_accept(exchange);
  peer_handshake(peer);
  int32_t stream_id = expect_get(peer, path);
  peer_expect_well_formed(peer, stream_id);
  expect_patience(peer, 0, "the response");
  exchange_earn(exchange);
  char body[LINE_SIZE];
  random_line(exchange, body);
  peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
  peer_send_body(peer, stream_id, body, strlen(body));
  struct buffer output = {0};
  append_plain(&output, body, strlen(body));
  finish(exchange, peer, &output,
         "response-not-printed-came| Your program does not print the response as it came.");
  exchange_expect_silence(exchange);
}

enum { POST_SIZE = 160 };

/* Words, and between them what means something to a form, to printf, to curl, to a shell; a line
 * break, and UTF-8: all of it is only bytes. None is NEVER_WRITTEN. */
static void draw_post_body(struct exchange *exchange, char body[POST_SIZE]) {
  static const char *const marks[] = {
      "%",   "%41", "+", "&", "=",        "\n",           " ",
      "\\n", "\"",  "'", "#", "\xc3\xbc", "\xe6\x97\xa5", "\xf0\x9f\x8c\x8d"};
  enum { MARKS = sizeof marks / sizeof marks[0], WORD = 6 };
  size_t order[MARKS];
  exchange_shuffle(exchange, order, MARKS);
  strcpy(body, "@"); /* no file's name */
  for (size_t i = 0; i < MARKS; i++) {
    exchange_random_text(exchange, body + strlen(body), 1 + exchange_random(exchange, WORD));
    strcat(body, marks[order[i]]);
  }
  exchange_random_text(exchange, body + strlen(body), 1 + exchange_random(exchange, WORD));
}

CHECK(lab02, post, .points = 1, .todo = 2, .section = "8.1",
      .sentence = "-d makes a POST with that body, ended by END_STREAM") {
  char path[PATH_SIZE];
  char body[POST_SIZE];
  draw_post_body(exchange, body);
  exchange->host = "::1"; /* :authority has it in brackets */
  peer_listen(exchange);
  draw_path(exchange, path, true);
  exchange_start(exchange, "requests", "-d", body, url_of(exchange, path), NULL);
  struct peer *peer = peer_accept(exchange);
  peer_handshake(peer);
  int32_t stream_id = expect_post(peer, path);
  peer_expect_well_formed(peer, stream_id);
  expect_body(peer, stream_id, body,
              "requests-body-not-d-says| The request's body differs from -d.");
  exchange_earn(exchange);
  peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
  peer_send_body(peer, stream_id, body, strlen(body));
  struct buffer output = {0};
  append_plain(&output, body, strlen(body));
  finish(exchange, peer, &output,
         "response-not-printed-came| Your program does not print the response as it came.");
}

enum { MOST_PIECES = 48, SHORT_PIECE = 20 };

/* Start `requests` with these -d, and take its connection. */
static struct peer *start_post(struct exchange *exchange, char *const *pieces, size_t count) {
  const char *arguments[2 * MOST_PIECES + 2] = {NULL};
  char path[PATH_SIZE];
  for (size_t i = 0; i < count; i++) {
    arguments[2 * i] = "-d";
    arguments[2 * i + 1] = pieces[i];
  }
  random_path(exchange, path);
  listen_anywhere(exchange);
  arguments[2 * count] = url_of(exchange, path);
  exchange_start_with(exchange, "requests", arguments);
  return peer_accept(exchange);
}

/* `count` texts, 4 at least, one after the other in `all`: the first and the third have something,
 * the second and the last are empty, others by chance. Join them in `body`. */
static void random_pieces(struct exchange *exchange, char all[MOST_PIECES][SHORT_PIECE + 1],
                          char **pieces, size_t count, char *body) {
  *body = '\0';
  for (size_t i = 0; i < count; i++) {
    bool is_empty = i == 1 || i == count - 1 || (i > 2 && exchange_random(exchange, 4) == 0);
    size_t length = is_empty ? 0 : 10 + exchange_random(exchange, SHORT_PIECE - 10);
    pieces[i] = exchange_random_text(exchange, all[i], length);
    strcat(body, pieces[i]);
  }
}

CHECK(lab02, post_pieces, .points = 1, .todo = 2, .section = "8.1",
      .sentence = "several -d, an empty one among them, make one body") {
  char all[MOST_PIECES][SHORT_PIECE + 1];
  char *pieces[MOST_PIECES];
  char body[MOST_PIECES * SHORT_PIECE + 1];
  size_t count = 4 + exchange_random(exchange, 10);
  random_pieces(exchange, all, pieces, count, body);
  struct peer *peer = start_post(exchange, pieces, count);
  peer_handshake(peer);
  int32_t stream_id = expect_post(peer, asked_path(exchange));
  expect_body_of(
      peer, stream_id, body, pieces, count,
      "requests-body-not-all-d| The request's body is not all the -d, one after the other.");
  exchange_earn(exchange);
  peer_send_headers(peer, stream_id, true, ":status", "200", NULL);
  struct buffer output = {0};
  append_plain(&output, "", 0);
  finish(exchange, peer, &output,
         "response-not-printed-came| Your program does not print the response as it came.");
}

CHECK(lab02, post_empty, .points = 1, .todo = 2, .section = "8.1",
      .sentence = "a single empty -d makes a POST with an empty body that ends") {
  struct peer *peer = start_post(exchange, (char *[]){""}, 1);
  peer_handshake(peer);
  int32_t stream_id = expect_post(peer, asked_path(exchange));
  peer_expect_end_of_request(peer, stream_id);
  if (peer_stream(peer, stream_id)->body.length != 0)
    exchange_fail(exchange, "requests-body-not-empty-d| The request has a body, but -d is empty.");
  exchange_earn(exchange);
  peer_send_headers(peer, stream_id, true, ":status", "204", NULL);
  struct buffer output = {0};
  buffer_append_text(&output, ":status: 204\n\n");
  finish(exchange, peer, &output,
         "response-not-printed-came| Your program does not print the response as it came.");
}

/* How much of the windows the program has used up: padding counts too (RFC 9113, section 6.9.1). */
static size_t window_used(const struct peer *peer) {
  const struct recording *recording = &peer->exchange->recording;
  size_t used = 0;
  for (size_t i = 0; i < recording->count; i++) {
    const struct recorded *entry = &recording->entries[i];
    const struct frame *frame = entry->frame;
    if (frame && entry->connection == peer->connection && frame->sender == peer->program &&
        frame->type == NGHTTP2_DATA)
      used += frame->length;
  }
  return used;
}

/* The program has used up its windows and sleeps; or it has sent more than it may. */
static bool is_blocked(void *argument) {
  struct peer *peer = argument;
  size_t used = window_used(peer);
  return used > NGHTTP2_INITIAL_WINDOW_SIZE ||
         (used == NGHTTP2_INITIAL_WINDOW_SIZE && exchange_idle(peer->exchange) > 0);
}

/* The program must send what the windows allow, and then wait. */
static void expect_blocked(struct peer *peer, int32_t stream_id) {
  if (!exchange_await(peer->exchange, is_blocked, peer) ||
      window_used(peer) > NGHTTP2_INITIAL_WINDOW_SIZE) {
    char seen[64];
    expect_right_source(peer->exchange);
    snprintf(seen, sizeof seen, "%zu bytes of DATA%s", window_used(peer),
             peer_stream(peer, stream_id)->ended ? ", and END_STREAM" : "");
    peer->exchange->finding.section = "6.9.1";
    peer->exchange->finding.todo_of_place = BODY_TODO;
    exchange_fail_at(peer->exchange, -1, "65,535 bytes of DATA, as the windows allow, then a pause",
                     seen, "%s",
                     peer_stream(peer, stream_id)->ended
                         ? "body-ends-too-early| Your program ends the request's body before it "
                           "has sent all of it."
                         : "not-send-flow-control-windows| Your program does not send as much as "
                           "the flow-control windows allow.");
  }
}

/* A body of many -d, all of one length. */
struct large_body {
  char *bytes; /* all of them */
  char *pieces[MOST_PIECES];
  size_t count;
  size_t piece; /* how long each is */
  size_t length;
};

/* 1 to 1.2 MiB, in 17 to 48 pieces. */
static void make_large_body(struct exchange *exchange, struct large_body *large) {
  enum { FEWEST = 17 };
  large->count = FEWEST + exchange_random(exchange, MOST_PIECES - FEWEST + 1);
  large->piece = (MEBIBYTE + exchange_random(exchange, MEBIBYTE / 5)) / large->count + 1;
  large->length = large->count * large->piece;
  large->bytes = malloc(large->length + 1);
  if (!large->bytes)
    exchange_fault(exchange, "out of memory");
  exchange_random_text(exchange, large->bytes, large->length);
  for (size_t i = 0; i < large->count; i++) {
    large->pieces[i] = strndup(large->bytes + i * large->piece, large->piece);
    if (!large->pieces[i])
      exchange_fault(exchange, "out of memory");
  }
}

static void free_large_body(struct large_body *large) {
  for (size_t i = 0; i < large->count; i++)
    free(large->pieces[i]);
  free(large->bytes);
}

/* The stream of an upload, and how long its body should be. */
struct upload {
  const struct peer_stream *stream;
  size_t length;
};

static bool has_ended_or_is_too_long(void *argument) {
  const struct upload *upload = argument;
  const struct peer_stream *stream = upload->stream;
  return stream->ended || stream->reset || stream->body.length > upload->length;
}

/* All of the body comes, now that the windows are open, and END_STREAM after it. */
static void expect_large_body(struct peer *peer, int32_t stream_id,
                              const struct large_body *large) {
  struct exchange *exchange = peer->exchange;
  struct upload upload = {peer_stream(peer, stream_id), large->length};
  const struct buffer *body = &peer_stream(peer, stream_id)->body;
  const struct right_body right = {large->bytes, large->length, large->pieces, large->count};
  char expected[64];
  snprintf(expected, sizeof expected, "END_STREAM after %zu bytes of DATA", large->length);
  exchange_await(exchange, has_ended_or_is_too_long, &upload);
  expect_only_copied(exchange, &right, body);
  if (body->length > large->length)
    exchange_fail_at(exchange, -1, expected, "more DATA",
                     "body-goes-after-last-byte| Your program sends more than the body: it sends "
                     "some bytes again.");
  peer_expect_end_of_request(peer, stream_id);
  expect_body_bytes(exchange, &right, body,
                    "body-1-048-576-bytes| The body did not arrive whole: %zu bytes came.");
}

CHECK(lab02, post_large, .points = 1, .todo = 2, .section = "6.9.1",
      .sentence = "a body of 1 MiB waits for windows that the server opens late") {
  static struct large_body large; /* static: kept if the check fails */
  make_large_body(exchange, &large);
  struct peer *peer = start_post(exchange, large.pieces, large.count);
  peer->hold_windows = true;
  peer_handshake(peer);
  int32_t stream_id = expect_post(peer, asked_path(exchange));
  expect_blocked(peer, stream_id);
  peer_send_window_update(peer, 0, 2 * MEBIBYTE);
  /* The rest of a piece, and a few bytes of the next. */
  size_t sent = NGHTTP2_INITIAL_WINDOW_SIZE % large.piece;
  peer_send_window_update(peer, stream_id,
                          (uint32_t)(large.piece - sent + 1 + exchange_random(exchange, 20)));
  peer_settle(peer);
  peer_send_window_update(peer, stream_id, 2 * MEBIBYTE);
  expect_large_body(peer, stream_id, &large);
  free_large_body(&large);
  exchange_earn(exchange);
  peer_send_headers(peer, stream_id, true, ":status", "204", NULL);
  struct buffer output = {0};
  buffer_append_text(&output, ":status: 204\n\n");
  finish(exchange, peer, &output,
         "response-not-printed-came| Your program does not print the response as it came.");
}

/* Both directions of a stream are open at once: the response begins while the body
 * waits for the windows. */
CHECK(lab02, duplex, .points = 1, .todo = 5, .section = "8.1",
      .sentence = "the response begins while the body is still being sent: both arrive whole") {
  enum { SIZE = 100000 };
  static char body[SIZE + 1];
  char first[32];
  char last[32];
  exchange_random_text(exchange, body, SIZE);
  exchange_random_text(exchange, first, 20);
  exchange_random_text(exchange, last, 20);
  struct peer *peer = start_post(exchange, (char *[]){body}, 1);
  peer->hold_windows = true;
  peer_handshake(peer);
  int32_t stream_id = expect_post(peer, asked_path(exchange));
  expect_blocked(peer, stream_id);
  peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
  peer_send_data(peer, stream_id, first, strlen(first), false);
  peer_settle(peer);
  peer_send_window_update(peer, 0, MEBIBYTE);
  peer_send_window_update(peer, stream_id, MEBIBYTE);
  expect_body(
      peer, stream_id, body,
      "body-not-sent-end-once| Your program stops sending the body once the response has begun.");
  peer_send_data(peer, stream_id, last, strlen(last), true);
  struct buffer output = {0};
  buffer_append_text(&output, ":status: 200\n\n");
  buffer_append(&output, first, strlen(first));
  exchange_append_body(&output, last, strlen(last));
  finish(exchange, peer, &output,
         "response-began-early-not-printed| Your program does not print a response that began "
         "early as it came.");
}

/* --- Responses -------------------------------------------------------------------------------- */

enum { FEWEST_FIELDS = 300, MOST_FIELDS = 400, LONG_NAME = 100, VALUE_SIZE = 40000 };

/* Random header fields, and what is printed for them. */
struct fields {
  nghttp2_nv fields[MOST_FIELDS];
  size_t count;
  char names[MOST_FIELDS][NAME_SIZE];
  char values[MOST_FIELDS][NAME_SIZE];
  char long_name[LONG_NAME + 1];
  char cookie[VALUE_SIZE + 1];
  struct buffer lines;
};

static void add_field(struct fields *fields, const char *name, const char *value) {
  fields->fields[fields->count++] = field_make(name, value);
  buffer_append_text(&fields->lines, name);
  buffer_append_text(&fields->lines, ": ");
  buffer_append_text(&fields->lines, value);
  buffer_append_text(&fields->lines, "\n");
}

/* Put into a value what it may have besides letters, but neither first nor last: blanks, tabs,
 * colons, and bytes that are not ASCII (RFC 9110, section 5.5). */
static void add_marks(struct exchange *exchange, char *value) {
  static const char marks[] = " \t:;,=\"\\%\x80\xe9\xff";
  const uint32_t inner = (uint32_t)strlen(value) - 2;
  for (size_t i = 0; i < 2; i++)
    value[1 + exchange_random(exchange, inner)] =
        marks[exchange_random(exchange, sizeof marks - 1)];
}

/* :status and 300 to 400 fields: some have names that occur twice, or empty values; the value of
 * one is long, and the name of one. Every third value has more than letters. */
static void make_fields(struct exchange *exchange, struct fields *fields) {
  enum { LEAST = 17000 };
  size_t count = FEWEST_FIELDS + exchange_random(exchange, MOST_FIELDS - FEWEST_FIELDS);
  size_t cookie_at = 1 + exchange_random(exchange, (uint32_t)count - 2);
  size_t long_at = cookie_at > 2 ? cookie_at - 1 : cookie_at + 1;
  exchange_random_text(exchange, fields->long_name, 60 + exchange_random(exchange, LONG_NAME - 59));
  exchange_random_text(exchange, fields->cookie,
                       LEAST + exchange_random(exchange, VALUE_SIZE - LEAST + 1));
  add_field(fields, ":status", "200");
  for (size_t i = 1; i < count; i++) {
    random_name(exchange, fields->names[i]);
    exchange_random_text(exchange, fields->values[i], 4 + exchange_random(exchange, 20));
    if (i % 3 == 0)
      add_marks(exchange, fields->values[i]);
    if (i == cookie_at)
      add_field(fields, "set-cookie", fields->cookie);
    else if (i == long_at)
      add_field(fields, fields->long_name, fields->values[i]);
    else if (i == 1)
      add_field(fields, "content-type", "text/plain; charset=utf-8");
    else if (i % 8 == 3)
      add_field(fields, fields->names[i - 1], fields->values[i]);
    else
      add_field(fields, fields->names[i], i % 8 == 5 ? "" : fields->values[i]);
  }
}

/* Send these fields as HEADERS and CONTINUATION, the first of any length. */
static void send_fields(struct peer *peer, int32_t stream_id, const struct fields *fields) {
  enum { BLOCK_SIZE = 64 * 1024, FRAME_SIZE = 16384 };
  static uint8_t block[BLOCK_SIZE];
  ssize_t length =
      nghttp2_hd_deflate_hd(peer->deflater, block, sizeof block, fields->fields, fields->count);
  if (length < 0)
    exchange_fault(peer->exchange, nghttp2_strerror((int)length));
  size_t left = (size_t)length;
  const uint32_t most = left > FRAME_SIZE ? FRAME_SIZE : (uint32_t)left - 1;
  size_t piece = 1 + exchange_random(peer->exchange, most);
  peer_send_frame(peer, NGHTTP2_HEADERS, 0, stream_id, block, piece);
  for (const uint8_t *next = block + piece; (left -= piece) > 0; next += piece) {
    piece = left < FRAME_SIZE ? left : FRAME_SIZE;
    peer_send_frame(peer, NGHTTP2_CONTINUATION, piece == left ? NGHTTP2_FLAG_END_HEADERS : 0,
                    stream_id, next, piece);
  }
}

CHECK(lab02, headers, .points = 1, .todo = 3, .section = "8.3.2",
      .sentence = "the response's header fields in order, an empty line, the body") {
  static struct fields fields;
  char body[LINE_SIZE];
  random_line(exchange, body);
  make_fields(exchange, &fields);
  int32_t stream_id;
  struct peer *peer = start_request(exchange, &stream_id);
  send_fields(peer, stream_id, &fields);
  peer_send_body(peer, stream_id, body, strlen(body));
  buffer_append_text(&fields.lines, "\n");
  buffer_append_text(&fields.lines, body);
  finish(exchange, peer, &fields.lines,
         "header-fields-empty-line-body| Your program does not print the header fields, the empty "
         "line and the body as they came.");
}

CHECK(lab02, binary, .points = 1, .todo = 4, .section = "6.1",
      .sentence = "a body of any bytes, NUL among them, is printed unchanged") {
  size_t length = 4000 + exchange_random(exchange, 2000);
  char *body = random_bytes(exchange, length);
  body[0] = body[100] = body[length - 1] = '\0'; /* so a newline is printed behind it */
  size_t late = exchange_random(exchange, 3);    /* bytes with END_STREAM: often none */
  int32_t stream_id;
  struct peer *peer = start_request(exchange, &stream_id);
  peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
  peer_send_data(peer, stream_id, body, length - late, false);
  expect_patience(peer, 0, END_OF_RESPONSE);
  peer_send_data(peer, stream_id, body + length - late, late, true);
  struct buffer output = {0};
  append_plain(&output, body, length);
  finish(exchange, peer, &output,
         "body-not-printed-octet-octet| Your program does not print the body byte for byte.");
  free(body);
}

CHECK(lab02, empty, .points = 1, .todo = 5, .section = "8.1",
      .sentence = "a response without a body, such as 304: END_STREAM in its HEADERS") {
  char status[16];
  int32_t stream_id;
  struct peer *peer = start_request(exchange, &stream_id);
  snprintf(status, sizeof status, "%u", 300 + exchange_random(exchange, 300));
  peer_send_headers(peer, stream_id, true, ":status", status, NULL);
  struct buffer output = {0};
  buffer_append_text(&output, ":status: ");
  buffer_append_text(&output, status);
  buffer_append_text(&output, "\n\n");
  finish(exchange, peer, &output,
         "response-without-body-not-printed| Your program does not print a response without a body "
         "as its header fields and an empty line.");
}

/* A status with which a body may come. */
static uint32_t draw_status(struct exchange *exchange) {
  enum { FIRST = 200, COUNT = 400, NO_CONTENT = 204, RESET_CONTENT = 205 };
  uint32_t status;
  do
    status = FIRST + exchange_random(exchange, COUNT);
  while (status == NO_CONTENT || status == RESET_CONTENT || status == NOT_MODIFIED);
  return status;
}

/* Answer a request with this status, and add to `output` what is printed: as for any other. */
static void answer_with_status(struct peer *peer, int32_t stream_id, uint32_t status,
                               struct buffer *output) {
  char text[16];
  char body[LINE_SIZE] = "";
  bool has_body = status != NOT_MODIFIED; /* RFC 9110, section 15.4.5 */
  snprintf(text, sizeof text, "%u", status);
  if (has_body)
    random_line(peer->exchange, body);
  peer_send_headers(peer, stream_id, !has_body, ":status", text, NULL);
  if (has_body)
    peer_send_body(peer, stream_id, body, strlen(body));
  buffer_append_text(output, ":status: ");
  buffer_append_text(output, text);
  buffer_append_text(output, "\n\n");
  buffer_append_text(output, body);
}

/* A program that has printed the successful response has printed the others, too. */
static void expect_statuses_printed(struct exchange *exchange, const uint32_t *statuses,
                                    size_t count, uint32_t success) {
  const char *seen = program_stdout(exchange->program, NULL);
  char line[32];
  snprintf(line, sizeof line, ":status: %u\n", success);
  for (size_t i = 0; i < count && strstr(seen, line); i++) {
    char expected[32];
    snprintf(expected, sizeof expected, ":status: %u\n", statuses[i]);
    if (!strstr(seen, expected))
      exchange_fail_at(exchange, -1, expected, "no such line",
                       "response-status-500-not-printed| Your program does not print a response "
                       "with an error status like any other.");
  }
}

CHECK(lab02, error_status, .points = 1, .todo = 5, .section = "8.3.2",
      .sentence = "a response with status 404, 500, 3xx ... is printed like any other") {
  const uint32_t statuses[] = {
      500 + exchange_random(exchange, 100), 404,          400 + exchange_random(exchange, 100),
      300 + exchange_random(exchange, 4),   NOT_MODIFIED, 305 + exchange_random(exchange, 95)};
  const uint32_t success = 201 + exchange_random(exchange, 3);
  enum { COUNT = sizeof statuses / sizeof statuses[0] };
  static struct gets gets;
  struct peer *peer = start_gets(exchange, COUNT + 1, &gets);
  struct buffer output = {0};
  for (size_t i = 0; i < COUNT; i++)
    answer_with_status(peer, gets.streams[i], statuses[i], &output);
  answer_with_status(peer, gets.streams[COUNT], success, &output);
  peer_expect_goodbye(peer);
  exchange_wait_for_end(exchange);
  expect_statuses_printed(exchange, statuses, COUNT, success);
  finish(exchange, peer, &output,
         "response-status-500-not-printed| Your program does not print a response with an error "
         "status like any other.");
}

/* Status 102 to 199: 101 is not for HTTP/2 (RFC 9113, section 8.6). */
static void send_informational(struct peer *peer, int32_t stream_id) {
  char status[16];
  char name[NAME_SIZE];
  snprintf(status, sizeof status, "%u", 102 + exchange_random(peer->exchange, 98));
  random_name(peer->exchange, name);
  peer_send_headers(peer, stream_id, false, ":status", status, name, "early", NULL);
}

CHECK(lab02, informational, .points = 1, .todo = 3, .section = "8.1",
      .sentence = "103 (Early Hints) is not taken for the final response") {
  int32_t stream_id;
  struct peer *peer = start_request(exchange, &stream_id);
  char name[NAME_SIZE];
  char value[LINE_SIZE];
  char body[LINE_SIZE];
  peer_send_headers(peer, stream_id, false, ":status", "103", "link", "</style.css>", NULL);
  for (uint32_t more = 1 + exchange_random(exchange, 3); more > 0; more--)
    send_informational(peer, stream_id);
  expect_patience(peer, 0, "the final response");
  random_name(exchange, name);
  exchange_random_text(exchange, value, 4 + exchange_random(exchange, 8));
  random_line(exchange, body);
  peer_send_headers(peer, stream_id, false, ":status", "200", name, value, NULL);
  peer_send_body(peer, stream_id, body, strlen(body));
  struct buffer output = {0};
  append_named(&output, name, value, body);
  peer_expect_goodbye(peer);
  exchange_wait_for_end(exchange);
  const char *seen = program_stdout(exchange->program, NULL);
  finish(exchange, peer, &output,
         strstr(seen, "103\n") && strstr(seen, "200\n")
             ? "fields-of-103-kept| Your program prints the fields of the 103 before those of the "
               "final response."
         : strstr(seen, "200\n") && !strstr(seen, "early") && strstr(seen, body)
             ? "response-not-printed-came| Your program does not print the response as it came."
             : "103-not-told-from-final| Your program takes the 103 for the final response.");
}

/* Start many GETs, more than a client of nghttp2 sends before it has SETTINGS, on a connection that
 * allows few at once (RFC 9113, section 5.1.2). They may come before the client has read that. */
static struct peer *start_few_at_once(struct exchange *exchange, struct gets *gets) {
  struct peer *peer = begin_gets(exchange, 105 + exchange_random(exchange, 60), gets);
  const nghttp2_settings_entry few[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1 + exchange_random(exchange, 5)}};
  peer_expect_open(peer);
  peer_send_settings(peer, few, 1);
  peer_expect_preface(peer);
  return peer;
}

/* How many responses are printed with this body, with nothing but :status before it, or with this
 * last value. */
static int count_printed(const char *text, const char *value, const char *body) {
  static const char status[] = "\n:status: 200";
  char end[LINE_SIZE + 4];
  int found = 0;
  snprintf(end, sizeof end, "\n\n%s", body);
  for (const char *next = text; (next = strstr(next, end)); next++) {
    size_t before = (size_t)(next - text);
    size_t length = value ? strlen(value) : strlen(status) - 1;
    if (before < length)
      continue;
    found += value ? memcmp(next - length, value, length) == 0
                   : memcmp(next - length, status + 1, strlen(":status: ")) == 0;
  }
  return found;
}

/* The fields of trailers have taken the place of those of their response: in which responses? */
static const char *fault_of_replaced(const char *seen, const char *expected, const char *value,
                                     const char *body) {
  static const char ok[] = ":status: 200\n";
  if (count(seen, ok) == count(expected, ok))
    return "trailers-known-after-200-only| Your program knows trailers only after status 200: "
           "after "
           "another final status, their fields replace those of the response.";
  if (count(seen, ":status: ") - count(seen, ok) ==
      count(expected, ":status: ") - count(expected, ok))
    return "trailers-not-known-after-200| Your program does not know trailers after status 200: "
           "their fields replace those of the response. When is a response final?";
  if (count_printed(seen, NULL, body) < count_printed(expected, NULL, body))
    return "trailers-replace-fields| Your program does not know trailers: their fields replace "
           "those of the response. When is a response final, and is request->status the number "
           "that :status has?";
  if (count_printed(seen, value, body) < count_printed(expected, value, body))
    return "trailers-replace-other-fields| Your program does not know trailers if the response has "
           "fields besides :status: their fields replace those of the response.";
  return "trailers-replace-without-body| Your program does not know trailers after an empty body: "
         "their fields replace those of the response.";
}

/* The sentence for a body or trailers that are not printed as they should be. */
static const char *fault_of_trailers(const char *seen, bool lost) {
  if (lost)
    return "body-lost-with-trailers| Your program loses the body when trailers come after it.";
  return strstr(seen, "behind")
             ? "trailers-not-told-from-header| Your program takes the trailers for header fields "
               "of the response."
             : "response-not-printed-came| Your program does not print the response as it came.";
}

CHECK(lab02, trailers, .points = 1, .todo = 3, .section = "8.1",
      .sentence = "trailers after the body are not printed as header fields") {
  static struct gets gets;
  struct peer *peer = start_few_at_once(exchange, &gets);
  char names[2][NAME_SIZE]; /* of a field, and of a trailer */
  char value[LINE_SIZE];
  char body[LINE_SIZE];
  random_name(exchange, names[0]);
  random_name(exchange, names[1]);
  exchange_random_text(exchange, value, 4 + exchange_random(exchange, 8));
  random_line(exchange, body);
  struct buffer output = {0};
  peer_send_padded(peer);
  for (size_t i = 0; i < gets.count; i++) { /* every second body is empty */
    int32_t stream_id = take_get(peer, &gets);
    bool named = i % 4 < 2; /* it has a field besides :status */
    char status[16];
    snprintf(status, sizeof status, "%u", i % 8 < 4 ? 200 : draw_status(exchange));
    peer_send_headers(peer, stream_id, false, ":status", status, named ? names[0] : NULL, value,
                      NULL);
    if (i % 2 == 0)
      peer_send_data(peer, stream_id, body, strlen(body), false);
    if (i + 1 == gets.count)
      expect_patience(peer, (int)i, "the trailers of the last response");
    peer_send_headers(peer, stream_id, true, names[1], "behind", NULL);
    append_response(&output, status, named ? names[0] : NULL, value, i % 2 == 0 ? body : "");
  }
  expect_gets(peer, &gets);
  peer_expect_goodbye(peer);
  exchange_wait_for_end(exchange);
  const char *seen = program_stdout(exchange->program, NULL);
  bool lost = !strstr(seen, body) && !strstr(seen, names[1]) &&
              count(seen, value) == count(output.bytes, value);
  if (strstr(seen, names[1]) && count(seen, ":status:") < count(output.bytes, ":status:"))
    exchange_expect_output(exchange, fault_of_replaced(seen, output.bytes, value, body),
                           output.bytes, output.length);
  finish(exchange, peer, &output, fault_of_trailers(seen, lost));
}

/* What a program did when it got no memory for a whole body. */
struct want_of_memory {
  bool went_on; /* as if there were enough */
  char seen[96];
};

/* A program that gets no memory for the whole body must not print a part of it as if it were the
 * whole. Programs that are linked with the probe get blocks of up to 1 MiB; all others may print
 * the response. Whether the program says what has failed is the subject of the check `lost`. */
static struct want_of_memory run_out_of_memory(struct exchange *exchange, const char *body) {
  const size_t length = MEBIBYTE + MEBIBYTE / 4;
  struct want_of_memory want = {.went_on = false};
  exchange->fails = "large allocations";
  int32_t stream_id;
  struct peer *peer = start_request(exchange, &stream_id);
  peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
  peer_send_body(peer, stream_id, body, length);
  exchange_wait_for_end(exchange);
  int code = -1;
  size_t printed;
  program_stdout(exchange->program, &printed);
  bool good = program_end(exchange->program, &code) == PROGRAM_EXITED && code == 0;
  bool whole = printed >= strlen(":status: 200\n\n") + length; /* and a newline, perhaps */
  bool crashed = strstr(program_sanitizer_report(exchange->program), "ERROR: ") != NULL;
  if (crashed && !exchange_has_failed_call(exchange)) /* it would crash with enough memory, too */
    exchange_fail(exchange,
                  "sanitizer-found-error| A sanitizer has found an error in your program.");
  want.went_on = crashed || (good && printed > 0 && !whole);
  snprintf(want.seen, sizeof want.seen, "%zu bytes on standard output; your program %s", printed,
           program_end_text(exchange->program));
  exchange->fails = NULL;
  return want;
}

/* A body that is being sent. */
struct sending {
  struct peer *peer;
  int32_t stream_id;
  const char *bytes;
  size_t length; /* that are not sent yet */
};

static size_t allowed(const struct sending *sending) {
  return peer_allowance(sending->peer, sending->stream_id, sending->length);
}

static bool may_send_any(void *argument) {
  const struct sending *both = argument;
  return allowed(&both[0]) > 0 || allowed(&both[1]) > 0 || !both->peer->transport;
}

/* Send two bodies, a frame of each in turn, as far as the windows allow. */
static void send_both(struct sending both[2]) {
  struct peer *peer = both->peer;
  while (peer->transport && both[0].length + both[1].length > 0) {
    if (!exchange_await(peer->exchange, may_send_any, both))
      exchange_fail_at(peer->exchange, -1, "WINDOW_UPDATE for the connection and for both streams",
                       NULL,
                       "never-opens-flow-control-windows| Your program never opens its "
                       "flow-control windows again.");
    for (int i = 0; i < 2; i++) {
      size_t length = allowed(&both[i]);
      if (length == 0)
        continue;
      both[i].length -= length;
      peer_send_data(peer, both[i].stream_id, both[i].bytes, length, both[i].length == 0);
      both[i].bytes += length;
    }
  }
}

/* Two large responses at once, together this body, and the shorter one ends first. */
static void expect_both_printed(struct exchange *exchange, const char *body, size_t length) {
  static struct gets gets;
  struct peer *peer = start_gets(exchange, 3, &gets);
  int shorter = exchange_random(exchange, 2) == 0 ? 1 : 2; /* not the first stream */
  size_t cut = MEBIBYTE + exchange_random(exchange, MEBIBYTE / 2);
  struct sending both[2] = {{peer, gets.streams[shorter], body, cut},
                            {peer, gets.streams[3 - shorter], body + cut, length - cut}};
  struct buffer output = {0};
  for (int i = 0; i < 3; i++)
    peer_send_headers(peer, gets.streams[i], i == 0, ":status", "200", NULL);
  append_plain(&output, "", 0);
  append_plain(&output, body, cut);
  append_plain(&output, body + cut, length - cut);
  send_both(both);
  peer_expect_goodbye(peer);
  exchange_wait_for_end(exchange);
  bool mixed = are_mixed(exchange, &(struct buffer){.bytes = (char *)body, .length = cut},
                         &(struct buffer){.bytes = (char *)body + cut, .length = length - cut});
  if (mixed)
    finding_blame(&exchange->finding, KEEP_TODO);
  finish(exchange, peer, &output,
         mixed ? MIXED_UP
               : "body-4-mib-not-printed| Your program does not print a body of more than 1 MiB as "
                 "it came.");
}

CHECK(lab02, large, .points = 1, .todo = 4, .section = "6.9",
      .sentence = "responses of 4 MiB or more arrive whole: the client opens its windows again") {
  const size_t length = 4 * MEBIBYTE + exchange_random(exchange, MEBIBYTE);
  char *body = random_bytes(exchange, length);
  struct want_of_memory want = run_out_of_memory(exchange, body);
  expect_both_printed(exchange, body, length);
  free(body);
  exchange->finding.section = "";
  if (want.went_on)
    exchange_fail_at(exchange, -1, "an error, and nothing of the response", want.seen,
                     "too-little-memory-body-goes| Without enough memory for the body, your "
                     "program goes on as if it had all of it: what does buffer_append return?");
}

CHECK(lab02, slowly, .points = 1, .todo = 3, .section = "4.1",
      .sentence = "the response may arrive one byte at a time") {
  int32_t stream_id;
  struct peer *peer = start_request(exchange, &stream_id);
  char name[NAME_SIZE];
  char value[LINE_SIZE];
  char body[LINE_SIZE];
  random_name(exchange, name);
  exchange_random_text(exchange, value, 4 + exchange_random(exchange, 8));
  random_line(exchange, body);
  peer_send_slowly(peer);
  peer_send_goaway(peer, exchange_random(exchange, 2) == 0 ? stream_id : INT32_MAX,
                   NGHTTP2_NO_ERROR); /* it covers the request */
  peer_send_headers(peer, stream_id, false, ":status", "200", name, value, NULL);
  peer_send_data(peer, stream_id, body, 4, false);
  peer_send_data(peer, stream_id, body + 4, strlen(body) - 4, true);
  peer_send_quickly(peer);
  struct buffer output = {0};
  append_named(&output, name, value, body);
  peer_expect_close(peer);
  exchange_wait_for_end(exchange);
  finish(exchange, peer, &output,
         *program_stdout(exchange->program, NULL)
             ? "response-arrives-pieces-not-put| Your program does not put together a response "
               "that arrives in pieces."
             : "response-goaway-still-covers-not| Your program does not print a response that the "
               "GOAWAY still covers.");
}

/* --- Many on one connection ------------------------------------------------------------------- */

/* Whether the program has printed more than that. */
struct printing {
  struct exchange *exchange;
  size_t length;
};

static bool has_printed_more(void *argument) {
  const struct printing *printing = argument;
  size_t length;
  program_stdout(printing->exchange->program, &length);
  return length > printing->length;
}

/* Send this response to one of many requests, and return when the program has read it; with
 * `waits`, when it has printed it, too: false if it does not. */
static bool answer_one(struct peer *peer, int32_t stream_id, const char *body, bool waits) {
  struct printing printing = {peer->exchange, 0};
  program_stdout(peer->exchange->program, &printing.length);
  peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
  peer_send_body(peer, stream_id, body, strlen(body));
  peer_settle(peer);
  return !waits || exchange_await(peer->exchange, has_printed_more, &printing);
}

CHECK(lab02, at_once, .points = 1, .todo = 1, .section = "5",
      .sentence = "all requests are sent at once: the server answers when it has all of them") {
  static struct gets gets;
  size_t count = SO_MANY + exchange_random(exchange, 51); /* the handshake allows 100 */
  struct peer *peer = start_gets(exchange, count, &gets);
  exchange_earn(exchange);
  struct buffer output = {0};
  bool prints_each = true;
  for (size_t answered = 0; answered < count; answered++) {
    /* The last first, but for one: whoever looks only at the last request notices. */
    size_t i = answered < 2 ? count - 2 + answered : count - 1 - answered;
    char body[32];
    exchange_random_text(exchange, body, 10 + exchange_random(exchange, 20));
    append_plain(&output, body, strlen(body));
    if (answered + 1 == count)
      expect_patience(peer, (int)answered, "the last response");
    prints_each = answer_one(peer, gets.streams[i], body, prints_each) && prints_each;
    if (answered == 0 && peer_find_frame(peer, NGHTTP2_GOAWAY, 0) >= 0) {
      exchange->finding.todo_of_place = CLOSE_TODO;
      exchange_fail_at(exchange, -1, "GOAWAY after the last response", "GOAWAY after the first",
                       "says-goodbye-after-first| Your program says goodbye after the first "
                       "response that ends, though it waits for others.");
    }
    if (answered + 1 < count && peer_find_frame(peer, NGHTTP2_GOAWAY, 0) >= 0)
      exchange_fail_at(exchange, -1, "GOAWAY after the last response", "GOAWAY before it",
                       "says-goodbye-before-all-responses| Your program says goodbye before all "
                       "responses have come.");
  }
  finish(exchange, peer, &output,
         "responses-not-printed-completes| Your program does not print each response as it "
         "completes.");
  exchange->finding.todo_of_place = 5;
  if (!prints_each)
    exchange_fail(exchange, "response-printed-late| Your program does not print a response when it "
                            "is complete, but later.");
}

enum { MOST_AT_ONCE = 8, ROUNDS = 8, PIECE = 11 };

/* A response that comes at the same time as others. */
struct part {
  char status[16];
  char name[NAME_SIZE];
  char value[LINE_SIZE];
  char body[ROUNDS * PIECE + 1];
  bool has_early; /* a 103 before it */
  bool has_trailers;
};

/* Some have all, so that it is never by chance that a program passes. */
static void draw_part(struct exchange *exchange, struct part *part, bool has_all) {
  snprintf(part->status, sizeof part->status, "%u", draw_status(exchange));
  random_name(exchange, part->name);
  exchange_random_text(exchange, part->value, 4 + exchange_random(exchange, 20));
  exchange_random_text(exchange, part->body, ROUNDS * PIECE);
  part->has_early = has_all || exchange_random(exchange, 2) == 0;
  part->has_trailers = has_all || exchange_random(exchange, 2) == 0;
}

/* All header blocks come before the first DATA. */
static void send_at_once(struct peer *peer, const int32_t *streams, const struct part *parts,
                         size_t parts_count) {
  for (size_t i = 0; i < parts_count; i++)
    if (parts[i].has_early)
      peer_send_headers(peer, streams[i], false, ":status", "103", "link", "early", NULL);
  for (size_t i = 0; i < parts_count; i++)
    peer_send_headers(peer, streams[i], false, ":status", parts[i].status, parts[i].name,
                      parts[i].value, NULL);
  for (size_t round = 0; round < ROUNDS; round++)
    for (size_t i = 0; i < parts_count; i++)
      peer_send_data(peer, streams[i], parts[i].body + round * PIECE, PIECE,
                     round == ROUNDS - 1 && !parts[i].has_trailers);
  for (size_t i = 0; i < parts_count; i++)
    if (parts[i].has_trailers)
      peer_send_headers(peer, streams[i], true, "x-trailer", "behind", NULL);
}

enum { LINES_SIZE = 128 };

/* Its header lines and the empty line. Returns `lines`. */
static const char *write_lines(char lines[LINES_SIZE], const struct part *part) {
  snprintf(lines, LINES_SIZE, ":status: %.3s\n%.*s: %.*s\n\n", part->status, NAME_SIZE, part->name,
           LINE_SIZE, part->value);
  return lines;
}

/* Append what is printed for those with trailers, or for those without, which end earlier. */
static void append_parts(struct buffer *output, const struct part *parts, size_t parts_count,
                         bool have_trailers) {
  char lines[LINES_SIZE];
  for (size_t i = 0; i < parts_count; i++) {
    if (parts[i].has_trailers != have_trailers)
      continue;
    buffer_append_text(output, write_lines(lines, &parts[i]));
    exchange_append_body(output, parts[i].body, ROUNDS * PIECE);
  }
}

/* Whether the bodies of two of them are mixed up. */
static bool is_one_mixed(const struct exchange *exchange, const struct part *parts,
                         size_t parts_count) {
  enum { LENGTH = ROUNDS * PIECE };
  for (size_t i = 1; i < parts_count; i++)
    for (size_t k = 0; k < i; k++)
      if (are_mixed(exchange, &(struct buffer){.bytes = (char *)parts[i].body, .length = LENGTH},
                    &(struct buffer){.bytes = (char *)parts[k].body, .length = LENGTH}))
        return true;
  return false;
}

/* The sentence for responses that came at once, if they are not printed as they came. */
static const char *fault_of_parts(struct exchange *exchange, const struct part *parts,
                                  size_t parts_count) {
  const char *seen = program_stdout(exchange->program, NULL);
  bool right_bodies = true;
  bool right_lines = true;
  for (size_t i = 0; i < parts_count; i++) {
    char body[sizeof parts->body + 8];
    char lines[LINES_SIZE];
    snprintf(body, sizeof body, "\n\n%s\n", parts[i].body);
    right_bodies = right_bodies && strstr(seen, body);
    right_lines = right_lines && strstr(seen, write_lines(lines, &parts[i]));
  }
  if (!right_bodies && is_one_mixed(exchange, parts, parts_count)) {
    finding_blame(&exchange->finding, KEEP_TODO);
    return MIXED_UP;
  }
  if (!right_bodies)
    return "bodies-at-once-not-right| Of responses that come at once, your program does not print "
           "each body as it came.";
  if (right_lines && count(seen, ":status: ") == (int)parts_count)
    return "response-not-printed-came| Your program does not print the response as it came.";
  exchange->finding.todo_of_place = FIELDS_TODO;
  if (strstr(seen, "early") && !strstr(seen, parts->value)) /* the first has all */
    return "103-not-told-from-final| Your program takes the 103 for the final response.";
  if (strstr(seen, "early"))
    return "fields-of-103-kept| Your program prints the fields of the 103 before those of the "
           "final response.";
  if (strstr(seen, "behind"))
    return "trailers-not-told-from-header| Your program takes the trailers for header fields of "
           "the response.";
  return "header-lines-mixed-up| The bodies of responses that come at once are right, but their "
         "header lines are not: keep the lines of each response with its request.";
}

CHECK(lab02, interleaved, .points = 1, .todo = 4, .section = "5",
      .sentence = "header blocks and DATA of responses at once are not mixed up") {
  static struct gets gets;
  struct part parts[MOST_AT_ONCE + 2];
  struct peer *peer = start_gets(exchange, 3 + exchange_random(exchange, MOST_AT_ONCE - 2), &gets);
  for (size_t i = 0; i < gets.count; i++)
    draw_part(exchange, &parts[i], i == 0);
  send_at_once(peer, gets.streams, parts, gets.count);
  struct buffer output = {0};
  append_parts(&output, parts, gets.count, false);
  append_parts(&output, parts, gets.count, true);
  peer_expect_goodbye(peer);
  exchange_wait_for_end(exchange);
  finish(exchange, peer, &output, fault_of_parts(exchange, parts, gets.count));
}

/* RST_STREAM with NO_ERROR ends a stream, but without END_STREAM it does not end the response.
 * (content-length is for programs that do not see END_STREAM, as in Node.js.) */
static void expect_half_refused(struct exchange *exchange) {
  int32_t stream_id;
  struct peer *peer = start_request(exchange, &stream_id);
  peer_send_headers(peer, stream_id, false, ":status", "200", "content-length", "14", NULL);
  peer_send_data(peer, stream_id, "half of", 7, false);
  peer_send_reset(peer, stream_id, NGHTTP2_NO_ERROR);
  peer_expect_goodbye(peer);
  exchange_expect_output(exchange,
                         "half-response-reset-no_error-taken| Your program takes half of a "
                         "response, reset with NO_ERROR, for all of it.",
                         "", 0);
  expect_failure(exchange, asked_path(exchange), asked_path(exchange));
}

/* All streams are closed, some by RST_STREAM. A program that has not counted these waits: lab 1,
 * which is about GOAWAY, does not help it. */
static void expect_goodbye_after_resets(struct peer *peer) {
  if (!peer_await_goaway(peer))
    exchange_fail_at(peer->exchange, -1, "GOAWAY NO_ERROR", "all streams are closed, and no GOAWAY",
                     "no-goaway-after-resets| Your program does not say goodbye, though all its "
                     "streams are closed: one that was reset counts as finished, too.");
  peer_expect_goodbye(peer);
}

/* The whole response is there, and then the stream is reset with this code, while the request still
 * goes on: with NO_ERROR, the response counts (RFC 9113, section 8.1). */
static void expect_reset_behind_response(struct exchange *exchange, uint32_t code) {
  static const char printed[] = ":status: 200\n\nearly\n";
  char *piece = malloc(NGHTTP2_INITIAL_WINDOW_SIZE + 2);
  if (!piece)
    exchange_fault(exchange, "out of memory");
  exchange_random_text(exchange, piece, NGHTTP2_INITIAL_WINDOW_SIZE + 1);
  struct peer *peer = start_post(exchange, &piece, 1);
  free(piece);
  peer->hold_windows = true; /* so that the request does not end */
  peer_handshake(peer);
  int32_t stream_id = expect_post(peer, asked_path(exchange));
  expect_blocked(peer, stream_id); /* if not, its stream is closed before the reset comes */
  peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
  peer_send_data(peer, stream_id, "early\n", 6, true);
  peer_send_reset(peer, stream_id, code);
  expect_goodbye_after_resets(peer);
  if (code == NGHTTP2_NO_ERROR) {
    exchange_expect_output(exchange,
                           "whole-response-reset-no_error-lost| Your program does not print a "
                           "whole response whose stream is reset with NO_ERROR.",
                           printed, strlen(printed));
    exchange_expect_status(exchange, 0);
    return;
  }
  exchange_expect_output(exchange,
                         "stream-closed-error-response-all| Your program prints a response "
                         "although its stream was closed with an error: look at error_code.",
                         "", 0);
  expect_failure(exchange, asked_path(exchange), asked_path(exchange));
}

/* The program must name the reason why this path was reset: by name, or by number. */
static void expect_reason(struct exchange *exchange, const char *path, uint32_t code) {
  char what[PATH_SIZE + 16];
  char expected[64];
  snprintf(what, sizeof what, "requests: %s:", path);
  snprintf(expected, sizeof expected, "%s, the error code of RST_STREAM",
           nghttp2_http2_strerror(code));
  if (strstr(program_stderr(exchange->program, NULL), what))
    exchange_expect_named(exchange, what, code, expected,
                          "error-not-name-error-code| Your program does not name the error code "
                          "with which the stream was closed.");
}

/* The response to the request for this path was complete: no error is about it. */
static void expect_no_error_about(struct exchange *exchange, const char *path) {
  char what[PATH_SIZE + 16];
  const char *text = program_stderr(exchange->program, NULL);
  snprintf(what, sizeof what, "requests: %s:", path);
  if (strstr(text, what))
    exchange_fail_at(exchange, -1, "errors only about requests that failed", text,
                     "success-told-as-error| Your program reports an error about a request whose "
                     "response is complete.");
}

enum { CODES = NGHTTP2_HTTP_1_1_REQUIRED };

/* A stream has failed, and others are open: the program has read that, and goes on. */
static void expect_no_goodbye_yet(struct peer *peer) {
  peer_settle(peer);
  long goaway = peer_find_frame(peer, NGHTTP2_GOAWAY, 0);
  if (goaway < 0)
    return;
  finding_blame(&peer->exchange->finding, CLOSE_TODO);
  exchange_fail_at(
      peer->exchange, goaway, "GOAWAY after the last response", NULL,
      "says-goodbye-after-failure| Your program says goodbye when a stream has failed, "
      "though it waits for other responses.");
}

/* A stream for each error code is reset, and one before and one after them get responses. */
static void expect_resets_reported(struct exchange *exchange) {
  enum { COUNT = CODES + 2 };
  static struct gets gets;
  struct peer *peer = start_gets(exchange, COUNT, &gets);
  struct buffer output = {0};
  for (uint32_t code = 1; code <= CODES; code++) {
    peer_send_headers(peer, gets.streams[code], false, ":status", "200", NULL);
    peer_send_data(peer, gets.streams[code], "half of", 7, false);
    peer_send_reset(peer, gets.streams[code], code);
    if (code == 1 || code == CODES)
      expect_no_goodbye_yet(peer);
  }
  for (int i = 0; i < COUNT; i += COUNT - 1) {
    char body[32];
    exchange_random_text(exchange, body, 10 + exchange_random(exchange, 20));
    peer_send_headers(peer, gets.streams[i], false, ":status", "200", NULL);
    peer_send_body(peer, gets.streams[i], body, strlen(body));
    append_plain(&output, body, strlen(body));
  }
  expect_goodbye_after_resets(peer);
  exchange_expect_output(exchange,
                         "printed-not-responses-complete-only| Your program must print exactly the "
                         "complete responses, and nothing of the others.",
                         output.bytes, output.length);
  for (uint32_t code = 1; code <= CODES; code++) {
    expect_failure(exchange, gets.paths[code], gets.paths[code]);
    expect_reason(exchange, gets.paths[code], code);
  }
  expect_no_error_about(exchange, gets.paths[0]);
  expect_no_error_about(exchange, gets.paths[COUNT - 1]);
  buffer_free(&output);
}

CHECK(lab02, reset, .points = 1, .todo = 5, .section = "6.4", .by_hand = "MISBEHAVE=refuse",
      .sentence = "streams are reset: each is reported, the others finish, status 1") {
  expect_resets_reported(exchange);
  expect_half_refused(exchange);
  expect_reset_behind_response(exchange, 1 + exchange_random(exchange, CODES));
  expect_reset_behind_response(exchange, NGHTTP2_NO_ERROR);
}

/* Say goodbye with this last stream; perhaps, before that, with the highest number that a stream
 * can have, as RFC 9113, section 6.8, advises. */
static void send_goaway(struct peer *peer, int32_t last) {
  if (exchange_random(peer->exchange, 2) == 0)
    peer_send_goaway(peer, INT32_MAX, NGHTTP2_NO_ERROR);
  peer_send_goaway(peer, last, NGHTTP2_NO_ERROR);
}

/* Fill `covered` with the indices of the requests whose streams go up to that one, in any order.
 * Returns how many there are. */
static size_t find_covered(struct exchange *exchange, const struct gets *gets, int32_t last,
                           size_t *covered) {
  size_t order[MOST_REQUESTS];
  size_t found = 0;
  exchange_shuffle(exchange, order, gets->count);
  for (size_t i = 0; i < gets->count; i++)
    if (gets->streams[order[i]] <= last)
      covered[found++] = order[i];
  return found;
}

CHECK(lab02, goaway, .points = 1, .todo = 5, .section = "6.8",
      .sentence = "GOAWAY half-way: streams up to it finish, the rest are reported, status 1") {
  enum { FEWEST = 3, MORE = 6 };
  static struct gets gets;
  size_t covered[FEWEST + MORE];
  struct peer *peer = start_gets(exchange, FEWEST + exchange_random(exchange, MORE), &gets);
  struct buffer output = {0};
  /* two streams or more, but not all */
  int32_t last = 3 + 2 * (int32_t)exchange_random(exchange, (uint32_t)gets.count - 2);
  size_t finishing = find_covered(exchange, &gets, last, covered);
  for (size_t i = 0; i < finishing; i++) {
    int32_t stream_id = gets.streams[covered[i]];
    char body[LINE_SIZE];
    random_line(exchange, body);
    peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
    if (i == 0)
      send_goaway(peer, last);
    if (i == finishing - 1)
      expect_patience(peer, (int)i, "the end of a response that the GOAWAY covers");
    peer_send_body(peer, stream_id, body, strlen(body));
    append_plain(&output, body, strlen(body));
  }
  peer_expect_close(peer);
  exchange_expect_output(exchange,
                         "response-goaway-still-covers-not| Your program does not print a response "
                         "that the GOAWAY still covers.",
                         output.bytes, output.length);
  for (size_t i = 0; i < gets.count; i++)
    if (gets.streams[i] > last)
      expect_failure(exchange, gets.paths[i], gets.paths[i]);
  for (size_t i = 0; i < finishing; i++)
    expect_no_error_about(exchange, gets.paths[covered[i]]);
  buffer_free(&output);
}

/* Wrong usage. Nobody is at this URL: a label has 63 bytes at most (RFC 1035). */
static void expect_wrong_usage(struct exchange *exchange) {
  char url[128] = "https://";
  exchange_random_text(exchange, url + strlen(url), 70);
  exchange_expect_usage(exchange, "requests", NULL);
  exchange_expect_usage(exchange, "requests", "/", NULL);
  exchange_expect_usage(exchange, "requests", url, NULL);
  memmove(url + strlen("http"), url + strlen("https"), strlen(url + strlen("https")) + 1);
  exchange_expect_usage(exchange, "requests", url, "path", NULL);
  exchange_expect_usage(exchange, "requests", "-d", "data", url, "/path", NULL);
}

/* The connection is lost while two responses are on their way. Of one, as many bytes have come as
 * content-length says: still it has not ended. */
static void expect_lost_told(struct exchange *exchange) {
  static struct gets gets;
  char length[16];
  char texts[2][LINE_SIZE];
  struct peer *peer = start_gets(exchange, 2, &gets);
  size_t first = exchange_random(exchange, 2);
  for (size_t i = 0; i < 2; i++) {
    int32_t stream_id = gets.streams[first ^ i];
    random_line(exchange, texts[i]);
    snprintf(length, sizeof length, "%zu", strlen(texts[i]) + (i == 0 ? 100 : 0));
    peer_send_headers(peer, stream_id, false, ":status", "200", "content-length", length, NULL);
    peer_send_data(peer, stream_id, texts[i], strlen(texts[i]), false);
  }
  peer_close(peer);
  exchange_wait_for_end(exchange);
  const char *seen = program_stdout(exchange->program, NULL);
  exchange_expect_output(
      exchange,
      strstr(seen, texts[1]) && !strstr(seen, texts[0])
          ? "content-length-taken-for-end| Your program prints a response when content-length "
            "bytes have come: only END_STREAM ends it, and the connection was lost before."
          : "half-response-printed-if-whole| Your program prints half a response as if it were "
            "whole.",
      "", 0);
  expect_failure(exchange, exchange->arguments[1], gets.paths[0]);
}

CHECK(lab02, lost, .of_errors = true, .points = 1, .todo = 5, .section = NULL,
      .sentence = "no server, or one lost in mid-response: status 1; wrong usage: 2") {
  struct port port;
  char url[64];
  if (port_hold(&port) != 0)
    exchange_fault(exchange, "no free port");
  snprintf(url, sizeof url, "http://localhost:%d/", port.number);
  exchange_start(exchange, "requests", url, NULL);
  expect_failure(exchange, url, "/");
  port_release(&port);
  expect_wrong_usage(exchange);
  expect_lost_told(exchange);
}

/* A server that answers one GET, for as long as the program lives. */
static void answer_to_the_end(struct exchange *exchange) {
  struct peer *peer = start_get(exchange);
  peer_settle(peer);
  if (peer_stream(peer, 1)->headers_complete) {
    peer_send_headers(peer, 1, false, ":status", "200", "x-name", "value", NULL);
    peer_send_data(peer, 1, "body\n", 5, true);
  }
  exchange_wait_for_end(exchange);
}

/* Nothing has failed: the program prints that response. */
static void expect_answer_printed(struct exchange *exchange) {
  static const char output[] = ":status: 200\nx-name: value\n\nbody\n";
  exchange_expect_output(exchange,
                         "response-not-printed-came| Your program does not print the response as "
                         "it came.",
                         output, strlen(output));
  exchange_expect_status(exchange, 0);
}

CHECK(lab02, calls_fail, .points = 1, .todo = 3, .of_errors = true, .section = NULL,
      .sentence = "a call fails (no memory): it is reported, status 1, nothing printed") {
  /* A program that does without the call of a row keeps the body, or the fields, in another way:
   * then the next row's second name is for it. */
  static const struct {
    struct {
      const char *name;
      int todo;
    } call, other;
  } calls[] = {{{"nghttp2_submit_request", 1}, {NULL, 0}},
               {{"buffer_append", 3}, {NULL, 0}},
               {{"the second buffer_append", 3}, {"allocation in on_data_chunk_recv", 4}},
               {{"buffer_append_text", 3}, {NULL, 0}},
               {{"the second buffer_append_text", 3}, {"allocation in on_header", 3}},
               {{"buffer_append in on_data_chunk_recv", 4}, {NULL, 0}}};
  bool did_without = false;
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    bool is_other = did_without && calls[i].other.name;
    const char *name = is_other ? calls[i].other.name : calls[i].call.name;
    exchange->fails = name;
    exchange->finding.todo_of_place = is_other ? calls[i].other.todo : calls[i].call.todo;
    answer_to_the_end(exchange);
    did_without = !exchange_expect_failed_call(exchange);
    if (did_without) {
      expect_answer_printed(exchange);
      continue;
    }
    int code = -1;
    if (program_end(exchange->program, &code) == PROGRAM_EXITED && code == 0)
      exchange_fail_ignored_call(exchange, name, "exit status 0");
    exchange_expect_output(exchange,
                           "response-something-lost-printed| Your program prints a response after "
                           "losing a part of it.",
                           "", 0);
    expect_failure(exchange, exchange->arguments[1], asked_path(exchange));
  }
}
