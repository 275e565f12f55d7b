/* board: see board.h. */
#include "grader/board.h"

#include <stdlib.h>
#include <string.h>

enum { DETAILS = 3 /* failures a lab that are explained; the others are one command away */ };

/* What everything here prints with. */
struct board {
  FILE *out;
  const struct trace_style *style;
  const struct board_run *run;
};

static const char *color(const struct board *board, const char *code) {
  return board->style->color ? code : "";
}

#define GREEN "\033[32m"
#define RED   "\033[31m"
#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define PLAIN "\033[0m"

/* --- Text that fits ------------------------------------------------------------------------------------ */

/* How many columns a text takes: UTF-8 continuation bytes take none. */
static size_t columns(const char *text, size_t length) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++)
    count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

/* Print one paragraph from `column` on, where the cursor stands, broken between words to fit the width. */
static void print_hanging(const struct board *board, int column, const char *text) {
  int hanging = column;
  while (*text) {
    size_t word = strcspn(text, " \n");
    int width = (int)columns(text, word);
    if (column > hanging && column + 1 + width > board->style->width) {
      fprintf(board->out, "\n%*s", hanging, "");
      column = hanging;
    } else if (column > hanging) {
      column += fprintf(board->out, " ");
    }
    fprintf(board->out, "%.*s", (int)word, text);
    column += width;
    text += word;
    text += strspn(text, " \n");
  }
  fprintf(board->out, "\n");
}

/* The same with an indentation and a label before it. */
static void print_wrapped(const struct board *board, int indent, const char *label,
                          const char *text) {
  print_hanging(board, fprintf(board->out, "%*s%s", indent, "", label), text);
}

/* Print lines as they are, but cut to the width. */
static void print_lines(const struct board *board, int indent, const char *text) {
  while (*text) {
    int length = (int)strcspn(text, "\n");
    int limit = board->style->width - indent;
    fprintf(board->out, "%*s%.*s\n", indent, "", length < limit ? length : limit, text);
    text += length + (text[length] == '\n');
  }
}

/* Print lines that fit already: a ladder. */
static void print_block(const struct board *board, int indent, const char *text) {
  while (*text) {
    int length = (int)strcspn(text, "\n");
    fprintf(board->out, "%*s%.*s\n", indent, "", length, text);
    text += length + (text[length] == '\n');
  }
}

/* --- One check ---------------------------------------------------------------------------------------- */

static void print_mark(const struct board *board, const struct outcome *outcome) {
  bool unicode = board->style->unicode;
  switch (outcome->verdict) {
  case OUTCOME_PASSED:
    fprintf(board->out, "%s%s%s", color(board, GREEN), unicode ? "✔" : "+", color(board, PLAIN));
    break;
  case OUTCOME_FAILED:
    fprintf(board->out, "%s%s%s", color(board, RED), unicode ? "✘" : "x", color(board, PLAIN));
    break;
  case OUTCOME_FAULT: fprintf(board->out, "!"); break;
  case OUTCOME_NOT_RUN: fprintf(board->out, "%s", unicode ? "·" : "."); break;
  }
}

static void print_check_line(const struct board *board, const struct outcome *outcome) {
  const struct check *check = outcome->check;
  int points = outcome->verdict == OUTCOME_PASSED ? check->points : 0;
  fprintf(board->out, "  ");
  print_mark(board, outcome);
  int column = 3 + fprintf(board->out, " %-17s %d/%d  ", check->id, points, check->points);
  print_hanging(board, column, check->sentence);
}

/* The program that the check is about. */
static const char *program_of(const struct check *check, const struct lab *lab) {
  return check->program ? check->program : lab->programs[0];
}

/* "TODO 4 in lab01-session/README.md; RFC 9113, section 6.7" */
static void print_where(const struct board *board, int indent, const struct outcome *outcome) {
  const struct check *check = outcome->check;
  const struct lab *lab = labs_find(check->lab);
  char where[256] = "";
  size_t length = 0;
  int todo = outcome_todo(outcome);
  if (todo != 0 && lab)
    length = (size_t)snprintf(where, sizeof where, "TODO %d in %s/%s.c", todo, lab->folder,
                              program_of(check, lab));
  if (check->section)
    snprintf(where + length, sizeof where - length, "%sRFC 9113, section %s", length ? "; " : "",
             check->section);
  if (*where)
    print_wrapped(board, indent, "see:      ", where);
}

