/* The checks of lab 4: a router. Each request goes to the program and to the reference server, and
 * the answers are compared. 10 points. */
#include <ctype.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "grader/play/check_run.h"
#include "grader/play/peer_expect.h"
#include "grader/play/peer_receive.h"
#include "grader/play/peer_send.h"
#include "grader/play/server_rules.h"
#include "grader/words/quote.h"

/* The program and the reference server, and the request to both. */
struct pair {
  struct exchange *exchange;
  struct peer *program;
  struct peer *reference;
  int32_t next_stream;
};

/* Connect to both. */
static struct pair connect_pair(struct exchange *exchange) {
  struct pair pair = {.exchange = exchange, .next_stream = 1};
  pair.program = peer_connect(exchange);
  pair.reference = peer_connect_to_reference(exchange);
  peer_send_preface(pair.program, NULL, 0);
  peer_send_preface(pair.reference, NULL, 0);
  return pair;
}

static struct pair start_pair(struct exchange *exchange) {
  exchange_start_server(exchange, "router", NULL);
  return connect_pair(exchange);
}

/* Ask both the same. Returns the stream. */
static int32_t ask(struct pair *pair, const char *method, const char *path) {
  int32_t stream_id = pair->next_stream;
  pair->next_stream += 2;
  peer_send_request(pair->program, stream_id, true, method, path);
  peer_send_request(pair->reference, stream_id, true, method, path);
  return stream_id;
}

/* Require the content-type of the reference server's answer; if it has none, accept any text. */
static void compare_content_type(struct pair *pair, int32_t stream_id) {
  char expected[128];
  const char *value = peer_field(pair->reference, stream_id, "content-type");
  const char *text = peer_field(pair->program, stream_id, "content-type");
  if (!value && (!text || strncmp(text, "text/", strlen("text/")) == 0))
    return;
  if (!value)
    exchange_fail_at(pair->exchange, peer_stream(pair->program, stream_id)->frame,
                     "text/plain, or no content-type", text,
                     "content-type-no-text| The content-type of the response is not that of a "
                     "text.");
  snprintf(expected, sizeof expected, "content-type: %s", value);
  const char *seen = peer_field(pair->program, stream_id, "content-type");
  if (seen && strcmp(seen, expected + strlen("content-type: ")) == 0)
    return;
  long frame = peer_stream(pair->program, stream_id)->frame;
  const char *fields = peer_stream(pair->program, stream_id)->fields.bytes;
  const char *other = seen || !fields ? NULL : strcasestr(fields, "content-type");
  char name[64];
  if (other) {
    snprintf(name, sizeof name, "a field with the name \"%.*s\"", (int)strcspn(other, " \n") - 1,
             other);
    exchange_fail_at(pair->exchange, frame, expected, name,
                     "name-header-field-not-right| The name of a header field is wrong.");
  }
  exchange_fail_at(pair->exchange, frame, expected, seen ? seen : "no content-type",
                   "content-type-response-not-right| The content-type of the response is wrong.");
}

/* Both have answered alike. */
static void compare(struct pair *pair, int32_t stream_id) {
  char status[8];
  peer_expect_response(pair->reference, stream_id);
  snprintf(status, sizeof status, "%s", peer_field(pair->reference, stream_id, ":status"));
  const char *body = peer_stream(pair->reference, stream_id)->body.bytes;
  peer_expect_answer(pair->program, stream_id, status, body ? body : "");
  compare_content_type(pair, stream_id);
}

static void ask_and_compare(struct pair *pair, const char *method, const char *path) {
  compare(pair, ask(pair, method, path));
}

/* Ask for each path, in any order. */
static void ask_all(struct pair *pair, const char *method, const char *const *paths, size_t count) {
  size_t order[16];
  exchange_shuffle(pair->exchange, order, count);
  for (size_t i = 0; i < count; i++)
    ask_and_compare(pair, method, paths[order[i]]);
}

CHECK(lab04, hello_world, .points = 1, .todo = 2, .section = "8.1",
      .sentence = "GET /hello-world: 200, Hello World") {
  exchange_start_server_at_port(exchange, "router", NULL);
  struct pair pair = connect_pair(exchange);
  ask_and_compare(&pair, "GET", "/hello-world");
  ask_and_compare(&pair, "GET", "/hello-world");
  exchange_end_server_by(exchange, SIGINT); /* all others end by SIGTERM */
  exchange_expect_silence(exchange);
  exchange_expect_port_taken(exchange, "router", NULL);
  server_rules_expect_usage(exchange, "router", NULL);
}

