/* fit: see fit.h. */
#include "grader/result/fit.h"

#include <stdbool.h>
#include <string.h>

static size_t length_of(const json_t *json) {
  return json_dumpb(json, NULL, 0, JSON_COMPACT);
}

static void clip_text(json_t *text, size_t octets) {
  const char *value = json_string_value(text);
  if (json_string_length(text) <= octets)
    return;
  while (octets > 0 && (value[octets] & 0xc0) == 0x80) /* no half of a character */
    octets--;
  json_t *shorter = json_stringn(value, octets);
  (void)json_string_setn(text, json_string_value(shorter), octets);
  json_decref(shorter);
}

/* Keep at most so many members of each list, and octets of each text.
 * NOLINTNEXTLINE(misc-no-recursion): what we have written is not deep */
static void clip(json_t *json, size_t members, size_t octets) {
  const char *key;
  json_t *member;
  size_t i;
  if (json_is_string(json))
    clip_text(json, octets);
  while (json_is_array(json) && json_array_size(json) > members)
    (void)json_array_remove(json, json_array_size(json) - 1);
  json_array_foreach(json, i, member) clip(member, members, octets);
  json_object_foreach(json, key, member) clip(member, members, octets);
}

/* The first frames, shortened, in so many octets. A new reference. */
static json_t *first_frames(const json_t *frames, size_t room) {
  enum { MEMBERS = 16, OCTETS = 256 };
  json_t *kept = json_array();
  json_t *frame;
  size_t i;
  size_t used = 0;
  json_array_foreach(frames, i, frame) {
    clip(frame, MEMBERS, OCTETS);
    used += length_of(frame) + 1;
    if (used > room)
      break;
    (void)json_array_append(kept, frame);
  }
  return kept;
}

size_t fit_outcome(json_t *outcome, size_t room) {
  static const struct {
    size_t members, octets;
  } steps[] = {{64, 1024}, {24, 256}, {12, 64}, {4, 32}};
  size_t length = length_of(outcome);
  if (length <= room)
    return length;
  json_t *frames = json_incref(json_object_get(outcome, "frames"));
  (void)json_object_set_new(outcome, "frames", json_array());
  length = length_of(outcome);
  for (size_t i = 0; i < sizeof steps / sizeof steps[0] && length > room / 2; i++) {
    clip(outcome, steps[i].members, steps[i].octets);
    length = length_of(outcome);
  }
  json_t *kept = first_frames(frames, length < room ? room - length : 0);
  if (json_array_size(kept) == 0)
    (void)json_object_set_new(outcome, "frame_count", json_integer(0));
  (void)json_object_set_new(outcome, "frames", kept);
  json_decref(frames);
  return length_of(outcome);
}