static void print_finding(const struct board *board, int indent, const struct outcome *outcome) {
  if (outcome->verdict == OUTCOME_FAULT) {
    const char *why = outcome_text(outcome, "what");
    print_wrapped(board, indent, "the grader itself failed here: ",
                  *why ? why : "the check did not come to its end");
    return;
  }
  fprintf(board->out, "%s", color(board, BOLD));
  print_wrapped(board, indent, "", outcome_text(outcome, "what"));
  fprintf(board->out, "%s", color(board, PLAIN));
  if (*outcome_text(outcome, "expected"))
    print_wrapped(board, indent, "expected: ", outcome_text(outcome, "expected"));
  if (*outcome_text(outcome, "seen"))
    print_wrapped(board, indent, "seen:     ", outcome_text(outcome, "seen"));
  print_lines(board, indent, outcome_text(outcome, "report"));
  print_where(board, indent, outcome);
}

/* The command that shows more; with the options that this run had. */
static void print_command(const struct board *board, int indent, const struct outcome *outcome) {
  char command[256];
  snprintf(command, sizeof command, "make grade LAB=%s CHECK=%s SEED=%s", outcome->check->lab + 3,
           outcome->check->id, board->run->seed);
  print_wrapped(board, indent, "more:     ", command);
}

/* --- One lab ------------------------------------------------------------------------------------------ */

static bool is_of(const struct outcome *outcome, const struct lab *lab) {
  return strcmp(outcome->check->lab, lab->id) == 0;
}

static void print_heading(const struct board *board, const struct outcome_list *list,
                          const struct lab *lab) {
  char score[32];
  int points = outcome_points(list, lab);
  int possible = outcome_possible(list, lab);
  snprintf(score, sizeof score, "%d of %d", points, possible);
  int used = fprintf(board->out, "\n%sLab %s  %s", color(board, BOLD), lab->id + 3, lab->title) -
             1 - (int)strlen(color(board, BOLD));
  int space = board->style->width - used;
  fprintf(board->out, "%s%*s%s\n", color(board, points == possible ? GREEN : ""), space, score,
          color(board, PLAIN));
}

/* The compiler's first error, from the log beside the program. */
static void print_missing(const struct board *board, const struct lab *lab) {
  for (size_t i = 0; lab->programs[i]; i++) {
    char path[4096];
    char line[512];
    snprintf(path, sizeof path, "%s/%s/%s", board->run->programs, lab->folder, lab->programs[i]);
    fprintf(board->out, "  %s: there is no such program\n", path);
    strncat(path, ".log", sizeof path - strlen(path) - 1);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof line, log)) {
      if (!strstr(line, "error:") && !strstr(line, "undefined reference"))
        continue;
      print_wrapped(board, 2, "it does not compile: ", line);
      break;
    }
    if (log)
      fclose(log);
  }
}

/* Whether an earlier check of this lab has already been explained with the same words. */
static bool is_explained(const struct outcome_list *list, size_t index) {
  const struct outcome *outcome = &list->outcomes[index];
  for (size_t i = 0; i < index; i++)
    if (list->outcomes[i].verdict == outcome->verdict &&
        strcmp(list->outcomes[i].check->lab, outcome->check->lab) == 0 &&
        strcmp(outcome_text(&list->outcomes[i], "what"), outcome_text(outcome, "what")) == 0)
      return true;
  return false;
}

/* The TODO at which every check of a lab stops, if it is the same one: then the checks are not listed. */
static const struct outcome *common_todo(const struct outcome_list *list, const struct lab *lab) {
  const struct outcome *first = NULL;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    if (!is_of(outcome, lab))
      continue;
    if (outcome->verdict != OUTCOME_FAILED ||
        strncmp(outcome_text(outcome, "what"), "TODO ", 5) != 0)
      return NULL;
    if (!first)
      first = outcome;
    else if (strcmp(outcome_text(first, "what"), outcome_text(outcome, "what")) != 0)
      return NULL;
  }
  return first;
}

static void print_lab(const struct board *board, struct outcome_list *list, const struct lab *lab) {
  int details = 0;
  const struct outcome *failure = common_todo(list, lab);
  if (failure) {
    fprintf(board->out, "  ");
    print_mark(board, failure);
    fprintf(board->out, " ");
    print_hanging(board, 4, outcome_text(failure, "what"));
    return;
  }
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    if (!is_of(outcome, lab) || outcome->verdict == OUTCOME_NOT_RUN)
      continue;
    print_check_line(board, outcome);
    bool failed = outcome->verdict == OUTCOME_FAILED || outcome->verdict == OUTCOME_FAULT;
    if (!failed || is_explained(list, i) || details == DETAILS)
      continue;
    details++;
    print_finding(board, CHECK_INDENT, outcome);
    print_block(board, CHECK_INDENT, outcome_text(outcome, "excerpt"));
    print_command(board, CHECK_INDENT, outcome);
  }
}

