/* trace_print: see trace_print.h. */
#include "common/trace_print.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "common/inner/trace_line.h"

enum {
  LARGEST_COUNT = 50
}; /* fields or settings of one frame that are shown; the rest is counted */

/* One frame on its way to the ladder. */
struct printing {
  struct trace_line line;
  const char *color; /* of its stream */
};

/* One colour for each stream, of those that can be read on black and on white. There are 7, and a
 * client's streams have odd numbers, so that any 7 streams in a row differ. Stream 0 has none. */
static const char *stream_color(int32_t stream_id) {
  static const char *const colors[] = {
      "\033[38;5;127m", /* magenta */
      "\033[38;5;33m",  /* blue */
      "\033[38;5;30m",  /* teal */
      "\033[38;5;166m", /* orange */
      "\033[38;5;99m",  /* violet */
      "\033[38;5;28m",  /* green */
      "\033[38;5;136m", /* gold */
  };
  return stream_id == 0 ? "" : colors[(uint32_t)stream_id % (sizeof colors / sizeof *colors)];
}

/* --- The first line of a frame ---------------------------------------------------------------- */

static const char *error_name(const struct frame *frame, char number[16]) {
  const char *name = frame_error_name(frame->error_code);
  snprintf(number, 16, "0x%x", frame->error_code);
  return name ? name : number;
}

/* Stream, flags, length. */
static void describe(const struct frame *frame, char *text, size_t size) {
  const char *plural = frame->length == 1 ? "" : "s";
  char flags[64];
  frame_flag_names(frame, flags, sizeof flags);
  if (frame->type == FRAME_PREFACE || frame->type == FRAME_NOT_HTTP2)
    snprintf(text, size, "%zu byte%s", frame->length, plural);
  else
    snprintf(text, size, "stream %d, %s%s%zu byte%s", frame->stream_id, flags,
             flags[0] != '\0' ? ", " : "", frame->length, plural);
}

/* What is so short that it can follow on the same line. A frame of the wrong length has none. */
static void describe_payload(const struct frame *frame, char *text, size_t size) {
  char number[16];
  text[0] = '\0';
  if (frame->padding > 0)
    snprintf(text, size, " (%zu of padding)", frame->padding);
  if (frame->type == NGHTTP2_RST_STREAM && frame->length == 4)
    snprintf(text, size, ": %s", error_name(frame, number));
  if (frame->type == NGHTTP2_WINDOW_UPDATE && frame->length == 4)
    snprintf(text, size, ": +%u", frame->window_increment);
  if (frame->type != NGHTTP2_PING || frame->data_length == 0)
    return;
  int used = snprintf(text, size, ": ");
  for (size_t i = 0; i < frame->data_length; i++)
    used += snprintf(text + used, size - (size_t)used, "%02x", frame->data[i]);
}

static void print_arrow(struct printing *printing, const struct frame *frame) {
  char number[16];
  snprintf(number, sizeof number, "type 0x%02x", frame->type);
  const char *name = frame_type_name(frame->type) ? frame_type_name(frame->type) : number;
  trace_line_arrow(&printing->line, frame->sender, frame->error ? trace_line_red : printing->color,
                   name);
}

static void print_error(struct printing *printing, const struct frame *frame) {
  char text[160];
  if (!frame->error)
    return;
  snprintf(text, sizeof text, "error: %s", frame->error);
  trace_line_end(&printing->line);
  trace_line_rails(&printing->line, "");
  trace_line_text(&printing->line, trace_line_red, text);
}

/* --- The lines that follow -------------------------------------------------------------------- */

static void print_octets(struct printing *printing, const void *octets, size_t length) {
  if (length > 0)
    trace_line_detail(&printing->line, printing->color, octets, length, "", "", 0);
}

static void print_text(struct printing *printing, const char *text) {
  print_octets(printing, text, strlen(text));
}

static void print_priority(struct printing *printing, const struct frame *frame) {
  char text[64];
  if (frame->weight == 0)
    return; /* it has none */
  snprintf(text, sizeof text, "depends on stream %d%s, weight %d", frame->dependency,
           frame->exclusive ? " exclusively" : "", frame->weight);
  print_text(printing, text);
}

static void print_goaway(struct printing *printing, const struct frame *frame) {
  char number[16];
  char text[64];
  if (frame->length < 8)
    return;
  const char *none = "";
  if (frame->last_stream_id == 0) /* of the streams that the other side has opened */
    none = frame->sender == FRAME_FROM_CLIENT ? " (none pushed)" : " (none)";
  snprintf(text, sizeof text, "%s, last stream %d%s", error_name(frame, number),
           frame->last_stream_id, none);
  print_text(printing, text);
}

static void print_promise(struct printing *printing, const struct frame *frame) {
  char text[64];
  snprintf(text, sizeof text, "promises stream %d", frame->promised_stream_id);
  print_text(printing, text);
}

