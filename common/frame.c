/* frame: names of what is in a frame, and copies of frames. The decoder is in frame_decoder.c. */
#include "common/frame.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Names ------------------------------------------------------------------------------------ */

const char *frame_type_name(unsigned type) {
  switch (type) {
  case NGHTTP2_DATA: return "DATA";
  case NGHTTP2_HEADERS: return "HEADERS";
  case NGHTTP2_PRIORITY: return "PRIORITY";
  case NGHTTP2_RST_STREAM: return "RST_STREAM";
  case NGHTTP2_SETTINGS: return "SETTINGS";
  case NGHTTP2_PUSH_PROMISE: return "PUSH_PROMISE";
  case NGHTTP2_PING: return "PING";
  case NGHTTP2_GOAWAY: return "GOAWAY";
  case NGHTTP2_WINDOW_UPDATE: return "WINDOW_UPDATE";
  case NGHTTP2_CONTINUATION: return "CONTINUATION";
  case FRAME_PREFACE: return "preface";
  case FRAME_NOT_HTTP2: return "not HTTP/2";
  default: return NULL;
  }
}

const char *frame_setting_name(uint16_t id) {
  switch (id) {
  case NGHTTP2_SETTINGS_HEADER_TABLE_SIZE: return "SETTINGS_HEADER_TABLE_SIZE";
  case NGHTTP2_SETTINGS_ENABLE_PUSH: return "SETTINGS_ENABLE_PUSH";
  case NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS: return "SETTINGS_MAX_CONCURRENT_STREAMS";
  case NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE: return "SETTINGS_INITIAL_WINDOW_SIZE";
  case NGHTTP2_SETTINGS_MAX_FRAME_SIZE: return "SETTINGS_MAX_FRAME_SIZE";
  case NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE: return "SETTINGS_MAX_HEADER_LIST_SIZE";
  case NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL: /* RFC 8441 */
    return "SETTINGS_ENABLE_CONNECT_PROTOCOL";
  case NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES: /* RFC 9218 */
    return "SETTINGS_NO_RFC7540_PRIORITIES";
  default: return NULL;
  }
}

const char *frame_error_name(uint32_t error_code) {
  switch (error_code) {
  case NGHTTP2_NO_ERROR: return "NO_ERROR";
  case NGHTTP2_PROTOCOL_ERROR: return "PROTOCOL_ERROR";
  case NGHTTP2_INTERNAL_ERROR: return "INTERNAL_ERROR";
  case NGHTTP2_FLOW_CONTROL_ERROR: return "FLOW_CONTROL_ERROR";
  case NGHTTP2_SETTINGS_TIMEOUT: return "SETTINGS_TIMEOUT";
  case NGHTTP2_STREAM_CLOSED: return "STREAM_CLOSED";
  case NGHTTP2_FRAME_SIZE_ERROR: return "FRAME_SIZE_ERROR";
  case NGHTTP2_REFUSED_STREAM: return "REFUSED_STREAM";
  case NGHTTP2_CANCEL: return "CANCEL";
  case NGHTTP2_COMPRESSION_ERROR: return "COMPRESSION_ERROR";
  case NGHTTP2_CONNECT_ERROR: return "CONNECT_ERROR";
  case NGHTTP2_ENHANCE_YOUR_CALM: return "ENHANCE_YOUR_CALM";
  case NGHTTP2_INADEQUATE_SECURITY: return "INADEQUATE_SECURITY";
  case NGHTTP2_HTTP_1_1_REQUIRED: return "HTTP_1_1_REQUIRED";
  default: return NULL;
  }
}

const char *frame_flag_name(unsigned type, uint8_t flag) {
  switch (type << 8 | flag) {
  case NGHTTP2_DATA << 8 | NGHTTP2_FLAG_END_STREAM:
  case NGHTTP2_HEADERS << 8 | NGHTTP2_FLAG_END_STREAM: return "END_STREAM";
  case NGHTTP2_SETTINGS << 8 | NGHTTP2_FLAG_ACK:
  case NGHTTP2_PING << 8 | NGHTTP2_FLAG_ACK: return "ACK";
  case NGHTTP2_HEADERS << 8 | NGHTTP2_FLAG_END_HEADERS:
  case NGHTTP2_PUSH_PROMISE << 8 | NGHTTP2_FLAG_END_HEADERS:
  case NGHTTP2_CONTINUATION << 8 | NGHTTP2_FLAG_END_HEADERS: return "END_HEADERS";
  case NGHTTP2_DATA << 8 | NGHTTP2_FLAG_PADDED:
  case NGHTTP2_HEADERS << 8 | NGHTTP2_FLAG_PADDED:
  case NGHTTP2_PUSH_PROMISE << 8 | NGHTTP2_FLAG_PADDED: return "PADDED";
  case NGHTTP2_HEADERS << 8 | NGHTTP2_FLAG_PRIORITY: return "PRIORITY";
  default: return NULL;
  }
}

char *frame_flag_names(const struct frame *frame, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (unsigned flag = 1; flag <= 0x80; flag <<= 1) {
    if (!(frame->flags & flag) || used >= size)
      continue;
    const char *separator = used > 0 ? "|" : "";
    const char *name = frame_flag_name(frame->type, (uint8_t)flag);
    int length = name ? snprintf(text + used, size - used, "%s%s", separator, name)
                      : snprintf(text + used, size - used, "%s0x%02x", separator, flag);
    used += length > 0 ? (size_t)length : 0;
  }
  return text;
}

/* --- Looking into frames, copying them -------------------------------------------------------- */

const struct frame_field *frame_find_field(const struct frame *frame, const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < frame->field_count; i++) {
    const struct frame_field *field = &frame->fields[i];
    if (field->name_length == length && memcmp(field->name, name, length) == 0)
      return field;
  }
  return NULL;
}

/* Copy to `*end` and move it on. Returns where the copy is; NULL stays NULL. */
static void *put(uint8_t **end, const void *bytes, size_t length) {
  if (!bytes)
    return NULL;
  void *copy = *end;
  memcpy(copy, bytes, length);
  *end += length;
  return copy;
}

/* One block of memory: the frame, its fields, its settings, then bytes, so that everything is
 * aligned. */
struct frame *frame_copy(const struct frame *frame) {
  size_t fields_size = frame->field_count * sizeof *frame->fields;
  size_t settings_size = frame->setting_count * sizeof *frame->settings;
  size_t payload_size = frame->payload ? frame->length : 0;
  size_t text_size = 0;
  for (size_t i = 0; i < frame->field_count; i++)
    text_size += frame->fields[i].name_length + frame->fields[i].value_length;
  struct frame *copy = malloc(sizeof *copy + fields_size + settings_size + text_size +
                              payload_size + frame->data_length);
  if (!copy)
    return NULL;
  *copy = *frame;
  uint8_t *end = (uint8_t *)(copy + 1);
  struct frame_field *fields = put(&end, frame->fields, fields_size);
  copy->fields = fields;
  copy->settings = put(&end, frame->settings, settings_size);
  copy->payload = put(&end, frame->payload, payload_size);
  copy->data = put(&end, frame->data, frame->data_length);
  for (size_t i = 0; i < frame->field_count; i++) {
    fields[i].name = put(&end, fields[i].name, fields[i].name_length);
    fields[i].value = put(&end, fields[i].value, fields[i].value_length);
  }
  return copy;
}
