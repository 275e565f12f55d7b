/* listening: see listening.h. The kernel's tables are described in proc(5). */
#include "grader/sandbox/listening.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

enum { LISTEN = 0x0a, SOCKETS = 8 };

struct inodes {
  unsigned long numbers[SOCKETS];
  size_t count;
};

/* Add the sockets that listen at the port; a table that is missing has none. */
static void find_sockets(const char *table, int port, struct inodes *inodes) {
  char line[512];
  FILE *file = fopen(table, "re");
  while (file != NULL && inodes->count < SOCKETS && fgets(line, sizeof line, file) != NULL) {
    unsigned local, state;
    unsigned long inode;
    if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &local,
               &state, &inode) == 3 &&
        state == LISTEN && (int)local == port)
      inodes->numbers[inodes->count++] = inode;
  }
  if (file != NULL)
    fclose(file);
}

static bool is_one_of(const char *target, const struct inodes *inodes) {
  unsigned long inode;
  if (sscanf(target, "socket:[%lu]", &inode) != 1)
    return false;
  for (size_t i = 0; i < inodes->count; i++)
    if (inodes->numbers[i] == inode)
      return true;
  return false;
}

bool listening_is_not_by(pid_t pid, int port) {
  struct inodes inodes = {.count = 0};
  char path[64];
  find_sockets("/proc/net/tcp", port, &inodes);
  find_sockets("/proc/net/tcp6", port, &inodes);
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  DIR *directory = opendir(path);
  bool seen = false, listens = false;
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    char target[64];
    ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    seen = seen || length > 0;
    listens = listens || is_one_of(target, &inodes);
  }
  if (directory != NULL)
    closedir(directory);
  return seen && !listens;
}
