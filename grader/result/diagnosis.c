/* diagnosis: see diagnosis.h. */
#include "grader/result/diagnosis.h"

#include <string.h>

#include "grader/base/finding.h"

/* How many of a mistake's effects must be there. */
static const double ENOUGH = 0.88;

/* And how much of the rest it must explain: otherwise there is another, unknown mistake, and this
 * one fits only because it has few effects. */
static const double SHARE = 0.45;

/* Name also a mistake that explains the same failures, and nearly as many as the best. */
static const double NEARLY = 0.95;

/* Two sums of the same numbers may differ by a little. */
static const double NOTHING = 1e-6;

static bool same(const char *left, const char *right) {
  return left && right && strcmp(left, right) == 0;
}

static bool has_name(const json_t *checks, const char *check) {
  size_t index;
  const json_t *value;
  json_array_foreach(checks, index, value) {
    if (same(json_string_value(value), check))
      return true;
  }
  return false;
}

json_t *diagnosis_load(const char *path) {
  json_t *table = json_load_file(path, 0, NULL);
  if (json_is_object(table))
    return table;
  json_decref(table);
  return NULL;
}

/* --- One check -------------------------------------------------------------------------------- */

/* From 0 to 1: how well a text of the student's fits to the table's. */
static double compare_text(const json_t *known, const json_t *seen, const char *key) {
  const char *left = json_string_value(json_object_get(known, key));
  const char *right = json_string_value(json_object_get(seen, key));
  if (left && strcmp(left, "*") == 0)
    return right ? 0.75 : 0; /* less than words that are the same */
  return (!left && !right) || (left && right && strcmp(left, right) == 0);
}

/* Whether both programs have said why they ended, and something different. */
static bool said_other(const json_t *known, const json_t *seen) {
  const char *left = json_string_value(json_object_get(known, "said"));
  const char *right = json_string_value(json_object_get(seen, "said"));
  return left && right && strcmp(left, "*") != 0 && strcmp(left, right) != 0;
}

/* The same for the check's whole finding: another sentence means another mistake, whatever else is
 * alike. */
static double compare(const json_t *known, const json_t *seen) {
  if (compare_text(known, seen, "id") < 1 || said_other(known, seen))
    return 0;
  return 0.8 + 0.2 * compare_text(known, seen, "seen");
}

/* --- One mistake ------------------------------------------------------------------------------ */

/* A mistake against the evidence. */
struct match {
  double caused;   /* how many of the checks that tell something fail because of it, ... */
  double there;    /* ... how much of that is there, ... */
  double explains; /* ... and how much of it is not explained yet */
  double hidden;   /* how many checks fail otherwise, by what is named already */
};

/* Whether the check says anything: it ran, and the program did not stop at a TODO that is not
 * done. */
static bool tells(const json_t *seen) {
  return seen && !same(json_string_value(json_object_get(seen, "id")), FINDING_UNDONE);
}

static bool is_explained(const struct diagnosis *diagnosis, const char *check) {
  return diagnosis_of(diagnosis, check) != NULL;
}

/* Called for each check that the mistake fails, with what it says then. */
static void add_to_match(struct match *match, const struct diagnosis *diagnosis,
                         const json_t *evidence, const char *check, const json_t *known) {
  const json_t *seen = json_object_get(evidence, check);
  if (!tells(seen))
    return;
  double likeness = json_is_object(seen) ? compare(known, seen) : 0;
  bool explained = is_explained(diagnosis, check);
  if (explained && likeness <= 0) { /* what is named already hides what this one would have done */
    match->hidden++;
    return;
  }
  match->caused++;
  match->there += likeness;
  if (!explained)
    match->explains += likeness;
}

/* Whether the check that is meant for the mistake has seen something else than with the mistake. */
static bool is_contradicted(const json_t *mistake, const json_t *evidence) {
  const char *check = json_string_value(json_object_get(mistake, "check"));
  const char *now = json_string_value(json_object_get(json_object_get(evidence, check), "seen"));
  size_t group;
  const json_t *known;
  if (!check || !now)
    return false;
  json_array_foreach(json_object_get(mistake, "fails"), group, known) {
    const char *before = json_string_value(json_object_get(known, "seen"));
    if (has_name(json_object_get(known, "checks"), check))
      return before && strcmp(before, "*") != 0 && strcmp(before, now) != 0;
  }
  return false;
}

