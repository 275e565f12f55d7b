/* pile deep | locked: makes files without end, where they are hard to count: below many
 * directories, or in one that nobody may read. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int depth = argc > 1 && strcmp(argv[1], "deep") == 0 ? 1200 : 0;
  umask(0);
  for (int i = 0; i < depth; i++)
    if (mkdir("deep", 0700) != 0 || chdir("deep") != 0)
      return 1;
  if (mkdir("locked", depth > 0 ? 0700 : 0300) != 0 || chdir("locked") != 0)
    return 1;
  for (long i = 0;; i++) {
    char name[32];
    snprintf(name, sizeof name, "%ld", i);
    int file = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0);
    if (file < 0)
      return 1;
    close(file);
  }
}
