/* talk N M STATUS: prints N bytes to standard output and M to standard error, and exits with this
 * status. Byte i is i * 7 / 3, cut to a byte: all values occur, NUL and newline too. */
#include <stdio.h>
#include <stdlib.h>

static void say(FILE *file, long count) {
  for (long i = 0; i < count; i++)
    putc((int)(i * 7 / 3), file);
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  setvbuf(stderr, NULL, _IOFBF, BUFSIZ);
  say(stdout, atol(argv[1]));
  say(stderr, atol(argv[2]));
  return atoi(argv[3]);
}
