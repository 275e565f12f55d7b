/* outcome: see outcome.h. */
#include "grader/result/outcome.h"

#include <criterion/internal/ordered-set.h>
#include <criterion/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/base/finding.h"
#include "grader/base/json_file.h"
#include "grader/result/fit.h"

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

/* jansson itself asks for one character after the other. */
static size_t read_some(void *into, size_t size, void *file) {
  return fread(into, 1, size, file);
}

/* Shorten it if all outcomes together would be too long: those of a right program have about half
 * of that, or seven eighths with captures. Whoever comes first has as much room as leaves enough
 * for all others. */
static void shorten(struct outcome_list *list, struct outcome *outcome, const char *path) {
  enum { ALL_OUTCOMES = 4 << 20 };
  size_t others = list->octets; /* that are there, and that may come */
  for (size_t i = 0; i < list->count; i++)
    if (!list->outcomes[i].file)
      others += FIT_LEAST;
  size_t room = others + FIT_LEAST < ALL_OUTCOMES ? ALL_OUTCOMES - others : FIT_LEAST;
  size_t length = json_dumpb(outcome->file, NULL, 0, JSON_COMPACT);
  if (length > room) {
    length = fit_outcome(outcome->file, room);
    (void)json_file_write(outcome->file, path, JSON_COMPACT);
  }
  list->octets += length;
}

static void load(struct outcome_list *list, struct outcome *outcome, const char *directory) {
  char path[4096];
  if (outcome->file)
    return;
  snprintf(path, sizeof path, "%s/%s.%s.json", directory, outcome->check->lab, outcome->check->id);
  FILE *file = fopen(path, "re");
  if (!file)
    return;
  outcome->file = json_load_callback(read_some, file, 0, NULL);
  fclose(file);
  if (outcome->file)
    shorten(list, outcome, path);
}

void outcome_load(struct outcome_list *list, const struct criterion_test_stats *test,
                  const char *directory) {
  struct outcome *outcome = outcome_find(list, test->test->category, test->test->name);
  if (outcome && test->test_status != CR_STATUS_SKIPPED)
    load(list, outcome, directory);
}

/* One test as Criterion saw it, against the file that it left. */
static void collect_test(struct outcome *outcome, const struct criterion_test_stats *test) {
  if (test->test_status == CR_STATUS_SKIPPED)
    return;
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

/* --- points are for HTTP/2 -------------------------------------------------------------------- */

/* Whether two checks are about the same program. */
static bool is_same_program(const struct check *a, const struct check *b) {
  return strcmp(a->lab, b->lab) == 0 &&
         strcmp(a->program ? a->program : "", b->program ? b->program : "") == 0;
}

/* A program that knows no HTTP/2 could pass this check, by always doing the same. */
static bool is_passed_blindly(const struct check *check) {
  return check->of_errors || check->by_heart;
}

/* Whether the check's program has passed a check that no program passes blindly; or no such check
 * ran. */
static bool has_shown_something(const struct outcome_list *list, const struct check *check) {
  bool ran = false;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *other = &list->outcomes[i];
    if (is_passed_blindly(other->check) || !is_same_program(other->check, check))
      continue;
    if (other->verdict == OUTCOME_PASSED)
      return true;
    ran = ran || other->verdict != OUTCOME_NOT_RUN;
  }
  return !ran;
}

/* Fail it, and say why. Only checks in which something went wrong get a "looks like". */
static void discount(struct outcome *outcome, const char *why) {
  json_t *finding = json_object_get(outcome->file, "finding");
  outcome->verdict = OUTCOME_FAILED;
  json_object_del(finding, "evidence");
  json_object_set_new(finding, "id", json_string(OUTCOME_UNEARNED));
  json_object_set_new(finding, "what", json_string(why));
  json_object_set_new(finding, "section", json_string("")); /* nothing is wrong there */
}

static void discount_blind(struct outcome_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    struct outcome *outcome = &list->outcomes[i];
    if (is_passed_blindly(outcome->check) && outcome->verdict == OUTCOME_PASSED &&
        !has_shown_something(list, outcome->check))
      discount(outcome, outcome->check->of_errors
                            ? "Your program reports an error, which is right here. This counts "
                              "once your program passes a check in which nothing goes wrong."
                            : "This is right. It counts once your program also passes a check "
                              "whose values differ in every run.");
  }
}

/* Whether the check's program answers requests that are malformed, and has passed no check for
 * which it must read requests. A program that only counts frames does. */
static bool reads_no_requests(const struct outcome_list *list, const struct check *check) {
  bool serves = false;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *other = &list->outcomes[i];
    if (!is_same_program(other->check, check))
      continue;
    if (other->check->of_fields && other->verdict != OUTCOME_FAILED)
      return false; /* or it did not run */
    serves = serves || json_is_true(json_object_get(other->file, "serves_malformed"));
  }
  return serves;
}