CHECK(lab04, ping, .points = 1, .todo = 2, .section = "8.1", .sentence = "GET /ping: 200, pong") {
  exchange_start_server_at_port(exchange, "router", NULL);
  struct pair pair = connect_pair(exchange);
  ask_and_compare(&pair, "GET", "/ping");
  exchange_end_server(exchange);
}

CHECK(lab04, not_found, .points = 2, .todo = 3, .section = "8.3.2",
      .sentence = "any other path: 404, content-type, path not found") {
  char path[32] = "/";
  const char *const paths[] = {path, "/favicon.ico", "/ping" /* not everything is 404 */};
  exchange_random_text(exchange, path + 1, 16);
  struct pair pair = start_pair(exchange);
  ask_all(&pair, "GET", paths, sizeof paths / sizeof paths[0]);
  exchange_end_server(exchange);
}

/* The same with a body and its length: they change nothing. */
static void ask_with_body(struct pair *pair, const char *method, const char *path) {
  char body[32];
  char length[8];
  int32_t stream_id = pair->next_stream;
  struct peer *const both[] = {pair->program, pair->reference};
  pair->next_stream += 2;
  exchange_random_text(pair->exchange, body, 1 + exchange_random(pair->exchange, 30));
  snprintf(length, sizeof length, "%zu", strlen(body));
  for (int i = 0; i < 2; i++) {
    peer_send_request_with(both[i], stream_id, false, method, path, "content-length", length);
    peer_send_data(both[i], stream_id, body, strlen(body), true);
  }
  compare(pair, stream_id);
}

/* Requests that no route has, and that the program answers like a route nevertheless: of which
 * kinds they are, and the first of them. */
struct found {
  unsigned kinds; /* a bit for each */
  long frame;
  char what[64]; /* its method or path */
};

/* Wait for the answer to a request that no route has. Returns its status if the answer is that of a
 * route: not if only the status is. Otherwise NULL. */
static const char *answered_like_route(struct pair *pair, int32_t stream_id) {
  peer_expect_response(pair->program, stream_id);
  peer_expect_response(pair->reference, stream_id);
  const struct buffer *text = &peer_stream(pair->reference, stream_id)->body;
  const struct buffer *body = &peer_stream(pair->program, stream_id)->body;
  const char *status = peer_field(pair->program, stream_id, ":status");
  bool not_found = text->length > 0 && text->length == body->length &&
                   memcmp(text->bytes, body->bytes, text->length) == 0;
  return status && strcmp(status, "200") == 0 && !not_found ? status : NULL;
}

/* Ask for what no route has: `what` is the method or the path that is of this kind. */
static void ask_other(struct pair *pair, struct found *found, const char *method, const char *path,
                      const char *what, unsigned kind) {
  int32_t stream_id = ask(pair, method, path);
  if (!answered_like_route(pair, stream_id)) {
    compare(pair, stream_id);
    return;
  }
  if (found->kinds == 0) {
    found->frame = peer_stream(pair->program, stream_id)->frame;
    snprintf(found->what, sizeof found->what, "%s", what);
  }
  found->kinds |= 1U << kind;
}

/* Which kinds were found tells one mistake from another: "200 for paths in another case". The first
 * kind includes all others. */
static void say_found(char *text, size_t size, const struct found *found, const char *things,
                      const char *const *kinds, size_t count) {
  size_t length = (size_t)snprintf(text, size, "200 for %s", things);
  const char *separator = " ";
  for (size_t i = 0; i < count && length < size; i++) {
    if (!(found->kinds & 1U << i))
      continue;
    length += (size_t)snprintf(text + length, size - length, "%s%s", separator, kinds[i]);
    separator = ", ";
    if (i == 0)
      return;
  }
}

/* HEAD is another method than GET, too. */
static void expect_head_not_found(struct pair *pair, const char *path) {
  int32_t stream_id = ask(pair, "HEAD", path);
  const char *status = answered_like_route(pair, stream_id);
  if (status)
    exchange_fail_at(pair->exchange, peer_stream(pair->program, stream_id)->frame, "404", status,
                     "head-on-route-of-get| Your server answers HEAD like GET: here it is a method "
                     "like any other, and no route has it.");
  compare(pair, stream_id);
}

