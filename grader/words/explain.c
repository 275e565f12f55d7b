/* explain: see explain.h. */
#include "grader/words/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/play/peer.h"

enum { TEXT_LIMIT = 60, MESSAGE_LIMIT = 240 };

/* Where there is no memory for a word it is left out. */
static void append(struct buffer *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void append(struct buffer *text, const char *format, ...) {
  char piece[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  buffer_append_text(text, piece);
}

void explain_frame(struct buffer *text, const struct frame *frame) {
  char flags[64];
  const char *name = frame_type_name(frame->type);
  if (frame->type == FRAME_PREFACE || frame->type == FRAME_NOT_HTTP2) {
    append(text, frame->type == FRAME_PREFACE ? "the connection preface" : "no HTTP/2: ");
    if (frame->type == FRAME_NOT_HTTP2)
      explain_text(text, (const char *)frame->data, frame->data_length);
    return;
  }
  if (name)
    append(text, "%s", name);
  else
    append(text, "a frame of type 0x%x", frame->type);
  frame_flag_names(frame, flags, sizeof flags);
  append(text, "%s%s", *flags ? " " : "", flags);
  if (frame->type == NGHTTP2_GOAWAY || frame->type == NGHTTP2_RST_STREAM) {
    const char *error = frame_error_name(frame->error_code);
    append(text, " %s", error ? error : "(unknown error code)");
  }
  if (frame->stream_id != 0)
    append(text, " on stream %d", frame->stream_id);
  append(text, ", %zu byte%s", frame->length, frame->length == 1 ? "" : "s");
  if (frame->error)
    append(text, " (%s)", frame->error);
}

static void quote(struct buffer *text, const char *bytes, size_t length, size_t limit) {
  append(text, "\"");
  size_t begin = text->length;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)bytes[i];
    if (text->length >= begin + limit) {
      append(text, "\"... (%zu bytes)", length);
      return;
    }
    if (c == '\n')
      append(text, "\\n");
    else if (c == '"' || c == '\\')
      append(text, "\\%c", c);
    else if (c < ' ' || c > '~')
      append(text, "\\x%02x", c);
    else
      append(text, "%c", c);
  }
  append(text, "\"");
}

void explain_text(struct buffer *text, const char *bytes, size_t length) {
  quote(text, bytes, length, TEXT_LIMIT);
}

void explain_message(struct buffer *text, const char *bytes, size_t length) {
  quote(text, bytes, length, MESSAGE_LIMIT);
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
  append(text, "line %zu: %s", line, skip ? "..." : "");
  if (end > start)
    explain_text(text, bytes + start + skip, end - start - skip);
  if (offset == length)
    append(text, "%sthe end, after %zu bytes", end > start ? ", then " : "", length);
}

void explain_difference(const char *expected, size_t expected_length, const char *seen,
                        size_t seen_length, struct buffer *expected_text,
                        struct buffer *seen_text) {
  size_t shorter = expected_length < seen_length ? expected_length : seen_length;
  size_t offset = 0;
  while (offset < shorter && expected[offset] == seen[offset])
    offset++;
  quote_line(expected_text, expected, expected_length, offset);
  quote_line(seen_text, seen, seen_length, offset);
}

/* The last frame that went in that direction, in words; or "nothing". */
static void append_last_frame(struct buffer *text, const struct exchange *exchange,
                              enum frame_sender sender) {
  for (size_t i = exchange->recording.count; i > 0; i--) {
    const struct frame *frame = exchange->recording.entries[i - 1].frame;
    if (frame && frame->sender == sender) {
      explain_frame(text, frame);
      return;
    }
  }
  append(text, "nothing");
}

void explain_waiting(struct buffer *text, const struct exchange *exchange) {
  bool server = exchange->port != 0;
  append(text, "the program waits; it sent last: ");
  append_last_frame(text, exchange, server ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT);
  append(text, "; it was sent last: ");
  append_last_frame(text, exchange, server ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER);
}

void explain_how_it_stands(struct exchange *exchange) {
  struct buffer *seen = &exchange->finding.seen;
  if (seen->length > 0 || exchange->finding.expected.length == 0)
    return;
  bool ended = program_ended(exchange->program);
  exchange->finding.waiting = !ended;
  if (ended) {
    append(seen, "the program %s", program_end_text(exchange->program));
  } else if (recording_is_full(&exchange->recording)) {
    append(seen, "the program sends frames without end");
  } else if (!exchange_is_quiet(exchange)) {
    append(seen, recording_clock() > exchange->deadline ? "the program runs on and on"
                                                        : "the program is still running");
  } else if (exchange->peer_count == 0) {
    append(seen, "the program waits%s", exchange->listener ? ", and has not connected" : "");
  } else {
    explain_waiting(seen, exchange);
  }
}

void explain_sleep(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  if (!program_sleeps(exchange->program))
    return;
  buffer_clear(&finding->what);
  buffer_clear(&finding->seen);
  append(&finding->what, "The program sleeps, and can do nothing else in the meantime.");
  append(&finding->seen, "the program is in sleep, usleep, uv_sleep or the like");
}
