/*
 * check_run: a check as a Criterion test with points.
 *
 *   CHECK(lab01, ping, .points = 1, .todo = 4, .section = "6.7",
 *         .sentence = "a PING is answered while the session is open") {
 *     ... what to do with `exchange`, see exchange.h ...
 *   }
 *
 * A check passes when its body returns, and fails with the first call of exchange_fail, which does
 * not return. Each runs in a process of its own. It leaves a file behind,
 * DIRECTORY/lab01.ping.json, with its outcome and everything that was seen; the scoreboard, the
 * results and the page are made from these. A check that leaves no file, or crashes, is the
 * grader's own fault and is reported as such.
 */
#ifndef GRADER_CHECK_RUN_H
#define GRADER_CHECK_RUN_H

#include <criterion/criterion.h>

#include "grader/base/check.h"
#include "grader/play/exchange.h"

typedef void (*check_body)(struct exchange *exchange);

/* Run one check in this process; called by CHECK only. */
void check_run(const struct check *check, check_body body);

enum {
  CHECK_TIMEOUT_SECONDS = 60 /* exchange.h gives up long before; this is for the grader's faults */
};

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
