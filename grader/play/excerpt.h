/*
 * excerpt: the few frames of a recording that explain a failure.
 */
#ifndef GRADER_EXCERPT_H
#define GRADER_EXCERPT_H

#include <jansson.h>

#include "grader/play/exchange.h"

/*
 * The frame that is wrong, those of its stream (the request first), and those around it: as many as
 * a ladder shows in seven lines, each as recording_entry_json makes it. An empty array where
 * nothing was recorded. A new reference, or NULL when there is no memory.
 */
json_t *excerpt_json(const struct exchange *exchange);

#endif
