/* brief: see brief.h. */
#include "grader/words/brief.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

enum { LARGEST_TEXT = 80 /* of one field, where several stand on a line */ };

/* Fields that say what a frame is about, and come first where there is one line for all. */
static bool is_main(const struct frame_field *field) {
  static const char *const names[] = {":method", ":path", ":status"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (field->name_length == strlen(names[i]) &&
        memcmp(field->name, names[i], field->name_length) == 0)
      return true;
  return false;
}

static int shorter(size_t length, int limit) {
  return length < (size_t)limit ? (int)length : limit;
}

/* All from field `first` on become one: "GET, :path: /ping, :scheme: http". The
 * ladder cuts what does not fit. */
static void join_fields(struct brief *brief, const struct frame *frame, size_t first) {
  struct frame_field *joined = &brief->fields[first];
  size_t used = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = first; i < frame->field_count && used < sizeof brief->rest - 1; i++) {
      const struct frame_field *field = &frame->fields[i];
      if (is_main(field) != (pass == 0))
        continue;
      char *end = brief->rest + used;
      size_t room = sizeof brief->rest - used;
      int value = shorter(field->value_length, LARGEST_TEXT);
      if (used == 0)
        *joined = *field;
      used += used == 0
                  ? (size_t)snprintf(end, room, "%.*s", value, (const char *)field->value)
                  : (size_t)snprintf(end, room, ", %.*s: %.*s",
                                     shorter(field->name_length, LARGEST_TEXT),
                                     (const char *)field->name, value, (const char *)field->value);
    }
  }
  joined->value = (const uint8_t *)brief->rest;
  joined->value_length = strlen(brief->rest);
}

int brief_make(struct brief *brief, const struct frame *frame, bool full) {
  size_t fields = full ? BRIEF_FIELDS : 1;
  size_t settings = full ? BRIEF_FIELDS : 0;
  brief->frame = *frame;
  if (frame->field_count > fields) { /* one line for each field, as long as there are lines */
    for (size_t i = 0; i + 1 < fields; i++)
      brief->fields[i] = frame->fields[i];
    join_fields(brief, frame, fields - 1);
    brief->frame.fields = brief->fields;
    brief->frame.field_count = fields;
  }
  if (brief->frame.setting_count > settings)
    brief->frame.setting_count = settings;
  bool body = frame->data_length > 0 && frame->type != NGHTTP2_PING && frame->type != FRAME_PREFACE;
  return 1 + (int)brief->frame.field_count + (int)brief->frame.setting_count + body +
         (frame->type == NGHTTP2_GOAWAY) + (frame->error != NULL);
}
