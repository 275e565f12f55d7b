/* server_rules: see server_rules.h. */
#include "grader/play/server_rules.h"

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
  exchange_random_text(exchange, method, 5 + exchange_random(exchange, 3)); /* not GET, HEAD */
  for (char *letter = method; *letter; letter++)
    *letter = (char)(*letter - 'a' + 'A');
  return method;
}

static void expect_not_found(struct peer *peer, int32_t stream_id, const char *method,
                             const char *path) {
  static const char expected[] = "text/plain; charset=utf-8";
  bool is_head = strcmp(method, "HEAD") == 0;
  peer_send_request(peer, stream_id, true, method, path);
  peer_expect_answer(peer, stream_id, "404", is_head ? "" : "path not found");
  const char *seen = peer_field(peer, stream_id, "content-type");
  if (seen && strcmp(seen, expected) == 0)
    return;
  exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame, expected,
                   seen ? seen : "no content-type",
                   "content-type-response-not-right| The content-type of the response is wrong.");
}

/* Another method on that route, and paths that begin with it. */
static int32_t expect_not_found_beside(struct peer *peer, int32_t stream_id, const char *route) {
  static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "HEAD", "get"};
  static const char separators[] = "?/";
  struct exchange *exchange = peer->exchange;
  char unknown[8];
  char path[64];
  char more[16];
  size_t count = sizeof methods / sizeof methods[0];
  for (size_t i = 0; i < count; i++, stream_id += 2)
    expect_not_found(peer, stream_id, methods[i], route);
  expect_not_found(peer, stream_id, server_rules_unknown_method(exchange, unknown), route);
  for (size_t i = 0; i < sizeof separators; i++) { /* the last is the NUL: no separator */
    exchange_random_text(exchange, more, 1 + exchange_random(exchange, 12));
    snprintf(path, sizeof path, "%s%.1s%s", route, separators + i, more);
    expect_not_found(peer, stream_id += 2, "GET", path);
  }
  return stream_id + 2;
}

int32_t server_rules_expect_not_found(struct peer *peer, int32_t stream_id) {
  char path[32] = "/";
  exchange_random_text(peer->exchange, path + 1, 16);
  expect_not_found(peer, stream_id, "GET", path);
  stream_id = expect_not_found_beside(peer, stream_id + 2, "/ping");
  return expect_not_found_beside(peer, stream_id, "/hello-world");
}
