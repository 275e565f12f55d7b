/* Sleeps, while its thread or, with "child", its child computes without end. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void *compute(void *argument) {
  for (volatile unsigned long i = 0;; i++)
    continue;
  return argument;
}

int main(int argc, char **argv) {
  pthread_t thread;
  if (argc < 2 || strcmp(argv[1], "child") != 0)
    pthread_create(&thread, NULL, compute, NULL);
  else if (fork() == 0)
    compute(NULL);
  for (;;)
    pause();
}
