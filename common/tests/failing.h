/*
 * failing: faults that a test cannot cause on a real machine: let memory run out, and let names
 * have other addresses than the real ones.
 *
 * failing.c replaces the functions of the C library that do this. So everything in this process
 * calls the replacements, which pass every call on until a test asks for a fault.
 */
#ifndef COMMON_TESTS_FAILING_H
#define COMMON_TESTS_FAILING_H

#include <stdbool.h>
#include <stddef.h>

/* Let the n-th allocation of this thread from now on fail, once: 1 is the next one. */
void failing_start(size_t n);

/* Whether that allocation has failed. */
bool failing_happened(void);

/* Let no allocation fail any more. Returns whether one has failed: if not, there were fewer than
 * n. */
bool failing_stop(void);

/*
 * From now on every look-up gives these addresses, in this order: numeric ones, after
 * the last of which NULL follows. NULL instead of the list ends this. The list must stay.
 */
void failing_resolve(const char *const *addresses);

/* From now on every look-up waits until failing_release_lookups. */
void failing_hold_lookups(void);

/* Wait until `count` look-ups wait. */
void failing_await_lookups(size_t count);

void failing_release_lookups(void);

#endif
