/* crowd N [MIB [session]]: starts N processes that do nothing, each with this much memory and, with
 * "session", in a session of its own; prints "crowd" when all have started. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 0;
  size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) << 20 : 0;
  for (int i = 0; i < count; i++) {
    if (fork() == 0) {
      if (argc > 3)
        setsid();
      memset(malloc(size), 1, size);
      for (;;)
        pause();
    }
  }
  puts("crowd");
  fflush(stdout);
  for (;;)
    pause();
}
