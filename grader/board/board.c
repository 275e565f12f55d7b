/* board: see board.h. board_check.c prints one check. */
#include "grader/board/board.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/board/board_check.h"
#include "grader/board/paragraph.h"
#include "grader/board/score.h"
#include "grader/result/beside.h"
#include "grader/result/progress.h"
#include "grader/result/todo.h"

enum {
  DETAILS = 3 /* failures a lab with their frames; those of the others are one command away */
};

/* --- One lab ---------------------------------------------------------------------------------- */

static void print_heading(const struct board *board, const struct outcome_list *list,
                          const struct lab *lab) {
  char score[48];
  int points = outcome_points(list, lab);
  int possible = outcome_possible(list, lab);
  int more = progress_points(board->run->progress, board->run->programs, list, lab);
  int length = more ? snprintf(score, sizeof score, "(%+d) ", more) : 0;
  snprintf(score + length, sizeof score - (size_t)length, "%d of %d", points, possible);
  const char *bold = board_color(board, BOARD_BOLD);
  int used =
      fprintf(board->out, "\n%sLab %s  %s", bold, lab->id + 3, lab->title) - 1 - (int)strlen(bold);
  int space = board->style->width - used;
  if (space <= (int)strlen(score)) {
    fputc('\n', board->out);
    space = board->style->width;
  }
  fprintf(board->out, "%s%*s%s\n", board_color(board, points == possible ? BOARD_GREEN : ""), space,
          score, board_color(board, BOARD_PLAIN));
}

/* The known mistakes that the lab's failures look like, all together. */
static void print_diagnosis(const struct board *board, const struct lab *lab) {
  const struct diagnosis *diagnosis = &board->list->diagnoses[lab - labs_all];
  for (size_t i = 0; i < diagnosis->count; i++)
    for (size_t n = 0; n < DIAGNOSIS_ALTERNATIVES; n++)
      if (diagnosis->likely[i].mistakes[n] && !diagnosis->likely[i].doubtful)
        board_text(board, 2,
                   n == 0 ? "looks like: " : "or:         ", diagnosis->likely[i].mistakes[n]);
}

/* The missing programs, with the compiler's first error, from the log beside each. */
static void print_missing(const struct board *board, const struct lab *lab) {
  for (size_t i = 0; lab->programs[i]; i++) {
    char path[4096];
    char line[512];
    snprintf(path, sizeof path, "%s/%s/%s", board->run->programs, lab->folder, lab->programs[i]);
    if (access(path, X_OK) == 0)
      continue;
    fprintf(board->out, "  %s: there is no such program\n", path);
    strncat(path, ".log", sizeof path - strlen(path) - 1);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof line, log)) {
      if (!strstr(line, "error:") && !strstr(line, "undefined reference"))
        continue;
      board_text(board, 2, "it does not compile: ", line);
      break;
    }
    if (log)
      fclose(log);
  }
}

/* The TODO at which every check of a lab stops, if it is the same one: then do not list the
 * checks. */
static const struct outcome *common_todo(const struct outcome_list *list, const struct lab *lab) {
  const struct outcome *first = NULL;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    if (!outcome_is_of(outcome, lab))
      continue;
    if (outcome->verdict != OUTCOME_FAILED || !outcome_is_undone(outcome))
      return NULL;
    if (!first)
      first = outcome;
    else if (strcmp(outcome_text(first, "what"), outcome_text(outcome, "what")) != 0)
      return NULL;
  }
  return first;
}

/* Print everything about a failure; without the frames, if enough were shown; or one line, if an
 * earlier check says the same. Returns whether it was everything. */
static bool print_failure(const struct board *board, const struct outcome_list *list, size_t index,
                          bool enough) {
  const struct outcome *outcome = &list->outcomes[index];
  const struct outcome *same = outcome_same_before(list, outcome);
  char text[256];
  if (same) {
    snprintf(text, sizeof text, "the same as %s above", same->check->id);
    fprintf(board->out, "%s", board_color(board, BOARD_DIM));
    board_text(board, BOARD_INDENT, "", text);
    fprintf(board->out, "%s", board_color(board, BOARD_PLAIN));
    return false;
  }
  board_finding(board, outcome);
  if (!enough)
    board_excerpt(board, outcome);
  snprintf(text, sizeof text, "make grade LAB=%s CHECK=%s SEED=%s", outcome->check->lab + 3,
           outcome->check->id, board->run->seed);
  board_text(board, BOARD_INDENT, "more:     ", text);
  return !enough;
}

