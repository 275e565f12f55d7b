/*
 * replay: turn frames in JSON (trace.h) back into frames, to print them.
 */
#ifndef GRADER_REPLAY_H
#define GRADER_REPLAY_H

#include <jansson.h>

#include "common/frame.h"

/*
 * The frame that trace_frame_json or recording_entry_json has turned into JSON, in one allocation;
 * free it with free(). It has no payload, and only the data that the JSON has. `error` points into
 * `json`. Returns NULL when the JSON is not a frame ("type" is missing, as in a note), or when
 * there is no memory.
 */
struct frame *replay_frame(const json_t *json);

#endif
