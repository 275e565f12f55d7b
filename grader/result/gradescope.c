/* gradescope: see gradescope.h. */
#include "grader/result/gradescope.h"

#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "grader/base/json_file.h"
#include "grader/sandbox/protection.h"

/* The words of a failure, as one text. */
static json_t *output_json(const struct outcome *outcome) {
  static const struct {
    const char *key;
    const char *label;
  } parts[] = {{"what", ""}, {"expected", "expected: "}, {"seen", "seen: "}, {"report", ""}};
  struct buffer text = {0};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    const char *part = outcome_text(outcome, parts[i].key);
    if (!*part)
      continue;
    buffer_append_text(&text, parts[i].label);
    buffer_append_text(&text, part);
    buffer_append_text(&text, "\n");
  }
  json_t *output = json_string(text.bytes ? text.bytes : "");
  buffer_free(&text);
  return output;
}

static json_t *test_json(const struct outcome *outcome, bool missing) {
  const struct check *check = outcome->check;
  bool passed = outcome->verdict == OUTCOME_PASSED;
  char number[64];
  snprintf(number, sizeof number, "%s/%s", check->lab, check->id);
  return json_pack("{s:s, s:s, s:i, s:i, s:s, s:o}", "number", number, "name", check->sentence,
                   "score", passed ? check->points : 0, "max_score", check->points, "status",
                   passed ? "passed" : "failed", "output",
                   missing ? json_string("Your program does not exist or does not compile.")
                           : output_json(outcome));
}

/* The names of the known mistakes that the failures look like, by lab. */
static json_t *looks_like_json(const struct outcome_list *list) {
  json_t *labs = json_object();
  for (size_t l = 0; l < labs_count; l++) {
    const struct diagnosis *diagnosis = &list->diagnoses[l];
    json_t *names = json_array();
    for (size_t i = 0; i < diagnosis->count; i++)
      for (size_t n = 0; n < DIAGNOSIS_ALTERNATIVES; n++)
        if (diagnosis->likely[i].names[n] && !diagnosis->likely[i].doubtful)
          json_array_append_new(names, json_string(diagnosis->likely[i].names[n]));
    json_object_set_new(labs, labs_all[l].id, names);
  }
  return labs;
}

/* What an instructor must know of the whole. */
static json_t *remark_json(const struct run *run, const struct outcome_list *list) {
  char left[80] = "";
  if (run->left > 0)
    snprintf(left, sizeof left, "%zu folders of the programs cannot be removed.", run->left);
  return json_sprintf("%s%s%s",
                      outcome_faults(list) ? "The grader itself failed in some checks." : "",
                      outcome_faults(list) && *left ? " " : "", left);
}

int gradescope_write(const char *path, const struct run *run, const struct outcome_list *list) {
  json_t *tests = json_array();
  int points = 0;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    const struct lab *lab = labs_find(outcome->check->lab);
    size_t index = (size_t)(lab - labs_all);
    if (!run->selected[index] || (outcome->verdict == OUTCOME_NOT_RUN && !run->missing[index]))
      continue;
    points += outcome->verdict == OUTCOME_PASSED ? outcome->check->points : 0;
    json_array_append_new(tests, test_json(outcome, run->missing[index]));
  }
  json_t *results =
      json_pack("{s:i, s:f, s:o, s:o, s:{s:o, s:o, s:s, s:O*}}", "score", points, "execution_time",
                run->seconds, "output", remark_json(run, list), "tests", tests, "extra_data",
                "looks_like", looks_like_json(list), "protection", protection_json(), "seed",
                run->seed, "beside", run->beside);
  int result = json_file_write(results, path, JSON_INDENT(2));
  json_decref(results);
  return result;
}
