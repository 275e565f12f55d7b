/* Lab 4 in another way: see ../server.h. */
#include <stdio.h>

#include "../server.h"

static void answer(struct exchange_of_variant *exchange) {
  variant_route(exchange, 0);
  printf("%s %s %s\n", exchange->status, exchange->method, exchange->path);
  fflush(stdout);
}

int main(int argc, char **argv) {
  return variant_serve("router", argc, argv, answer);
}
