/*
 * recording: all frames that went over the wire in one check, in the order in which they passed.
 *
 * A frame_decoder watches the byte stream of each connection (transport_observe), so the recording
 * shows what was really sent, including malformed frames.
 */
#ifndef GRADER_RECORDING_H
#define GRADER_RECORDING_H

#include <jansson.h>
#include <stdbool.h>

#include "common/frame.h"

/* No right program needs so many frames in a check; this stops a program that sends frames without
 * end. */
enum { RECORDING_LIMIT = 100000 };

/* Nor so many bytes: they are kept in memory, and the fields of a frame may be a hundred times as
 * long as the frame. */
enum { RECORDING_OCTETS = 64 << 20 };

/* The limits of recording_json: fields of one frame, bytes of these fields together, and bytes of
 * JSON for all frames. */
enum { RECORDING_FIELDS = 64, RECORDING_FIELD_OCTETS = 16 << 10, RECORDING_JSON = 256 << 10 };

/* How many bytes of a body recording_json keeps: as many as a reader will look at. */
enum { RECORDING_DATA = 128 };

/* One frame, or one event that is not a frame. */
struct recorded {
  double milliseconds; /* since the recording began */
  unsigned connection; /* 1, 2, ... in the order they were opened */
  struct frame *frame; /* NULL for an event */
  char *note;          /* "closed by the client"; NULL for a frame */
};

struct recording {
  struct recorded *entries;
  size_t count;
  size_t size;   /* allocated */
  size_t octets; /* in all entries */
  unsigned connections;
  double started;
};

/* The monotonic clock, in milliseconds. */
double recording_clock(void);

void recording_begin(struct recording *recording);

/* When this entry was added: recording_clock(). */
double recording_time(const struct recording *recording, long index);

/* Add a copy of `frame`, or of `note`, unless the recording is full. Return 0, or -1 when there is
 * no memory. */
int recording_add_frame(struct recording *recording, unsigned connection,
                        const struct frame *frame);
int recording_add_note(struct recording *recording, unsigned connection, const char *note);

bool recording_is_full(const struct recording *recording);

/*
 * One entry as JSON, in the format of trace_frame_json, with at most RECORDING_DATA bytes of a
 * body, its place as "index", and "request" if it is known; an event is {"connection", "ms",
 * "note", "index"}. A new reference, or NULL when there is no memory.
 */
json_t *recording_entry_json(const struct recording *recording, size_t index);

/* The entries up to before `end` as an array: fewer, if it would be longer than
 * RECORDING_JSON. The same. */
json_t *recording_json(const struct recording *recording, size_t end);

void recording_free(struct recording *recording);

#endif
