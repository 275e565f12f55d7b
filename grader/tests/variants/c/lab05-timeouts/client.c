/* Lab 5 in another way: see ../client.h. */
#include "../client.h"

int main(int argc, char **argv) {
  return variant_client(argc, argv, NULL);
}
