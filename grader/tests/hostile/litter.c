/* litter FILE: leaves things that are hard to remove: a tree far deeper than any path, of locked
 * directories with long names, a locked directory, names that begin with a dash or a dot, a named
 * pipe, and links to FILE and to its directory, which nobody may remove. */
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  symlink(argv[1], "link");
  symlink(dirname(strdup(argv[1])), "links");
  mkfifo("sanitizer-report.1", 0600);
  symlink(argv[1], "sanitizer-report.2");
  close(open("-rf", O_CREAT | O_WRONLY, 0));
  close(open(".hidden", O_CREAT | O_WRONLY, 0));
  mkdir("locked", 0700);
  close(open("locked/file", O_CREAT | O_WRONLY, 0));
  chmod("locked", 0);
  char name[250];
  memset(name, '\n', sizeof name - 1);
  name[0] = '-';
  name[sizeof name - 1] = '\0';
  for (int depth = 0; depth < 1200; depth++) {
    mkdir(name, 0300);
    if (chdir(name) != 0)
      return 1;
  }
  return 0;
}
