/* spectrum: see spectrum.h. */
#include "grader/result/spectrum.h"

#include <limits.h>
#include <string.h>

#include "grader/words/source.h"

static bool runs_in(const struct outcome *outcome, const char *function) {
  size_t index;
  const json_t *name;
  json_array_foreach(json_object_get(outcome->file, "functions"), index, name) {
    if (strcmp(json_string_value(name), function) == 0)
      return true;
  }
  return false;
}

/* The checks that say something of this program. */
struct checks {
  const struct outcome_list *list;
  const struct lab *lab;
  const char *program;
};

static bool counts(const struct checks *checks, const struct outcome *outcome) {
  bool ran = outcome->verdict == OUTCOME_PASSED || outcome->verdict == OUTCOME_FAILED;
  return ran && outcome_is_of(outcome, checks->lab) && !outcome_is_undone(outcome) &&
         !outcome_is_unearned(outcome) && strcmp(outcome_program(outcome), checks->program) == 0;
}

/* Whether the function runs in those that fail, and in no other. */
static bool is_suspect(const struct checks *checks, const char *function) {
  for (size_t i = 0; i < checks->list->count; i++) {
    const struct outcome *outcome = &checks->list->outcomes[i];
    bool fails = outcome->verdict == OUTCOME_FAILED;
    if (counts(checks, outcome) && runs_in(outcome, function) != fails)
      return false;
  }
  return true;
}

static const struct outcome *first_failure(const struct checks *checks) {
  for (size_t i = 0; i < checks->list->count; i++)
    if (checks->list->outcomes[i].verdict == OUTCOME_FAILED &&
        counts(checks, &checks->list->outcomes[i]))
      return &checks->list->outcomes[i];
  return NULL;
}

/* Where no check passes, the function that every run begins with would be the only suspect. */
static bool some_pass(const struct checks *checks) {
  for (size_t i = 0; i < checks->list->count; i++)
    if (checks->list->outcomes[i].verdict == OUTCOME_PASSED &&
        counts(checks, &checks->list->outcomes[i]))
      return true;
  return false;
}

int spectrum_find(const struct outcome_list *list, const struct run *run, const struct lab *lab,
                  const char *program) {
  struct checks checks = {list, lab, program};
  const struct outcome *failure = first_failure(&checks);
  char path[PATH_MAX];
  int found = 0;
  size_t index;
  const json_t *name;
  if (!failure || !some_pass(&checks) ||
      !source_path(run->programs, lab->folder, program, path, sizeof path))
    return 0;
  json_array_foreach(json_object_get(failure->file, "functions"), index, name) {
    const char *function = json_string_value(name);
    int line = is_suspect(&checks, function) ? source_line_of_function(path, function) : 0;
    int todo = line > 0 ? source_todo_of_line(path, line) : 0;
    if (todo == 0)
      continue;
    if (found != 0 && found != todo)
      return 0;
    found = todo;
  }
  return found;
}
