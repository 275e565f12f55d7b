/*
 * scenarios: what a student is to predict, a few for each lab, with numbers that the
 * seed has drawn.
 */
#ifndef GRADER_PREDICT_SCENARIOS_H
#define GRADER_PREDICT_SCENARIOS_H

#include "grader/predict/play.h"

/* What the seed has drawn: small numbers, one after the other. */
struct draw {
  uint64_t state;
};

unsigned draw_between(struct draw *draw, unsigned least, unsigned most);

struct scenario {
  const char *lab;      /* "lab02" */
  const char *name;     /* "windows" */
  const char *sides;    /* whose frames are asked for: "c", "s" or "cs" */
  const char *sections; /* of RFC 9113, one of which explains it: "5.2 6.9" */
  /* Write into `text` what happens, for the student, and play it. */
  void (*run)(struct play *play, struct draw *draw, struct buffer *text);
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

#endif
