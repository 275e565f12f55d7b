/* source: see source.h. */
#include "grader/words/source.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_SIZE = 512 };

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text);
  return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* Whether this is the folder in make's build folder. */
static bool is_built(const char *programs, const char *folder) {
  char path[PATH_MAX];
  const char *build = getenv("BUILD");
  snprintf(path, sizeof path, "%s/%s", build ? build : "build", folder);
  return ends_with(programs, path);
}

const char *source_path(const char *programs, const char *folder, const char *program, char *path,
                        size_t size) {
  if (is_built(programs, "labs"))
    snprintf(path, size, "%s/%s.c", folder, program);
  else if (is_built(programs, "solutions"))
    snprintf(path, size, "%s/solution/%s.c", folder, program);
  else
    snprintf(path, size, "%s/%s/%s.c", programs, folder, program);
  return access(path, R_OK) == 0 ? path : NULL;
}

/* Whether a path, which may come from a program's own report, leads to a file of this folder; to a
 * solution only when grading solutions. */
static bool is_ours(const char *path) {
  char here[PATH_MAX];
  char real[PATH_MAX];
  const char *programs = getenv("GRADE_PROGRAMS");
  if (!realpath(path, real) || !realpath(".", here))
    return false;
  bool beneath = strncmp(real, here, strlen(here)) == 0 && real[strlen(here)] == '/';
  bool solution = strstr(real, "/solution/") != NULL;
  return beneath && (!solution || !programs || strstr(programs, "solutions"));
}

/* Without waiting for a pipe or a device: only regular files are sources. */
static FILE *open_source(const char *path) {
  struct stat status;
  int file = is_ours(path) ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
  if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode))
    return fdopen(file, "r");
  if (file >= 0)
    close(file);
  return NULL;
}

/* The number in a heading: 3 for TODO 3, 0 for a heading of something else; -1 for any other
 * line. */
static int heading(const char *line) {
  int todo = 0;
  line += strspn(line, " \t");
  if (strncmp(line, "/* --- ", 7) != 0)
    return -1;
  return sscanf(line, "/* --- TODO %d", &todo) == 1 ? todo : 0;
}

/* The number in a call, todo(3, or todo_later(3, (common/todo.h), with which a line begins; -1 for
 * any other line. */
static int call(const char *line) {
  int todo = 0;
  line += strspn(line, " \t");
  bool found = sscanf(line, "todo(%d,", &todo) == 1 || sscanf(line, "todo_later(%d,", &todo) == 1;
  return found ? todo : -1;
}

/* One line of the file at a time, cut if it is very long. */
static bool read_line(FILE *file, char *line) {
  if (!fgets(line, LINE_SIZE, file))
    return false;
  if (!strchr(line, '\n'))
    for (int c = getc(file); c != '\n' && c != EOF; c = getc(file))
      ;
  return true;
}

/* Whether a line begins within a comment that another line has opened, as the next one will. */
static bool in_comment(const char *line, bool *open) {
  bool inside = *open;
  for (const char *next = line; *next; next++) {
    if (strncmp(next, *open ? "*/" : "/*", 2) == 0) {
      *open = !*open;
      next++;
    }
  }
  return inside;
}

int source_line_of_todo(const char *path, int todo) {
  char line[LINE_SIZE];
  int found = 0;
  bool open = false;
  FILE *file = open_source(path);
  for (int number = 1; file && read_line(file, line); number++) {
    bool comment = in_comment(line, &open);
    if (found == 0 && heading(line) == todo)
      found = number;
    if (comment || call(line) != todo)
      continue;
    found = number;
    break;
  }
  if (file)
    fclose(file);
  return found;
}

int source_next_undone(const char *path, int after, int *where) {
  char line[LINE_SIZE];
  int lowest = 0;
  bool open = false;
  FILE *file = open_source(path);
  for (int number = 1; file && read_line(file, line); number++) {
    int todo = call(line);
    if (in_comment(line, &open) || todo <= after || (lowest != 0 && todo >= lowest))
      continue;
    lowest = todo;
    *where = number;
  }
  if (file)
    fclose(file);
  return lowest;
}

int source_todo_of_line(const char *path, int wanted) {
  char line[LINE_SIZE];
  int todo = 0;
  int number = 0;
  FILE *file = open_source(path);
  while (file && number < wanted && read_line(file, line)) {
    number++;
    if (heading(line) >= 0)
      todo = heading(line);
  }
  if (file)
    fclose(file);
  return number == wanted ? todo : 0;
}

/* Whether a line begins in the first column and has the name of a function before a bracket. */
static bool names_function(const char *line, const char *function) {
  const char *found = strstr(line, function);
  size_t length = strlen(function);
  bool begins =
      found && (found == line || (!isalnum((unsigned char)found[-1]) && found[-1] != '_'));
  return begins && found[length] == '(' && (isalpha((unsigned char)*line) || *line == '_');
}

/* Declarations come before the definition, and calls are indented. */
int source_line_of_function(const char *path, const char *function) {
  char line[LINE_SIZE];
  int found = 0;
  bool open = false;
  FILE *file = open_source(path);
  for (int number = 1; file && read_line(file, line); number++)
    if (!in_comment(line, &open) && names_function(line, function))
      found = number;
  if (file)
    fclose(file);
  return found;
}

int source_todo_of_text(const char *path, const char *text) {
  char line[LINE_SIZE];
  int found = 0;
  bool open = false;
  bool several = false;
  FILE *file = open_source(path);
  for (int number = 1; file && read_line(file, line); number++) {
    bool has = !in_comment(line, &open) && strstr(line, text);
    int todo = has ? source_todo_of_line(path, number) : 0;
    several = several || (todo > 0 && found > 0 && todo != found);
    found = todo > 0 ? todo : found;
  }
  if (file)
    fclose(file);
  return several ? 0 : found;
}

const char *source_text(const char *path, int wanted, char *text, size_t size) {
  char line[LINE_SIZE];
  *text = '\0';
  FILE *file = open_source(path);
  for (int number = 1; file && read_line(file, line); number++) {
    if (number != wanted)
      continue;
    size_t length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1]))
      length--;
    size_t blanks = strspn(line, " \t");
    snprintf(text, size, "%.*s", length > blanks ? (int)(length - blanks) : 0, line + blanks);
    break;
  }
  if (file)
    fclose(file);
  return text;
}

int source_lines(const char *path, int wanted, int count, struct buffer *text) {
  char line[LINE_SIZE];
  int result = 0;
  FILE *file = open_source(path);
  for (int number = 1; file && number < wanted + count && read_line(file, line); number++)
    if (number >= wanted)
      result |= buffer_append(text, line, strlen(line));
  if (file)
    fclose(file);
  return result;
}
