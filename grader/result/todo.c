/* todo: see todo.h. */
#include "grader/result/todo.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/result/spectrum.h"
#include "grader/words/source.h"

/* Programs that are as much alike as this say more than the place of a crash: what went wrong there
 * may have begun elsewhere. */
static const double SURE = 1.0;

/* --- One failure ------------------------------------------------------------------------------ */

static int finding_number(const struct outcome *outcome, const char *key) {
  const json_t *finding = json_object_get(outcome->file, "finding");
  return (int)json_integer_value(json_object_get(finding, key));
}

/* The TODO for which the known mistakes of the same program with the same sentence in this check
 * vote. */
static int voted_todo(const struct outcome_list *list, const struct outcome *outcome,
                      const struct lab *lab) {
  const json_t *finding = json_object_get(outcome->file, "finding");
  const json_t *evidence = json_object_get(finding, "evidence");
  return diagnosis_todo_in(json_object_get(list->known, lab->id), outcome_program(outcome),
                           outcome->check->id, outcome->check->todo,
                           json_string_value(json_object_get(evidence, "id")),
                           json_string_value(json_object_get(evidence, "seen")));
}

/* Whether this TODO is in the student's file; where there is no file to look at, it may be. */
static bool is_in_file(const struct run *run, const struct lab *lab, const char *program,
                       int todo) {
  char path[PATH_MAX];
  return !source_path(run->programs, lab->folder, program, path, sizeof path) ||
         source_line_of_todo(path, todo) > 0;
}

/* The lowest TODO of the checks that failed with the same words in the same program:
 * it is what they have in common. */
static int common_todo(const struct outcome_list *list, const struct outcome *outcome) {
  int todo = outcome->check->todo;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *other = &list->outcomes[i];
    bool alike = other->verdict == OUTCOME_FAILED &&
                 strcmp(other->check->lab, outcome->check->lab) == 0 &&
                 strcmp(outcome_program(other), outcome_program(outcome)) == 0 &&
                 strcmp(outcome_text(other, "what"), outcome_text(outcome, "what")) == 0;
    if (alike && other->check->todo > 0 && other->check->todo < todo)
      todo = other->check->todo;
  }
  return todo;
}

/* The TODO of the only function that runs in all that fails, and in nothing else. */
static int suspect_todo(const struct outcome_list *list, const struct run *run,
                        const struct outcome *outcome, const struct lab *lab) {
  return run->only_check ? 0 : spectrum_find(list, run, lab, outcome_program(outcome));
}

/* Use the most direct evidence: where the program stopped; a place of which the check is sure; the
 * only function that all failures share; the known mistake that it looks like; the programs that
 * fail most alike, if they are very much alike; the place in the student's file; the other programs
 * that fail alike; the known mistakes with the same sentence; the checks with the same sentence. */
static int decide(const struct outcome_list *list, const struct run *run,
                  const struct outcome *outcome, const struct lab *lab) {
  const struct diagnosis_likely *likely = outcome_likely(list, outcome);
  int stopped = finding_number(outcome, "todo");
  int crashed = finding_number(outcome, "todo_of_place");
  if (stopped || (crashed && finding_number(outcome, "sure")))
    return stopped ? stopped : crashed;
  int suspect = suspect_todo(list, run, outcome, lab);
  if (suspect)
    return suspect;
  const struct neighbours *neighbours = outcome_neighbours(list, outcome);
  bool known = likely && likely->todo && !likely->doubtful;
  bool near = neighbours && !run->only_check; /* one check alone is alike in too many */
  if (known && !likely->mistakes[1])
    return likely->todo;
  if (near && (!crashed || neighbours->weight >= SURE))
    return neighbours->todo;
  int todo = known ? likely->todo : crashed;
  if (crashed) /* not only the words of the check say what is wrong */
    return todo;
  int voted = voted_todo(list, outcome, lab);
  if (voted)
    return voted;
  todo = todo ? todo : outcome->likely_todo;
  return todo && is_in_file(run, lab, outcome_program(outcome), todo) ? todo
                                                                      : common_todo(list, outcome);
}

/* ", or TODO 5 at lab01-session/session.c:150": where two mistakes look the same. */
static void add_other(char **where, const char *path, int line, int todo) {
  char *both = NULL;
  int length = line > 0 ? asprintf(&both, "%s, or TODO %d at %s:%d", *where, todo, path, line)
                        : asprintf(&both, "%s, or TODO %d", *where, todo);
  if (length < 0)
    return;
  free(*where);
  *where = both;
}

/* "TODO 4 at lab01-session/session.c:120"; NULL if it belongs to none. */
static char *make_where(const struct outcome_list *list, const struct run *run,
                        const struct outcome *outcome, const struct lab *lab) {
  const struct diagnosis_likely *likely = outcome_likely(list, outcome);
  bool is_likely = likely && likely->todo == outcome->todo && likely->program;
  const char *program = is_likely ? likely->program : outcome_program(outcome);
  char path[PATH_MAX];
  char *where = NULL;
  int line = 0;
  int length;
  if (outcome->todo == 0)
    return NULL;
  if (source_path(run->programs, lab->folder, program, path, sizeof path))
    line = source_line_of_todo(path, outcome->todo);
  if (line > 0)
    length = asprintf(&where, "TODO %d at %s:%d", outcome->todo, path, line);
  else
    length = asprintf(&where, "TODO %d of %s/%s.c", outcome->todo, lab->folder, program);
  if (length < 0)
    return NULL;
  if (is_likely && likely->other_todo)
    add_other(&where, path, line > 0 ? source_line_of_todo(path, likely->other_todo) : 0,
              likely->other_todo);
  return where;
}

