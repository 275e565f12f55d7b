/*
 * outcome: how the checks of one run ended, collected in the grader's main process.
 *
 * A check runs in another process, and may die there in any way. So an outcome counts only if both
 * sides agree: Criterion must have seen the test run to its end, and the check must have written
 * its file.
 */
#ifndef GRADER_OUTCOME_H
#define GRADER_OUTCOME_H

#include <criterion/stats.h>
#include <criterion/types.h>
#include <jansson.h>
#include <stdbool.h>

#include "grader/base/check.h"
#include "grader/base/labs.h"
#include "grader/result/diagnosis.h"
#include "grader/result/neighbours.h"

enum outcome_verdict {
  OUTCOME_NOT_RUN, /* it was not requested, or the lab's program does not exist */
  OUTCOME_PASSED,
  OUTCOME_FAILED,
  OUTCOME_FAULT, /* the grader itself failed */
};

struct outcome {
  const struct check *check;
  enum outcome_verdict verdict;
  float seconds;
  json_t *file;    /* what check_run.c wrote; NULL if nothing */
  int likely_todo; /* according to the known mistakes; 0 if unclear */
  int todo;        /* that the failure belongs to (todo.h); 0 if none */
  char *where;     /* "TODO 4 at lab01-session/session.c:120"; NULL if unknown */
};

enum { OUTCOME_LABS = 16 };

struct outcome_list {
  struct outcome *outcomes; /* by lab, and within each in the order of the file */
  size_t count;
  size_t octets;    /* of all files that were read */
  json_t *known;    /* the table of known mistakes; NULL if there is none */
  json_t *mutants;  /* the table of mutants; NULL if there is none */
  json_t *evidence; /* by lab, what diagnosis.h looks at */
  struct diagnosis diagnoses[OUTCOME_LABS];
  struct neighbours neighbours[OUTCOME_LABS];
};

/* A list of all checks, not yet run. Returns 0, or -1 when there is no memory. */
int outcome_list_init(struct outcome_list *list, const struct criterion_test_set *set);

/* The outcome of that check, or NULL. */
struct outcome *outcome_find(struct outcome_list *list, const char *lab, const char *id);

/* Read the file that an ended test has written into `directory`. */
void outcome_load(struct outcome_list *list, const struct criterion_test_stats *test,
                  const char *directory);

/* Take the outcomes of an earlier run from `directory`. */
void outcome_load_again(struct outcome_list *list, const char *directory);

/* Fill in what Criterion reports at the end of the run, and read the remaining files. A passed
 * check of errors fails anyway if its program passes no other check: a program that does one fixed
 * thing, and knows no HTTP/2, gets no points. Points earned before a TODO that is not done do not
 * count where that TODO fails no other check of the program. */
void outcome_collect(struct outcome_list *list, const struct criterion_global_stats *stats,
                     const char *directory);

/* Compare the failures with the known mistakes and with the mutants in these files. Without a file
 * none is known, which is no error. */
void outcome_diagnose(struct outcome_list *list, const char *known, const char *mutants);

/* The neighbours whose failure this one shares, or NULL. */
const struct neighbours *outcome_neighbours(const struct outcome_list *list,
                                            const struct outcome *outcome);

/* What that failure looks like, or NULL. */
const struct diagnosis_likely *outcome_likely(const struct outcome_list *list,
                                              const struct outcome *outcome);

/* The same, or NULL if its name would be doubtful. */
const struct diagnosis_likely *outcome_named(const struct outcome_list *list,
                                             const struct outcome *outcome);

/* Points of a lab (NULL: of all labs): how many the programs got, and how many they could get. */
int outcome_points(const struct outcome_list *list, const struct lab *lab);
int outcome_possible(const struct outcome_list *list, const struct lab *lab);

/* How many checks ended in a fault of the grader. */
size_t outcome_faults(const struct outcome_list *list);

/* A text of the finding in the check's file ("what", "expected", "seen", "report");
 * "" if it has none. */
const char *outcome_text(const struct outcome *outcome, const char *key);

/* Whether the check is of that lab. */
bool outcome_is_of(const struct outcome *outcome, const struct lab *lab);

/* Whether the program stopped at a TODO: then the check says nothing about the finished part. */
bool outcome_is_undone(const struct outcome *outcome);

/* The id of a check that does not count: the program is right here, but see outcome_collect. */
#define OUTCOME_UNEARNED "unearned"

bool outcome_is_unearned(const struct outcome *outcome);

/* An earlier check of this lab that failed with the same words; NULL if there is none. */
const struct outcome *outcome_same_before(const struct outcome_list *list,
                                          const struct outcome *outcome);

/* The program that the check started last; otherwise the check's own: "session". */
const char *outcome_program(const struct outcome *outcome);

void outcome_list_free(struct outcome_list *list);

#endif
