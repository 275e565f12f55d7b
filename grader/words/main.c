/*
 * todos: where the TODOs of a program are, for scripts. source.h knows how a file says so.
 *
 *   todos FILE.c            print "N LINE" for each todo(N, ...) that is still there, lowest first
 *   todos FILE.c LINE...    print the TODO that each LINE belongs to, 0 if to none
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/number.h"
#include "grader/words/source.h"

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: todos FILE.c [LINE]...\n");
    return 2;
  }
  if (access(argv[1], R_OK) != 0) {
    fprintf(stderr, "todos: %s: %s\n", argv[1], strerror(errno));
    return 1;
  }
  int line = 0;
  for (int todo = 0; argc == 2 && (todo = source_next_undone(argv[1], todo, &line)) != 0;)
    printf("%d %d\n", todo, line);
  for (int i = 2; i < argc; i++)
    printf("%d\n", source_todo_of_line(argv[1], (int)number_parse(argv[i], INT_MAX)));
  return 0;
}
