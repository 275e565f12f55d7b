/* trace_json: see trace_json.h. */
#include "common/trace_json.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "common/buffer.h"
#include "common/octets.h"

enum { LARGEST_DATA = 16384 };

/* A new reference, or NULL when there is no memory. */
static json_t *text_json(const uint8_t *bytes, size_t length) {
  struct buffer text = {0};
  json_t *json = NULL;
  if (octets_append(&text, bytes, length, OCTETS_TEXT) == 0)
    json = json_stringn_nocheck(text.bytes ? text.bytes : "", text.length);
  buffer_free(&text);
  return json;
}

/* A name, or the number where there is none. */
static json_t *name_json(const char *name, uint32_t number) {
  return name ? json_string(name) : json_sprintf("0x%x", number);
}

static const char *sender_name(enum frame_sender sender) {
  return sender == FRAME_FROM_CLIENT ? "client" : "server";
}

/* --- A frame ---------------------------------------------------------------------------------- */

/* json_array_append_new and json_object_set_new refuse NULL, so that one test at the end of each
 * function finds every failure before it. */
static int add(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value);
}

static json_t *flags_json(const struct frame *frame) {
  json_t *flags = json_array();
  int failed = 0;
  for (unsigned flag = 1; flag <= 0x80; flag <<= 1)
    if (frame->flags & flag)
      failed |= json_array_append_new(flags,
                                      name_json(frame_flag_name(frame->type, (uint8_t)flag), flag));
  if (!failed)
    return flags;
  json_decref(flags);
  return NULL;
}

static json_t *fields_json(const struct frame *frame) {
  json_t *fields = json_array();
  int failed = 0;
  for (size_t i = 0; i < frame->field_count; i++) {
    const struct frame_field *field = &frame->fields[i];
    failed |=
        json_array_append_new(fields, json_pack("[oo]", text_json(field->name, field->name_length),
                                                text_json(field->value, field->value_length)));
  }
  if (!failed)
    return fields;
  json_decref(fields);
  return NULL;
}

static json_t *settings_json(const struct frame *frame) {
  json_t *settings = json_array();
  int failed = 0;
  for (size_t i = 0; i < frame->setting_count; i++) {
    const struct frame_setting *setting = &frame->settings[i];
    json_t *name = name_json(frame_setting_name(setting->id), setting->id);
    failed |= json_array_append_new(settings, json_pack("[oI]", name, (json_int_t)setting->value));
  }
  if (!failed)
    return settings;
  json_decref(settings);
  return NULL;
}

static json_t *data_json(const struct frame *frame) {
  size_t length = frame->data_length < LARGEST_DATA ? frame->data_length : LARGEST_DATA;
  return text_json(frame->data, length);
}

static json_t *error_code_json(const struct frame *frame) {
  return name_json(frame_error_name(frame->error_code), frame->error_code);
}

static int add_priority(json_t *json, const struct frame *frame) {
  return add(json, "dependency", json_integer(frame->dependency)) |
         add(json, "weight", json_integer(frame->weight)) |
         add(json, "exclusive", json_boolean(frame->exclusive));
}

/* What only frames of this type have. */
static int add_payload(json_t *json, const struct frame *frame) {
  int failed = 0;
  switch (frame->type) {
  case NGHTTP2_HEADERS:
    failed = frame->weight > 0 ? add_priority(json, frame) : 0;
    return failed | add(json, "fields", fields_json(frame));
  case NGHTTP2_PUSH_PROMISE:
    failed = add(json, "promised_stream", json_integer(frame->promised_stream_id));
    return failed | add(json, "fields", fields_json(frame));
  case NGHTTP2_CONTINUATION: return add(json, "fields", fields_json(frame));
  case NGHTTP2_PRIORITY: return add_priority(json, frame);
  case NGHTTP2_RST_STREAM: return add(json, "error_code", error_code_json(frame));
  case NGHTTP2_SETTINGS: return add(json, "settings", settings_json(frame));
  case NGHTTP2_GOAWAY:
    failed = add(json, "last_stream", json_integer(frame->last_stream_id));
    failed |= add(json, "error_code", error_code_json(frame));
    return failed | add(json, "data", data_json(frame));
  case NGHTTP2_WINDOW_UPDATE: return add(json, "increment", json_integer(frame->window_increment));
  default: return add(json, "data", data_json(frame)); /* DATA, PING, and what is unknown */
  }
}

