/*
 * todo: to which TODO a failure belongs, and which TODO is next. This module decides once, after
 * the run; the scoreboard, the page and `make hint` show its decision.
 */
#ifndef GRADER_RESULT_TODO_H
#define GRADER_RESULT_TODO_H

#include <limits.h>
#include <stdbool.h>

#include "grader/result/outcome.h"
#include "grader/result/run.h"

/* Decide for each failure: outcome->todo, and its place, outcome->where. Call it once, after
 * outcome_diagnose. If there is no memory for the place, leave it out. */
void todo_decide(struct outcome_list *list, const struct run *run);

/* What to do next in a lab. */
struct todo_next {
  const struct lab *lab;
  const char *program;       /* "session" */
  int todo;                  /* 0 if unknown */
  char where[PATH_MAX + 64]; /* "TODO 2 at lab01-session/session.c:70"; "" if unknown */
  bool does_not_compile;     /* then nothing more is known */
};

/* Fill in `next` for that lab. Returns false, and fills in nothing, if there is nothing to do: the
 * lab was not requested, has no program, or no check of it failed. */
bool todo_find_next(const struct outcome_list *list, const struct run *run, const struct lab *lab,
                    struct todo_next *next);

/* The same for all labs that were requested: one that does not compile comes first, then the first
 * with a failure. */
bool todo_find_first(const struct outcome_list *list, const struct run *run,
                     struct todo_next *next);

/* Write into directory/labNN, for each requested lab, the next program and TODO, "requests 2", or
 * nothing. `make hint` reads it. Returns 0 or -1. */
int todo_write_next(const char *directory, const struct outcome_list *list, const struct run *run);

#endif
