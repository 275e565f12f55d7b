/* The diagnosis (which mistake failures look like), with made-up tables and with the real one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "grader/result/diagnosis.h"
#include "grader/result/neighbours.h"
#include "grader/tests/quoted.h"

TestSuite(diagnosis, .timeout = 60);

/* Three mistakes: one that fails two checks, one that fails one of these with other words, and one
 * that fails a third check with words that differ from run to run. */
static const char table_text[] =
    "{'leaks': {'mistake': 'it leaks', 'check': 'get', 'program': 'server', 'todo': 6,"
    "  'fails': [{'checks': ['get', 'post'], 'id': 'It leaks.', 'seen': 'on_begin'}]},"
    " 'silent': {'mistake': 'it never answers', 'check': 'get', 'program': 'server', 'todo': 5,"
    "  'fails': [{'checks': ['get'], 'id': 'No answer.', 'seen': "
    "'PING'}]},"
    " 'random': {'mistake': 'it answers at random', 'check': 'path', 'program': 'server', 'todo': "
    "4,"
    "  'fails': [{'checks': ['path'], 'id': 'Wrong.', 'seen': '*'}]}}";

/* The mistakes that the diagnosis names, in order: "leaks", "leaks|silent random", "". */
static const char *names(const struct diagnosis *diagnosis) {
  static char text[1024];
  size_t length = 0;
  text[0] = '\0';
  for (size_t i = 0; i < diagnosis->count; i++)
    for (size_t n = 0; n < DIAGNOSIS_ALTERNATIVES && diagnosis->likely[i].names[n]; n++)
      length += (size_t)snprintf(text + length, sizeof text - length, "%s%s",
                                 n   ? "|"
                                 : i ? " "
                                     : "",
                                 diagnosis->likely[i].names[n]);
  return text;
}

static void expect(const char *table, const char *evidence, const char *expected) {
  json_t *mistakes = quoted_json(table);
  json_t *seen = quoted_json(evidence);
  struct diagnosis diagnosis;
  diagnosis_make(&diagnosis, mistakes, seen);
  cr_assert(strcmp(names(&diagnosis), expected) == 0, "%s: it names '%s', not '%s'", evidence,
            names(&diagnosis), expected);
  json_decref(mistakes);
  json_decref(seen);
}

Test(diagnosis, names_the_mistake_whose_failures_are_all_there) {
  expect(table_text,
         "{'get': {'id': 'It leaks.', 'seen': 'on_begin'},"
         " 'post': {'id': 'It leaks.', 'seen': 'on_begin'}, 'path': null}",
         "leaks");
  expect(table_text,
         "{'get': {'id': 'No answer.', 'seen': 'PING'},"
         " 'post': null, 'path': null}",
         "silent");
}

Test(diagnosis, names_nothing_where_half_of_them_are_missing) {
  expect(table_text, "{'get': {'id': 'It leaks.', 'seen': 'on_begin'}, 'post': null}", "");
}

Test(diagnosis, names_nothing_for_other_words) {
  expect(table_text, "{'get': {'id': 'It is late.'}, 'post': null, 'path': null}", "");
  expect(table_text, "{'get': {'id': 'No answer.', 'seen': 'GOAWAY'}, 'post': null}", "");
}

Test(diagnosis, names_nothing_for_a_program_that_is_right) {
  expect(table_text, "{'get': null, 'post': null, 'path': null}", "");
  expect(table_text, "{}", "");
}

Test(diagnosis, looks_only_at_checks_that_were_run) {
  expect(table_text, "{'get': {'id': 'It leaks.', 'seen': 'on_begin'}}", "leaks");
}

Test(diagnosis, takes_words_that_differ_from_run_to_run_as_they_are) {
  expect(table_text, "{'path': {'id': 'Wrong.', 'seen': 'xyz'}, 'get': null}", "random");
}

Test(diagnosis, names_a_second_mistake_for_what_the_first_does_not_explain) {
  expect(table_text,
         "{'get': {'id': 'It leaks.', 'seen': 'on_begin'},"
         " 'post': {'id': 'It leaks.', 'seen': 'on_begin'},"
         " 'path': {'id': 'Wrong.', 'seen': 'q'}}",
         "leaks random");
}

Test(diagnosis, names_nothing_that_explains_only_a_few_of_the_failures) {
  expect(table_text,
         "{'a': {'id': 'Bad.'}, 'b': {'id': 'Bad.'}, 'c': {'id': 'Bad.'},"
         " 'path': {'id': 'Wrong.', 'seen': 'q'}}",
         "");
}