json_t *trace_frame_json(const struct frame *frame, double milliseconds, unsigned connection) {
  json_t *json = json_object();
  int64_t microseconds = (int64_t)(milliseconds * 1000 + 0.5);
  int failed = add(json, "connection", json_integer(connection));
  failed |= add(json, "ms", json_real((double)microseconds / 1000));
  failed |= add(json, "sender", json_string(sender_name(frame->sender)));
  failed |= add(json, "type", name_json(frame_type_name(frame->type), frame->type));
  failed |= add(json, "flags", flags_json(frame));
  failed |= add(json, "stream", json_integer(frame->stream_id));
  failed |= add(json, "length", json_integer((json_int_t)frame->length));
  failed |= add_payload(json, frame);
  if (frame->padding > 0)
    failed |= add(json, "padding", json_integer((json_int_t)frame->padding));
  if (frame->error)
    failed |= add(json, "error", json_string(frame->error));
  if (!failed)
    return json;
  json_decref(json);
  return NULL;
}

static int append_hex(struct buffer *text, const uint8_t *bytes, size_t length) {
  static const char digits[] = "0123456789abcdef";
  int failed = 0;
  for (size_t i = 0; i < length && !failed; i++) {
    const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
    failed = buffer_append(text, pair, sizeof pair);
  }
  return failed;
}

/* The frame's header as it was sent, but for the reserved bit; what is not a frame has none. */
static int append_header(struct buffer *text, const struct frame *frame) {
  uint32_t stream = (uint32_t)frame->stream_id;
  const uint8_t header[FRAME_HEADER_LENGTH] = {(uint8_t)(frame->length >> 16),
                                               (uint8_t)(frame->length >> 8),
                                               (uint8_t)frame->length,
                                               (uint8_t)frame->type,
                                               frame->flags,
                                               (uint8_t)(stream >> 24),
                                               (uint8_t)(stream >> 16),
                                               (uint8_t)(stream >> 8),
                                               (uint8_t)stream};
  return frame->type < FRAME_PREFACE ? append_hex(text, header, sizeof header) : 0;
}

static json_t *octets_json(const struct frame *frame) {
  struct buffer text = {0};
  json_t *json = NULL;
  size_t length = frame->type == NGHTTP2_DATA ? 0 : frame->length;
  if (append_header(&text, frame) == 0 &&
      append_hex(&text, frame->payload, length < LARGEST_DATA ? length : LARGEST_DATA) == 0)
    json = json_stringn_nocheck(text.bytes ? text.bytes : "", text.length);
  buffer_free(&text);
  return json;
}

json_t *trace_live_json(const struct frame *frame, double milliseconds, unsigned connection) {
  json_t *json = trace_frame_json(frame, milliseconds, connection);
  if (!json || add(json, "octets", octets_json(frame)) == 0)
    return json;
  json_decref(json);
  return NULL;
}

/* An event that is no frame. */
static json_t *event_json(double milliseconds, unsigned connection, const char *key,
                          json_t *value) {
  json_t *json = json_object();
  int failed = add(json, "connection", json_integer(connection));
  failed |= add(json, "ms", json_real(milliseconds));
  failed |= add(json, key, value);
  if (!failed)
    return json;
  json_decref(json);
  return NULL;
}

json_t *trace_note_json(const char *text, double milliseconds, unsigned connection) {
  return event_json(milliseconds, connection, "note",
                    text_json((const uint8_t *)text, strlen(text)));
}

json_t *trace_addresses_json(enum frame_sender side, const char *own, const char *peer,
                             double milliseconds, unsigned connection) {
  return json_pack("{s:I, s:f, s:s, s:s, s:s}", "connection", (json_int_t)connection, "ms",
                   milliseconds, "side", sender_name(side), "own", own, "peer", peer);
}

json_t *trace_left_out_json(long number, double milliseconds, unsigned connection) {
  return event_json(milliseconds, connection, "left_out", json_integer(number));
}
