/*
 * place: where something stands in the student's file of the program that runs now, or has run
 * last; and what the probe says of this program.
 */
#ifndef GRADER_PLACE_H
#define GRADER_PLACE_H

#include <stdbool.h>

#include "grader/play/exchange.h"

/* The student's file. Fills in `path` and returns it; or NULL if there is none. */
const char *place_of_source(const struct exchange *exchange, char *path, size_t size);

/* The TODO in which this function is defined, or to which all lines with this text belong; 0 if
 * that is none, or unknown. */
int place_of_function(const struct exchange *exchange, const char *function);
int place_of_text(const struct exchange *exchange, const char *text);

/* How often this function of the student has begun; -1 if nothing is known of the program. */
int64_t place_times(const struct exchange *exchange, const char *function);

/* Fill in the timer whose callback is this function of the student. Returns whether it was ever
 * started. */
bool place_timer(const struct exchange *exchange, const char *callback, struct probe_timer *timer);

#endif
