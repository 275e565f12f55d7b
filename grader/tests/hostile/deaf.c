/* Ignores every signal that a program can ignore, says so, and waits. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  for (int number = 1; number < NSIG; number++)
    signal(number, SIG_IGN);
  puts("deaf");
  fflush(stdout);
  for (;;)
    pause();
}
