/* sanitizer: see sanitizer.h. */
#include "grader/sandbox/sanitizer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <unistd.h>

static const char prefix[] = "sanitizer-report."; /* the sanitizer appends the process number */

enum { REPORTS_SIZE = 1 << 20 }; /* of all reports together; the rest is left out */

/* LeakSanitizer traces the program that it looks at. Where that is forbidden, as in some
 * containers, it would end every program with an error. Where it is not, Linux says that no process
 * has this number. */
static bool may_trace(void) {
  int scope = 0;
  FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
  if (file != NULL) {
    if (fscanf(file, "%d", &scope) != 1)
      scope = 0;
    fclose(file);
  }
  return scope < 2 && ptrace(PTRACE_ATTACH, INT_MAX, NULL, NULL) != 0 && errno == ESRCH;
}

bool sanitizer_finds_leaks(void) {
  static int known = -1; /* asked once: it stays the same */
  if (known < 0)
    known = may_trace();
  return known;
}

/* AddressSanitizer fills freed memory, so that a library, which is compiled without it, does not
 * find there what it looks for. It must find something wrong: with AddressSanitizer's own byte,
 * 0x55, the count of an object's users is large, so that nobody frees it twice. With this byte the
 * count is negative, and a pointer leads nowhere. */
#define FREED "221"

int sanitizer_set_options(struct environment *environment, const char *directory, int status) {
  int leaks = sanitizer_finds_leaks();
  static const char *const variables[] = {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    char *entry;
    if (asprintf(&entry,
                 "%s=log_path='%s/%.*s':exitcode=%d:halt_on_error=1:detect_leaks=%d:"
                 "print_stacktrace=1:color=never:max_free_fill_size=4096:free_fill_byte=" FREED ":"
                 "external_symbolizer_path='':" /* clang's: the program may not start it */
                 "detect_stack_use_after_return=1",
                 variables[i], directory, (int)strlen(prefix) - 1, prefix, status, leaks) < 0)
      return -1;
    int result = environment_set(environment, entry);
    free(entry);
    if (result != 0)
      return -1;
  }
  return 0;
}

/* Treat a report that cannot be opened as empty: a program may put anything there. */
static int read_file(const char *path, struct buffer *text) {
  struct stat status;
  int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return 0;
  int result = 0;
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
    char chunk[4096];
    ssize_t length;
    while (result == 0 && text->length < REPORTS_SIZE &&
           (length = read(file, chunk, sizeof chunk)) > 0)
      result = buffer_append(text, chunk, (size_t)length);
  }
  close(file);
  return result;
}

static char *beginning_of_line(const struct buffer *text, char *place) {
  while (place > text->bytes && place[-1] != '\n')
    place--;
  return place;
}

/* Two lines with AddressSanitizer's doubts about stacks that no lab has: a student would believe
 * them. */
static int append_without_doubts(struct buffer *report, const char *text, size_t length) {
  static const char doubts[] = "HINT: this may be a false positive";
  const char *place = text != NULL ? memmem(text, length, doubts, strlen(doubts)) : NULL;
  if (place == NULL)
    return buffer_append(report, text, length);
  const char *rest = place;
  for (int line = 0; line < 2 && rest != NULL; line++) {
    rest = memchr(rest, '\n', length - (size_t)(rest - text));
    rest = rest != NULL ? rest + 1 : NULL;
  }
  int result = buffer_append(report, text, (size_t)(place - text));
  if (result == 0 && rest != NULL)
    result = buffer_append(report, rest, length - (size_t)(rest - text));
  return result;
}

/* How long the first line is, if LeakSanitizer says there that it could not fork to see whether it
 * may trace: gcc 16's does, and the probe lets no program fork. It looks for leaks all the same. */
static size_t length_of_warning(const struct buffer *text) {
  static const char warning[] = "WARNING: TestPTrace() failed to fork";
  const char *end = text->length > 0 ? strchr(text->bytes, '\n') : NULL;
  if (end == NULL)
    return 0;
  size_t length = (size_t)(end - text->bytes) + 1;
  return memmem(text->bytes, length, warning, strlen(warning)) != NULL ? length : 0;
}

/* A sanitizer makes the file when it has something to say: so one with nothing in it, or that
 * cannot be read, was changed. */
static int append_report(const char *path, bool own, bool ended, struct buffer *report) {
  static const char emptied[] = "ERROR: the program has emptied the report of a sanitizer\n";
  struct buffer text = {0};
  int result = read_file(path, &text);
  size_t length = text.length;
  if (result == 0 && length == 0)
    return buffer_append_text(report, emptied);
  char *complaint =
      own && ended ? strstr(text.bytes, "LeakSanitizer has encountered a fatal error") : NULL;
  if (complaint != NULL) /* and all that follows is about it */
    length = (size_t)(beginning_of_line(&text, complaint) - text.bytes);
  size_t warning = own ? length_of_warning(&text) : 0;
  if (result == 0 && length > warning)
    result = append_without_doubts(report, text.bytes + warning, length - warning);
  buffer_free(&text);
  return result;
}

static int is_report(const struct dirent *entry) {
  return strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
}

int sanitizer_read_reports(const char *directory, pid_t pid, bool ended, struct buffer *report) {
  char own[64];
  snprintf(own, sizeof own, "%s%d", prefix, (int)pid);
  struct dirent **entries;
  int count = scandir(directory, &entries, is_report, alphasort);
  int result = 0;
  for (int i = 0; i < count; i++) {
    char path[PATH_MAX + NAME_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
    if (result == 0 && report->length < REPORTS_SIZE)
      result = append_report(path, strcmp(entries[i]->d_name, own) == 0, ended, report);
    free(entries[i]);
  }
  if (count >= 0)
    free(entries);
  return result;
}

int sanitizer_move_report(struct buffer *standard_error, struct buffer *report) {
  static const char mark[] = ": runtime error: ";
  if (standard_error->length == 0)
    return 0;
  char *place = memmem(standard_error->bytes, standard_error->length, mark, strlen(mark));
  if (place == NULL)
    return 0;
  place = beginning_of_line(standard_error, place);
  size_t length = (size_t)(place - standard_error->bytes);
  if (buffer_append(report, place, standard_error->length - length) != 0)
    return -1;
  standard_error->length = length;
  *place = '\0';
  return 0;
}
