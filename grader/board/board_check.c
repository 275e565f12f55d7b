/* board_check: see board_check.h. */
#include "grader/board/board_check.h"

#include <stdlib.h>
#include <string.h>

#include "grader/board/ladder.h"
#include "grader/board/paragraph.h"
#include "grader/result/progress.h"
#include "grader/result/repeat.h"

enum { LADDER_INDENT = 2 /* columns; its lines begin with blanks of their own */ };

const char *board_color(const struct board *board, const char *code) {
  return board->style->color ? code : "";
}

void board_text(const struct board *board, int indent, const char *label, const char *text) {
  paragraph_print(board->out, board->style->width, indent, label, text);
}

/* --- Its line --------------------------------------------------------------------------------- */

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
  /* There is nothing to compare when a student runs one check again and again. */
  if (!board->run->only_check && !outcome_is_unearned(outcome)) /* what it did is right */
    change = progress_of(board->run->progress, board->run->programs, outcome);
  snprintf(text, sizeof text, "%s%s", changes[change], check->sentence);
  fprintf(board->out, "  ");
  board_mark(board, outcome);
  int column = 3 + fprintf(board->out, " %-17s %d/%d  ", check->id, points, check->points);
  paragraph_hanging(board->out, board->style->width, column, text);
}

/* --- What is wrong ---------------------------------------------------------------------------- */

/* "TODO 4 at lab01-session/session.c:120; RFC 9113, section 6.7" */
static void print_where(const struct board *board, const struct outcome *outcome) {
  char where[1024];
  const char *section = outcome_text(outcome, "section");
  bool is_whole = strncmp(section, "RFC ", 4) == 0; /* it names its RFC */
  snprintf(where, sizeof where, "%s%s%s%s", outcome->where ? outcome->where : "",
           outcome->where && *section ? "; " : "",
           *section && !is_whole ? "RFC 9113, section " : "", section);
  if (*where)
    board_text(board, BOARD_INDENT, "see:      ", where);
}

/* The known mistakes that it looks like. */
static void print_likely(const struct board *board, const struct outcome *outcome) {
  const struct diagnosis_likely *likely = outcome_named(board->list, outcome);
  char text[512];
  if (!likely)
    return;
  snprintf(text, sizeof text, "%s%s%s", likely->mistakes[0], likely->mistakes[1] ? "; or: " : "",
           likely->mistakes[1] ? likely->mistakes[1] : "");
  board_text(board, BOARD_INDENT, "looks like: ", text);
}

/* The earlier lab that teaches this, and whether it is done: if not, look there first. The "looks
 * like" is a mistake of this lab. Whoever has all points
 * of that lab has made the mistake here. */
static void print_earlier(const struct board *board, const struct outcome *outcome) {
  const struct lab *lab = labs_find(outcome_text(outcome, "earlier"));
  char text[512];
  if (!lab || outcome_named(board->list, outcome))
    return;
  int points = progress_standing(board->run->progress, board->run->programs, board->list, lab);
  if (points >= lab->points)
    return;
  int length = snprintf(text, sizeof text, "this is what lab %d is about: %s/README.md",
                        atoi(lab->id + 3), lab->folder);
  if (points >= 0)
    snprintf(text + length, sizeof text - (size_t)length, "; it has %d of %d points", points,
             lab->points);
  board_text(board, BOARD_INDENT, "earlier:  ", text);
}

void board_finding(const struct board *board, const struct outcome *outcome) {
  if (outcome->verdict == OUTCOME_FAULT) {
    const char *why = outcome_text(outcome, "what");
    board_text(board, BOARD_INDENT,
               "the grader itself failed here: ", *why ? why : "the check did not finish");
    return;
  }
  fprintf(board->out, "%s", board_color(board, BOARD_BOLD));
  board_text(board, BOARD_INDENT, "", outcome_text(outcome, "what"));
  fprintf(board->out, "%s", board_color(board, BOARD_PLAIN));
  if (*outcome_text(outcome, "expected"))
    board_text(board, BOARD_INDENT, "expected: ", outcome_text(outcome, "expected"));
  if (*outcome_text(outcome, "seen"))
    board_text(board, BOARD_INDENT, "seen:     ", outcome_text(outcome, "seen"));
  paragraph_lines(board->out, board->style->width, BOARD_INDENT, outcome_text(outcome, "report"));
  print_where(board, outcome);
  print_likely(board, outcome);
  print_earlier(board, outcome);
}

/* Print these frames; or say that the terminal is too narrow to draw them. */
static void print_frames(FILE *out, const struct trace_style *style, const struct outcome *outcome,
                         const json_t *frames, bool brief) {
  if (json_array_size(frames) > 0 && style->width < TRACE_LADDER_WIDTH) {
    paragraph_print(out, style->width, 0, "", "(this terminal is too narrow to draw the frames)");
    return;
  }
  const json_t *wrong = json_object_get(json_object_get(outcome->file, "finding"), "frame");
  long mark = wrong ? (long)json_integer_value(wrong) : -1;
  int connections = (int)json_integer_value(json_object_get(outcome->file, "connections"));
  ladder_print(out, style, frames, mark, connections, brief);
}

void board_excerpt(const struct board *board, const struct outcome *outcome) {
  const json_t *finding = json_object_get(outcome->file, "finding");
  struct trace_style style = *board->style;
  char *ladder = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&ladder, &length);
  if (!out)
    return;
  style.width -= LADDER_INDENT;
  print_frames(out, &style, outcome, json_object_get(finding, "excerpt"), true);
  fclose(out);
  paragraph_block(board->out, LADDER_INDENT, ladder ? ladder : "");
  free(ladder);
}

/* --- One check and nothing else --------------------------------------------------------------- */

static const char *program_text(const struct outcome *outcome, const char *key) {
  const char *text =
      json_string_value(json_object_get(json_object_get(outcome->file, "program"), key));
  return text ? text : "";
}

/* What the program printed, and a sanitizer's report. */
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

void board_check_whole(const struct board *board, const struct outcome *outcome) {
  FILE *out = board->out;
  board_check_line(board, outcome);
  if (outcome->verdict == OUTCOME_FAILED || outcome->verdict == OUTCOME_FAULT)
    board_finding(board, outcome);
  fprintf(out, "\nOn the wire:\n");
  print_frames(out, board->style, outcome, json_object_get(outcome->file, "frames"), false);
  fprintf(out, "\nYour program %s.\n", program_text(outcome, "end"));
  print_outputs(board, outcome);
  fprintf(out, "\nTo try it by hand:\n");
  repeat_print(out, outcome);
}
