/*
 * scenarios: what a student predicts, three scenarios for each lab, with numbers drawn from the
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

/* 0 to count - 1, in an order that is drawn. */
void draw_order(struct draw *draw, unsigned *order, unsigned count);

struct scenario {
  const char *lab;      /* "lab02" */
  const char *name;     /* "windows" */
  const char *sides;    /* whose frames the student predicts: "c", "s" or "cs" */
  const char *sections; /* one of which explains it: "5.2 6.9" */
  /* Write into `text` what happens, for the student, and play it. */
  void (*run)(struct play *play, struct draw *draw, struct buffer *text);
  const char *rfc; /* whose sections; NULL: "9113" */
};

/* Add a line to a scenario's text. */
void scenario_say(struct buffer *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Let both sides exchange SETTINGS; the server's streams get this window. */
void scenario_open(struct play *play, struct draw *draw, uint32_t window);

/* Those of labs 1 to 3, of labs 4 and 5, and of lab 6. One without a lab ends each list. */
extern const struct scenario scenarios[], servers_scenarios[], secure_scenarios[];

#endif
