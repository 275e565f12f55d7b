/*
 * check_run: a check as a Criterion test with points.
 *
 *   CHECK(lab01, ping, .points = 1, .todo = 4, .section = "6.7",
 *         .sentence = "a PING is answered while the session is open") {
 *     ... what to do with `exchange`, see exchange.h ...
 *   }
 *
 * A check passes when its body returns, and fails with the first call of exchange_fail, which does
 * not return. Each check runs in its own process. It writes a file, DIRECTORY/lab01.ping.json, with
 * its outcome and everything that it has seen; the scoreboard, the results and the page come from
 * these files. If a check writes no file, or crashes, that is the grader's own fault and is
 * reported as such.
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
  CHECK_TIMEOUT_SECONDS =
      60 /* exchange.h gives up long before; this limit is for faults of the grader */
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
