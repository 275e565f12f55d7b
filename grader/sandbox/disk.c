/* disk: see disk.h. */
#include "grader/sandbox/disk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static char taken[PATH_MAX]; /* "" before the first call */

/* The first disk that nobody has locked is ours until this process ends. Without bubblewrap there
 * is none. */
static int find(void) {
  const char *parent = getenv("TMPDIR");
  char path[PATH_MAX];
  if (realpath(parent != NULL && *parent != '\0' ? parent : "/tmp", path) == NULL)
    return -1;
  for (int i = 0; i < DISKS; i++) {
    int length = snprintf(taken, sizeof taken, DISK_FORMAT, path, i);
    int disk = length < (int)sizeof taken ? open(taken, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (disk < 0)
      break;
    if (flock(disk, LOCK_EX | LOCK_NB) == 0)
      return 0;
    (void)close(disk);
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
