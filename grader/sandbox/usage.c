/* usage: see usage.h. */
#include "grader/sandbox/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, ENTRY = 4096, LEVELS = 64 };

static double count(int parent, const char *name, double most, int level);

/* What an entry takes; that of a directory with everything in it. What has gone meanwhile takes
 * nothing. */
static double count_entry(int directory, const char *name, double most, int level) {
  struct stat status;
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == EACCES ? INFINITY : 0;
  double usage = ENTRY + (double)status.st_blocks * BLOCK;
  return S_ISDIR(status.st_mode) ? usage + count(directory, name, most - usage, level + 1) : usage;
}

/* NOLINTNEXTLINE(misc-no-recursion): LEVELS bounds it */
static double count(int parent, const char *name, double most, int level) {
  double usage = 0;
  if (level > LEVELS)
    return INFINITY;
  int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return errno == EACCES ? INFINITY : 0;
  DIR *stream = fdopendir(directory);
  if (stream == NULL) {
    (void)close(directory);
    return 0;
  }
  for (struct dirent *entry; usage <= most && (entry = readdir(stream)) != NULL;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      usage += count_entry(directory, entry->d_name, most - usage, level);
  (void)closedir(stream);
  return usage;
}

double usage_of(const char *path, double most) {
  return count_entry(AT_FDCWD, path, most, 0);
}
