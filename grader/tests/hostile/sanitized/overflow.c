/* Writes beyond the end of its memory. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  (void)argv;
  fputs("on stderr\n", stderr);
  char *memory = malloc((size_t)argc);
  memory[argc] = 'x';
  free(memory);
  return 0;
}
