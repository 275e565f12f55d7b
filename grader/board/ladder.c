/* ladder: see ladder.h. */
#include "grader/board/ladder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "grader/wire/replay.h"
#include "grader/words/brief.h"

static void print_entry(FILE *out, const struct trace_style *style, const json_t *entry,
                        bool is_marked, int connections, bool brief) {
  double milliseconds = json_number_value(json_object_get(entry, "ms"));
  unsigned connection = (unsigned)json_integer_value(json_object_get(entry, "connection"));
  const char *note = json_string_value(json_object_get(entry, "note"));
  struct frame *frame = replay_frame(entry);
  struct brief shown;
  if (connections < 2)
    connection = 0;
  if (frame && brief)
    brief_make(&shown, frame, is_marked);
  if (frame)
    trace_print_frame(out, style, milliseconds, connection, is_marked ? '>' : ' ',
                      brief ? &shown.frame : frame);
  else
    trace_print_note(out, style, milliseconds, connection, note ? note : "");
  free(frame);
}

/* A frame of a type that nobody knows, as the grader's peers send them in between: see
 * peer_make_noise. A receiver ignores it, and so does whoever reads a ladder. */
static bool is_unknown(const json_t *entry) {
  const char *type = json_string_value(json_object_get(entry, "type"));
  return type && strncmp(type, "0x", 2) == 0;
}

void ladder_print(FILE *out, const struct trace_style *style, const json_t *entries, long mark,
                  int connections, bool brief) {
  const char *rail = style->unicode ? "│" : "|";
  long next = -1; /* the index that follows the last one; before the first it does not matter */
  size_t left_out = 0;
  size_t i;
  const json_t *entry;
  if (json_array_size(entries) == 0)
    return;
  trace_print_heading(out, style);
  json_array_foreach(entries, i, entry) {
    long index = (long)json_integer_value(json_object_get(entry, "index"));
    bool is_left_out = is_unknown(entry) && index != mark;
    if (next >= 0 && index != next && !is_left_out)
      fprintf(out, "       ... %s%19s%s\n", rail, "", rail);
    if (is_left_out)
      left_out++;
    else
      print_entry(out, style, entry, index == mark, connections, brief);
    next = index + 1;
  }
  if (left_out > 0)
    fprintf(out, "           left out: frames of unknown types (RFC 9113, section 5.5)\n");
}
