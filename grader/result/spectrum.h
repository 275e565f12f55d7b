/*
 * spectrum: the TODO of the function that runs in every check that fails, and in no other.
 *
 * If every check in which `ping` runs fails, and all the others pass, then the mistake is in
 * `ping`: this needs no table of mistakes. It says nothing if functions of two TODOs run in the
 * same checks, or if no check passes. grader/play/ran.h says which functions have run.
 */
#ifndef GRADER_SPECTRUM_H
#define GRADER_SPECTRUM_H

#include "grader/result/outcome.h"
#include "grader/result/run.h"

/* The TODO of this program of the lab; 0 if unclear. */
int spectrum_find(const struct outcome_list *list, const struct run *run, const struct lab *lab,
                  const char *program);

#endif
