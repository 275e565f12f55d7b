/* server_rules: see server_rules.h. */
#include "grader/play/server_rules.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "grader/play/peer_expect.h"
#include "grader/play/peer_send.h"

/* --- The command line ------------------------------------------------------------------------- */

void server_rules_expect_usage(struct exchange *exchange, const char *name, const char *option) {
  char word[16] = "--";
  char large[16];
  char negative[16];
  exchange_extend(exchange); /* to start a program takes time */
  exchange_random_text(exchange, word + 2, 10);
  snprintf(large, sizeof large, "%u", 65536 + exchange_random(exchange, 900000));
  snprintf(negative, sizeof negative, "-%u", 1 + exchange_random(exchange, 60000));
  exchange_expect_usage(exchange, name, "--port", word + 2, NULL);
  exchange_expect_usage(exchange, name, "--port", large, NULL);
  exchange_expect_usage(exchange, name, "--port", negative, NULL);
  exchange_start(exchange, name, word, NULL);
  exchange_expect_status(exchange, 2); /* getopt adds a line of its own */
  exchange_expect_usage(exchange, name, "--port", "0", word + 2, NULL);
  if (option)
    exchange_expect_usage(exchange, name, option, negative, NULL);
}

/* --- 404 -------------------------------------------------------------------------------------- */

const char *server_rules_unknown_method(struct exchange *exchange, char *method) {
  static const char known[] = " GET HEAD CONNECT ";
  char word[SERVER_RULES_METHOD + 2];
  do {
    exchange_random_text(exchange, method, 1 + exchange_random(exchange, SERVER_RULES_METHOD - 1));
    for (char *letter = method; *letter; letter++)
      *letter = (char)toupper((unsigned char)*letter);
    snprintf(word, sizeof word, " %s ", method);
  } while (strstr(known, word));
  return method;
}

void server_rules_mix_case(struct exchange *exchange, char *text) {
  const size_t length = strlen(text);
  size_t letter;
  do
    letter = exchange_random(exchange, (uint32_t)length);
  while (!isalpha((unsigned char)text[letter]));
  for (size_t i = 0; i < length; i++) {
    bool other = i == letter || exchange_random(exchange, 2) == 0;
    if (other && isalpha((unsigned char)text[i]))
      text[i] = (char)(text[i] ^ ('a' ^ 'A'));
  }
}

/* A letter of the route written as its code, in small or large hexadecimal digits. */
static void write_percent(struct exchange *exchange, char *path, size_t size, const char *route) {
  size_t place = 1 + exchange_random(exchange, (uint32_t)strlen(route) - 1);
  bool large = exchange_random(exchange, 2) == 0;
  snprintf(path, size, large ? "%.*s%%%02X%s" : "%.*s%%%02x%s", (int)place, route,
           (unsigned char)route[place], route + place + 1);
}

/* A letter of the route is missing, not the last: then the rest would only be cut short. */
static void write_without_letter(struct exchange *exchange, char *path, size_t size,
                                 const char *route) {
  size_t place = 1 + exchange_random(exchange, (uint32_t)strlen(route) - 2);
  snprintf(path, size, "%.*s%s", (int)place, route, route + place + 1);
}

/* Two letters of the route have changed places, neither of them the first. */
static void write_anagram(struct exchange *exchange, char *path, size_t size, const char *route) {
  const uint32_t letters = (uint32_t)strlen(route) - 2;
  size_t places[2];
  snprintf(path, size, "%s", route);
  do {
    places[0] = 2 + exchange_random(exchange, letters);
    places[1] = 2 + exchange_random(exchange, letters);
  } while (route[places[0]] == route[places[1]]);
  path[places[0]] = route[places[1]];
  path[places[1]] = route[places[0]];
}

/* One letter of the route is another. */
static void write_other_letter(struct exchange *exchange, char *path, size_t size,
                               const char *route) {
  size_t place = 1 + exchange_random(exchange, (uint32_t)strlen(route) - 1);
  char letter;
  do
    letter = (char)('a' + exchange_random(exchange, 26));
  while (letter == route[place]);
  snprintf(path, size, "%s", route);
  path[place] = letter;
}

