/* board_check: what the scoreboard says of one check. See board.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/board/board_inner.h"
#include "grader/board/paragraph.h"
#include "grader/result/repeat.h"
#include "grader/words/source.h"

enum { PATH_SIZE = 4096 };

const char *board_color(const struct board *board, const char *code) {
  return board->style->color ? code : "";
}

void board_text(const struct board *board, int indent, const char *label, const char *text) {
  paragraph_print(board->out, board->style->width, indent, label, text);
}

/* --- Its line ------------------------------------------------------------------------------------------- */

void board_mark(const struct board *board, const struct outcome *outcome) {
  bool unicode = board->style->unicode;
  const char *plain = board_color(board, BOARD_PLAIN);
  switch (outcome->verdict) {
  case OUTCOME_PASSED:
    fprintf(board->out, "%s%s%s", board_color(board, BOARD_GREEN), unicode ? "✔" : "+", plain);
    break;
  case OUTCOME_FAILED:
    fprintf(board->out, "%s%s%s", board_color(board, BOARD_RED), unicode ? "✘" : "x", plain);
    break;
  case OUTCOME_FAULT: fprintf(board->out, "!"); break;
  case OUTCOME_NOT_RUN: fprintf(board->out, "%s", unicode ? "·" : "."); break;
  }
}

void board_check_line(const struct board *board, const struct outcome *outcome) {
  static const char *const changes[] = {
      [PROGRESS_NONE] = "", [PROGRESS_FIXED] = "FIXED: ", [PROGRESS_BROKEN] = "BROKEN NOW: "};
  const struct check *check = outcome->check;
  char text[512];
  int points = outcome->verdict == OUTCOME_PASSED ? check->points : 0;
  enum progress_change change = PROGRESS_NONE;
  /* There is nothing to compare where one check is looked at again and again. */
  if (!board->run->only_check)
    change = progress_of(board->run->progress, board->run->programs, outcome);
  snprintf(text, sizeof text, "%s%s", changes[change], check->sentence);
  fprintf(board->out, "  ");
  board_mark(board, outcome);
  int column = 3 + fprintf(board->out, " %-17s %d/%d  ", check->id, points, check->points);
  paragraph_hanging(board->out, board->style->width, column, text);
}

/* --- What is wrong ---------------------------------------------------------------------------------------- */

static bool has_number(const struct outcome *outcome, const char *key) {
  const json_t *finding = json_object_get(outcome->file, "finding");
  return json_integer_value(json_object_get(finding, key)) > 0;
}

/* Whether it can be seen where the mistake is: where the program stopped or crashed, or by the one that it looks like. */
static bool is_located(const struct board *board, const struct outcome *outcome) {
  const struct diagnosis_likely *likely = outcome_likely(board->list, outcome);
  return has_number(outcome, "todo") || has_number(outcome, "todo_of_place") ||
         (likely && likely->todo && !likely->mistakes[1]);
}

/* Whether this TODO is in a file of the student's; where there is no file to look at, it may be. */
static bool is_in_file(const struct board *board, const struct lab *lab, const char *program,
                       int todo) {
  char path[PATH_SIZE];
  return !source_path(board->run->programs, lab->folder, program, path, sizeof path) ||
         source_line_of_todo(path, todo) > 0;
}

int board_todo(const struct board *board, const struct outcome *outcome) {
  const struct lab *lab = labs_find(outcome->check->lab);
  int todo = outcome_todo(board->list, outcome);
  if (!lab || is_located(board, outcome))
    return todo;
  const char *program = outcome_program(outcome);
  const json_t *finding = json_object_get(outcome->file, "finding");
  const json_t *evidence = json_object_get(finding, "evidence");
  const char *says = json_string_value(json_object_get(evidence, "says"));
  const char *seen = json_string_value(json_object_get(evidence, "seen"));
  int known = diagnosis_todo_in(json_object_get(board->list->known, lab->id), program,
                                outcome->check->id, outcome->check->todo, says, seen);
  if (known)
    return known;
  return is_in_file(board, lab, program, todo) ? todo : outcome->check->todo;
}

void board_todo_text(const struct board *board, const struct outcome *outcome, char *text,
                     size_t size) {
  char path[PATH_SIZE];
  const struct lab *lab = labs_find(outcome->check->lab);
  const struct diagnosis_likely *likely = outcome_likely(board->list, outcome);
  int todo = board_todo(board, outcome);
  *text = '\0';
  if (todo == 0 || !lab)
    return;
  const char *program = likely && likely->todo == todo && likely->program
                            ? likely->program
                            : outcome_program(outcome);
  int line = 0;
  if (source_path(board->run->programs, lab->folder, program, path, sizeof path))
    line = source_line_of_todo(path, todo);
  if (line > 0)
    snprintf(text, size, "TODO %d at %s:%d", todo, path, line);
  else
    snprintf(text, size, "TODO %d of %s/%s.c", todo, lab->folder, program);
}

