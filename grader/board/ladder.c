/* ladder: see ladder.h. */
#include "grader/board/ladder.h"

#include <stdlib.h>

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

void ladder_print(FILE *out, const struct trace_style *style, const json_t *entries, long mark,
                  int connections, bool brief) {
  const char *rail = style->unicode ? "│" : "|";
  long next = -1; /* the index that follows the last one; before the first it does not matter */
  size_t i;
  const json_t *entry;
  if (json_array_size(entries) == 0)
    return;
  trace_print_heading(out, style);
  json_array_foreach(entries, i, entry) {
    long index = (long)json_integer_value(json_object_get(entry, "index"));
    if (next >= 0 && index != next)
      fprintf(out, "       ... %s%19s%s\n", rail, "", rail);
    print_entry(out, style, entry, index == mark, connections, brief);
    next = index + 1;
  }
}