static void print_lab(const struct board *board, struct outcome_list *list, const struct lab *lab) {
  int details = 0;
  const struct outcome *failure = common_todo(list, lab);
  if (failure) {
    fprintf(board->out, "  ");
    board_mark(board, failure);
    fprintf(board->out, " ");
    paragraph_hanging(board->out, board->style->width, 4, outcome_text(failure, "what"));
    return;
  }
  print_diagnosis(board, lab);
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    if (!outcome_is_of(outcome, lab) || outcome->verdict == OUTCOME_NOT_RUN)
      continue;
    board_check_line(board, outcome);
    if (outcome->verdict != OUTCOME_PASSED)
      details += print_failure(board, list, i, details == DETAILS);
  }
}

/* --- What to do next -------------------------------------------------------------------------- */

static void print_next(const struct board *board) {
  struct todo_next next;
  char text[sizeof next.where + 128];
  if (!todo_find_first(board->list, board->run, &next))
    return;
  const char *lab = next.lab->id + strlen("lab");
  if (next.does_not_compile)
    snprintf(text, sizeof text, "make lab %s compile: make LAB=%s", lab, lab);
  else
    snprintf(text, sizeof text, "%s%s%s/README.md", next.where,
             *next.where ? ", explained in " : "", next.lab->folder);
  board_text(board, 0, "Next: ", text);
  if (next.does_not_compile)
    return;
  snprintf(text, sizeof text, "%s/hints.md", next.lab->folder);
  if (access(text, R_OK) != 0)
    return; /* whoever hands out the labs may keep them */
  snprintf(text, sizeof text, "make hint LAB=%s", lab);
  board_text(board, 0, "      stuck? ", text);
}

/* --- The whole -------------------------------------------------------------------------------- */

/* Predictions and quizzes, once there are any. */
static void print_beside(const struct board *board) {
  int points;
  int possible;
  beside_points(board->run->beside, &points, &possible);
  if (possible > 0)
    fprintf(board->out, "In addition: %d of %d for predictions, quizzes and the bonus\n", points,
            possible);
}

/* What that is in the course, if there is one. */
static void print_course(const struct board *board) {
  char text[SCORE_TEXT];
  score_in_course(text, board->run, board->list);
  if (*text != '\0')
    board_text(board, 0, "", text);
}

void board_print(FILE *out, const struct trace_style *style, const struct run *run,
                 struct outcome_list *list) {
  struct board board = {out, style, run, list};
  int points = 0;
  int possible = 0;
  for (size_t l = 0; l < labs_count; l++) {
    if (!run->selected[l])
      continue;
    points += outcome_points(list, &labs_all[l]);
    possible += outcome_possible(list, &labs_all[l]);
    print_heading(&board, list, &labs_all[l]);
    print_missing(&board, &labs_all[l]);
    if (!run->missing[l])
      print_lab(&board, list, &labs_all[l]);
  }
  int more = progress_points(run->progress, run->programs, list, NULL);
  char text[128];
  snprintf(text, sizeof text, "%d of %d points (%.1f s, SEED=%s)", points, possible, run->seconds,
           run->seed);
  fprintf(out, "\n%s", board_color(&board, BOARD_BOLD));
  board_text(&board, 0, "Total: ", text);
  fprintf(out, "%s", board_color(&board, BOARD_PLAIN));
  print_beside(&board);
  print_course(&board);
  if (more != 0)
    fprintf(out, "%d point%s %s than last time.\n", abs(more), abs(more) == 1 ? "" : "s",
            more > 0 ? "more" : "fewer");
  print_next(&board);
  if (outcome_faults(list) > 0)
    fprintf(out, "The grader itself failed in %zu checks, which is not your fault.\n",
            outcome_faults(list));
}

void board_print_check(FILE *out, const struct trace_style *style, const struct run *run,
                       const struct outcome_list *list, const struct outcome *outcome) {
  const struct board board = {out, style, run, list};
  board_check_whole(&board, outcome);
}
