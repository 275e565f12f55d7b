/* Forks without end, and so does each child; with "session", each in a session of its own. If
 * nobody stops them, they give up after ten seconds. */
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  time_t end = time(NULL) + 10;
  while (time(NULL) < end) {
    pid_t pid = fork();
    if (pid == 0 && argc > 1 && strcmp(argv[1], "session") == 0)
      setsid();
  }
  return 0;
}
