/* explain: see explain.h. */
#include "grader/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/peer.h"

enum { TEXT_LIMIT = 60, REPORT_LINES = 8 };

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

void explain_text(struct buffer *text, const char *bytes, size_t length) {
  append(text, "\"");
  size_t begin = text->length;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)bytes[i];
    if (text->length >= begin + TEXT_LIMIT) {
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

void explain_how_it_stands(struct exchange *exchange) {
  struct buffer *seen = &exchange->finding.seen;
  if (seen->length > 0 || exchange->finding.expected.length == 0)
    return;
  if (program_ended(exchange->program)) {
    append(seen, "the program %s", program_end_text(exchange->program));
    return;
  }
  if (recording_is_full(&exchange->recording)) {
    append(seen, "the program sends frames without end");
    return;
  }
  if (!exchange_is_quiet(exchange)) {
    append(seen, recording_clock() > exchange->deadline ? "the program runs on and on"
                                                        : "the program is still running");
    return;
  }
  if (exchange->peer_count == 0) {
    append(seen, "the program waits, and has not connected");
    return;
  }
  append(seen, "the program waits; it sent last: ");
  append_last_frame(seen, exchange, FRAME_FROM_CLIENT);
  append(seen, "; it was sent last: ");
  append_last_frame(seen, exchange, FRAME_FROM_SERVER);
}

/* --- Causes ------------------------------------------------------------------------------------------ */

static void replace(struct buffer *text, const char *by) {
  buffer_clear(text);
  buffer_append_text(text, by);
}

/* A line of a sanitizer's report that tells a student something: what happened, and where in their own
 * files ("#1 0x... in on_data lab01-session/session.c:132"). */
static bool is_telling(const char *line, const struct lab *lab) {
  return strstr(line, "ERROR: ") || strstr(line, "runtime error: ") ||
         (strstr(line, lab->folder) && strstr(line, ".c:")) || strstr(line, " in nghttp2_") ||
         strstr(line, "leak of ") || strstr(line, "allocated by") || strstr(line, "freed by") ||
         strncmp(line, "READ of", 7) == 0 || strncmp(line, "WRITE of", 8) == 0;
}

static void quote_report(struct buffer *text, const char *report, const struct lab *lab) {
  int lines = 0;
  while (*report && lines < REPORT_LINES) {
    size_t length = strcspn(report, "\n");
    char line[256];
    snprintf(line, sizeof line, "%.*s", (int)length, report);
    if (is_telling(line, lab)) {
      append(text, "%s\n", line + (*line == '=' ? strspn(line, "=0123456789") : strspn(line, " ")));
      lines++;
    }
    report += length + (report[length] == '\n');
  }
}

/* "ERROR: AddressSanitizer: heap-use-after-free on address ..." in a student's words. */
static void name_sanitizer_error(struct buffer *what, const char *report) {
  static const struct {
    const char *sign;
    const char *words;
  } errors[] = {
      {"heap-use-after-free", "The program uses memory that it has already freed."},
      {"double-free", "The program frees the same memory twice."},
      {"heap-buffer-overflow", "The program reads or writes beyond the end of a block of memory."},
      {"stack-buffer-overflow", "The program reads or writes beyond the end of a local array."},
      {"stack-use-after", "The program uses a local variable after its function has returned."},
      {"SEGV on unknown address 0x0000000000", "The program follows a NULL pointer."},
      {"SEGV",
       "The program follows a wild pointer: one that was never set, or in memory already freed."},
      {"unknown-crash", "The program reads or writes where there is no memory of its own."},
      {"stack-overflow", "The program calls itself without end."},
      {"attempting free on", "The program frees what malloc did not give it."},
      {"LeakSanitizer", "The program does not free all the memory that it allocates."},
      {"within null pointer", "The program follows a NULL pointer."},
      {"runtime error: ", "The program does something that C leaves undefined."},
  };
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    if (strstr(report, errors[i].sign)) {
      replace(what, errors[i].words);
      return;
    }
  }
  replace(what, "A sanitizer has found an error in the program.");
}

/* "TODO 3 is not done: submit the SETTINGS frame (lab01-session/README.md)" */
static bool explain_todo(struct exchange *exchange) {
  const char *text = strstr(program_stderr(exchange->program, NULL), "TODO ");
  if (!text || !strstr(text, " is not done: "))
    return false;
  char line[256];
  snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
  exchange->finding.todo = atoi(text + strlen("TODO "));
  replace(&exchange->finding.what, line);
  replace(&exchange->finding.expected, "");
  replace(&exchange->finding.seen, "");
  exchange->finding.frame = -1;
  return true;
}

void explain_crash(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  if (!exchange->program || explain_todo(exchange))
    return;
  const char *report = program_sanitizer_report(exchange->program);
  if (*report) {
    name_sanitizer_error(&finding->what, report);
    replace(&finding->expected, "");
    replace(&finding->seen, "");
    quote_report(&finding->report, report, exchange->lab);
    return;
  }
  enum program_end end = program_end(exchange->program, NULL);
  if (end == PROGRAM_LOST)
    exchange_fault(exchange, program_end_text(exchange->program));
  if (end == PROGRAM_KILLED || end == PROGRAM_OVER_LIMIT || end == PROGRAM_NOT_STARTED) {
    replace(&finding->what, "The program ");
    append(&finding->what, "%s.", program_end_text(exchange->program));
    replace(&finding->expected, "");
    replace(&finding->seen, "");
  }
  size_t length;
  const char *text = program_stderr(exchange->program, &length);
  if (length > 0 && length < 400)
    append(&finding->report, "its standard error: %s", text);
}
