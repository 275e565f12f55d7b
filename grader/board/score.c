/* score: see score.h. */
#include "grader/board/score.h"

#include <stdio.h>

#include "grader/base/course.h"
#include "grader/base/labs.h"
#include "grader/result/beside.h"

/* The points of this lab's hidden checks. */
static int hidden_points(const struct run *run, const struct outcome_list *list,
                         const struct lab *lab) {
  int points = 0;
  for (size_t i = 0; run->course && i < list->count; i++) {
    const struct check *check = list->outcomes[i].check;
    if (outcome_is_of(&list->outcomes[i], lab) && course_hides(run->course, check->lab, check->id))
      points += check->points;
  }
  return points;
}

static double in_hundredths(double points) {
  return (double)(long)(points * 100 + 0.5) / 100;
}

void score_in_course(char text[SCORE_TEXT], const struct run *run,
                     const struct outcome_list *list) {
  const struct course *course = run->course;
  double got = 0;
  double possible = 0;
  double hidden = 0;
  *text = '\0';
  if (!course || run->only_check)
    return;
  for (size_t i = 0; i < labs_count; i++) {
    const struct lab *lab = &labs_all[i];
    int all = outcome_possible(list, lab);
    if (!run->selected[i] || all == 0)
      continue;
    double share = course->worth[i] / all;
    got += share * outcome_points(list, lab);
    hidden += share * hidden_points(run, list, lab);
    possible += course->worth[i];
  }
  int beside[2];
  beside_points(run->beside, &beside[0], &beside[1]);
  if (beside[1] > 0)
    got += course->bonus * beside[0] / beside[1];
  int length = snprintf(text, SCORE_TEXT, "%g of %g points in the course", in_hundredths(got),
                        in_hundredths(possible - hidden));
  if (hidden > 0)
    snprintf(text + length, (size_t)(SCORE_TEXT - length), "; hidden checks have another %g",
             in_hundredths(hidden));
}

bool score_is_full(const struct run *run, const struct outcome_list *list) {
  for (size_t i = 0; i < labs_count; i++) {
    const struct lab *lab = &labs_all[i];
    bool counts = run->selected[i] && (!run->course || run->course->worth[i] > 0);
    if (counts &&
        outcome_points(list, lab) + hidden_points(run, list, lab) != outcome_possible(list, lab))
      return false;
  }
  return true;
}
