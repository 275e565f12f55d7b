/* Progress since the last run. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/result/progress.h"

TestSuite(progress, .timeout = 60);

static const struct check ping = {.lab = "lab01", .id = "ping", .points = 2};
static const struct check bye = {.lab = "lab01", .id = "bye", .points = 1};
static const struct check get = {.lab = "lab02", .id = "get", .points = 4};

/* Write to `path` a run in which the three checks ended like this, after the runs already there. */
static void run(const char *path, const char *programs, enum outcome_verdict first,
                enum outcome_verdict second, enum outcome_verdict third) {
  struct outcome outcomes[] = {{.check = &ping, .verdict = first},
                               {.check = &bye, .verdict = second},
                               {.check = &get, .verdict = third}};
  const struct outcome_list list = {.outcomes = outcomes, .count = 3};
  json_t *before = progress_load(path);
  cr_assert(progress_write(path, before, programs, &list) == 0);
  json_decref(before);
}

/* How many points more than before. */
static int points(const char *path, const char *programs, const struct lab *lab,
                  enum outcome_verdict first, enum outcome_verdict second,
                  enum outcome_verdict third) {
  struct outcome outcomes[] = {{.check = &ping, .verdict = first},
                               {.check = &bye, .verdict = second},
                               {.check = &get, .verdict = third}};
  const struct outcome_list list = {.outcomes = outcomes, .count = 3};
  json_t *before = progress_load(path);
  int more = progress_points(before, programs, &list, lab);
  json_decref(before);
  return more;
}

static const enum outcome_verdict NOT = OUTCOME_NOT_RUN, GOOD = OUTCOME_PASSED,
                                  BAD = OUTCOME_FAILED, FAULT = OUTCOME_FAULT;

static char path[] = "/tmp/progress-XXXXXX";

static void make_path(void) {
  int file = mkstemp(path);
  cr_assert(file >= 0);
  close(file);
}

static void remove_path(void) {
  unlink(path);
}

Test(progress, compares_with_the_run_before, .init = make_path, .fini = remove_path) {
  cr_assert(points(path, "labs", NULL, GOOD, GOOD, GOOD) == 0, "there was no run before");
  run(path, "labs", BAD, GOOD, BAD);
  cr_assert(points(path, "labs", NULL, GOOD, GOOD, GOOD) == 6);
  cr_assert(points(path, "labs", NULL, GOOD, BAD, BAD) == 1);
  cr_assert(points(path, "labs", labs_find("lab02"), GOOD, GOOD, GOOD) == 4);
}

Test(progress, keeps_what_was_not_run, .init = make_path, .fini = remove_path) {
  run(path, "labs", BAD, GOOD, GOOD);
  run(path, "labs", NOT, NOT, BAD);
  cr_assert(points(path, "labs", NULL, GOOD, NOT, NOT) == 2, "the first lab is as it was");
  cr_assert(points(path, "labs", NULL, NOT, NOT, GOOD) == 4, "the second is as it became");
}

Test(progress, does_not_mix_programs, .init = make_path, .fini = remove_path) {
  run(path, "solutions", GOOD, GOOD, GOOD);
  cr_assert(points(path, "labs", NULL, BAD, BAD, BAD) == 0);
  cr_assert(points(path, "solutions", NULL, BAD, BAD, BAD) == -7);
}

Test(progress, takes_a_fault_of_the_grader_for_no_verdict, .init = make_path, .fini = remove_path) {
  run(path, "labs", GOOD, GOOD, GOOD);
  cr_assert(points(path, "labs", NULL, FAULT, GOOD, GOOD) == 0);
  run(path, "labs", FAULT, GOOD, GOOD);
  cr_assert(points(path, "labs", NULL, BAD, GOOD, GOOD) == -2);
}

Test(progress, knows_how_a_lab_stands, .init = make_path, .fini = remove_path) {
  struct outcome outcomes[] = {{.check = &get, .verdict = BAD}, {.check = &ping, .verdict = NOT}};
  const struct outcome_list list = {.outcomes = outcomes, .count = 2};
  cr_assert(progress_standing(NULL, "labs", &list, labs_find("lab01")) == -1);
  run(path, "labs", GOOD, BAD, GOOD);
  json_t *before = progress_load(path);
  cr_assert(progress_standing(before, "labs", &list, labs_find("lab01")) == 2);
  cr_assert(progress_standing(before, "labs", &list, labs_find("lab02")) == 0, "by this run");
  json_decref(before);
}
