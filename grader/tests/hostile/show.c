/* Prints its environment: the variables whose names are its arguments, its directory, its
 * descriptors, standard input, blocked and ignored signals. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char directory[4096];
  for (int i = 1; i < argc; i++)
    printf("%s=%s\n", argv[i], getenv(argv[i]) != NULL ? getenv(argv[i]) : "(none)");
  printf("directory %s\n", getcwd(directory, sizeof directory));
  for (int file = 0; file < 1024; file++)
    if (fcntl(file, F_GETFD) != -1)
      printf("descriptor %d\n", file);
  printf("input %zd\n", read(0, directory, 1));
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, NULL, &blocked);
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    if (sigismember(&blocked, number) == 1)
      printf("blocked %d\n", number);
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
      printf("ignored %d\n", number);
  }
  return 0;
}
