/*
 * Every row of the table, as a test of its own, against each server; and all rows, in small pieces,
 * against one server that must exit cleanly, without a leak.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/tests/rfc9113.h"

enum { MAX_RULES = 400 };

TestSuite(rfc9113, .timeout = 60);
TestSuite(rfc9113_end, .timeout = 120);

/* --- The servers that all tests share --------------------------------------------------------- */

/* Each test is a process of its own; the process that runs all tests starts the servers. */
static struct rfc9113_server shared[RFC9113_SERVERS];

static const char *port_name(int which) {
  static const char *const names[RFC9113_SERVERS] = {"RFC9113_REFERENCE_PORT", "RFC9113_LAB03_PORT",
                                                     "RFC9113_LAB04_PORT"};
  return names[which];
}

/* Whether this run includes a test that needs the servers. */
static bool are_needed(struct criterion_test_set *tests) {
  FOREACH_SET(struct criterion_suite_set * suite, tests->suites) {
    FOREACH_SET(struct criterion_test * test, suite->tests) {
      if (strcmp(test->category, "rfc9113") == 0 && !test->data->disabled)
        return true;
    }
  }
  return false;
}

/* Criterion names a hook after its line number, which must differ from that of the hook in
 * common/tests/leaks.c: both are linked. */
ReportHook(PRE_ALL)(struct criterion_test_set *tests) {
  char port[16];
  if (!are_needed(tests))
    return;
  for (int which = 0; which < RFC9113_SERVERS; which++) {
    rfc9113_server_start(&shared[which], which);
    snprintf(port, sizeof port, "%d", shared[which].port);
    setenv(port_name(which), port, 1);
  }
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats) {
  (void)stats; /* rfc9113_end looks at how a server ends */
  for (int which = 0; which < RFC9113_SERVERS; which++)
    rfc9113_server_stop(&shared[which]);
}

/* --- One row, every server -------------------------------------------------------------------- */

static bool is_asked(const struct rule *rule, int which) {
  return !rule->reason || which == RFC9113_REFERENCE;
}

ParameterizedTestParameters(rfc9113, row) {
  static size_t rows[MAX_RULES];
  for (size_t i = 0; i < rfc9113_rule_count && i < MAX_RULES; i++)
    rows[i] = i;
  return cr_make_param_array(size_t, rows, rfc9113_rule_count);
}

ParameterizedTest(size_t *row, rfc9113, row) {
  const struct rule *rule = &rfc9113_rules[*row];
  cr_assert_lt(rfc9113_rule_count, MAX_RULES, "MAX_RULES is too small");
  for (int which = 0; which < RFC9113_SERVERS; which++) {
    const char *port = getenv(port_name(which));
    if (is_asked(rule, which))
      rfc9113_play(rule, which, port ? atoi(port) : 0, false);
  }
}

/* Show in the results that some rows are left out. */
Test(rfc9113_end, rows_that_only_the_reference_server_is_asked) {
  char text[1024] = "";
  size_t length = 0;
  for (size_t i = 0; i < rfc9113_rule_count; i++) {
    const struct rule *rule = &rfc9113_rules[i];
    if (rule->reason && length < sizeof text)
      length += (size_t)snprintf(text + length, sizeof text - length, "%s: %s: %s. ", rule->section,
                                 rule->demand, rule->reason);
  }
  cr_skip_test("%s", text);
}

/* --- All rows, one server --------------------------------------------------------------------- */

static void play_all(int which) {
  struct rfc9113_server server;
  rfc9113_server_start(&server, which);
  for (size_t i = 0; i < rfc9113_rule_count; i++)
    if (is_asked(&rfc9113_rules[i], which))
      rfc9113_play(&rfc9113_rules[i], which, server.port, true);
  cr_expect_eq(rfc9113_server_stop(&server), 0, "the server did not end well");
}

Test(rfc9113_end, reference_server) {
  play_all(RFC9113_REFERENCE);
}

Test(rfc9113_end, lab03) {
  play_all(RFC9113_LAB03);
}

Test(rfc9113_end, lab04) {
  play_all(RFC9113_LAB04);
}
