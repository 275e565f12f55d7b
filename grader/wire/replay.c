/* replay: see replay.h. */
#include "grader/wire/replay.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/octets.h"

enum { LARGEST_NAMED_ERROR = 0x20, LARGEST_NAMED_SETTING = 0x20 };

static const char *text_of(const json_t *json, const char *key) {
  const char *text = json_string_value(json_object_get(json, key));
  return text ? text : "";
}

static int32_t number_of(const json_t *json, const char *key) {
  return (int32_t)json_integer_value(json_object_get(json, key));
}

/* --- Names, back to numbers ------------------------------------------------------------------- */

static bool same(const char *name, const char *text) {
  return name && strcmp(name, text) == 0;
}

static unsigned read_type(const char *text) {
  for (unsigned type = 0; type <= FRAME_NOT_HTTP2; type++)
    if (same(frame_type_name(type), text))
      return type;
  return (unsigned)strtoul(text, NULL, 16);
}

static uint32_t read_error_code(const char *text) {
  for (uint32_t code = 0; code < LARGEST_NAMED_ERROR; code++)
    if (same(frame_error_name(code), text))
      return code;
  return (uint32_t)strtoul(text, NULL, 16);
}

static uint16_t read_setting(const char *text) {
  for (unsigned id = 1; id < LARGEST_NAMED_SETTING; id++)
    if (same(frame_setting_name((uint16_t)id), text))
      return (uint16_t)id;
  return (uint16_t)strtoul(text, NULL, 16);
}

static uint8_t read_flag(unsigned type, const char *text) {
  for (unsigned flag = 1; flag <= 0x80; flag <<= 1)
    if (same(frame_flag_name(type, (uint8_t)flag), text))
      return (uint8_t)flag;
  return (uint8_t)strtoul(text, NULL, 16);
}

/* --- Parts ------------------------------------------------------------------------------------ */

/* What a frame points to, until it is copied. */
struct parts {
  struct buffer octets; /* names and values of all fields, then the data */
  struct frame_field *fields;
  struct frame_setting *settings;
};

static int read_settings(struct parts *parts, struct frame *frame, const json_t *settings) {
  size_t count = json_array_size(settings);
  parts->settings = calloc(count + 1, sizeof *parts->settings);
  if (!parts->settings)
    return -1;
  for (size_t i = 0; i < count; i++) {
    const json_t *setting = json_array_get(settings, i);
    const char *name = json_string_value(json_array_get(setting, 0));
    parts->settings[i].id = read_setting(name ? name : "");
    parts->settings[i].value = (uint32_t)json_integer_value(json_array_get(setting, 1));
  }
  frame->settings = parts->settings;
  frame->setting_count = count;
  return 0;
}

/* Append the bytes of a text. Returns how many there are, or -1. */
static long read_octets(struct parts *parts, const json_t *json) {
  const char *text = json_string_value(json);
  size_t before = parts->octets.length;
  if (text && octets_read(&parts->octets, text) != 0)
    return -1;
  return (long)(parts->octets.length - before);
}

/* Only when all bytes are there do they stand still: lengths come first, and
 * pointers at the end. */
static int read_texts(struct parts *parts, struct frame *frame, const json_t *json) {
  const json_t *fields = json_object_get(json, "fields");
  size_t count = json_array_size(fields);
  parts->fields = calloc(count + 1, sizeof *parts->fields);
  if (!parts->fields)
    return -1;
  for (size_t i = 0; i < count; i++) {
    const json_t *field = json_array_get(fields, i);
    long name = read_octets(parts, json_array_get(field, 0));
    long value = read_octets(parts, json_array_get(field, 1));
    if (name < 0 || value < 0)
      return -1;
    parts->fields[i].name_length = (size_t)name;
    parts->fields[i].value_length = (size_t)value;
  }
  long data = read_octets(parts, json_object_get(json, "data"));
  if (data < 0)
    return -1;
  const uint8_t *next = (const uint8_t *)(parts->octets.bytes ? parts->octets.bytes : "");
  for (size_t i = 0; i < count; i++) {
    parts->fields[i].name = next;
    parts->fields[i].value = next + parts->fields[i].name_length;
    next = parts->fields[i].value + parts->fields[i].value_length;
  }
  frame->fields = parts->fields;
  frame->field_count = count;
  frame->data = next;
  frame->data_length = (size_t)data;
  return 0;
}

static void read_numbers(struct frame *frame, const json_t *json) {
  frame->sender = same("client", text_of(json, "sender")) ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER;
  frame->type = read_type(text_of(json, "type"));
  size_t index;
  const json_t *flag;
  json_array_foreach(json_object_get(json, "flags"), index, flag) {
    const char *name = json_string_value(flag);
    frame->flags |= read_flag(frame->type, name ? name : "");
  }
  frame->stream_id = number_of(json, "stream");
  frame->length = (size_t)json_integer_value(json_object_get(json, "length"));
  frame->padding = (size_t)json_integer_value(json_object_get(json, "padding"));
  frame->error_code = read_error_code(text_of(json, "error_code"));
  frame->last_stream_id = number_of(json, "last_stream");
  frame->promised_stream_id = number_of(json, "promised_stream");
  frame->window_increment = (uint32_t)json_integer_value(json_object_get(json, "increment"));
  frame->dependency = number_of(json, "dependency");
  frame->weight = number_of(json, "weight");
  frame->exclusive = json_is_true(json_object_get(json, "exclusive"));
  strncpy(frame->request, text_of(json, "request"), sizeof frame->request - 1);
  frame->error = json_string_value(json_object_get(json, "error"));
}

struct frame *replay_frame(const json_t *json) {
  struct parts parts = {0};
  struct frame frame = {0};
  struct frame *copy = NULL;
  if (!json_object_get(json, "type"))
    return NULL;
  read_numbers(&frame, json);
  if (read_settings(&parts, &frame, json_object_get(json, "settings")) == 0 &&
      read_texts(&parts, &frame, json) == 0)
    copy = frame_copy(&frame);
  buffer_free(&parts.octets);
  free(parts.fields);
  free(parts.settings);
  return copy;
}