enum { METHOD_OTHER, METHOD_CASE, METHOD_LONGER, METHOD_SHORTER, METHOD_KINDS };

/* Nothing is found with another method on these paths. */
static void expect_other_methods_not_found(struct pair *pair, const char *const *paths,
                                           size_t path_count) {
  static const char *const kinds[METHOD_KINDS] = {"of any name", "in another case",
                                                  "that begin with GET", "that GET begins with"};
  struct exchange *exchange = pair->exchange;
  char unknown[SERVER_RULES_METHOD];
  char longer[3 + SERVER_RULES_METHOD] = "GET";
  char mixed[] = "GET";
  char one_more[] = {'G', 'E', 'T', (char)('A' + exchange_random(exchange, 26)), '\0'};
  server_rules_unknown_method(exchange, unknown);
  server_rules_unknown_method(exchange, longer + strlen("GET"));
  server_rules_mix_case(exchange, mixed);
  const struct {
    const char *method;
    unsigned kind;
  } others[] = {{"POST", METHOD_OTHER},  {"PUT", METHOD_OTHER},     {"DELETE", METHOD_OTHER},
                {unknown, METHOD_OTHER}, {"OPTIONS", METHOD_OTHER}, {"get", METHOD_CASE},
                {"PATCH", METHOD_OTHER}, {"TRACE", METHOD_OTHER},   {mixed, METHOD_CASE},
                {longer, METHOD_LONGER}, {one_more, METHOD_LONGER}, {"GE", METHOD_SHORTER},
                {"G", METHOD_SHORTER}};
  size_t order[sizeof others / sizeof others[0]];
  struct found found = {.kinds = 0};
  char seen[128];
  exchange_shuffle(exchange, order, sizeof order / sizeof order[0]);
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
    for (size_t p = 0; p < path_count; p++)
      ask_other(pair, &found, others[order[i]].method, paths[p], others[order[i]].method,
                others[order[i]].kind);
  if (found.kinds == 0)
    return;
  say_found(seen, sizeof seen, &found, "methods", kinds, METHOD_KINDS);
  exchange_fail_at(exchange, found.frame, "404", seen,
                   "method-like-get| Your server answers the method %s like GET, but no route has "
                   "exactly this method.",
                   found.what);
}

CHECK(lab04, method, .points = 1, .todo = 1, .section = "8.3.1",
      .sentence = "another method on a GET route: 404, HEAD without a body") {
  char path[32] = "/";
  const char *const paths[] = {"/ping", "/hello-world", path};
  exchange_random_text(exchange, path + 1, 16);
  struct pair pair = start_pair(exchange);
  expect_other_methods_not_found(&pair, paths, sizeof paths / sizeof paths[0]);
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    expect_head_not_found(&pair, paths[i]); /* last: others may fail for the same reason */
  pair.next_stream = server_rules_expect_no_path_not_found(pair.program, pair.next_stream);
  ask_with_body(&pair, "POST", "/ping");
  ask_with_body(&pair, "GET", "/hello-world");
  ask_and_compare(&pair, "GET", "/ping");
  exchange_end_server(exchange);
}

enum {
  PATH_OTHER,
  PATH_CASE,
  PATH_QUERY,
  PATH_SLASH,
  PATH_LONGER,
  PATH_SHORTER,
  PATH_BEFORE,
  PATH_PERCENT,
  PATH_DOTS,
  PATH_KINDS
};

static void expect_no_route(struct pair *pair, struct found *found, const char *path,
                            unsigned kind) {
  ask_other(pair, found, "GET", path, path, kind);
}

/* The route with something behind it. */
static void expect_no_route_behind(struct pair *pair, struct found *found, const char *route,
                                   const char *separator, unsigned kind) {
  char path[64];
  char more[32];
  exchange_random_text(pair->exchange, more, 1 + exchange_random(pair->exchange, 20));
  snprintf(path, sizeof path, "%s%s%s", route, separator, more);
  expect_no_route(pair, found, path, kind);
}

/* The same letters, but some or all of them large. */
static void expect_no_route_alike(struct pair *pair, struct found *found, const char *route) {
  struct exchange *exchange = pair->exchange;
  char path[32];
  size_t first[] = {1, 1 + exchange_random(exchange, 4)};
  for (size_t i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s", route);
    for (char *letter = path + first[i]; *letter; letter++)
      *letter = (char)toupper((unsigned char)*letter);
    expect_no_route(pair, found, path, PATH_CASE);
  }
}

