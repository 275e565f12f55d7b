/* Sends itself the signal whose number is given. Should it survive, it waits for nothing. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc > 1)
    raise(atoi(argv[1]));
  for (;;)
    pause();
}
