/*
 * failing: what a test cannot do to the machine it runs on: let memory run out, and let names have
 * other addresses than they really have.
 *
 * The functions of the C library that are concerned are defined anew in failing.c. So everything in
 * this process calls these, the libraries too, and they pass all on until they are told otherwise.
 */
#ifndef COMMON_TESTS_FAILING_H
#define COMMON_TESTS_FAILING_H

#include <stdbool.h>
#include <stddef.h>

/* Let the n-th allocation of this thread from now on fail, once: 1 is the next one. */
void failing_start(size_t n);

/* Whether it has failed by now. */
bool failing_happened(void);

/* Let none fail any more. Returns whether one has: if not, there were fewer than n. */
bool failing_stop(void);

/*
 * From now on every name that is looked up has these addresses, in this order: numeric ones, of
 * which the last is followed by NULL. NULL instead of the list ends it. The list must stay.
 */
void failing_resolve(const char *const *addresses);

/* From now on every look-up waits until failing_release_lookups. */
void failing_hold_lookups(void);

/* Wait until `count` of them do. */
void failing_await_lookups(size_t count);

void failing_release_lookups(void);

#endif