/* Whether one of the failures that this mistake explains belongs to its TODO. */
static bool is_supported(const struct outcome_list *list, const struct lab *lab,
                         const struct diagnosis_likely *likely) {
  for (size_t i = 0; i < likely->check_count; i++)
    for (size_t o = 0; o < list->count; o++)
      if (outcome_is_of(&list->outcomes[o], lab) && list->outcomes[o].todo == likely->todo &&
          strcmp(list->outcomes[o].check->id, likely->checks[i]) == 0)
        return true;
  return false;
}

/* Name no mistake of a TODO if everything that it explains belongs to others. */
static void doubt(struct outcome_list *list) {
  for (size_t l = 0; l < labs_count && l < OUTCOME_LABS; l++) {
    struct diagnosis *diagnosis = &list->diagnoses[l];
    for (size_t i = 0; i < diagnosis->count; i++)
      if (diagnosis->likely[i].todo > 0 && !is_supported(list, &labs_all[l], &diagnosis->likely[i]))
        diagnosis->likely[i].doubtful = true;
  }
}

void todo_decide(struct outcome_list *list, const struct run *run) {
  for (size_t i = 0; i < list->count; i++) {
    struct outcome *outcome = &list->outcomes[i];
    const struct lab *lab = labs_find(outcome->check->lab);
    if (outcome->verdict != OUTCOME_FAILED || !lab || outcome_is_unearned(outcome))
      continue;
    outcome->todo = decide(list, run, outcome, lab);
    outcome->where = make_where(list, run, outcome, lab);
  }
  doubt(list);
}

/* --- What is next ----------------------------------------------------------------------------- */

/* How many failures of the lab point to the TODO of this one. */
static int count_votes(const struct outcome_list *list, const struct outcome *outcome) {
  int votes = 0;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *other = &list->outcomes[i];
    votes += other->verdict == OUTCOME_FAILED && other->todo == outcome->todo &&
             strcmp(other->check->lab, outcome->check->lab) == 0 &&
             strcmp(outcome_program(other), outcome_program(outcome)) == 0;
  }
  return votes;
}

/* The first failure with a TODO to which most of them point. A program that stops at a TODO that is
 * not done says nothing about others. */
static const struct outcome *leading_failure(const struct outcome_list *list,
                                             const struct lab *lab) {
  const struct outcome *leading = NULL;
  int most = 0;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    if (!outcome_is_of(outcome, lab) || outcome->verdict != OUTCOME_FAILED ||
        outcome_is_unearned(outcome))
      continue;
    int votes = outcome_is_undone(outcome) ? 0 : count_votes(list, outcome);
    if (!leading || votes > most) {
      leading = outcome;
      most = votes;
    }
  }
  return leading;
}

/* The lowest TODO that is still in a file of the lab. Returns whether there is one. */
static bool find_undone(const struct run *run, const struct lab *lab, struct todo_next *next) {
  for (size_t p = 0; lab->programs[p]; p++) {
    char path[PATH_MAX];
    int line = 0;
    if (!source_path(run->programs, lab->folder, lab->programs[p], path, sizeof path))
      continue;
    next->todo = source_next_undone(path, 0, &line);
    next->program = lab->programs[p];
    if (next->todo == 0)
      continue;
    snprintf(next->where, sizeof next->where, "TODO %d at %s:%d", next->todo, path, line);
    return true;
  }
  return false;
}

bool todo_find_next(const struct outcome_list *list, const struct run *run, const struct lab *lab,
                    struct todo_next *next) {
  size_t index = (size_t)(lab - labs_all);
  const struct outcome *leading = leading_failure(list, lab);
  if (!run->selected[index] || run->missing[index] || !leading)
    return false;
  *next = (struct todo_next){.lab = lab};
  /* If what was done is wrong, that comes first. */
  if (find_undone(run, lab, next) && (outcome_is_undone(leading) || leading->todo >= next->todo))
    return true;
  next->program = outcome_program(leading);
  next->todo = leading->todo;
  snprintf(next->where, sizeof next->where, "%s", leading->where ? leading->where : "");
  return true;
}

bool todo_find_first(const struct outcome_list *list, const struct run *run,
                     struct todo_next *next) {
  for (size_t l = 0; l < labs_count; l++)
    if (run->selected[l] && run->missing[l]) {
      *next = (struct todo_next){.lab = &labs_all[l], .does_not_compile = true};
      return true;
    }
  for (size_t l = 0; l < labs_count; l++)
    if (todo_find_next(list, run, &labs_all[l], next))
      return true;
  return false;
}

int todo_write_next(const char *directory, const struct outcome_list *list, const struct run *run) {
  int result = 0;
  for (size_t l = 0; l < labs_count; l++) {
    char path[PATH_MAX];
    struct todo_next next;
    if (!run->selected[l])
      continue;
    snprintf(path, sizeof path, "%s/%s", directory, labs_all[l].id);
    FILE *file = fopen(path, "we");
    if (file && todo_find_next(list, run, &labs_all[l], &next))
      fprintf(file, "%s %d\n", next.program, next.todo);
    if (!file || fclose(file) != 0)
      result = -1;
  }
  return result;
}
