/*
 * diagnosis: the known mistakes that a student's failures look like.
 *
 * The table of known mistakes (grader/mistakes/known_mistakes.json, made by `make mistakes
 * WRITE=1`) says for each mistake which checks it fails, and how. This module reads the table the
 * other way round:
 *
 *   {"lab02": {"post-never-ends": {
 *      "mistake": "the POST body never ends (END_STREAM)", "check": "post", "program": "requests",
 *      "todo": 2, "fails": [{"checks": ["post", "post_empty"], "id": "...", "seen": "*"}]}}}
 *
 * "id" and "seen" come from finding.h, and so does "said", if the program has ended with an error
 * of its own: another one is another mistake. "*" stands for what differs from run to run.
 *
 * A mistake fits if nearly all of its effects are there, and if the check that is meant for it has
 * seen nothing else than it did then. Of those that fit, we name the one that
 * explains most, if it explains about half of the failures at least. The rest may come from a
 * second mistake; the first may hide some of its effects, but not most of them. If another mistake
 * explains the same failures nearly as well, we name both; if three or more do, we name none. A
 * check in which the program has stopped at a TODO that is not done says nothing.
 */
#ifndef GRADER_DIAGNOSIS_H
#define GRADER_DIAGNOSIS_H

#include <jansson.h>
#include <stdbool.h>

enum { DIAGNOSIS_LARGEST = 3, DIAGNOSIS_ALTERNATIVES = 2, DIAGNOSIS_CHECKS = 64 };

/* Failures that look alike, and the mistake that they look like. All pointers point into the table
 * and the evidence. */
struct diagnosis_likely {
  const char *names[DIAGNOSIS_ALTERNATIVES];    /* "post-never-ends"; the second may be NULL */
  const char *mistakes[DIAGNOSIS_ALTERNATIVES]; /* in words */
  const char *program; /* the program with the mistake; NULL if they differ */
  int todo;            /* its TODO, of two the first; 0 if none, or if the programs differ */
  int other_todo; /* the TODO of the second, if it is another one of the same program; 0 if not */
  const char *checks[DIAGNOSIS_CHECKS]; /* that it explains */
  size_t check_count;
  bool doubtful; /* it says where the mistake is, but do not name it; set by outcome.c and todo.c */
};

struct diagnosis {
  struct diagnosis_likely likely[DIAGNOSIS_LARGEST];
  size_t count; /* 0 if nothing fits */
};

/* Read a table. Returns NULL if the file is missing or is not a table. */
json_t *diagnosis_load(const char *path);

/* What the failures of one lab look like. `mistakes` is the lab's part of the table; `evidence` has
 * an object from finding.h for each failed check, and null for each passed check. Both may be NULL:
 * then nothing fits. */
void diagnosis_make(struct diagnosis *diagnosis, const json_t *mistakes, const json_t *evidence);

/* What that check's failure looks like, or NULL. */
const struct diagnosis_likely *diagnosis_of(const struct diagnosis *diagnosis, const char *check);

/* Whether this row of the table has this sentence in this check (NULL: in any), with the same
 * `seen` (NULL: with anything). */
bool diagnosis_fails_so(const json_t *mistake, const char *check, const char *id, const char *seen);

/* The TODO of most known mistakes that fail in this way, in any check; 0 if they do not agree, or
 * if there are none. */
int diagnosis_todo_of(const json_t *mistakes, const char *id);

/* The TODO for which the mistakes in `program` vote: first those with the same check and the same
 * `seen`, if they agree; otherwise those with the same check; otherwise all of them. For `own`, the
 * check's TODO, a third of the votes of the first or the second group is enough. `seen` may be
 * NULL. */
int diagnosis_todo_in(const json_t *mistakes, const char *program, const char *check, int own,
                      const char *id, const char *seen);

#endif
