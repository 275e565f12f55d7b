/* recording: see recording.h. */
#include "grader/wire/recording.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/trace_json.h"
#include "grader/base/text.h"

double recording_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

double recording_time(const struct recording *recording, long index) {
  return recording->entries[index].milliseconds + recording->started;
}

void recording_begin(struct recording *recording) {
  *recording = (struct recording){.started = recording_clock()};
}

bool recording_is_full(const struct recording *recording) {
  return recording->count >= RECORDING_LIMIT || recording->octets >= RECORDING_OCTETS;
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
  if (result != 0) {
    free(copy);
    return result;
  }
  recording->octets += sizeof *frame + frame->length + frame->data_length +
                       frame->field_count * sizeof *frame->fields;
  for (size_t i = 0; i < frame->field_count; i++)
    recording->octets += frame->fields[i].name_length + frame->fields[i].value_length;
  return 0;
}

int recording_add_note(struct recording *recording, unsigned connection, const char *note) {
  if (recording_is_full(recording))
    return 0;
  char *copy = strdup(note);
  int result =
      copy ? add(recording, (struct recorded){.connection = connection, .note = copy}) : -1;
  if (result != 0)
    free(copy);
  else
    recording->octets += sizeof(struct recorded) + strlen(note);
  return result;
}

static size_t take(size_t wanted, size_t *left) {
  size_t taken = wanted < *left ? wanted : *left;
  *left -= taken;
  return taken;
}

/* Put the first fields, cut, in place of those of the frame. */
static void cut_fields(struct frame *frame, struct frame_field fields[RECORDING_FIELDS]) {
  size_t left = RECORDING_FIELD_OCTETS;
  if (frame->field_count > RECORDING_FIELDS)
    frame->field_count = RECORDING_FIELDS;
  for (size_t i = 0; i < frame->field_count; i++) {
    fields[i] = frame->fields[i];
    fields[i].name_length = take(fields[i].name_length, &left);
    fields[i].value_length = take(fields[i].value_length, &left);
  }
  frame->fields = fields;
}

static json_t *frame_json(const struct recorded *entry) {
  struct frame_field fields[RECORDING_FIELDS];
  struct frame frame = *entry->frame; /* with the beginning of its body only, and of its fields */
  cut_fields(&frame, fields);
  if (frame.data_length > RECORDING_DATA)
    frame.data_length = RECORDING_DATA;
  json_t *json = trace_frame_json(&frame, entry->milliseconds, entry->connection);
  if (*frame.request)
    json_object_set_new(json, "request", json_string(frame.request));
  return json;
}

/* A note may quote what a peer has sent. */
static json_t *note_json(const struct recorded *entry) {
  return json_pack("{s:i, s:f, s:o}", "connection", (int)entry->connection, "ms",
                   entry->milliseconds, "note", text_json(entry->note, strlen(entry->note)));
}

json_t *recording_entry_json(const struct recording *recording, size_t index) {
  const struct recorded *entry = &recording->entries[index];
  json_t *json = entry->frame ? frame_json(entry) : note_json(entry);
  if (json_object_set_new(json, "index", json_integer((json_int_t)index)) == 0)
    return json;
  json_decref(json);
  return NULL;
}

json_t *recording_json(const struct recording *recording, size_t end) {
  json_t *array = json_array();
  size_t octets = 0;
  for (size_t i = 0; i < end && i < recording->count && octets < RECORDING_JSON; i++) {
    json_t *entry = recording_entry_json(recording, i);
    octets += entry ? json_dumpb(entry, NULL, 0, JSON_COMPACT) : 0;
    if (json_array_append_new(array, entry) != 0) {
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
