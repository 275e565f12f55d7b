/*
 * fit: keep what a check has written short, whatever its program has sent and printed.
 */
#ifndef GRADER_FIT_H
#define GRADER_FIT_H

#include <jansson.h>
#include <stddef.h>

/* Change the outcome of a check (play/check_run.h) so that it has at most `room` octets as JSON:
 * long texts and lists keep their beginnings, and of the exchange's frames the first are kept.
 * Returns how many octets it has. FIT_LEAST is room for every outcome. */
enum { FIT_LEAST = 16 << 10 };
size_t fit_outcome(json_t *outcome, size_t room);

#endif
