/*
 * check: one thing that a lab's program must do, as a Criterion test with points.
 *
 *   CHECK(lab01, ping, .points = 1, .todo = 4, .section = "6.7",
 *         .sentence = "a PING is answered while the session is open") {
 *     ... what to do with `exchange`, see exchange.h ...
 *   }
 *
 * A check passes when its body returns, and fails with the first call of exchange_fail, which explains and does
 * not return. Each runs in a process of its own. It leaves a file behind, DIRECTORY/lab01.ping.json, with its
 * outcome and everything that was seen; the scoreboard, the results and the page are made from these.
 * A check that leaves no file, or crashes, is the grader's own fault and is reported as such.
 */
#ifndef GRADER_CHECK_H
#define GRADER_CHECK_H

#include <criterion/criterion.h>
#include <stdbool.h>

struct exchange;

struct check {
  const char *lab;      /* "lab01" */
  const char *id;       /* "ping" */
  const char *sentence; /* what a right program does */
  const char *section;  /* of RFC 9113 unless it names another document; NULL if none */
  int points;
  int todo;            /* the TODO that it belongs to; 0 if to none */
  const char *program; /* in whose file that is, for a lab with several; NULL for the first */
  const char *earlier; /* the lab whose work it repeats ("lab04"); NULL if it is new here */
  const char *by_hand; /* told to `make serve`, or to curl, to do as the check; or NULL */
  int line;            /* checks are shown in the order of the file */
};

typedef void (*check_body)(struct exchange *exchange);

/* Run one check in this process; called by CHECK only. */
void check_run(const struct check *check, check_body body);

/* Where the grader tells the checks, which run in other processes, what was asked for: the environment. */
#define CHECK_PROGRAMS  "GRADE_PROGRAMS"  /* the folder with labNN-name/program */
#define CHECK_DIRECTORY "GRADE_DIRECTORY" /* where the outcomes go */
#define CHECK_GUARD     "GRADE_GUARD"     /* the path of the guard */
#define CHECK_SEED      "GRADE_SEED"      /* for the values that are random */
#define CHECK_PCAP      "GRADE_PCAP" /* set if a capture is wanted: DIRECTORY/lab01.ping.pcapng */
#define CHECK_ALONE                                                                                \
  "GRADE_ALONE" /* set if this check alone was asked for: all that happened is shown */
#define CHECK_STYLE "GRADE_STYLE" /* how ladders are to look: colour, line drawing, width */

enum {
  CHECK_INDENT = 6,        /* columns before an explanation on the scoreboard ... */
  CHECK_LADDER_INDENT = 2, /* ... and before a ladder, whose lines begin with blanks of their own */
};

enum {
  CHECK_TIMEOUT_SECONDS = 60
}; /* exchange.h gives up long before; this is for the grader's faults */

/* A macro because Criterion's Test is one: it defines a function and registers it before main. */
#define CHECK(lab_name, name, ...)                                                                 \
  static void lab_name##_##name##_body(struct exchange *exchange);                                 \
  static const struct check lab_name##_##name##_check = {                                          \
      .lab = #lab_name, .id = #name, .line = __LINE__, __VA_ARGS__};                               \
  Test(lab_name, name, .timeout = CHECK_TIMEOUT_SECONDS,                                           \
       .data = (void *)&lab_name##_##name##_check) {                                               \
    check_run(&lab_name##_##name##_check, lab_name##_##name##_body);                               \
  }                                                                                                \
  static void lab_name##_##name##_body(struct exchange *exchange)

#endif
