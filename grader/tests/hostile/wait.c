/* Waits for a byte that never comes through a pipe. With a number, sleeps for this many
 * milliseconds, computes for as long, and so on; with "nap", sleeps again and again and hardly
 * computes at all. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int ends[2];
  char byte;
  int milliseconds = argc > 1 ? atoi(argv[1]) : 0;
  while (argc > 1 && strcmp(argv[1], "nap") == 0)
    poll(NULL, 0, 3);
  while (milliseconds > 0) {
    poll(NULL, 0, milliseconds);
    for (clock_t end = clock() + milliseconds * (CLOCKS_PER_SEC / 1000); clock() < end;)
      continue;
  }
  pipe(ends);
  return (int)read(ends[0], &byte, 1);
}
