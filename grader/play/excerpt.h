/*
 * excerpt: the few frames of a recording that explain a failure.
 */
#ifndef GRADER_EXCERPT_H
#define GRADER_EXCERPT_H

#include <jansson.h>

#include "grader/play/exchange.h"

/*
 * The wrong frame, the frames of its stream (the request first), and the frames around it: as many
 * as a ladder shows in seven lines, each in the form of recording_entry_json. An empty array if
 * nothing was recorded. A new reference, or NULL when there is no memory.
 */
json_t *excerpt_json(const struct exchange *exchange);

#endif
