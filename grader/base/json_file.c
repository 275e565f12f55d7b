/* json_file: see json_file.h. */
#include "grader/base/json_file.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

int json_file_write(const json_t *json, const char *path, size_t flags) {
  char part[PATH_MAX];
  if (!json || snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
    return -1;
  if (json_dump_file(json, part, flags) == 0 && rename(part, path) == 0)
    return 0;
  (void)unlink(part);
  return -1;
}
