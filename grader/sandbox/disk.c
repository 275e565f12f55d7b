/* disk: see disk.h. */
#include "grader/sandbox/disk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static char taken[PATH_MAX]; /* "" before the first call */

/* A lock on the folder says that it is taken. It ends with this process. Returns whether the folder
 * is ours now. */
static bool lock(const char *folder) {
  int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return false;
  if (flock(file, LOCK_EX | LOCK_NB) == 0)
    return true;
  (void)close(file);
  return false;
}

static int find(void) {
  const char *parent = getenv("TMPDIR");
  char path[PATH_MAX];
  if (realpath(parent != NULL && *parent != '\0' ? parent : "/tmp", path) == NULL)
    return -1;
  for (int i = 0; i < DISKS; i++) {
    int length = snprintf(taken, sizeof taken, DISK_FORMAT, path, i);
    if (length < (int)sizeof taken && lock(taken))
      return 0;
  }
  strcpy(taken, path);
  return 0;
}

int disk_take(char *path) {
  if (taken[0] == '\0' && find() != 0)
    return -1;
  strcpy(path, taken);
  return access(path, W_OK | X_OK);
}
