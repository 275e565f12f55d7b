/* Lab 3 in another way: see ../server.h. */
#include "../server.h"

static void answer(struct exchange_of_variant *exchange) {
  exchange->status = "200";
  exchange->body = "Hello World!";
}

int main(int argc, char **argv) {
  return variant_serve("server", argc, argv, answer);
}
