/*
 * scenarios: what a student predicts, a few scenarios for each lab, with numbers drawn from the
 * seed.
 */
#ifndef GRADER_PREDICT_SCENARIOS_H
#define GRADER_PREDICT_SCENARIOS_H

#include "grader/predict/play.h"

/* Small numbers drawn from the seed, one after the other. */
struct draw {
  uint64_t state;
};

unsigned draw_between(struct draw *draw, unsigned least, unsigned most);

struct scenario {
  const char *lab;      /* "lab02" */
  const char *name;     /* "windows" */
  const char *sides;    /* whose frames the student predicts: "c", "s" or "cs" */
  const char *sections; /* of RFC 9113, one of which explains it: "5.2 6.9" */
  /* Write into `text` what happens, for the student, and play it. */
  void (*run)(struct play *play, struct draw *draw, struct buffer *text);
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

#endif
