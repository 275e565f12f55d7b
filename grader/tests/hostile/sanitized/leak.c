/* Leaks memory; with an argument, frees it and exits with status 3. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  fputs("on stderr\n", stderr);
  (void)argv;
  if (argc > 1)
    return 3;
  void *volatile memory = malloc(77);
  memory = NULL;
  return memory != NULL;
}