void server_rules_make_path(struct exchange *exchange, char *path, size_t size, const char *route,
                            enum server_rules_path kind) {
  static const char separators[] = ";&=,!:";
  char word[16];
  char separator = separators[exchange_random(exchange, sizeof separators - 1)];
  exchange_random_text(exchange, word, 1 + exchange_random(exchange, 12));
  switch (kind) {
  case SERVER_RULES_PERCENT: write_percent(exchange, path, size, route); break;
  case SERVER_RULES_DOT: snprintf(path, size, "/.%s", route); break;
  case SERVER_RULES_DOTS: snprintf(path, size, "/%s/..%s", word, route); break;
  case SERVER_RULES_SLASHES: snprintf(path, size, "%s//", route); break;
  case SERVER_RULES_PARAMETER: snprintf(path, size, "%s%c%s", route, separator, word); break;
  case SERVER_RULES_PREFIX: snprintf(path, size, "/%s%s", word, route); break;
  case SERVER_RULES_ANAGRAM: write_anagram(exchange, path, size, route); break;
  case SERVER_RULES_OTHER_LETTER: write_other_letter(exchange, path, size, route); break;
  default: write_without_letter(exchange, path, size, route); break;
  }
}

static void expect_not_found_answer(struct peer *peer, int32_t stream_id, bool is_head) {
  static const char expected[] = "text/plain; charset=utf-8";
  peer_expect_answer(peer, stream_id, "404", is_head ? "" : "path not found");
  const char *seen = peer_field(peer, stream_id, "content-type");
  if (seen && strcmp(seen, expected) == 0)
    return;
  exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame, expected,
                   seen ? seen : "no content-type",
                   "content-type-response-not-right| The content-type of the response is wrong.");
}

static void expect_not_found(struct peer *peer, int32_t stream_id, const char *method,
                             const char *path) {
  peer_send_request(peer, stream_id, true, method, path);
  expect_not_found_answer(peer, stream_id, strcmp(method, "HEAD") == 0);
}

int32_t server_rules_expect_no_path_not_found(struct peer *peer, int32_t stream_id) {
  expect_not_found(peer, stream_id, "OPTIONS", "*");
  stream_id += 2;
  peer_send_connect(peer, stream_id);
  expect_not_found_answer(peer, stream_id, false);
  return stream_id + 2;
}

/* Another method on that route, and paths that begin with it or look like it. */
static int32_t expect_not_found_beside(struct peer *peer, int32_t stream_id, const char *route) {
  struct exchange *exchange = peer->exchange;
  char mixed[] = "GET";
  const char *const methods[] = {"POST",  "PUT",  "DELETE", "OPTIONS", "PATCH",
                                 "TRACE", "HEAD", "get",    mixed};
  static const char separators[] = "?/";
  char unknown[SERVER_RULES_METHOD];
  char path[64];
  char more[16];
  size_t count = sizeof methods / sizeof methods[0];
  server_rules_mix_case(exchange, mixed);
  for (size_t i = 0; i < count; i++, stream_id += 2)
    expect_not_found(peer, stream_id, methods[i], route);
  expect_not_found(peer, stream_id, server_rules_unknown_method(exchange, unknown), route);
  for (size_t i = 0; i < sizeof separators; i++) { /* the last is the NUL: no separator */
    exchange_random_text(exchange, more, 1 + exchange_random(exchange, 12));
    snprintf(path, sizeof path, "%s%.1s%s", route, separators + i, more);
    expect_not_found(peer, stream_id += 2, "GET", path);
  }
  for (int kind = 0; kind < SERVER_RULES_PATHS; kind++) {
    server_rules_make_path(exchange, path, sizeof path, route, (enum server_rules_path)kind);
    expect_not_found(peer, stream_id += 2, "GET", path);
  }
  return stream_id + 2;
}

int32_t server_rules_expect_not_found(struct peer *peer, int32_t stream_id) {
  char path[32] = "/";
  exchange_random_text(peer->exchange, path + 1, 16);
  expect_not_found(peer, stream_id, "GET", path);
  stream_id = server_rules_expect_no_path_not_found(peer, stream_id + 2);
  stream_id = expect_not_found_beside(peer, stream_id, "/ping");
  return expect_not_found_beside(peer, stream_id, "/hello-world");
}
