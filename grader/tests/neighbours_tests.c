/* The TODO of the programs that fail most alike, in made-up tables. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "grader/result/neighbours.h"
#include "grader/tests/quoted.h"

TestSuite(neighbours, .timeout = 60);

static const char mistakes_text[] =
    "{'leaks': {'mistake': 'it leaks', 'program': 'server', 'todo': 6,"
    "  'fails': [{'checks': ['end'], 'id': 'leak'}]}}";

static const char mutants_text[] =
    "[{'program': 'server', 'todo': 2, 'count': 1, 'from': ['a'],"
    "  'fails': [{'checks': ['get', 'post'], 'id': 'silent'}]},"
    " {'program': 'server', 'todo': 5, 'count': 2, 'from': ['b', 'c'],"
    "  'fails': [{'checks': ['get', 'post'], 'id': 'silent'}]},"
    " {'program': 'client', 'todo': 3, 'count': 1, 'from': ['d'],"
    "  'fails': [{'checks': ['ask'], 'id': 'crash', 'place': 4}]},"
    " {'program': 'server', 'todo': 4, 'count': 1, 'from': ['e'],"
    "  'fails': [{'checks': ['stop'], 'id': 'late', 'ran': '1 2'}]},"
    " {'program': 'server', 'todo': 3, 'count': 1, 'from': ['f'],"
    "  'fails': [{'checks': ['stop'], 'id': 'late', 'ran': '1'}]},"
    " {'program': 'server', 'todo': 1, 'count': 1, 'from': ['g'],"
    "  'fails': [{'checks': ['stop'], 'id': 'early', 'ran': '*'}]}]";

/* What is found for these failures: "server 5"; "nothing". */
static const char *find(const char *failures_text) {
  static char found[64];
  struct neighbours neighbours;
  json_t *mistakes = quoted_json(mistakes_text);
  json_t *mutants = quoted_json(mutants_text);
  json_t *failures = quoted_json(failures_text);
  neighbours_find(&neighbours, mistakes, mutants, failures);
  snprintf(found, sizeof found, "%s %d", neighbours.program ? neighbours.program : "nothing",
           neighbours.todo);
  json_decref(mistakes);
  json_decref(mutants);
  json_decref(failures);
  return found;
}

static void expect(const char *failures, const char *expected) {
  cr_assert(strcmp(find(failures), expected) == 0, "for %s it finds %s and not %s", failures,
            find(failures), expected);
}

Test(neighbours, more_of_those_that_are_equally_alike_win) {
  expect("{'get': {'id': 'silent'}, 'post': {'id': 'silent'}, 'end': null}", "server 5");
}

Test(neighbours, known_mistakes_are_neighbours_too) {
  expect("{'get': null, 'post': null, 'end': {'id': 'leak'}}", "server 6");
}

Test(neighbours, another_sentence_is_not_alike) {
  expect("{'get': {'id': 'late'}, 'post': {'id': 'late'}, 'end': null}", "nothing 0");
}

Test(neighbours, a_check_that_says_nothing_does_not_count) {
  expect("{'get': {'id': 'silent'}}", "server 5"); /* post was not run */
}

Test(neighbours, the_place_of_a_report_counts) {
  expect("{'ask': {'id': 'other', 'place': 4}, 'get': null}", "client 3");
  expect("{'ask': {'id': 'other', 'place': 1}, 'get': null}", "nothing 0");
}

Test(neighbours, what_has_run_counts) {
  expect("{'end': {'id': 'leak', 'ran': '1 2'}, 'get': null, 'post': null}", "server 6");
  expect("{'stop': {'id': 'late', 'ran': '1 2'}}", "server 4");
  expect("{'stop': {'id': 'late', 'ran': '1'}}", "server 3");
  expect("{'stop': {'id': 'slow', 'ran': '*'}}", "nothing 0");
}

Test(neighbours, of_many_failures_one_in_common_is_not_enough) {
  expect("{'get': {'id': 'silent'}, 'post': {'id': 'x'}, 'a': {'id': 'x'}, 'b': {'id': 'x'},"
         " 'c': {'id': 'x'}, 'd': {'id': 'x'}}",
         "nothing 0");
}

Test(neighbours, without_tables_there_are_none) {
  struct neighbours neighbours;
  neighbours_find(&neighbours, NULL, NULL, NULL);
  cr_assert_null(neighbours.program);
}

Test(neighbours, they_share_the_failures_that_they_have) {
  struct neighbours neighbours;
  json_t *mutants = quoted_json(mutants_text);
  json_t *failures = quoted_json("{'get': {'id': 'silent'}, 'post': {'id': 'silent'}}");
  neighbours_find(&neighbours, NULL, mutants, failures);
  cr_assert(neighbours_share(&neighbours, "post", "silent"));
  cr_assert_not(neighbours_share(&neighbours, "end", "silent"));
  cr_assert_not(neighbours_share(&neighbours, "post", "leak"));
  cr_assert_not(neighbours_share(&neighbours, "post", NULL));
  json_decref(mutants);
  json_decref(failures);
}
