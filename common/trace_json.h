/*
 * trace_json: frames as JSON: the format of H2_TRACE=FILE.json, H2_TRACE=live, and of the grader.
 */
#ifndef COMMON_TRACE_JSON_H
#define COMMON_TRACE_JSON_H

#include <jansson.h>

#include "common/frame.h"

/*
 * One frame:
 *   {"connection": 1, "ms": 0.123, "sender": "client", "type": "HEADERS", "flags": ["END_STREAM"],
 *    "stream": 1, "length": 38, "fields": [[":method", "GET"], ...]}
 * with, by type, "settings": [["SETTINGS_ENABLE_PUSH", 0], ...], "error_code": "NO_ERROR",
 * "last_stream", "promised_stream", "increment", "dependency", "weight", "exclusive", "padding",
 * "data" (text; bytes that are not UTF-8 are escaped as \xNN and a backslash as \\), and "error".
 * "data" is cut to its first 16384 bytes. Unknown types, settings and error codes are "0x...".
 * Returns a new reference, or NULL when there is no memory.
 */
json_t *trace_frame_json(const struct frame *frame, double milliseconds, unsigned connection);

/* The same for H2_TRACE=live, with "octets": the bytes of the frame, its header first, as
 * hexadecimal digits; but of DATA only the header, because "data" has the rest. Returns the
 * same. */
json_t *trace_live_json(const struct frame *frame, double milliseconds, unsigned connection);

/* One event that is not a frame, as H2_TRACE=live sends it:
 *   {"connection": 1, "ms": 0.123, "note": "closed"}
 * Returns the same. */
json_t *trace_note_json(const char *text, double milliseconds, unsigned connection);

/* Whose connection this is, and from where to where, as H2_TRACE=live sends it:
 *   {"connection": 1, "ms": 0.123, "side": "client", "own": "[::1]:50312", "peer": "[::1]:8000"}
 * Returns the same. */
json_t *trace_addresses_json(enum frame_sender side, const char *own, const char *peer,
                             double milliseconds, unsigned connection);

/* H2_TRACE=live does not send `number` frames that are here: there are too many to look at.
 *   {"connection": 1, "ms": 0.123, "left_out": 7000}
 * Returns the same. */
json_t *trace_left_out_json(long number, double milliseconds, unsigned connection);

#endif
