/* filter: see filter.h. */
#include "grader/sandbox/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_beside_us(const char *name) {
  char self[PATH_MAX];
  char path[PATH_MAX + 32];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0)
    return -1;
  self[length] = '\0';
  snprintf(path, sizeof path, "%s/%s", dirname(self), name);
  return open(path, O_RDONLY | O_CLOEXEC);
}

int filter_read(struct filter *filter, const char *name) {
  struct stat status;
  int file = open_beside_us(name);
  if (file < 0)
    return -1;
  int result = fstat(file, &status);
  size_t size = result == 0 ? (size_t)status.st_size : 0;
  if (size == 0 || size % sizeof *filter->steps != 0 ||
      size / sizeof *filter->steps > BPF_MAXINSNS) {
    errno = ENOEXEC;
    result = -1;
  }
  if (result == 0 && (filter->steps = malloc(size)) == NULL)
    result = -1;
  if (result == 0 && read(file, filter->steps, size) != (ssize_t)size)
    result = -1;
  filter->count = (unsigned short)(size / sizeof *filter->steps);
  close(file);
  return result;
}

int filter_enter(struct filter *filter, pid_t self) {
  for (unsigned i = 0; i < filter->count; i++) {
    struct sock_filter *step = &filter->steps[i];
    if (BPF_CLASS(step->code) == BPF_JMP && step->k == FILTER_SELF)
      step->k = (unsigned)self;
  }
  struct sock_fprog program = {.len = filter->count, .filter = filter->steps};
  if (prctl(PR_GET_SECCOMP) < 0) /* this kernel has none */
    return 0;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

void filter_free(struct filter *filter) {
  free(filter->steps);
  *filter = (struct filter){0};
}