static struct match match_mistake(const struct diagnosis *diagnosis, const json_t *mistake,
                                  const json_t *evidence) {
  struct match match = {0};
  size_t group;
  const json_t *known;
  json_array_foreach(json_object_get(mistake, "fails"), group, known) {
    size_t index;
    const json_t *check;
    json_array_foreach(json_object_get(known, "checks"), index, check)
        add_to_match(&match, diagnosis, evidence, json_string_value(check), known);
  }
  if (match.caused == 0 || match.there / match.caused < ENOUGH ||
      (match.explains > 0 && is_contradicted(mistake, evidence)))
    match.explains = 0;
  return match;
}

/* One of which hardly anything is to be seen is a guess: it fits to anything that is left. */
static bool is_mostly_hidden(const struct diagnosis *diagnosis, const json_t *mistake,
                             const json_t *evidence) {
  struct match match = match_mistake(diagnosis, mistake, evidence);
  return match.hidden > match.caused;
}

/* --- All of them ------------------------------------------------------------------------------ */

static void take_first(struct diagnosis_likely *likely, const char *name, const json_t *mistake) {
  *likely = (struct diagnosis_likely){
      .names = {name},
      .mistakes = {json_string_value(json_object_get(mistake, "mistake"))},
      .program = json_string_value(json_object_get(mistake, "program")),
      .todo = (int)json_integer_value(json_object_get(mistake, "todo")),
  };
}

static void take_second(struct diagnosis_likely *likely, const char *name, const json_t *mistake) {
  likely->names[1] = name;
  likely->mistakes[1] = json_string_value(json_object_get(mistake, "mistake"));
  int todo = (int)json_integer_value(json_object_get(mistake, "todo"));
  if (!same(likely->program, json_string_value(json_object_get(mistake, "program"))))
    likely->program = NULL;
  if (!likely->program)
    likely->todo = 0;
  if (!likely->program || todo == likely->todo)
    return;
  likely->other_todo = todo > likely->todo ? todo : likely->todo;
  if (todo < likely->todo)
    likely->todo = todo;
}

/* Keep the checks that the mistake explains. */
static void take_checks(const struct diagnosis *diagnosis, struct diagnosis_likely *likely,
                        const json_t *mistake, const json_t *evidence) {
  size_t group;
  const json_t *known;
  json_array_foreach(json_object_get(mistake, "fails"), group, known) {
    size_t index;
    const json_t *value;
    json_array_foreach(json_object_get(known, "checks"), index, value) {
      const char *check = json_string_value(value);
      const json_t *seen = json_object_get(evidence, check);
      if (json_is_object(seen) && compare(known, seen) > 0 && !is_explained(diagnosis, check) &&
          likely->check_count < DIAGNOSIS_CHECKS)
        likely->checks[likely->check_count++] = check;
    }
  }
}

/* How many failures are not explained yet. */
static size_t count_unexplained(const struct diagnosis *diagnosis, const json_t *evidence) {
  size_t count = 0;
  const char *check;
  json_t *seen;
  json_object_foreach((json_t *)evidence, check, seen) /* it is only read */
      count += json_is_object(seen) && tells(seen) && !is_explained(diagnosis, check);
  return count;
}

static bool has_check(const struct diagnosis_likely *likely, const char *check) {
  for (size_t i = 0; i < likely->check_count; i++)
    if (strcmp(likely->checks[i], check) == 0)
      return true;
  return false;
}

/* Whether the mistake explains these checks, and no others that are not explained yet. */
static bool explains_same(const struct diagnosis *diagnosis, const struct diagnosis_likely *likely,
                          const json_t *mistake, const json_t *evidence) {
  struct diagnosis_likely other = {.check_count = 0};
  take_checks(diagnosis, &other, mistake, evidence);
  for (size_t i = 0; i < other.check_count; i++)
    if (!has_check(likely, other.checks[i]))
      return false;
  return other.check_count == likely->check_count;
}

/* The mistake that explains most of the rest; NULL if there is none. */
static const json_t *find_best(const struct diagnosis *diagnosis, const json_t *mistakes,
                               const json_t *evidence, const char **name, double *explains) {
  const json_t *chosen = NULL;
  const char *key;
  json_t *mistake;
  *explains = 0;
  json_object_foreach((json_t *)mistakes, key, mistake) { /* it is only read */
    struct match match = match_mistake(diagnosis, mistake, evidence);
    if (match.explains < ENOUGH || match.explains < *explains + NOTHING)
      continue;
    *explains = match.explains;
    *name = key;
    chosen = mistake;
  }
  return chosen;
}

/* Find the mistake that explains most of the rest, and one that explains the same nearly as well.
 * Returns whether there is anything to name. */
