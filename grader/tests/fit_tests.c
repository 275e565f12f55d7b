/* What a check has written is short, and is text, whatever its program has sent. */
#include "grader/result/fit.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(fit, .timeout = 60);

/* A list of so many copies. */
static json_t *times(size_t count, json_t *member) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(list, json_deep_copy(member));
  json_decref(member);
  return list;
}

static json_t *long_text(size_t length) {
  static char text[1 << 16];
  memset(text, 'x', sizeof text);
  memcpy(text + 31, "\u2026", 3); /* a cut may come in the middle of it */
  return json_stringn(text, length);
}

/* Frames of long lists, in the whole exchange and in what is shown of it. */
static json_t *frames(size_t count, size_t entries) {
  return times(count, json_pack("{s:i, s:o, s:o}", "ms", 1, "settings",
                                times(entries, json_pack("[s, i]", "SETTINGS_4112", 123456)),
                                "data", long_text(entries)));
}

static json_t *outcome_of(size_t count, size_t entries, size_t text) {
  return json_pack("{s:s, s:{s:o, s:o, s:o}, s:{s:o, s:o}, s:o, s:o, s:i}", "verdict", "failed",
                   "finding", "what", long_text(text), "report", long_text(text), "excerpt",
                   frames(24, entries), "program", "stdout", long_text(text), "command",
                   times(250, long_text(text / 16)), "functions", times(48, long_text(text)),
                   "frames", frames(count, entries), "frame_count", (int)count);
}

Test(fit, leaves_a_short_one_alone) {
  json_t *outcome = outcome_of(3, 2, 10);
  json_t *before = json_deep_copy(outcome);
  size_t length = fit_outcome(outcome, 1 << 20);
  cr_assert(json_equal(outcome, before));
  cr_assert_eq(length, json_dumpb(outcome, NULL, 0, JSON_COMPACT));
  json_decref(before);
  json_decref(outcome);
}

Test(fit, makes_everything_fit) {
  static const size_t rooms[] = {FIT_LEAST, 100 << 10, 1 << 20};
  for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
    json_t *outcome = outcome_of(10, 2730, 60000);
    size_t length = fit_outcome(outcome, rooms[i]);
    cr_assert_leq(length, rooms[i]);
    cr_assert_eq(length, json_dumpb(outcome, NULL, 0, JSON_COMPACT), "it is no text any more");
    cr_assert_str_eq(json_string_value(json_object_get(outcome, "verdict")), "failed");
    json_decref(outcome);
  }
}

Test(fit, keeps_the_first_frames) {
  json_t *outcome = outcome_of(2000, 4, 10);
  (void)fit_outcome(outcome, FIT_LEAST);
  const json_t *kept = json_object_get(outcome, "frames");
  cr_assert_gt(json_array_size(kept), 20);
  cr_assert_eq(json_integer_value(json_object_get(outcome, "frame_count")), 2000);
  json_decref(outcome);
}
