/*
 * excerpt: the few frames of a recording that explain a failure.
 *
 * The frame that is wrong, in full; the request that it belongs to; then what else happened on its stream; then its
 * neighbours. Where frames are left out, a line says so. Of the others only the first fields are shown.
 */
#ifndef GRADER_EXCERPT_H
#define GRADER_EXCERPT_H

#include "grader/play/exchange.h"

/* Print it in about 8 lines; nothing if there is no frame, or if none has to do with the failure. */
void excerpt_print(const struct exchange *exchange, FILE *out, const struct trace_style *style);

#endif