/* What looks like the route. */
static void expect_no_route_like(struct pair *pair, struct found *found, const char *route) {
  static const unsigned kinds[SERVER_RULES_PATHS] = {
      [SERVER_RULES_PERCENT] = PATH_PERCENT,   [SERVER_RULES_DOT] = PATH_DOTS,
      [SERVER_RULES_DOTS] = PATH_DOTS,         [SERVER_RULES_SLASHES] = PATH_SLASH,
      [SERVER_RULES_PARAMETER] = PATH_LONGER,  [SERVER_RULES_PREFIX] = PATH_BEFORE,
      [SERVER_RULES_LETTER_LESS] = PATH_OTHER, [SERVER_RULES_ANAGRAM] = PATH_OTHER,
      [SERVER_RULES_OTHER_LETTER] = PATH_OTHER};
  char path[64];
  for (int kind = 0; kind < SERVER_RULES_PATHS; kind++) {
    server_rules_make_path(pair->exchange, path, sizeof path, route, (enum server_rules_path)kind);
    expect_no_route(pair, found, path, kinds[kind]);
  }
}

/* Whether a path may have this byte: a blank, a fragment's beginning and controls make it malformed
 * (RFC 9113, section 8.3.1). */
static bool is_of_path(unsigned char byte) {
  return byte > ' ' && byte != '#' && byte != 0x7f;
}

/* One letter of the route is another, in one bit, whichever it is; or any letter is behind it. */
static void expect_no_route_by_a_letter(struct pair *pair, struct found *found, const char *route) {
  enum { BEHIND = 16 };
  struct exchange *exchange = pair->exchange;
  char path[32];
  for (int bit = 0; bit < 8; bit++) {
    size_t place = 1 + exchange_random(exchange, (uint32_t)strlen(route) - 1);
    unsigned char letter = (unsigned char)(route[place] ^ (1 << bit));
    snprintf(path, sizeof path, "%s", route);
    path[place] = (char)letter;
    bool is_case = tolower(letter) == tolower((unsigned char)route[place]);
    if (is_of_path(letter))
      expect_no_route(pair, found, path, is_case ? PATH_CASE : PATH_OTHER);
  }
  for (int i = 0; i < BEHIND; i++) {
    unsigned char letter = (unsigned char)exchange_random(exchange, i % 2 == 0 ? 128 : 256);
    snprintf(path, sizeof path, "%s%c", route, letter);
    if (is_of_path(letter))
      expect_no_route(pair, found, path, PATH_LONGER);
  }
}

/* The route with another letter somewhere, with something behind it, and written otherwise. */
static void expect_no_route_beside(struct pair *pair, struct found *found, const char *route) {
  expect_no_route_by_a_letter(pair, found, route);
  expect_no_route_behind(pair, found, route, "/", PATH_SLASH);
  expect_no_route_behind(pair, found, route, "?", PATH_QUERY);
  expect_no_route_behind(pair, found, route, "?q=", PATH_QUERY);
  expect_no_route_alike(pair, found, route);
  expect_no_route_like(pair, found, route);
}

static void fail_path_found(struct exchange *exchange, const struct found *found) {
  static const char *const kinds[PATH_KINDS] = {
      "with other letters",  "in another case",  "with a query",
      "with a slash behind", "with more behind", "cut short",
      "with more before",    "with a %XX",       "with dots"};
  char seen[160];
  say_found(seen, sizeof seen, found, "paths", kinds, PATH_KINDS);
  exchange_fail_at(exchange, found->frame, "404", seen,
                   "answered-like-route-though-no| Your server answers %s like a route, but no "
                   "route has exactly this path.",
                   found->what);
}