Test(diagnosis, names_two_that_cannot_be_told_apart_but_not_three) {
#define SAME(name)                                                                                 \
  "'" name "': {'mistake': '" name "', 'todo': 1, 'fails': [{'checks': ['c'], 'id': 'No.'}]}"
  expect("{" SAME("a") ", " SAME("b") "}", "{'c': {'id': 'No.'}}", "a|b");
  expect("{" SAME("a") ", " SAME("b") ", " SAME("d") "}", "{'c': {'id': 'No.'}}", "");
}

/* Two mistakes at once, each of which explains one failure: the diagnosis names both, and does
 * not offer them as alternatives. */
Test(diagnosis, names_both_of_two_that_explain_different_failures) {
  expect("{'a': {'mistake': 'a', 'fails': [{'checks': ['x'], 'id': 'No.'}]},"
         " 'b': {'mistake': 'b', 'fails': [{'checks': ['y'], 'id': 'No.'}]}}",
         "{'x': {'id': 'No.'}, 'y': {'id': 'No.'}, 'z': null}", "a b");
}

/* A check that the first mistake hides is no evidence against a second mistake. */
Test(diagnosis, takes_what_is_hidden_by_the_first_as_unknown) {
  expect("{'a': {'mistake': 'a', 'fails': [{'checks': ['x', 'y'], 'id': 'No.'}]},"
         " 'b': {'mistake': 'b', 'fails': [{'checks': ['y', 'z'], 'id': 'Wrong.'}]},"
         " 'c': {'mistake': 'c', 'fails': [{'checks': ['z'], 'id': 'Wrong.'}]}}",
         "{'x': {'id': 'No.'}, 'y': {'id': 'No.'}, 'z': {'id': 'Wrong.'}}", "a b|c");
}

/* But one of which hardly anything is to be seen is a guess: it fits to anything. */
Test(diagnosis, names_none_that_is_mostly_hidden) {
  expect("{'a': {'mistake': 'a', 'fails': [{'checks': ['v', 'w', 'x'], 'id': 'No.'}]},"
         " 'b': {'mistake': 'b', 'fails': [{'checks': ['w', 'x', 'z'], 'id': 'Wrong.'}]}}",
         "{'v': {'id': 'No.'}, 'w': {'id': 'No.'}, 'x': {'id': 'No.'}, 'z': {'id': 'Wrong.'}}",
         "a");
}

Test(diagnosis, has_the_todo_and_the_checks_of_what_it_names) {
  json_t *mistakes = quoted_json(table_text);
  json_t *evidence = quoted_json("{'get': {'id': 'It leaks.', 'seen': 'on_begin'},"
                                 " 'post': {'id': 'It leaks.', 'seen': 'on_begin'}, 'path': null}");
  struct diagnosis diagnosis;
  diagnosis_make(&diagnosis, mistakes, evidence);
  const struct diagnosis_likely *likely = diagnosis_of(&diagnosis, "post");
  cr_assert(likely && likely->todo == 6 && strcmp(likely->program, "server") == 0);
  cr_assert(strcmp(likely->mistakes[0], "it leaks") == 0);
  cr_assert(!diagnosis_of(&diagnosis, "path"), "the diagnosis explains a check that passed");
  json_decref(mistakes);
  json_decref(evidence);
}

Test(diagnosis, knows_nothing_without_a_table) {
  struct diagnosis diagnosis;
  json_t *evidence = quoted_json("{'get': {'id': 'It leaks.'}}");
  cr_assert(!diagnosis_load("/nonexistent.json"));
  diagnosis_make(&diagnosis, NULL, evidence);
  cr_assert(diagnosis.count == 0);
  cr_assert(diagnosis_todo_of(NULL, "It leaks.") == 0);
  json_decref(evidence);
}

Test(diagnosis, a_sentence_belongs_to_the_todo_of_most_who_say_it) {
  json_t *mistakes = quoted_json(table_text);
  cr_assert(diagnosis_todo_of(mistakes, "It leaks.") == 6);
  cr_assert(diagnosis_todo_of(mistakes, "Nobody says this.") == 0);
  json_decref(mistakes);
}

