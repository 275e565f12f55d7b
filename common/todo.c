/* todo: see todo.h. */
#include "common/todo.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the name that ends before `end` begins. */
static const char *name_before(const char *file, const char *end) {
  while (end > file && end[-1] != '/')
    end--;
  return end;
}

/* "/home/you/h2/lab01-session/session.c" becomes "lab01-session": the last folder of the path; of
 * "/home/you/h2/lab04-router/bonus/grpc.c", the last two. */
static void print(const char *file, int number, const char *text) {
  const char *name = strrchr(file, '/');
  const char *folder = name_before(file, name ? name : file);
  if (folder > file && strncmp(folder, "bonus/", strlen("bonus/")) == 0)
    folder = name_before(file, folder - 1);
  int length = name ? (int)(name - folder) : 0;
  fflush(stdout);
  fprintf(stderr, "TODO %d is not done: %s (%.*s/README.md)\n", number, text, length ? length : 1,
          length ? folder : ".");
}

void todo_note(const char *file, int number, const char *text) {
  static bool noted;
  if (!noted)
    print(file, number, text);
  noted = true;
}

_Noreturn void todo_stop(const char *file, int number, const char *text) {
  print(file, number, text);
  exit(EXIT_FAILURE);
}