/* --- The whole ------------------------------------------------------------------------------------------ */

/* The first check that is not passed, in the labs that were asked for. */
static const struct outcome *first_open(const struct board *board,
                                        const struct outcome_list *list) {
  for (size_t l = 0; l < labs_count; l++) {
    if (!board->run->selected[l] || board->run->missing[l])
      continue;
    for (size_t i = 0; i < list->count; i++)
      if (is_of(&list->outcomes[i], &labs_all[l]) && list->outcomes[i].verdict == OUTCOME_FAILED)
        return &list->outcomes[i];
  }
  return NULL;
}

static void print_next(const struct board *board, const struct outcome_list *list) {
  char text[512];
  for (size_t l = 0; l < labs_count; l++) {
    if (board->run->selected[l] && board->run->missing[l]) {
      snprintf(text, sizeof text, "make lab %s compile: make LAB=%s", labs_all[l].id + 3,
               labs_all[l].id + 3);
      print_wrapped(board, 0, "Next: ", text);
      return;
    }
  }
  const struct outcome *outcome = first_open(board, list);
  if (!outcome)
    return;
  const struct lab *lab = labs_find(outcome->check->lab);
  int todo = outcome_todo(outcome);
  if (todo)
    snprintf(text, sizeof text, "TODO %d in %s/%s.c, explained in %s/README.md", todo, lab->folder,
             program_of(outcome->check, lab), lab->folder);
  else
    snprintf(text, sizeof text, "%s/README.md", lab->folder);
  print_wrapped(board, 0, "Next: ", text);
}

void board_print(FILE *out, const struct trace_style *style, const struct board_run *run,
                 struct outcome_list *list) {
  struct board board = {out, style, run};
  int points = 0;
  int possible = 0;
  for (size_t l = 0; l < labs_count; l++) {
    if (!run->selected[l])
      continue;
    points += outcome_points(list, &labs_all[l]);
    possible += outcome_possible(list, &labs_all[l]);
    print_heading(&board, list, &labs_all[l]);
    if (run->missing[l])
      print_missing(&board, &labs_all[l]);
    else
      print_lab(&board, list, &labs_all[l]);
  }
  fprintf(out, "\n%sTotal: %d of %d points%s (%.1f s, SEED=%s)\n", color(&board, BOLD), points,
          possible, color(&board, PLAIN), run->seconds, run->seed);
  print_next(&board, list);
  if (outcome_faults(list) > 0)
    fprintf(out, "%zu checks could not be made because the grader itself failed: not your fault.\n",
            outcome_faults(list));
}

static const char *program_text(const struct outcome *outcome, const char *key) {
  const char *text =
      json_string_value(json_object_get(json_object_get(outcome->file, "program"), key));
  return text ? text : "";
}

void board_print_check(FILE *out, const struct trace_style *style, const struct board_run *run,
                       const struct outcome *outcome) {
  struct board board = {out, style, run};
  print_check_line(&board, outcome);
  if (outcome->verdict == OUTCOME_FAILED || outcome->verdict == OUTCOME_FAULT)
    print_finding(&board, CHECK_INDENT, outcome);
  const json_t *command = json_object_get(json_object_get(outcome->file, "program"), "command");
  size_t index;
  json_t *argument;
  fprintf(out, "\nThe command:\n  ");
  json_array_foreach(command, index, argument) {
    fprintf(out, "%.60s ", json_string_value(argument));
  }
  fprintf(out, "\n\nOn the wire:\n%s", outcome_text(outcome, "ladder"));
  fprintf(out, "\nThe program %s.\n", program_text(outcome, "end"));
  static const struct {
    const char *key;
    const char *title;
  } outputs[] = {{"stdout", "Its standard output"},
                 {"stderr", "Its standard error"},
                 {"sanitizer", "The sanitizer's report"}};
  for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
    if (!*program_text(outcome, outputs[i].key))
      continue;
    fprintf(out, "\n%s:\n", outputs[i].title);
    print_lines(&board, 2, program_text(outcome, outputs[i].key));
  }
}
