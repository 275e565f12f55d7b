/* The TODO of the function that runs in every check that fails, and in no other. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/result/spectrum.h"
#include "grader/tests/quoted.h"

TestSuite(spectrum, .timeout = 60);

static char folder[] = "build/spectrum-XXXXXX";
static char source[128];

static const char text[] = "/* --- TODO 1: route ----- */\n"
                           "static void ping(int stream);\n"
                           "static void route(int stream) {\n"
                           "  ping(stream);\n"
                           "}\n"
                           "/* --- TODO 2: ping ------ */\n"
                           "static void ping(int stream) {\n"
                           "}\n"
                           "/* --- TODO 3: lost ------ */\n"
                           "static void lost(void) {\n"
                           "}\n";

static void make_folder(void) {
  char path[96];
  cr_assert(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/lab04-router", folder);
  snprintf(source, sizeof source, "%s/router.c", path);
  cr_assert(mkdir(path, 0777) == 0);
  FILE *file = fopen(source, "we");
  cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void remove_folder(void) {
  char path[96];
  snprintf(path, sizeof path, "%s/lab04-router", folder);
  unlink(source);
  rmdir(path);
  rmdir(folder);
}

enum { CHECKS = 3 };

/* What is found if these functions have run in the checks, of which `failed` fail. */
static int find(const char *const functions[CHECKS], int failed) {
  static const struct check check = {.lab = "lab04", .id = "x"};
  struct outcome outcomes[CHECKS];
  const struct outcome_list list = {.outcomes = outcomes, .count = CHECKS};
  const struct run run = {.programs = folder};
  for (int i = 0; i < CHECKS; i++) {
    json_t *file = json_object();
    json_object_set_new(file, "functions", quoted_json(functions[i]));
    outcomes[i] = (struct outcome){
        .check = &check, .verdict = i < failed ? OUTCOME_FAILED : OUTCOME_PASSED, .file = file};
  }
  int todo = spectrum_find(&list, &run, labs_find("lab04"), "router");
  for (int i = 0; i < CHECKS; i++)
    json_decref(outcomes[i].file);
  return todo;
}

Test(spectrum, finds_the_function_of_all_that_fails, .init = make_folder, .fini = remove_folder) {
  const char *const functions[] = {"['main', 'route', 'ping']", "['main', 'ping', 'route', 'lost']",
                                   "['main', 'route', 'lost']"};
  cr_assert(find(functions, 2) == 2);
}

Test(spectrum, is_silent_about_functions_that_run_everywhere, .init = make_folder,
     .fini = remove_folder) {
  const char *const functions[] = {"['main', 'route', 'ping']", "['main', 'route', 'ping']",
                                   "['main', 'route', 'ping']"};
  cr_assert(find(functions, 2) == 0, "they run in a check that passes");
  cr_assert(find(functions, 3) == 0, "two TODOs run in all that fails");
}

Test(spectrum, is_silent_if_a_failure_is_without_it, .init = make_folder, .fini = remove_folder) {
  const char *const functions[] = {"['main', 'route', 'ping']", "['main', 'route']",
                                   "['main', 'route']"};
  cr_assert(find(functions, 2) == 0);
  cr_assert(find(functions, 1) == 2);
}

Test(spectrum, knows_nothing_of_programs_that_do_not_say, .init = make_folder,
     .fini = remove_folder) {
  const char *const functions[] = {"[]", "[]", "['main', 'route']"};
  cr_assert(find(functions, 2) == 0);
}

Test(spectrum, is_silent_if_no_check_passes, .init = make_folder, .fini = remove_folder) {
  const char *const functions[] = {"['main', 'route', 'ping']", "['main', 'route']",
                                   "['main', 'route']"};
  cr_assert(find(functions, 3) == 0, "route runs in every check, whatever is wrong");
}
