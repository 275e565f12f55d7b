/* remove: see remove.h. A tree becomes a row: each directory that is not empty is moved into one
 * folder, the row, where it waits for its turn. So no more than one directory is open at a time
 * besides the row, and each is read once. */
#include "grader/sandbox/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct removal {
  double deadline;
  int row;              /* the descriptor of the folder */
  unsigned long in_row; /* how many directories were moved there: their names are numbers */
  int failure;          /* the last error; 0 if there was none */
  char row_name[32];    /* in the directory itself; "" before it exists */
};

static double now(void) {
  struct timespec time = {0};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Whether there is time left. */
static bool goes_on(struct removal *removal) {
  if (now() <= removal->deadline)
    return true;
  removal->failure = ETIME;
  return false;
}

/* Open a directory, of which we may then remove everything. */
static int open_directory(int parent, const char *name) {
  (void)fchmodat(parent, name, S_IRWXU, AT_SYMLINK_NOFOLLOW); /* where it fails, open does */
  return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Remove a file or an empty directory. Returns 0 or an error: ENOTEMPTY for other directories. */
static int remove_entry(int directory, const char *name) {
  if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
    return 0;
  int of_file = errno;
  if (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return 0;
  return errno == ENOTDIR ? of_file : errno == EEXIST ? ENOTEMPTY : errno;
}

static bool is_one_of_dots(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The disk is too full to move a directory. Go down, always into the first directory that is not
 * empty, until something can be removed. Returns whether something was. */
static bool make_room(struct removal *removal, int top) {
  bool made = false;
  int directory = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (bool is_top = true; directory >= 0 && !made && goes_on(removal); is_top = false) {
    int inner = -1;
    DIR *stream = fdopendir(directory);
    for (struct dirent *entry; stream != NULL && inner < 0 && (entry = readdir(stream)) != NULL;) {
      if (is_one_of_dots(entry->d_name) ||
          (is_top && strcmp(entry->d_name, removal->row_name) == 0))
        continue;
      int error = remove_entry(directory, entry->d_name);
      made = made || error == 0;
      if (error == ENOTEMPTY && !made)
        inner = open_directory(directory, entry->d_name);
    }
    (void)(stream != NULL ? closedir(stream) : close(directory));
    directory = inner;
  }
  if (directory >= 0)
    (void)close(directory);
  return made;
}

static bool is_full(int error) {
  return error == ENOSPC || error == EDQUOT;
}

/* Make the row, in `top`. Returns 0 or an error. */
static int make_row(struct removal *removal, int top) {
  for (unsigned long i = 0; goes_on(removal); i++) {
    snprintf(removal->row_name, sizeof removal->row_name, "row-%lu", i);
    if (mkdirat(top, removal->row_name, S_IRWXU) == 0) {
      removal->row = open_directory(top, removal->row_name);
      return removal->row >= 0 ? 0 : errno;
    }
    int error = errno;
    removal->row_name[0] = '\0';
    if (error != EEXIST && !(is_full(error) && make_room(removal, top)))
      return error;
  }
  return ETIME;
}

/* Move a directory that is not empty into the row. Returns 0 or an error. */
static int move_to_row(struct removal *removal, int top, int directory, const char *name) {
  char number[32];
  int error = removal->row < 0 ? make_row(removal, top) : 0;
  if (error != 0)
    return error;
  snprintf(number, sizeof number, "%lu", removal->in_row);
  (void)fchmodat(directory, name, S_IRWXU, AT_SYMLINK_NOFOLLOW); /* its ".." will change */
  while (renameat(directory, name, removal->row, number) != 0) {
    error = errno;
    if (!is_full(error) || !make_room(removal, directory))
      return error == ENOENT ? 0 : error;
  }
  removal->in_row++;
  return 0;
}

/* Remove or move what the directory has. Returns whether it had anything that could be. */
static bool empty_once(struct removal *removal, bool is_top, DIR *stream, int top) {
  int failure = 0;
  bool changed = false;
  rewinddir(stream);
  for (struct dirent *entry; goes_on(removal) && (entry = readdir(stream)) != NULL;) {
    if (is_one_of_dots(entry->d_name) || (is_top && strcmp(entry->d_name, removal->row_name) == 0))
      continue;
    int error = remove_entry(dirfd(stream), entry->d_name);
    if (error == ENOTEMPTY)
      error = move_to_row(removal, top, dirfd(stream), entry->d_name);
    changed = changed || error == 0;
    failure = error != 0 ? error : failure;
  }
  if (!changed && failure != 0)
    removal->failure = failure;
  return changed && goes_on(removal);
}

/* Some file systems leave out an entry when another one goes: read it until nothing more is there.
 * The descriptor is closed. */
static void empty(struct removal *removal, int top, int directory) {
  bool is_top = directory == top;
  DIR *stream =
      fdopendir(is_top ? openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : directory);
  if (stream == NULL) {
    removal->failure = errno;
    return;
  }
  while (empty_once(removal, is_top, stream, top))
    continue;
  (void)closedir(stream);
}

static void empty_row(struct removal *removal, int top) {
  for (unsigned long i = 0; i < removal->in_row && goes_on(removal); i++) {
    char number[32];
    snprintf(number, sizeof number, "%lu", i);
    int directory = open_directory(removal->row, number);
    if (directory >= 0)
      empty(removal, top, directory);
    if (unlinkat(removal->row, number, AT_REMOVEDIR) != 0 && errno != ENOENT &&
        removal->failure == 0)
      removal->failure = errno;
  }
}

int remove_directory(const char *path, double seconds) {
  struct removal removal = {.deadline = now() + seconds, .row = -1};
  int top = open_directory(AT_FDCWD, path);
  if (top < 0)
    return errno == ENOENT ? 0 : -1;
  empty(&removal, top, top);
  if (removal.row >= 0) {
    empty_row(&removal, top);
    (void)close(removal.row);
    if (unlinkat(top, removal.row_name, AT_REMOVEDIR) != 0 && errno != ENOENT &&
        removal.failure == 0)
      removal.failure = errno;
  }
  (void)close(top);
  bool removed = rmdir(path) == 0 || errno == ENOENT;
  if (!removed && removal.failure == 0)
    removal.failure = errno;
  errno = removal.failure;
  return removed ? 0 : -1;
}
