/* recording: see recording.h. */
#include "grader/wire/recording.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/trace.h"

double recording_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void recording_begin(struct recording *recording) {
  *recording = (struct recording){.started = recording_clock()};
}

bool recording_is_full(const struct recording *recording) {
  return recording->count >= RECORDING_LIMIT;
}

static int add(struct recording *recording, struct recorded entry) {
  if (recording->count == recording->size) {
    size_t size = recording->size ? recording->size * 2 : 64;
    struct recorded *grown = realloc(recording->entries, size * sizeof *grown);
    if (!grown)
      return -1;
    recording->entries = grown;
    recording->size = size;
  }
  entry.milliseconds = recording_clock() - recording->started;
  recording->entries[recording->count++] = entry;
  return 0;
}

int recording_add_frame(struct recording *recording, unsigned connection,
                        const struct frame *frame) {
  if (recording_is_full(recording))
    return 0;
  struct frame *copy = frame_copy(frame);
  int result =
      copy ? add(recording, (struct recorded){.connection = connection, .frame = copy}) : -1;
  if (result != 0)
    free(copy);
  return result;
}

int recording_add_note(struct recording *recording, unsigned connection, const char *note) {
  if (recording_is_full(recording))
    return 0;
  char *copy = strdup(note);
  int result =
      copy ? add(recording, (struct recorded){.connection = connection, .note = copy}) : -1;
  if (result != 0)
    free(copy);
  return result;
}

static json_t *frame_json(const struct recorded *entry) {
  struct frame frame = *entry->frame; /* with the beginning of its body only */
  if (frame.data_length > RECORDING_DATA)
    frame.data_length = RECORDING_DATA;
  json_t *json = trace_frame_json(&frame, entry->milliseconds, entry->connection);
  if (*frame.request)
    json_object_set_new(json, "request", json_string(frame.request));
  return json;
}

json_t *recording_entry_json(const struct recording *recording, size_t index) {
  const struct recorded *entry = &recording->entries[index];
  json_t *json = entry->frame ? frame_json(entry)
                              : json_pack("{s:i, s:f, s:s}", "connection", (int)entry->connection,
                                          "ms", entry->milliseconds, "note", entry->note);
  if (json_object_set_new(json, "index", json_integer((json_int_t)index)) == 0)
    return json;
  json_decref(json);
  return NULL;
}

json_t *recording_json(const struct recording *recording, size_t end) {
  json_t *array = json_array();
  for (size_t i = 0; i < end && i < recording->count; i++) {
    if (json_array_append_new(array, recording_entry_json(recording, i)) != 0) {
      json_decref(array);
      return NULL;
    }
  }
  return array;
}

void recording_free(struct recording *recording) {
  for (size_t i = 0; i < recording->count; i++) {
    free(recording->entries[i].frame);
    free(recording->entries[i].note);
  }
  free(recording->entries);
  recording->entries = NULL;
  recording->count = recording->size = 0;
}
