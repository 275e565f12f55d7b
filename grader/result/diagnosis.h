/*
 * diagnosis: the known mistakes that a student's failures look like.
 *
 * The table of known mistakes (grader/mistakes/known_mistakes.json, made by `make mistakes
 * WRITE=1`) says of each which checks it fails, and how; here it is read the other way round:
 *
 *   {"lab02": {"post-never-ends": {
 *      "mistake": "the POST body never ends (END_STREAM)", "check": "post", "program": "requests",
 *      "todo": 2, "fails": [{"checks": ["post", "post_empty"], "id": "...", "seen": "*"}]}}}
 *
 * Ids and what was seen are those of finding.h; "*" stands for what differs from run to run. A
 * mistake fits if nearly all of what it causes is there; of those that fit, that one is named
 * which explains most, if that is about half of the failures at least. What it leaves unexplained
 * may be a second mistake, of which nothing is expected where the first one hides it. Where
 * another one explains the same failures nearly as well, it is named beside it; where three or
 * more do, nothing can be said, and nothing is. A check in which the program has stopped at a
 * TODO that is not done tells nothing.
 */
#ifndef GRADER_DIAGNOSIS_H
#define GRADER_DIAGNOSIS_H

#include <jansson.h>
#include <stdbool.h>

enum { DIAGNOSIS_LARGEST = 3, DIAGNOSIS_ALTERNATIVES = 2, DIAGNOSIS_CHECKS = 64 };

/* Failures that look alike, and what they look like. All pointers are into the table
 * and the evidence. */
struct diagnosis_likely {
  const char *names[DIAGNOSIS_ALTERNATIVES];    /* "post-never-ends"; the second may be NULL */
  const char *mistakes[DIAGNOSIS_ALTERNATIVES]; /* in words */
  const char *program;                          /* in which the mistake is; NULL if they differ */
  int todo; /* to which it belongs, of two the first; 0 if to none, or if the programs differ */
  const char *checks[DIAGNOSIS_CHECKS]; /* that it explains */
  size_t check_count;
};

struct diagnosis {
  struct diagnosis_likely likely[DIAGNOSIS_LARGEST];
  size_t count; /* 0 if nothing fits */
};

/* Read a table. Returns NULL if there is none, or if it is none. */
json_t *diagnosis_load(const char *path);

/* What the failures of one lab look like. `mistakes` is the lab's part of the table; `evidence`
 * has an object, as finding.h makes it, for each check that failed, and null for each that passed.
 * Both may be NULL: then nothing fits. */
void diagnosis_make(struct diagnosis *diagnosis, const json_t *mistakes, const json_t *evidence);

/* What that check's failure looks like, or NULL. */
const struct diagnosis_likely *diagnosis_of(const struct diagnosis *diagnosis, const char *check);

/* The TODO of most known mistakes that fail so, in whatever check; 0 if they do not
 * agree, or if there are none. */
int diagnosis_todo_of(const json_t *mistakes, const char *id);

/* The same by the mistakes in this program: by those that say it in this check of the same that was
 * `seen`, if they agree; else by those that say it in this check; else by all of them. `own` is the
 * check's TODO, for which a third of the first or the second is enough. `seen` may be NULL. */
int diagnosis_todo_in(const json_t *mistakes, const char *program, const char *check, int own,
                      const char *id, const char *seen);

#endif
