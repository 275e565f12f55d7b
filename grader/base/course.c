/* course: see course.h. */
#include "grader/base/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/base/labs.h"

#define BLANK " \t\r"

/* Cut blanks from both ends of the text. */
static char *trimmed(char *text) {
  text += strspn(text, BLANK);
  size_t length = strlen(text);
  while (length > 0 && strchr(BLANK, text[length - 1]))
    length--;
  text[length] = '\0';
  return text;
}

/* Read "12.5": digits, and a fraction. Returns whether it is a number of points, which are counted
 * in hundredths. */
static bool is_number(const char *text, double *number) {
  enum { MOST = 1000000 };
  char *end;
  if (*text < '0' || *text > '9' || strlen(text) != strspn(text, "0123456789."))
    return false;
  *number = strtod(text, &end);
  return *end == '\0' && *number <= MOST;
}

/* Returns what is wrong with the names, or NULL. */
static const char *add_hidden(struct course *course, char *names) {
  char *rest;
  for (char *name = strtok_r(names, BLANK, &rest); name; name = strtok_r(NULL, BLANK, &rest)) {
    char lab[COURSE_NAME];
    const char *slash = strchr(name, '/');
    if (course->hidden_count == COURSE_HIDDEN || strlen(name) >= COURSE_NAME)
      return "too many hidden checks, or too long a name";
    snprintf(lab, sizeof lab, "%.*s", slash ? (int)(slash - name) : 0, name);
    if (!labs_find(lab))
      return "a hidden check is lab02/post, for example";
    snprintf(course->hidden[course->hidden_count++], COURSE_NAME, "%s", name);
  }
  return NULL;
}

/* Returns what is wrong with this line, or NULL. */
static const char *read_line(struct course *course, char *line) {
  line[strcspn(line, "#")] = '\0';
  line = trimmed(line);
  if (*line == '\0')
    return NULL;
  char *equals = strchr(line, '=');
  if (!equals)
    return "not as \"lab01 = 10\"";
  *equals = '\0';
  const char *key = trimmed(line);
  char *value = trimmed(equals + 1);
  if (strcmp(key, "due") == 0 || strcmp(key, "late") == 0)
    return NULL;
  if (strcmp(key, "hidden") == 0)
    return add_hidden(course, value);
  if (strcmp(key, "bonus") == 0)
    return is_number(value, &course->bonus) ? NULL : "not a number of points";
  const struct lab *lab = labs_find(key);
  if (!lab)
    return "neither a lab nor bonus, hidden, due or late";
  double *worth = &course->worth[lab - labs_all];
  if (*worth > 0)
    return "the lab is there twice";
  return is_number(value, worth) ? NULL : "not a number of points";
}

int course_parse(struct course *course, const char *text, const char *name) {
  char line[1024];
  double sum = 0;
  memset(course, 0, sizeof *course);
  for (int number = 1; *text != '\0'; number++) {
    size_t length = strcspn(text, "\n");
    snprintf(line, sizeof line, "%.*s", (int)length, text);
    const char *wrong = length < sizeof line ? read_line(course, line) : "too long a line";
    if (wrong) {
      fprintf(stderr, "grade: %s:%d: %s\n", name, number, wrong);
      return -1;
    }
    text += length + (text[length] == '\n');
  }
  for (size_t i = 0; i < labs_count; i++)
    sum += course->worth[i];
  if (sum > 0)
    return 0;
  fprintf(stderr, "grade: %s: no lab has points\n", name);
  return -1;
}

bool course_hides(const struct course *course, const char *lab, const char *check) {
  char name[2 * COURSE_NAME];
  snprintf(name, sizeof name, "%s/%s", lab, check);
  for (size_t i = 0; i < course->hidden_count; i++)
    if (strcmp(course->hidden[i], name) == 0)
      return true;
  return false;
}
