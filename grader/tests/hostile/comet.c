/* Forks a child and exits, and each child does the same: one process is always there, never the
 * same one. With "session", each is in a session of its own. If nobody stops them, they give up
 * after ten seconds. */
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  time_t end = time(NULL) + 10;
  while (time(NULL) < end) {
    if (fork() > 0)
      return 0;
    if (argc > 1 && strcmp(argv[1], "session") == 0)
      setsid();
  }
  return 1;
}