static void discount_unread(struct outcome_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    struct outcome *outcome = &list->outcomes[i];
    if (outcome->verdict == OUTCOME_PASSED && reads_no_requests(list, outcome->check))
      discount(outcome, "This looks right, but your program also answers requests that are "
                        "malformed: it does not read their fields. It counts once your program "
                        "passes a check for which it must.");
  }
}

/* The TODO at which a program stopped that had earned its points before; otherwise 0. */
static int credited_todo(const struct outcome *outcome) {
  const json_t *finding = json_object_get(outcome->file, "finding");
  bool is_credited = outcome->verdict == OUTCOME_PASSED && outcome_is_undone(outcome);
  return is_credited ? (int)json_integer_value(json_object_get(finding, "todo")) : 0;
}

/* Whether a check of the same program failed at that TODO; or not all of its checks ran. */
static bool costs_something(const struct outcome_list *list, const struct check *check, int todo) {
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *other = &list->outcomes[i];
    const json_t *finding = json_object_get(other->file, "finding");
    if (!is_same_program(other->check, check))
      continue;
    if (other->verdict == OUTCOME_NOT_RUN ||
        (other->verdict == OUTCOME_FAILED && outcome_is_undone(other) &&
         json_integer_value(json_object_get(finding, "todo")) == todo))
      return true;
  }
  return false;
}

/* A TODO that is not done fails the checks that are about it. Where it fails none, the rest of it
 * is done, and what it leaves out is asked for here. */
static void discount_credit(struct outcome_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    struct outcome *outcome = &list->outcomes[i];
    int todo = credited_todo(outcome);
    if (todo == 0 || costs_something(list, outcome->check, todo))
      continue;
    char why[200];
    snprintf(why, sizeof why,
             "The frames are right, but then your program stops at its todo(%d), although other "
             "checks get past it.",
             todo);
    discount(outcome, why);
  }
}

void outcome_collect(struct outcome_list *list, const struct criterion_global_stats *stats,
                     const char *directory) {
  for (struct criterion_suite_stats *suite = stats->suites; suite; suite = suite->next) {
    for (struct criterion_test_stats *test = suite->tests; test; test = test->next) {
      struct outcome *outcome = outcome_find(list, test->test->category, test->test->name);
      if (!outcome)
        continue;
      if (test->test_status != CR_STATUS_SKIPPED)
        load(list, outcome, directory);
      collect_test(outcome, test);
    }
  }
  discount_unread(list);
  discount_blind(list);
  discount_credit(list);
}

void outcome_load_again(struct outcome_list *list, const char *directory) {
  for (size_t i = 0; i < list->count; i++) {
    struct outcome *outcome = &list->outcomes[i];
    load(list, outcome, directory);
    if (!outcome->file)
      continue;
    const char *verdict = json_string_value(json_object_get(outcome->file, "verdict"));
    bool passed = verdict && strcmp(verdict, "passed") == 0;
    bool failed = verdict && strcmp(verdict, "failed") == 0;
    outcome->verdict = passed ? OUTCOME_PASSED : failed ? OUTCOME_FAILED : OUTCOME_FAULT;
  }
  discount_unread(list);
  discount_blind(list);
  discount_credit(list);
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

bool outcome_is_of(const struct outcome *outcome, const struct lab *lab) {
  return strcmp(outcome->check->lab, lab->id) == 0;
}

bool outcome_is_undone(const struct outcome *outcome) {
  return strcmp(outcome_text(outcome, "id"), FINDING_UNDONE) == 0;
}

bool outcome_is_unearned(const struct outcome *outcome) {
  return strcmp(outcome_text(outcome, "id"), OUTCOME_UNEARNED) == 0;
}

const struct outcome *outcome_same_before(const struct outcome_list *list,
                                          const struct outcome *outcome) {
  for (const struct outcome *other = list->outcomes; other < outcome; other++)
    if (other->verdict == outcome->verdict && strcmp(other->check->lab, outcome->check->lab) == 0 &&
        strcmp(outcome_text(other, "what"), outcome_text(outcome, "what")) == 0)
      return other;
  return NULL;
}

const char *outcome_program(const struct outcome *outcome) {
  const json_t *program = json_object_get(outcome->file, "program");
  const char *path = json_string_value(json_array_get(json_object_get(program, "command"), 0));
  if (path)
    return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  const struct lab *lab = labs_find(outcome->check->lab);
  return outcome->check->program ? outcome->check->program : lab ? lab->programs[0] : "";
}

/* --- What it looks like ----------------------------------------------------------------------- */

/* The evidence of a lab's checks, for diagnosis.h. A new reference. */
static json_t *collect_evidence(const struct outcome_list *list, const struct lab *lab) {
  json_t *evidence = json_object();
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    json_t *said = json_object_get(json_object_get(outcome->file, "finding"), "evidence");
    if (!belongs_to(outcome, lab) || outcome->verdict == OUTCOME_NOT_RUN)
      continue;
    if (outcome->verdict == OUTCOME_FAILED && said)
      json_object_set(evidence, outcome->check->id, said);
    else
      json_object_set_new(evidence, outcome->check->id, json_null());
  }
  return evidence;
}

