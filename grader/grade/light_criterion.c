/*
 * light_criterion: what Criterion does at the start of every test, and nobody here needs.
 *
 * Criterion has libgit2 draw differences between texts, and starts it in the process of
 * every test. libgit2 then reads all certificates of the system, for connections that it
 * will never make: a quarter of the processor time of a grading. The functions that start
 * and end it are taken from here in its place. Our checks explain in their own words
 * (explain.h), so that no difference is ever drawn.
 */
#include "grader/grade/light_criterion.h"

int git_libgit2_init(void) {
  return 1; /* how often it was started */
}

int git_libgit2_shutdown(void) {
  return 0;
}
