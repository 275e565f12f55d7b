/* neighbours: see neighbours.h. */
#include "grader/result/neighbours.h"

#include <string.h>

#include "grader/result/diagnosis.h"

/* Programs that share less than this with all others have no neighbours. */
static const double LEAST = 0.2;

/* NULL also for what differs from run to run. */
static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text && strcmp(text, "*") != 0 ? text : NULL;
}

static int number_of(const json_t *object, const char *key) {
  return (int)json_integer_value(json_object_get(object, key));
}

/* --- One row of a table ----------------------------------------------------------------------- */

/* How many things there are on each side, and on both. */
struct shared {
  int here;
  int there;
  int both;
};

/* A known mistake does not say in which place its report was. */
static bool knows_places(const json_t *row) {
  return text_of(row, "mistake") == NULL;
}

/* Rows made before the programs noted their functions do not say what has run. */
static bool knows_functions(const json_t *row) {
  size_t group;
  const json_t *known;
  json_array_foreach(json_object_get(row, "fails"), group, known) {
    if (json_object_get(known, "ran"))
      return true;
  }
  return false;
}

static void add_text(struct shared *shared, const char *here, const char *there) {
  shared->there += there != NULL;
  shared->both += here && there && strcmp(here, there) == 0;
}

/* What the row says of one check. */
static void add_check(struct shared *shared, const json_t *row, const json_t *known,
                      const char *check, const json_t *failures) {
  const json_t *failure = json_object_get(failures, check);
  if (!failure)
    return; /* this check says nothing */
  add_text(shared, text_of(failure, "id"), text_of(known, "id"));
  add_text(shared, text_of(failure, "ran"), text_of(known, "ran"));
  int place = knows_places(row) ? number_of(known, "place") : 0;
  shared->there += place > 0;
  shared->both += place > 0 && place == number_of(failure, "place");
}

static int count_here(const json_t *row, const json_t *failures) {
  int count = 0;
  bool functions = knows_functions(row);
  const char *check;
  json_t *failure;
  json_object_foreach((json_t *)failures, check, failure) { /* it is only read */
    count += text_of(failure, "id") != NULL;
    count += functions && text_of(failure, "ran");
    count += knows_places(row) && number_of(failure, "place") > 0;
  }
  return count;
}

/* From 0 to 1: what both share, of what either has. */
static double likeness(const json_t *row, const json_t *failures) {
  struct shared shared = {.here = count_here(row, failures)};
  size_t group;
  const json_t *known;
  json_array_foreach(json_object_get(row, "fails"), group, known) {
    size_t index;
    const json_t *check;
    json_array_foreach(json_object_get(known, "checks"), index, check)
        add_check(&shared, row, known, json_string_value(check), failures);
  }
  int either = shared.here + shared.there - shared.both;
  return either > 0 ? (double)shared.both / either : 0;
}

/* --- The nearest ------------------------------------------------------------------------------ */

struct near {
  const json_t *rows[NEIGHBOURS];
  double likeness[NEIGHBOURS];
};

/* Put the row among the nearest, if it belongs there: behind those that are as near. */
static void offer(struct near *near, const json_t *row, double likeness) {
  int at = NEIGHBOURS;
  while (at > 0 && likeness > near->likeness[at - 1])
    at--;
  for (int i = NEIGHBOURS - 1; i > at; i--) {
    near->rows[i] = near->rows[i - 1];
    near->likeness[i] = near->likeness[i - 1];
  }
  if (at < NEIGHBOURS) {
    near->rows[at] = row;
    near->likeness[at] = likeness;
  }
}

static void offer_all(struct near *near, const json_t *row, const json_t *failures) {
  double alike = likeness(row, failures);
  int count = number_of(row, "count");
  for (int i = 0; i < NEIGHBOURS && (i == 0 || i < count); i++)
    offer(near, row, alike);
}

static bool same_place(const json_t *left, const json_t *right) {
  return left && right && number_of(left, "todo") == number_of(right, "todo") &&
         strcmp(text_of(left, "program"), text_of(right, "program")) == 0;
}

/* What speaks for the TODO of this row. */
static double weight(const struct near *near, const json_t *row) {
  double sum = 0;
  for (int i = 0; i < NEIGHBOURS; i++)
    if (same_place(near->rows[i], row))
      sum += near->likeness[i] * near->likeness[i];
  return sum;
}

void neighbours_find(struct neighbours *neighbours, const json_t *mistakes, const json_t *mutants,
                     const json_t *failures) {
  struct near near = {.rows = {NULL}};
  size_t index;
  const json_t *mutant;
  const char *name;
  json_t *mistake;
  *neighbours = (struct neighbours){.program = NULL};
  json_array_foreach(mutants, index, mutant) {
    offer_all(&near, mutant, failures);
  }
  json_object_foreach((json_t *)mistakes, name, mistake) { /* it is only read */
    offer_all(&near, mistake, failures);
  }
  if (near.likeness[0] < LEAST)
    return;
  const json_t *best = near.rows[0];
  for (int i = 1; i < NEIGHBOURS; i++)
    if (near.rows[i] && weight(&near, near.rows[i]) > weight(&near, best))
      best = near.rows[i];
  neighbours->program = text_of(best, "program");
  neighbours->todo = number_of(best, "todo");
  neighbours->weight = weight(&near, best);
  for (int i = 0, count = 0; i < NEIGHBOURS; i++)
    if (same_place(near.rows[i], best))
      neighbours->rows[count++] = near.rows[i];
}

bool neighbours_share(const struct neighbours *neighbours, const char *check, const char *id) {
  for (int i = 0; i < NEIGHBOURS && neighbours->rows[i]; i++)
    if (diagnosis_fails_so(neighbours->rows[i], check, id, NULL))
      return true;
  return false;
}

bool neighbours_contradict(const struct neighbours *neighbours, const char *program, int todo) {
  return neighbours->program && program && todo > 0 &&
         (todo != neighbours->todo || strcmp(program, neighbours->program) != 0);
}
