/* Prints without end, to standard output or, with "stderr", to standard error. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  FILE *file = argc > 1 && strcmp(argv[1], "stderr") == 0 ? stderr : stdout;
  for (;;)
    fputs("and so on\n", file);
}
