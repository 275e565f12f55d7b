/* progress: see progress.h. */
#include "grader/result/progress.h"
#include "grader/base/json_file.h"

#include <stdio.h>
#include <string.h>

json_t *progress_load(const char *path) {
  json_t *progress = json_load_file(path, 0, NULL);
  if (json_is_object(progress))
    return progress;
  json_decref(progress);
  return NULL;
}

static const char *name_of(const struct check *check, char *name, size_t size) {
  snprintf(name, size, "%s/%s", check->lab, check->id);
  return name;
}

/* A fault of the grader is no verdict. */
static bool has_verdict(const struct outcome *outcome) {
  return outcome->verdict == OUTCOME_PASSED || outcome->verdict == OUTCOME_FAILED;
}

enum progress_change progress_of(const json_t *progress, const char *programs,
                                 const struct outcome *outcome) {
  char name[128];
  const json_t *passed = json_object_get(json_object_get(progress, programs),
                                         name_of(outcome->check, name, sizeof name));
  if (!json_is_boolean(passed) || !has_verdict(outcome))
    return PROGRESS_NONE;
  bool passes = outcome->verdict == OUTCOME_PASSED;
  if (passes == json_is_true(passed))
    return PROGRESS_NONE;
  return passes ? PROGRESS_FIXED : PROGRESS_BROKEN;
}

int progress_points(const json_t *progress, const char *programs, const struct outcome_list *list,
                    const struct lab *lab) {
  int points = 0;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    enum progress_change change = progress_of(progress, programs, outcome);
    if (lab && strcmp(outcome->check->lab, lab->id) != 0)
      continue;
    if (change == PROGRESS_FIXED)
      points += outcome->check->points;
    if (change == PROGRESS_BROKEN)
      points -= outcome->check->points;
  }
  return points;
}

int progress_standing(const json_t *progress, const char *programs, const struct outcome_list *list,
                      const struct lab *lab) {
  const json_t *checks = json_object_get(progress, programs);
  int points = -1;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    char name[128];
    const json_t *before = json_object_get(checks, name_of(outcome->check, name, sizeof name));
    if (strcmp(outcome->check->lab, lab->id) != 0 || (!has_verdict(outcome) && !before))
      continue;
    bool passed = has_verdict(outcome) ? outcome->verdict == OUTCOME_PASSED : json_is_true(before);
    points = (points < 0 ? 0 : points) + (passed ? outcome->check->points : 0);
  }
  return points;
}

int progress_write(const char *path, const json_t *progress, const char *programs,
                   const struct outcome_list *list) {
  char name[128];
  json_t *new = progress ? json_deep_copy(progress) : json_object();
  json_t *checks = json_object_get(new, programs);
  if (!json_is_object(checks)) {
    checks = json_object();
    json_object_set_new(new, programs, checks);
  }
  for (size_t i = 0; i < list->count; i++)
    if (has_verdict(&list->outcomes[i]))
      json_object_set_new(checks, name_of(list->outcomes[i].check, name, sizeof name),
                          json_boolean(list->outcomes[i].verdict == OUTCOME_PASSED));
  int result = json_file_write(new, path, JSON_INDENT(1) | JSON_SORT_KEYS);
  json_decref(new);
  return result;
}
