/* Sends itself the signal with this number. If it survives, it waits for ever. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc > 1)
    raise(atoi(argv[1]));
  for (;;)
    pause();
}
