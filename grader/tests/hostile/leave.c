/*
 * Leaves behind a process that does not end and that prints "left", and exits at once with status
 * 5. What the process left behind does, by argument:
 *   child     it keeps standard output open
 *   closed    it closes everything
 *   session   it has a session of its own
 *   daemon    it has a session of its own, its parent is dead, it closes everything
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void stay(int closed, int ready) {
  for (int number = 1; number < NSIG; number++)
    signal(number, SIG_IGN);
  write(1, "left", 4);
  close(ready); /* the parent may end */
  for (int file = 0; closed && file < 64; file++)
    close(file);
  for (;;)
    pause();
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "child";
  int daemon = strcmp(how, "daemon") == 0;
  int ready[2];
  char byte;
  pipe(ready);
  if (fork() == 0) {
    if (daemon || strcmp(how, "session") == 0)
      setsid();
    if (daemon && fork() > 0)
      return 0;
    close(ready[0]);
    stay(daemon || strcmp(how, "closed") == 0, ready[1]);
  }
  close(ready[1]);
  read(ready[0], &byte, 1);
  return 5;
}
