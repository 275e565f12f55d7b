/* outcome: see outcome.h. */
#include "grader/outcome.h"

#include <criterion/internal/ordered-set.h>
#include <criterion/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_lab_and_line(const void *left, const void *right) {
  const struct check *a = ((const struct outcome *)left)->check;
  const struct check *b = ((const struct outcome *)right)->check;
  int lab = strcmp(a->lab, b->lab);
  return lab != 0 ? lab : (a->line > b->line) - (a->line < b->line);
}

int outcome_list_init(struct outcome_list *list, const struct criterion_test_set *set) {
  *list = (struct outcome_list){.outcomes =
                                    calloc(set->tests ? set->tests : 1, sizeof *list->outcomes)};
  if (!list->outcomes)
    return -1;
  FOREACH_SET(struct criterion_suite_set * suite, set->suites) {
    FOREACH_SET(struct criterion_test * test, suite->tests)
    list->outcomes[list->count++].check = test->data->data;
  }
  qsort(list->outcomes, list->count, sizeof *list->outcomes, by_lab_and_line);
  return 0;
}

struct outcome *outcome_find(struct outcome_list *list, const char *lab, const char *id) {
  for (size_t i = 0; i < list->count; i++)
    if (strcmp(list->outcomes[i].check->lab, lab) == 0 &&
        strcmp(list->outcomes[i].check->id, id) == 0)
      return &list->outcomes[i];
  return NULL;
}

/* One test as Criterion saw it, against the file that it left. */
static void collect_test(struct outcome *outcome, const struct criterion_test_stats *test,
                         const char *directory) {
  char path[4096];
  if (test->test_status == CR_STATUS_SKIPPED)
    return;
  snprintf(path, sizeof path, "%s/%s.%s.json", directory, outcome->check->lab, outcome->check->id);
  outcome->file = json_load_file(path, 0, NULL);
  outcome->seconds = test->elapsed_time;
  outcome->verdict = OUTCOME_FAULT;
  const char *verdict = json_string_value(json_object_get(outcome->file, "verdict"));
  bool broken = test->crashed || test->timed_out || test->exit_code != 0 || test->signal != 0;
  if (!verdict || broken)
    return;
  bool passed = test->test_status == CR_STATUS_PASSED;
  if (passed && strcmp(verdict, "passed") == 0)
    outcome->verdict = OUTCOME_PASSED;
  else if (!passed && strcmp(verdict, "failed") == 0)
    outcome->verdict = OUTCOME_FAILED;
}

void outcome_collect(struct outcome_list *list, const struct criterion_global_stats *stats,
                     const char *directory) {
  for (struct criterion_suite_stats *suite = stats->suites; suite; suite = suite->next) {
    for (struct criterion_test_stats *test = suite->tests; test; test = test->next) {
      struct outcome *outcome = outcome_find(list, test->test->category, test->test->name);
      if (outcome)
        collect_test(outcome, test, directory);
    }
  }
}

static bool belongs_to(const struct outcome *outcome, const struct lab *lab) {
  return !lab || strcmp(outcome->check->lab, lab->id) == 0;
}

int outcome_points(const struct outcome_list *list, const struct lab *lab) {
  int points = 0;
  for (size_t i = 0; i < list->count; i++)
    if (belongs_to(&list->outcomes[i], lab) && list->outcomes[i].verdict == OUTCOME_PASSED)
      points += list->outcomes[i].check->points;
  return points;
}

int outcome_possible(const struct outcome_list *list, const struct lab *lab) {
  int points = 0;
  for (size_t i = 0; i < list->count; i++)
    if (belongs_to(&list->outcomes[i], lab))
      points += list->outcomes[i].check->points;
  return points;
}

size_t outcome_faults(const struct outcome_list *list) {
  size_t faults = 0;
  for (size_t i = 0; i < list->count; i++)
    faults += list->outcomes[i].verdict == OUTCOME_FAULT;
  return faults;
}

const char *outcome_text(const struct outcome *outcome, const char *key) {
  const json_t *finding = json_object_get(outcome->file, "finding");
  const char *text = json_string_value(json_object_get(finding, key));
  return text ? text : "";
}

int outcome_todo(const struct outcome *outcome) {
  const json_t *finding = json_object_get(outcome->file, "finding");
  int todo = (int)json_integer_value(json_object_get(finding, "todo"));
  return todo ? todo : outcome->check->todo;
}

void outcome_list_free(struct outcome_list *list) {
  for (size_t i = 0; i < list->count; i++)
    json_decref(list->outcomes[i].file);
  free(list->outcomes);
  *list = (struct outcome_list){0};
}