/* "TODO 4 at lab01-session/session.c:120; RFC 9113, section 6.7" */
static void print_where(const struct board *board, const struct outcome *outcome) {
  char where[PATH_SIZE + 256];
  const char *section = outcome_text(outcome, "section");
  board_todo_text(board, outcome, where, sizeof where);
  size_t length = strlen(where);
  if (*section)
    snprintf(where + length, sizeof where - length, "%sRFC 9113, section %s", length ? "; " : "",
             section);
  if (*where)
    board_text(board, CHECK_INDENT, "see:      ", where);
}

/* The known mistakes that it looks like. */
static void print_likely(const struct board *board, const struct outcome *outcome) {
  const struct diagnosis_likely *likely = outcome_likely(board->list, outcome);
  char text[512];
  if (!likely)
    return;
  snprintf(text, sizeof text, "%s%s%s", likely->mistakes[0], likely->mistakes[1] ? "; or: " : "",
           likely->mistakes[1] ? likely->mistakes[1] : "");
  board_text(board, CHECK_INDENT, "looks like: ", text);
}

/* The earlier lab that teaches this, and whether it is done: if it is not, that is where to look first. What it looks like
 * is a mistake of this lab. */
static void print_earlier(const struct board *board, const struct outcome *outcome) {
  const struct lab *lab = labs_find(outcome_text(outcome, "earlier"));
  char text[512];
  if (!lab || outcome_likely(board->list, outcome))
    return;
  int length = snprintf(text, sizeof text, "this is what lab %d is about: %s/README.md",
                        atoi(lab->id + 3), lab->folder);
  int points = progress_standing(board->run->progress, board->run->programs, board->list, lab);
  if (points >= 0)
    snprintf(text + length, sizeof text - (size_t)length, "; it has %d of %d points", points,
             lab->points);
  board_text(board, CHECK_INDENT, "earlier:  ", text);
}

void board_finding(const struct board *board, const struct outcome *outcome) {
  if (outcome->verdict == OUTCOME_FAULT) {
    const char *why = outcome_text(outcome, "what");
    board_text(board, CHECK_INDENT,
               "the grader itself failed here: ", *why ? why : "the check did not come to its end");
    return;
  }
  fprintf(board->out, "%s", board_color(board, BOARD_BOLD));
  board_text(board, CHECK_INDENT, "", outcome_text(outcome, "what"));
  fprintf(board->out, "%s", board_color(board, BOARD_PLAIN));
  if (*outcome_text(outcome, "expected"))
    board_text(board, CHECK_INDENT, "expected: ", outcome_text(outcome, "expected"));
  if (*outcome_text(outcome, "seen"))
    board_text(board, CHECK_INDENT, "seen:     ", outcome_text(outcome, "seen"));
  paragraph_lines(board->out, board->style->width, CHECK_INDENT, outcome_text(outcome, "report"));
  print_where(board, outcome);
  print_likely(board, outcome);
  print_earlier(board, outcome);
}

/* --- One check and nothing else ----------------------------------------------------------------------- */

static const char *program_text(const struct outcome *outcome, const char *key) {
  const char *text =
      json_string_value(json_object_get(json_object_get(outcome->file, "program"), key));
  return text ? text : "";
}

/* What the program printed, and what a sanitizer said of it. */
static void print_outputs(const struct board *board, const struct outcome *outcome) {
  static const struct {
    const char *key;
    const char *title;
  } outputs[] = {{"stdout", "Its standard output"},
                 {"stderr", "Its standard error"},
                 {"sanitizer", "The sanitizer's report"}};
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
    if (!*program_text(outcome, outputs[i].key))
      continue;
    fprintf(board->out, "\n%s:\n", outputs[i].title);
    paragraph_lines(board->out, board->style->width, 2, program_text(outcome, outputs[i].key));
  }
}

void board_print_check(FILE *out, const struct trace_style *style, const struct board_run *run,
                       const struct outcome_list *list, const struct outcome *outcome) {
  struct board board = {out, style, run, list};
  board_check_line(&board, outcome);
  if (outcome->verdict == OUTCOME_FAILED || outcome->verdict == OUTCOME_FAULT)
    board_finding(&board, outcome);
  fprintf(out, "\nOn the wire:\n%s", outcome_text(outcome, "ladder"));
  fprintf(out, "\nThe program %s.\n", program_text(outcome, "end"));
  print_outputs(&board, outcome);
  fprintf(out, "\nTo try it by hand:\n");
  repeat_print(out, outcome);
}
