/*
 * replay: frames that were kept as JSON (trace.h), as frames again, for who prints them.
 */
#ifndef GRADER_REPLAY_H
#define GRADER_REPLAY_H

#include <jansson.h>

#include "common/frame.h"

/*
 * The frame that trace_frame_json, or recording_entry_json, has made JSON of, in one
 * allocation, to be freed with free(). Its payload is not kept, and of its data only what the
 * JSON has. `error` points into `json`. Returns NULL when it is no frame ("type" is missing, as
 * in a note), or when there is no memory.
 */
struct frame *replay_frame(const json_t *json);

#endif