static bool find_next(struct diagnosis *diagnosis, const json_t *mistakes, const json_t *evidence) {
  struct diagnosis_likely likely;
  const char *best_name = NULL;
  double explains;
  const json_t *best = find_best(diagnosis, mistakes, evidence, &best_name, &explains);
  if (!best || explains < SHARE * (double)count_unexplained(diagnosis, evidence) ||
      is_mostly_hidden(diagnosis, best, evidence))
    return false;
  take_first(&likely, best_name, best);
  take_checks(diagnosis, &likely, best, evidence);
  size_t count = 1;
  const char *name;
  json_t *mistake;
  json_object_foreach((json_t *)mistakes, name, mistake) { /* it is only read */
    if (mistake == best ||
        match_mistake(diagnosis, mistake, evidence).explains < NEARLY * explains ||
        !explains_same(diagnosis, &likely, mistake, evidence))
      continue;
    if (++count == 2)
      take_second(&likely, name, mistake);
  }
  if (count > DIAGNOSIS_ALTERNATIVES)
    return false;
  diagnosis->likely[diagnosis->count++] = likely;
  return true;
}

void diagnosis_make(struct diagnosis *diagnosis, const json_t *mistakes, const json_t *evidence) {
  *diagnosis = (struct diagnosis){.count = 0};
  while (diagnosis->count < DIAGNOSIS_LARGEST && find_next(diagnosis, mistakes, evidence))
    ;
}

const struct diagnosis_likely *diagnosis_of(const struct diagnosis *diagnosis, const char *check) {
  for (size_t i = 0; i < diagnosis->count; i++)
    for (size_t c = 0; c < diagnosis->likely[i].check_count; c++)
      if (strcmp(diagnosis->likely[i].checks[c], check) == 0)
        return &diagnosis->likely[i];
  return NULL;
}

/* --- One sentence ----------------------------------------------------------------------------- */

/* What these mistakes say, as votes for their TODOs. */
enum { TODOS = 16 };

struct votes {
  int of[TODOS];
  int all;
};

bool diagnosis_fails_so(const json_t *mistake, const char *check, const char *id,
                        const char *seen) {
  size_t group;
  const json_t *known;
  json_array_foreach(json_object_get(mistake, "fails"), group, known) {
    if (same(json_string_value(json_object_get(known, "id")), id) &&
        (!seen || same(json_string_value(json_object_get(known, "seen")), seen)) &&
        (!check || has_name(json_object_get(known, "checks"), check)))
      return true;
  }
  return false;
}

/* The TODO that has more than half of the votes; 0 if none has. */
static int elected(struct votes votes) {
  int best = 0;
  for (int todo = 0; todo < TODOS; todo++)
    if (votes.of[todo] > votes.of[best])
      best = todo;
  return 2 * votes.of[best] > votes.all ? best : 0;
}

/* The same, but for this TODO a third is enough. */
static int favoured(struct votes votes, int own) {
  bool enough = votes.all > 0 && own > 0 && own < TODOS && 3 * votes.of[own] >= votes.all;
  return enough ? own : elected(votes);
}

/* The votes of this program's mistakes (NULL: any program's) that cause the sentence in this check
 * (NULL: in any), with this `seen` (NULL: with anything). */
static struct votes count_votes(const json_t *mistakes, const char *program, const char *check,
                                const char *id, const char *seen) {
  struct votes votes = {.all = 0};
  const char *name;
  json_t *mistake;
  json_object_foreach((json_t *)mistakes, name, mistake) { /* it is only read */
    json_int_t todo = json_integer_value(json_object_get(mistake, "todo"));
    if (todo < 0 || todo >= TODOS || !diagnosis_fails_so(mistake, check, id, seen) ||
        (program && !same(program, json_string_value(json_object_get(mistake, "program")))))
      continue;
    votes.all++;
    votes.of[todo]++;
  }
  return votes;
}

int diagnosis_todo_of(const json_t *mistakes, const char *id) {
  return elected(count_votes(mistakes, NULL, NULL, id, NULL));
}

int diagnosis_todo_in(const json_t *mistakes, const char *program, const char *check, int own,
                      const char *id, const char *seen) {
  int todo = seen ? favoured(count_votes(mistakes, program, check, id, seen), own) : 0;
  if (!todo)
    todo = favoured(count_votes(mistakes, program, check, id, NULL), own);
  return todo ? todo : elected(count_votes(mistakes, program, NULL, id, NULL));
}
