/* Takes memory without end, and uses it; with an argument, in a thread, when main's has ended. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *take(void *user) {
  for (;;) {
    char *memory = malloc(1 << 20);
    if (memory != NULL)
      memset(memory, 1, 1 << 20);
  }
  return user;
}

int main(int argc, char **argv) {
  pthread_t thread;
  (void)argv;
  if (argc == 1)
    (void)take(NULL);
  if (pthread_create(&thread, NULL, take, NULL) != 0)
    return 1;
  pthread_exit(NULL);
}
