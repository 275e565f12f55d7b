/* Lab 5 in another way: see ../server.h. The server looks at all waiting answers when the next one
 * is due; they have no timers of their own. */
#include <stdio.h>

#include "../server.h"

static void answer(struct exchange_of_variant *exchange) {
  variant_route(exchange, variant_delay);
  printf("%s %s %s\n", exchange->status, exchange->method, exchange->path);
  fflush(stdout);
}

int main(int argc, char **argv) {
  return variant_serve("server", argc, argv, answer);
}
