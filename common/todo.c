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

/* "/home/you/h2/lab01-session/session.c" becomes "lab01-session/README.md": the handout is in the
 * last folder of the path. A lab may have several bonuses, so that of "lab04-router/bonus/grpc.c"
 * is "lab04-router/bonus/grpc.md". */
static void print(const char *file, int number, const char *text) {
  const char *name = strrchr(file, '/');
  const char *folder = name_before(file, name ? name : file);
  bool is_bonus = strncmp(folder, "bonus/", strlen("bonus/")) == 0;
  fflush(stdout);
  fprintf(stderr, "TODO %d is not done: %s (", number, text);
  if (is_bonus) {
    const char *lab = folder > file ? name_before(file, folder - 1) : folder;
    fprintf(stderr, "%.*s.md)\n", (int)strcspn(lab, "."), lab);
  } else {
    fprintf(stderr, "%.*s/README.md)\n", name ? (int)(name - folder) : 1, name ? folder : ".");
  }
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
