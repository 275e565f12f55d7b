/* quote: see quote.h. */
#include "grader/words/quote.h"

#include <nghttp2/nghttp2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/octets.h"

enum { TEXT_LIMIT = 60, MESSAGE_LIMIT = 240 };

void quote_append(struct buffer *text, const char *format, ...) {
  char piece[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  buffer_append_text(text, piece);
}

void quote_frame_kind(struct buffer *text, const struct frame *frame) {
  char flags[64];
  const char *name = frame_type_name(frame->type);
  if (frame->type == FRAME_PREFACE)
    name = "the connection preface";
  if (frame->type == FRAME_NOT_HTTP2)
    name = "no HTTP/2";
  if (name)
    quote_append(text, "%s", name);
  else
    quote_append(text, "a frame of type 0x%x", frame->type);
  frame_flag_names(frame, flags, sizeof flags);
  quote_append(text, "%s%s", *flags ? " " : "", flags);
  if (frame->type != NGHTTP2_GOAWAY && frame->type != NGHTTP2_RST_STREAM)
    return;
  const char *error = frame_error_name(frame->error_code);
  quote_append(text, " %s", error ? error : "(unknown error code)");
}

void quote_frame(struct buffer *text, const struct frame *frame) {
  quote_frame_kind(text, frame);
  if (frame->type == FRAME_PREFACE)
    return;
  if (frame->type == FRAME_NOT_HTTP2) {
    quote_append(text, ": ");
    quote_text(text, (const char *)frame->data, frame->data_length);
    return;
  }
  if (frame->stream_id != 0)
    quote_append(text, " on stream %d", frame->stream_id);
  quote_append(text, ", %zu byte%s", frame->length, frame->length == 1 ? "" : "s");
  if (frame->error)
    quote_append(text, " (%s)", frame->error);
}

static void quote_up_to(struct buffer *text, const char *bytes, size_t length, size_t limit) {
  quote_append(text, "\"");
  size_t begin = text->length;
  for (size_t i = 0; i < length; i++) {
    char piece[OCTETS_PIECE];
    if (text->length >= begin + limit) {
      quote_append(text, "\"... (%zu bytes)", length);
      return;
    }
    octets_piece(piece, bytes + i, 1, OCTETS_LINE);
    quote_append(text, "%s%s", *piece == '"' ? "\\" : "", piece);
  }
  quote_append(text, "\"");
}

void quote_text(struct buffer *text, const char *bytes, size_t length) {
  quote_up_to(text, bytes, length, TEXT_LIMIT);
}

void quote_message(struct buffer *text, const char *bytes, size_t length) {
  quote_up_to(text, bytes, length, MESSAGE_LIMIT);
}

/* The line that `offset` is in, with its newline, from at most 20 characters before it. */
static void quote_line(struct buffer *text, const char *bytes, size_t length, size_t offset) {
  size_t line = 1;
  size_t start = 0;
  for (size_t i = 0; i < offset; i++) {
    if (bytes[i] == '\n') {
      line++;
      start = i + 1;
    }
  }
  size_t end = offset;
  while (end < length && bytes[end] != '\n')
    end++;
  end += end < length;
  size_t skip = offset > start + 20 ? offset - start - 20 : 0;
  quote_append(text, "line %zu: %s", line, skip ? "..." : "");
  if (end > start)
    quote_text(text, bytes + start + skip, end - start - skip);
  if (offset == length)
    quote_append(text, "%sthe end, after %zu bytes", end > start ? ", then " : "", length);
}

void quote_difference(const char *expected, size_t expected_length, const char *seen,
                      size_t seen_length, struct buffer *expected_text, struct buffer *seen_text) {
  size_t shorter = expected_length < seen_length ? expected_length : seen_length;
  size_t offset = 0;
  while (offset < shorter && expected[offset] == seen[offset])
    offset++;
  if (expected_length > 0)
    quote_line(expected_text, expected, expected_length, offset);
  else
    quote_append(expected_text, "nothing");
  quote_line(seen_text, seen, seen_length, offset);
}