/* In another check, or in another program, the same words may belong to another TODO. */
Test(diagnosis, a_sentence_belongs_to_the_todo_of_its_check_and_program) {
  json_t *mistakes = quoted_json(
      "{'a': {'program': 'server', 'todo': 5, 'fails': [{'checks': ['x'], 'id': 'No.'}]},"
      " 'b': {'program': 'server', 'todo': 6, 'fails': [{'checks': ['y', 'z'], 'id': 'No.'}]},"
      " 'c': {'program': 'server', 'todo': 5, 'fails': [{'checks': ['z'], 'id': 'No.'}]},"
      " 'd': {'program': 'client', 'todo': 1, 'fails': [{'checks': ['v'], 'id': 'No.'}]}}");
  cr_assert(diagnosis_todo_in(mistakes, "server", "x", 4, "No.", NULL) == 5);
  cr_assert(diagnosis_todo_in(mistakes, "server", "y", 4, "No.", NULL) == 6);
  cr_assert(diagnosis_todo_in(mistakes, "server", "z", 6, "No.", NULL) == 6,
            "the check's own mistakes vote for another TODO");
  cr_assert(diagnosis_todo_in(mistakes, "server", "v", 4, "No.", NULL) == 5,
            "the mistakes of other checks vote for another TODO");
  cr_assert(diagnosis_todo_in(mistakes, "client", "v", 3, "No.", NULL) == 1);
  cr_assert(diagnosis_todo_in(mistakes, "client", "v", 3, "Yes.", NULL) == 0);
  json_decref(mistakes);
}

Test(diagnosis, who_saw_the_same_is_heard_first) {
  json_t *mistakes =
      quoted_json("{'a': {'program': 'p', 'todo': 2, 'fails': [{'checks': ['x'], 'id': "
                  "'No.', 'seen': 'its end'}]},"
                  " 'b': {'program': 'p', 'todo': 2, 'fails': [{'checks': ['x'], 'id': "
                  "'No.', 'seen': 'its end'}]},"
                  " 'c': {'program': 'p', 'todo': 4, 'fails': [{'checks': ['x'], 'id': "
                  "'No.', 'seen': 'it waits'}]}}");
  cr_assert(diagnosis_todo_in(mistakes, "p", "x", 1, "No.", "it waits") == 4);
  cr_assert(diagnosis_todo_in(mistakes, "p", "x", 1, "No.", "its end") == 2);
  cr_assert(diagnosis_todo_in(mistakes, "p", "x", 1, "No.", "nothing") == 2);
  json_decref(mistakes);
}

Test(diagnosis, a_check_that_stops_at_a_todo_tells_nothing) {
  expect(table_text,
         "{'get': {'id': 'It leaks.', 'seen': 'on_begin'}, 'post': {'id': 'undone'},"
         " 'path': {'id': 'undone'}}",
         "leaks");
}

/* --- The real table --------------------------------------------------------------------------- */

/* The evidence of a student who makes exactly the mistake of this row: all other checks of the
 * lab pass. */
static json_t *evidence_of(const json_t *lab, const json_t *row) {
  json_t *evidence = json_object();
  const char *name;
  json_t *other;
  size_t group;
  size_t index;
  json_t *known;
  json_t *check;
  json_object_foreach((json_t *)lab, name, other) {
    json_array_foreach(json_object_get(other, "fails"), group, known)
        json_array_foreach(json_object_get(known, "checks"), index, check)
            json_object_set_new(evidence, json_string_value(check), json_null());
  }
  json_array_foreach(json_object_get(row, "fails"), group, known) {
    json_array_foreach(json_object_get(known, "checks"), index, check)
        json_object_set(evidence, json_string_value(check), known);
  }
  return evidence;
}

/* Whether the diagnosis names this mistake. */
static bool is_named(const struct diagnosis *diagnosis, const char *name) {
  for (size_t i = 0; i < diagnosis->count; i++)
    for (size_t n = 0; n < DIAGNOSIS_ALTERNATIVES; n++)
      if (diagnosis->likely[i].names[n] && strcmp(diagnosis->likely[i].names[n], name) == 0)
        return true;
  return false;
}

/* The TODO of the mistake that the grader names first; -1 if it names none, or doubts it. */
static int named_todo(const struct diagnosis *diagnosis, const json_t *mistakes,
                      const json_t *mutants, const json_t *evidence) {
  const struct diagnosis_likely *first = &diagnosis->likely[0];
  struct neighbours neighbours;
  neighbours_find(&neighbours, mistakes, mutants, evidence);
  bool named =
      diagnosis->count > 0 && !neighbours_contradict(&neighbours, first->program, first->todo);
  return named ? first->todo : -1;
}

/* What the diagnosis says about the mistakes of a table. */
struct named {
  int all;
  int itself;
  int misled; /* without the mistake's own row, the diagnosis names one of another TODO */
};

/* Diagnose one mistake of the table by its own evidence, with its row and without its row. */
static void count_mistake(struct named *named, json_t *lab, const json_t *mutants,
                          const char *name) {
  json_t *row = json_object_get(lab, name);
  json_t *evidence = evidence_of(lab, row);
  struct diagnosis diagnosis;
  diagnosis_make(&diagnosis, lab, evidence);
  named->all++;
  if (is_named(&diagnosis, name))
    named->itself++;
  else
    cr_log_info("%s: the diagnosis names '%s'", name, names(&diagnosis));
  json_t *without = json_copy(lab);
  json_object_del(without, name);
  diagnosis_make(&diagnosis, without, evidence);
  int todo = named_todo(&diagnosis, without, mutants, evidence);
  if (todo > 0 && todo != json_integer_value(json_object_get(row, "todo"))) {
    named->misled++;
    cr_log_info("%s: without its row, the diagnosis names '%s'", name, names(&diagnosis));
  }
  json_decref(without);
  json_decref(evidence);
}