static void find_todos(struct outcome_list *list, const struct lab *lab, const json_t *mistakes,
                       const json_t *evidence) {
  for (size_t i = 0; i < list->count; i++) {
    struct outcome *outcome = &list->outcomes[i];
    const char *id =
        json_string_value(json_object_get(json_object_get(evidence, outcome->check->id), "id"));
    if (belongs_to(outcome, lab) && id)
      outcome->likely_todo = diagnosis_todo_of(mistakes, id);
  }
}

/* The same for neighbours.h. A new reference. */
static json_t *collect_failures(const struct outcome_list *list, const struct lab *lab) {
  json_t *failures = json_object();
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    const json_t *finding = json_object_get(outcome->file, "finding");
    const json_t *evidence = json_object_get(finding, "evidence");
    json_t *id = json_object_get(evidence, "id");
    if (!belongs_to(outcome, lab) || outcome->verdict == OUTCOME_NOT_RUN ||
        outcome_is_undone(outcome) || outcome_is_unearned(outcome))
      continue;
    json_t *failure =
        outcome->verdict == OUTCOME_FAILED && id
            ? json_pack("{s:O, s:O*, s:O*, s:O*}", "id", id, "ran",
                        json_object_get(evidence, "ran"), "last", json_object_get(evidence, "last"),
                        "place", json_object_get(finding, "todo_of_place"))
            : json_null();
    json_object_set_new(failures, outcome->check->id, failure);
  }
  return failures;
}

/* Known mistakes are few: where the programs that fail most alike have their mistake in another
 * TODO, we do not name one. */
static void doubt(struct diagnosis *diagnosis, const struct neighbours *neighbours) {
  for (size_t i = 0; i < diagnosis->count; i++) {
    struct diagnosis_likely *likely = &diagnosis->likely[i];
    likely->doubtful = neighbours_contradict(neighbours, likely->program, likely->todo);
  }
}

static void find_neighbours(struct outcome_list *list, size_t index) {
  const struct lab *lab = &labs_all[index];
  json_t *failures = collect_failures(list, lab);
  neighbours_find(&list->neighbours[index], json_object_get(list->known, lab->id),
                  json_object_get(list->mutants, lab->id), failures);
  json_decref(failures);
}

void outcome_diagnose(struct outcome_list *list, const char *known, const char *mutants) {
  if (outcome_points(list, NULL) < outcome_possible(list, NULL)) {
    list->known = diagnosis_load(known);
    list->mutants = diagnosis_load(mutants);
  }
  list->evidence = json_object();
  for (size_t l = 0; l < labs_count && l < OUTCOME_LABS; l++) {
    const struct lab *lab = &labs_all[l];
    json_t *evidence = collect_evidence(list, lab);
    const json_t *mistakes = json_object_get(list->known, lab->id);
    diagnosis_make(&list->diagnoses[l], mistakes, evidence);
    find_todos(list, lab, mistakes, evidence);
    find_neighbours(list, l);
    doubt(&list->diagnoses[l], &list->neighbours[l]);
    json_object_set_new(list->evidence, lab->id, evidence); /* the diagnosis points into it */
  }
}

/* Where the lists have the lab of this failure; -1 if it has not failed. */
static int index_of_failure(const struct outcome *outcome) {
  const struct lab *lab = labs_find(outcome->check->lab);
  size_t index = (size_t)(lab - labs_all);
  return lab && index < OUTCOME_LABS && outcome->verdict == OUTCOME_FAILED ? (int)index : -1;
}

const struct diagnosis_likely *outcome_named(const struct outcome_list *list,
                                             const struct outcome *outcome) {
  const struct diagnosis_likely *likely = outcome_likely(list, outcome);
  return likely && !likely->doubtful ? likely : NULL;
}

const struct neighbours *outcome_neighbours(const struct outcome_list *list,
                                            const struct outcome *outcome) {
  int index = index_of_failure(outcome);
  if (index < 0)
    return NULL;
  const struct neighbours *neighbours = &list->neighbours[index];
  const json_t *evidence = json_object_get(json_object_get(outcome->file, "finding"), "evidence");
  const char *id = json_string_value(json_object_get(evidence, "id"));
  return neighbours->program && strcmp(neighbours->program, outcome_program(outcome)) == 0 &&
                 neighbours_share(neighbours, outcome->check->id, id)
             ? neighbours
             : NULL;
}

const struct diagnosis_likely *outcome_likely(const struct outcome_list *list,
                                              const struct outcome *outcome) {
  int index = index_of_failure(outcome);
  if (index < 0)
    return NULL;
  return diagnosis_of(&list->diagnoses[index], outcome->check->id);
}

void outcome_list_free(struct outcome_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    json_decref(list->outcomes[i].file);
    free(list->outcomes[i].where);
  }
  free(list->outcomes);
  json_decref(list->known);
  json_decref(list->mutants);
  json_decref(list->evidence);
  *list = (struct outcome_list){0};
}
