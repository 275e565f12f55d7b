/* Lab 5 in another way: see ../server.h. The answers that wait are looked at when the next one is due; there is no timer
 * for each. */
#include <stdio.h>
#include <string.h>

#include "../server.h"

static void answer(struct exchange_of_variant *exchange) {
  int get = strcmp(exchange->method, "GET") == 0;
  exchange->status = "200";
  if (get && strcmp(exchange->path, "/hello-world") == 0) {
    exchange->body = "Hello World";
  } else if (get && strcmp(exchange->path, "/ping") == 0) {
    exchange->body = "pong";
    exchange->delay = variant_delay;
  } else {
    exchange->status = "404";
    exchange->content_type = "text/plain; charset=utf-8";
    exchange->body = "path not found";
  }
  printf("%s %s %s\n", exchange->status, exchange->method, exchange->path);
  fflush(stdout);
}

int main(int argc, char **argv) {
  return variant_serve("server", argc, argv, answer);
}
