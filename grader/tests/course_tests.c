/* A course: its file, and the points of a run in it. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

#include "grader/base/course.h"
#include "grader/board/score.h"

TestSuite(course, .timeout = 60);

Test(course, is_read) {
  struct course course;
  cr_assert(course_parse(&course,
                         "# half\nlab01 = 7.5\r\n\n lab02=12 # more\nbonus = 5\n"
                         "hidden = lab01/ping lab02/post\nhidden=lab02/get\ndue = soon\nlate = x",
                         "f") == 0);
  cr_assert(course.worth[0] == 7.5 && course.worth[1] == 12 && course.worth[2] == 0);
  cr_assert(course.bonus == 5 && course.hidden_count == 3);
  cr_assert(course_hides(&course, "lab02", "get") && !course_hides(&course, "lab01", "get"));
}

Test(course, says_what_is_wrong) {
  static const char *const wrong[] = {"lab01 10",
                                      "lab09 = 1",
                                      "lab01 = 1\nlab01 = 2",
                                      "lab01 = x",
                                      "lab01 = 1.2.3",
                                      "lab01 = -1",
                                      "bonus = 3",
                                      "",
                                      "bonus = 1e3",
                                      "lab01 = 1000001",
                                      "lab1 = 1\nnone = 3",
                                      "lab01 = 1\nhidden = ping",
                                      "lab01 =",
                                      "lab01 = 1\nhidden = lab09/ping"};
  struct course course;
  cr_redirect_stderr();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    cr_expect(course_parse(&course, wrong[i], "f") == -1, "%s", wrong[i]);
}

Test(course, has_a_limit_of_hidden_checks) {
  char text[COURSE_HIDDEN * 16 + 64] = "lab01 = 1\n";
  struct course course;
  for (int i = 0; i < COURSE_HIDDEN; i++)
    strcat(text, "hidden = lab01/a\n");
  cr_assert(course_parse(&course, text, "f") == 0);
  strcat(text, "hidden = lab01/a\n");
  cr_redirect_stderr();
  cr_assert(course_parse(&course, text, "f") == -1);
}

/* Two labs: 3 of 4 points in lab 1, where one check did not run, and 20 of 22 in lab 2. */
static const struct check checks[] = {{.lab = "lab01", .id = "get", .points = 3},
                                      {.lab = "lab01", .id = "ping", .points = 1},
                                      {.lab = "lab02", .id = "post", .points = 20},
                                      {.lab = "lab02", .id = "more", .points = 2}};
static struct outcome outcomes[] = {{.check = &checks[0], .verdict = OUTCOME_PASSED},
                                    {.check = &checks[1], .verdict = OUTCOME_NOT_RUN},
                                    {.check = &checks[2], .verdict = OUTCOME_PASSED},
                                    {.check = &checks[3], .verdict = OUTCOME_FAILED}};
static const struct outcome_list list = {.outcomes = outcomes, .count = 4};

static void expect(const char *file, const char *wanted, bool full) {
  struct course course;
  struct run run = {.selected = {true, true}, .course = &course};
  char text[SCORE_TEXT];
  cr_assert(course_parse(&course, file, "f") == 0);
  score_in_course(text, &run, &list);
  cr_assert(strcmp(text, wanted) == 0, "it says '%s'", text);
  cr_assert(score_is_full(&run, &list) == full, "%s", file);
}

Test(course, scales_the_points) {
  expect("lab01 = 2\nlab02 = 11", "11.5 of 13 points in the course", false);
  expect("lab01 = 1\nlab02 = 1", "1.66 of 2 points in the course", false);
}

Test(course, leaves_out_hidden_checks_and_labs) {
  expect("lab01 = 2\nhidden = lab01/ping",
         "1.5 of 1.5 points in the course; hidden checks have another 0.5", true);
  expect("lab01 = 2", "1.5 of 2 points in the course", false);
}

Test(course, full_marks_are_those_of_the_checks) {
  struct run run = {.selected = {false, true}};
  char text[SCORE_TEXT];
  cr_assert(!score_is_full(&run, &list)); /* though lab 2 has 20 points in labs.c */
  outcomes[3].verdict = OUTCOME_PASSED;
  cr_assert(score_is_full(&run, &list));
  score_in_course(text, &run, &list);
  cr_assert(*text == '\0');
}
