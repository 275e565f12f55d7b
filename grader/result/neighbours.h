/*
 * neighbours: the TODO of the wrong programs whose failures are most like these.
 *
 * Known mistakes (diagnosis.h) are few. A program that nobody has thought of still fails like some
 * of the mutants: solutions with one small change, whose TODO is known. `make mutants WRITE=1`
 * grades them all and writes down how they fail, in grader/mistakes/mutants.json:
 *
 *   {"lab02": [{"program": "requests", "todo": 2, "count": 3,
 *               "fails": [{"checks": ["post", "post_empty"], "id": "no-end-stream", "place": 2,
 *                          "ran": "1 2 3"}]}]}
 *
 * "count" is how many mutants fail so, "place" the TODO of the line that a report names, if there
 * is one, "ran" the TODOs of which a function has run (grader/play/ran.h). Two programs are alike
 * as far as they share failures: the same sentence, the same place and the same functions in the
 * same check. Of the three mutants and known mistakes that are most alike, the TODO for which most
 * speaks is taken.
 */
#ifndef GRADER_NEIGHBOURS_H
#define GRADER_NEIGHBOURS_H

#include <jansson.h>
#include <stdbool.h>

enum { NEIGHBOURS = 3 };

struct neighbours {
  const char *program;            /* points into a table; NULL if nothing is alike */
  int todo;                       /* its TODO */
  double weight;                  /* what speaks for it: 1 for each that is wholly alike */
  const json_t *rows[NEIGHBOURS]; /* the most alike first; then NULL */
};

/* Find them. `mistakes` and `mutants` are the lab's parts of the tables; `failures` has an object
 * {"id", "place", "ran"} for each failed check and null for each passed one, and nothing
 * for a check that says nothing. Each may be NULL. */
void neighbours_find(struct neighbours *neighbours, const json_t *mistakes, const json_t *mutants,
                     const json_t *failures);

/* Whether one of them, with the chosen TODO, fails this check with this sentence. */
bool neighbours_share(const struct neighbours *neighbours, const char *check, const char *id);

/* Whether they have their mistake somewhere else than in this TODO (0: unknown) of this program
 * (NULL: unknown). */
bool neighbours_contradict(const struct neighbours *neighbours, const char *program, int todo);

#endif