Test(diagnosis, the_real_table_names_its_mistakes_and_seldom_a_wrong_one) {
  json_t *table = diagnosis_load("grader/mistakes/known_mistakes.json");
  cr_assert(table, "grader/mistakes/known_mistakes.json cannot be read");
  json_t *mutants = diagnosis_load("grader/mistakes/mutants.json");
  cr_assert(mutants, "grader/mistakes/mutants.json cannot be read");
  struct named named = {.all = 0};
  const char *lab_name;
  json_t *lab;
  json_object_foreach(table, lab_name, lab) {
    const char *name;
    json_t *row;
    json_object_foreach(lab, name, row)
        count_mistake(&named, lab, json_object_get(mutants, lab_name), name);
  }
  cr_assert(named.all > 0, "grader/mistakes/known_mistakes.json is empty");
  cr_assert(10 * named.itself >= 8 * named.all, "the diagnosis names only %d of %d", named.itself,
            named.all);
  cr_assert(10 * named.misled <= named.all,
            "without its row, the diagnosis takes %d of %d for one of another TODO", named.misled,
            named.all);
  printf("# %d of %d named, %d misled\n", named.itself, named.all, named.misled);
  json_decref(mutants);
  json_decref(table);
}

/* --- Two at once ------------------------------------------------------------------------------ */

/* What the diagnosis says about the pairs of one lab, or of all labs. */
struct pairs {
  int all;
  int named; /* the diagnosis names one of the two, or both */
  int wrong; /* the diagnosis names another mistake */
};

/* The evidence of both: where both fail a check, the failure of the first comes first. */
static json_t *evidence_of_both(const json_t *lab, const json_t *first, const json_t *second) {
  json_t *evidence = evidence_of(lab, second);
  json_t *more = evidence_of(lab, first);
  const char *check;
  json_t *said;
  json_object_foreach(more, check, said) {
    if (json_is_object(said))
      json_object_set(evidence, check, said);
  }
  json_decref(more);
  return evidence;
}

/* Whether the i-th mistake that the diagnosis names is one of these two. */
static bool is_one_of(const struct diagnosis *diagnosis, size_t i, const char *first,
                      const char *second) {
  for (size_t n = 0; n < DIAGNOSIS_ALTERNATIVES && diagnosis->likely[i].names[n]; n++)
    if (strcmp(diagnosis->likely[i].names[n], first) == 0 ||
        strcmp(diagnosis->likely[i].names[n], second) == 0)
      return true;
  return false;
}

static void add_pair(struct pairs *pairs, const json_t *lab, const char *first,
                     const char *second) {
  struct diagnosis diagnosis;
  json_t *evidence =
      evidence_of_both(lab, json_object_get(lab, first), json_object_get(lab, second));
  diagnosis_make(&diagnosis, lab, evidence);
  bool named = false;
  bool wrong = false;
  for (size_t i = 0; i < diagnosis.count; i++) {
    bool right = is_one_of(&diagnosis, i, first, second);
    named |= right;
    wrong |= !right;
  }
  pairs->all++;
  pairs->named += named;
  pairs->wrong += wrong;
  if (wrong)
    cr_log_info("%s and %s: the diagnosis names '%s'", first, second, names(&diagnosis));
  json_decref(evidence);
}

Test(diagnosis, two_mistakes_at_once_are_seldom_taken_for_a_third) {
  json_t *table = diagnosis_load("grader/mistakes/known_mistakes.json");
  cr_assert(table, "grader/mistakes/known_mistakes.json cannot be read");
  struct pairs pairs = {0};
  const char *lab_name;
  json_t *lab;
  json_object_foreach(table, lab_name, lab) {
    for (void *a = json_object_iter(lab); a; a = json_object_iter_next(lab, a))
      for (void *b = json_object_iter(lab); b; b = json_object_iter_next(lab, b))
        if (a != b)
          add_pair(&pairs, lab, json_object_iter_key(a), json_object_iter_key(b));
  }
  printf("# two at once: %d pairs, %d named, %d mistaken for a third\n", pairs.all, pairs.named,
         pairs.wrong);
  cr_assert(100 * pairs.wrong <= pairs.all, "it takes %d of %d pairs for a third mistake",
            pairs.wrong, pairs.all);
  json_decref(table);
}