CHECK(lab04, exact_path, .points = 2, .todo = 1, .section = "8.3.1",
      .sentence = "a path must be exactly the route's: case, slash, query, prefix") {
  static const struct {
    const char *path;
    unsigned kind;
  } others[] = {
      {"/Ping", PATH_CASE},          {"/Hello-World", PATH_CASE}, {"/ping/", PATH_SLASH},
      {"/hello-world/", PATH_SLASH}, {"/ping?", PATH_QUERY},      {"/hello-world?x", PATH_QUERY},
      {"/ping?a=b", PATH_QUERY},     {"/pingpong", PATH_LONGER},  {"/hello-worlds", PATH_LONGER},
      {"/pin", PATH_SHORTER},        {"/hello", PATH_SHORTER},    {"//ping", PATH_BEFORE},
      {"/helloworld", PATH_OTHER},   {"/hello_world", PATH_OTHER}};
  enum { OTHERS = sizeof others / sizeof others[0] };
  size_t order[OTHERS];
  struct found found = {.kinds = 0};
  struct pair pair = start_pair(exchange);
  exchange_shuffle(exchange, order, OTHERS);
  for (size_t i = 0, real = exchange_random(exchange, OTHERS); i < OTHERS; i++) {
    if (i == real)
      ask_and_compare(&pair, "GET", "/ping");
    expect_no_route(&pair, &found, others[order[i]].path, others[order[i]].kind);
  }
  expect_no_route_beside(&pair, &found, "/ping");
  expect_no_route_beside(&pair, &found, "/hello-world");
  ask_and_compare(&pair, "GET", "/hello-world");
  if (found.kinds != 0)
    fail_path_found(exchange, &found);
  exchange_end_server(exchange);
}

CHECK(lab04, long_path, .points = 1, .todo = 1, .section = "6.10",
      .sentence = "a path of 8 KiB is just one more unknown path") {
  enum { LEAST = 8 * 1024, MORE = 4 * 1024 };
  static char path[LEAST + MORE + 1] = "/ping";
  size_t length = LEAST + exchange_random(exchange, MORE);
  exchange_random_text(exchange, path + strlen(path), length - strlen(path));
  const char *const paths[] = {path, "/ping"};
  struct pair pair = start_pair(exchange);
  ask_all(&pair, "GET", paths, sizeof paths / sizeof paths[0]);
  exchange_end_server(exchange);
}

/* A request, and how many lines of the output are about it. */
struct logged {
  struct exchange *exchange;
  char request[64];
  const char *status; /* of the answer */
  size_t count;
};

static size_t count_lines(const char *output, const char *request) {
  size_t count = 0;
  for (const char *end; (end = strchr(output, '\n')); output = end + 1)
    count += memmem(output, (size_t)(end - output), request, strlen(request)) != NULL;
  return count;
}

/* Whether one of the words is a status and none is `status`. A line need not have one. */
static bool has_other_status(const char *line, size_t length, const char *status) {
  enum { DIGITS = 3 };
  bool other = false;
  for (const char *end = line + length; line < end;) {
    size_t word = strcspn(line, " \t\n");
    if (word == DIGITS && strncmp(line, status, DIGITS) == 0)
      return false;
    other = other || (word == DIGITS && strspn(line, "0123456789") == DIGITS);
    line += word + 1;
  }
  return other;
}

/* Fail if the line about the request names another status than that of the answer. */
static void expect_no_other_status(const struct logged *logged) {
  const char *line = program_stdout(logged->exchange->program, NULL);
  char expected[80];
  struct buffer seen = {0};
  for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
    size_t length = (size_t)(end - line);
    if (!memmem(line, length, logged->request, strlen(logged->request)) ||
        !has_other_status(line, length, logged->status))
      continue;
    snprintf(expected, sizeof expected, "%s %s", logged->request, logged->status);
    buffer_append(&seen, line, length);
    exchange_fail_at(logged->exchange, -1, expected, seen.bytes,
                     "log-other-status| The line that your server logs names another status than "
                     "the answer has.");
  }
}

static bool is_logged_or_sleeps(void *argument) {
  struct logged *logged = argument;
  const struct program *program = logged->exchange->program;
  logged->count = count_lines(program_stdout(program, NULL), logged->request);
  return logged->count > 0 || exchange_idle(logged->exchange) > 0.25;
}

/* The line has not come: perhaps it does when the program ends, as nobody has flushed it. */
static _Noreturn void fail_not_logged(const struct logged *logged) {
  struct exchange *exchange = logged->exchange;
  struct buffer seen = {0};
  buffer_append_text(&seen, program_stdout(exchange->program, NULL));
  exchange_let_server_end(exchange);
  if (count_lines(program_stdout(exchange->program, NULL), logged->request) > 0)
    exchange_fail_at(exchange, -1, logged->request, "nothing, until your server ends",
                     "log-not-flushed| Your server logs a request, but its line leaves the program "
                     "only at the end: call fflush(stdout).");
  exchange_fail_at(exchange, -1, logged->request, seen.bytes,
                   "request-missing-log| Your server does not log a request.");
}

