#include "grader/sandbox/remove.h"

#include <errno.h>
#include <fts.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_entry(const FTSENT *entry) {
  switch (entry->fts_info) {
  case FTS_D: /* a directory before its contents */ return chmod(entry->fts_accpath, S_IRWXU);
  case FTS_DP: /* and after them */ return rmdir(entry->fts_accpath);
  default: return unlink(entry->fts_accpath);
  }
}

int remove_directory(char *path) {
  char *roots[] = {path, NULL};
  FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_XDEV, NULL);
  if (tree == NULL)
    return -1;
  int failure = 0;
  for (FTSENT *entry = fts_read(tree); entry != NULL; entry = fts_read(tree)) {
    if (remove_entry(entry) != 0)
      failure = errno;
  }
  if (fts_close(tree) != 0)
    failure = errno;
  errno = failure;
  return failure == 0 ? 0 : -1;
}
