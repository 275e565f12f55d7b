/*
 * attack:       tries calls that the guard refuses, with signal 0, which does no harm:
 *               kill(-1, 0) and kill(guard, 0); and, in a child, setpgid and setsid.
 *               Prints each result: 0, or the number of the error.
 * attack N:     sends the guard this signal, and leaves a process behind.
 * attack trace: makes the guard its tracer, says so, and sends itself a signal.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(int (*call)(void)) {
  int status;
  pid_t child = fork();
  if (child == 0)
    _exit(call() >= 0 ? 0 : errno);
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

static int leave_group(void) {
  return setpgid(0, 0);
}

static int leave_session(void) {
  return setsid();
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "trace") == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    puts("traced");
    fflush(stdout);
    raise(SIGUSR1);
  } else if (argc > 1) {
    if (fork() == 0)
      pause();
    kill(getppid(), atoi(argv[1]));
    pause();
  }
  printf("everybody %d\n", kill(-1, 0) == 0 ? 0 : errno);
  printf("guard %d\n", kill(getppid(), 0) == 0 ? 0 : errno);
  printf("itself %d\n", kill(getpid(), 0) == 0 ? 0 : errno);
  fflush(stdout);
  printf("group %d\n", in_child(leave_group));
  printf("session %d\n", in_child(leave_session));
  return 0;
}