/* Ask both. The program says so while it runs. */
static struct logged ask_and_await_log(struct pair *pair, const char *method, const char *path,
                                       const char *status) {
  struct logged logged = {.exchange = pair->exchange, .status = status};
  snprintf(logged.request, sizeof logged.request, "%s %s", method, path);
  ask_and_compare(pair, method, path);
  exchange_await(pair->exchange, is_logged_or_sleeps, &logged);
  if (logged.count == 0)
    fail_not_logged(&logged);
  expect_no_other_status(&logged);
  return logged;
}

CHECK(lab04, log, .points = 1, .todo = 4, .section = NULL,
      .sentence = "a line for each request, with its method and path") {
  char unknown[SERVER_RULES_METHOD];
  const char *const methods[] = {"GET", "DELETE", "POST",
                                 server_rules_unknown_method(exchange, unknown)};
  enum { OTHERS = sizeof methods / sizeof methods[0], ALL = OTHERS + 2 };
  struct pair pair = start_pair(exchange);
  struct logged logged[ALL];
  for (int i = 0; i < OTHERS; i++) {
    char path[48] = "/";
    exchange_random_text(exchange, path + 1, 12 + exchange_random(exchange, 30));
    logged[i] = ask_and_await_log(&pair, methods[i], path, "404");
  }
  logged[OTHERS] = ask_and_await_log(&pair, "GET", "/ping", "200");
  logged[OTHERS + 1] = ask_and_await_log(&pair, "GET", "/hello-world", "200");
  exchange_end_server(exchange);
  const char *output = program_stdout(exchange->program, NULL);
  for (size_t i = 0; i < ALL; i++)
    if (count_lines(output, logged[i].request) > 1)
      exchange_fail_at(exchange, -1, "one line for each request", output,
                       "request-stands-log-twice| Your server logs a request twice.");
}

/* A client that has no room for the answer: the request is in flight, and a signal comes. */
static struct peer *ask_without_window(struct exchange *exchange) {
  const nghttp2_settings_entry none = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
  struct peer *peer = peer_connect(exchange);
  peer_send_preface(peer, &none, 1);
  peer_send_request(peer, 1, true, "GET", "/ping");
  peer_settle(peer);
  return peer;
}

/* Both clients get their answers, whoever of them reads first. */
static void expect_graceful_end(struct exchange *exchange, int signal) {
  struct peer *clients[2];
  for (int i = 0; i < 2; i++)
    clients[i] = ask_without_window(exchange);
  exchange_signal(exchange, signal);
  for (int i = 0; i < 2; i++)
    peer_expect_goaway(clients[i]);
  for (int i = 0; i < 2; i++) {
    peer_send_window_update(clients[i], 1, 1000);
    peer_expect_answer(clients[i], 1, "200", "pong");
  }
  for (int i = 0; i < 2; i++)
    peer_expect_close(clients[i]);
  exchange_expect_status(exchange, 0);
}

/* One client more, with one request. */
static void ping_once(struct exchange *exchange) {
  struct peer *peer = peer_connect(exchange);
  peer_send_preface(peer, NULL, 0);
  peer_send_request(peer, 1, true, "GET", "/ping");
  peer_expect_answer(peer, 1, "200", "pong");
  peer_close(peer);
}

CHECK(lab04, at_once, .points = 1, .todo = 2, .section = "5",
      .sentence = "a hundred requests at once, each with its own answer") {
  static const char *const paths[] = {"/ping", "/nothing", "/hello-world", "/ping/"};
  enum { COUNT = 100, MOST_TIMES = 4 /* it can do so again */ };
  struct pair pair = start_pair(exchange);
  for (uint32_t times = 2 + exchange_random(exchange, MOST_TIMES - 1); times > 0; times--) {
    int32_t first = pair.next_stream;
    for (int i = 0; i < COUNT; i++)
      ask(&pair, "GET", paths[exchange_random(exchange, 4)]);
    for (int i = 0; i < COUNT; i++)
      compare(&pair, first + 2 * i);
  }
  peer_close(pair.program);
  for (uint32_t more = 5 + exchange_random(exchange, 20); more > 0; more--)
    ping_once(exchange);
  expect_graceful_end(exchange, SIGTERM);
  exchange_start_server(exchange, "router", NULL);
  expect_graceful_end(exchange, SIGINT);
}