static void print_fields(struct printing *printing, const struct frame *frame) {
  for (size_t i = 0; i < frame->field_count && i < LARGEST_COUNT; i++) {
    const struct frame_field *field = &frame->fields[i];
    trace_line_detail(&printing->line, printing->color, field->name, field->name_length, ": ",
                      field->value, field->value_length);
  }
}

static void print_settings(struct printing *printing, const struct frame *frame) {
  static const char prefix[] = "SETTINGS_"; /* the arrow says that already */
  for (size_t i = 0; i < frame->setting_count && i < LARGEST_COUNT; i++) {
    const struct frame_setting *setting = &frame->settings[i];
    const char *name = frame_setting_name(setting->id);
    char text[64];
    if (name)
      snprintf(text, sizeof text, "%s %u", name + strlen(prefix), setting->value);
    else
      snprintf(text, sizeof text, "0x%x %u", setting->id, setting->value);
    print_text(printing, text);
  }
}

static void print_rest(struct printing *printing, size_t count) {
  char text[64];
  if (count <= LARGEST_COUNT)
    return;
  snprintf(text, sizeof text, "and %zu more", count - LARGEST_COUNT);
  print_text(printing, text);
}

static void print_payload(struct printing *printing, const struct frame *frame) {
  switch (frame->type) {
  case FRAME_PREFACE:       /* always the same */
  case NGHTTP2_PING: break; /* said on the first line */
  case NGHTTP2_HEADERS:
  case NGHTTP2_PUSH_PROMISE:
  case NGHTTP2_CONTINUATION:
    if (frame->type == NGHTTP2_PUSH_PROMISE)
      print_promise(printing, frame);
    print_priority(printing, frame);
    print_fields(printing, frame);
    print_rest(printing, frame->field_count);
    break;
  case NGHTTP2_PRIORITY: print_priority(printing, frame); break;
  case NGHTTP2_SETTINGS:
    print_settings(printing, frame);
    print_rest(printing, frame->setting_count);
    break;
  case NGHTTP2_GOAWAY:
    print_goaway(printing, frame);
    print_octets(printing, frame->data, frame->data_length);
    break;
  default: print_octets(printing, frame->data, frame->data_length);
  }
}

/* --- The ladder ------------------------------------------------------------------------------- */

void trace_print_heading(FILE *out, const struct trace_style *style) {
  trace_line_heading(out, style);
}

void trace_print_frame(FILE *out, const struct trace_style *style, double milliseconds,
                       unsigned connection, char mark, const struct frame *frame) {
  struct printing printing = {
      .line = trace_line_begin(out, style, milliseconds, connection, mark),
      .color = stream_color(frame->stream_id),
  };
  char first[128];
  char payload[64];
  char text[sizeof first + sizeof payload];
  describe(frame, first, sizeof first);
  describe_payload(frame, payload, sizeof payload);
  snprintf(text, sizeof text, "%s%s", first, payload);
  print_arrow(&printing, frame);
  trace_line_text(&printing.line, printing.color, text);
  if (frame->request[0] != '\0')
    trace_line_aside(&printing.line, printing.color, frame->request);
  print_error(&printing, frame);
  print_payload(&printing, frame);
  trace_line_end(&printing.line);
}

/* Between the rails if it fits there, else beside them. Returns whether it fits. */
static bool print_note(struct trace_line *line, const char *text) {
  char clean[400];
  snprintf(clean, sizeof clean, "%s", text);
  for (char *octet = clean; *octet != '\0'; octet++)
    if (*octet < ' ' || *octet > '~')
      *octet = '?';
  bool fits = strlen(clean) <= TRACE_LINE_INNER;
  trace_line_rails(line, fits ? clean : "");
  trace_line_text(line, "", fits ? "" : clean);
  return fits;
}

void trace_print_note(FILE *out, const struct trace_style *style, double milliseconds,
                      unsigned connection, const char *text) {
  struct trace_line line = trace_line_begin(out, style, milliseconds, connection, ' ');
  print_note(&line, text);
  trace_line_end(&line);
}

void trace_print_end(FILE *out, const struct trace_style *style, double milliseconds,
                     unsigned connection, const char *text, unsigned requests, unsigned at_once) {
  struct trace_line line = trace_line_begin(out, style, milliseconds, connection, ' ');
  char count[80];
  int length = snprintf(count, sizeof count, "%u request%s on 1 connection", requests,
                        requests == 1 ? "" : "s");
  if (requests > 1 && at_once == 1)
    snprintf(count + length, sizeof count - (size_t)length, ", one at a time");
  else if (requests > 1 && at_once > 1)
    snprintf(count + length, sizeof count - (size_t)length, ", %u open at once", at_once);
  bool fits = print_note(&line, text);
  if (requests > 0 && !fits) {
    trace_line_end(&line);
    trace_line_rails(&line, "");
  }
  if (requests > 0)
    trace_line_text(&line, "", count);
  trace_line_end(&line);
}
