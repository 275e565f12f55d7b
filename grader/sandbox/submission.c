/* submission: see submission.h. */
#include "grader/sandbox/submission.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

/* One step at a time, none of which may be a link. */
static int open_without_links(const char *path) {
  char name[NAME_MAX + 1];
  int folder = *path == '/' ? open("/", O_PATH | O_CLOEXEC) : AT_FDCWD;
  path += strspn(path, "/");
  for (;;) {
    size_t length = strcspn(path, "/");
    bool last = path[length] == '\0';
    snprintf(name, sizeof name, "%.*s", (int)length, path);
    int flags = O_NOFOLLOW | O_CLOEXEC | (last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH);
    int file = openat(folder, name, flags | (last ? 0 : O_DIRECTORY));
    int failure = errno;
    if (folder != AT_FDCWD)
      close(folder);
    errno = failure;
    if (file < 0 || last)
      return file;
    folder = file;
    path += length + 1;
  }
}

static int read_all(int file, struct buffer *content) {
  char chunk[65536];
  ssize_t length;
  while ((length = read(file, chunk, sizeof chunk)) > 0 && content->length <= SUBMISSION_SIZE) {
    if (buffer_append(content, chunk, (size_t)length) != 0)
      return -1;
  }
  return length < 0 ? -1 : 0;
}

int submission_read(const char *path, struct buffer *content, char *why, size_t size) {
  struct stat status = {0};
  *why = '\0';
  int file = open_without_links(path);
  if (file < 0 || fstat(file, &status) != 0)
    snprintf(why, size, "%s",
             errno == ELOOP || errno == ENOTDIR ? "it is a symbolic link, or inside one"
                                                : strerror(errno));
  else if (!S_ISREG(status.st_mode))
    snprintf(why, size, "it is not a regular file");
  else if (status.st_nlink > 1)
    snprintf(why, size, "it has another name elsewhere (a hard link)");
  else if (read_all(file, content) != 0)
    snprintf(why, size, "%s", strerror(errno));
  else if (content->length > SUBMISSION_SIZE)
    snprintf(why, size, "it has more than %d KiB", SUBMISSION_SIZE / 1024);
  else if (content->length > 0 && memchr(content->bytes, '\0', content->length) != NULL)
    snprintf(why, size, "it is no text: it has a NUL");
  if (file >= 0)
    close(file);
  return *why == '\0' ? 0 : -1;
}

/* ---- its includes ---- */

/* The line's file name, if it is an #include in one of the usual spellings: the compiler's view has
 * no files for the others. */
static const char *included(const char *line, char *name, size_t size) {
  char closing;
  line += strspn(line, " \t");
  if (*line != '#')
    return NULL;
  line += 1 + strspn(line + 1, " \t");
  if (strncmp(line, "include", 7) != 0 && strncmp(line, "import", 6) != 0)
    return NULL;
  line += strcspn(line, "\"<\n");
  if (*line != '"' && *line != '<')
    return NULL;
  closing = *line == '<' ? '>' : '"';
  size_t length = 0;
  for (line++; line[length] != closing && line[length] != '\n' && line[length] != '\0';)
    length++;
  snprintf(name, size, "%.*s", (int)length, line);
  return name;
}

int submission_check_includes(const struct buffer *content, char *why, size_t size) {
  char name[256];
  const char *line = content->bytes;
  for (int number = 1; line != NULL && *line != '\0'; number++) {
    if (included(line, name, sizeof name) != NULL && (name[0] == '/' || strstr(name, ".."))) {
      snprintf(why, size,
               "%d: error: #include \"%s\": only the system's headers and those of common/ "
               "are allowed",
               number, name);
      return -1;
    }
    line = strchr(line, '\n');
    line = line != NULL ? line + 1 : NULL;
  }
  return 0;
}
