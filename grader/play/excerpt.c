/* excerpt: see excerpt.h. */
#include "grader/play/excerpt.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

enum {
  LINES = 7,       /* of all frames together; ... */
  CRASH_LINES = 3, /* ... and where the frames only say how far the program came */
  FULL_FIELDS = 4, /* of the frame that is wrong; of others there is one line at most */
  NEIGHBOURS =
      6, /* how far away a frame may be that has to do with the failure only by its place */
  LARGEST_TEXT = 80 /* of one field, where several stand on a line */
};

/* A choice of entries. */
struct excerpt {
  const struct exchange *exchange;
  const struct recording *recording;
  bool *chosen; /* by entry */
  size_t anchor;
  int lines;
  int room;
};

/* --- What is shown of a frame -------------------------------------------------------------------------- */

/* A frame with less in it, so that it takes a few lines at most. */
struct brief {
  struct frame frame;
  struct frame_field fields[FULL_FIELDS];
  char rest[256]; /* of the last field that is shown, with the others behind it */
};

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

/* All from field `first` on become one: "GET, :path: /ping, :scheme: http". The ladder cuts what does not fit. */
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

/* One line for each field, as long as there are lines. */
static void cut_fields(struct brief *brief, const struct frame *frame, size_t lines) {
  for (size_t i = 0; i + 1 < lines; i++)
    brief->fields[i] = frame->fields[i];
  join_fields(brief, frame, lines - 1);
  brief->frame.fields = brief->fields;
  brief->frame.field_count = lines;
}

/* Make it, and return how many lines it takes. */
static int make_brief(struct brief *brief, const struct frame *frame, bool full) {
  size_t fields = full ? FULL_FIELDS : 1;
  size_t settings = full ? FULL_FIELDS : 0;
  brief->frame = *frame;
  if (frame->field_count > fields)
    cut_fields(brief, frame, fields);
  if (brief->frame.setting_count > settings)
    brief->frame.setting_count = settings;
  bool body = frame->data_length > 0 && frame->type != NGHTTP2_PING && frame->type != FRAME_PREFACE;
  return 1 + (int)brief->frame.field_count + (int)brief->frame.setting_count + body +
         (frame->type == NGHTTP2_GOAWAY) + (frame->error != NULL);
}

/* --- What is chosen ---------------------------------------------------------------------------------- */

static bool is_wrong(const struct excerpt *excerpt, size_t index) {
  return (long)index == excerpt->exchange->finding.frame;
}

/* Choose an entry, if there is still room for it. */
static void choose(struct excerpt *excerpt, size_t index) {
  const struct recorded *entry = &excerpt->recording->entries[index];
  struct brief brief;
  int lines = entry->frame ? make_brief(&brief, entry->frame, is_wrong(excerpt, index)) : 1;
  if (excerpt->chosen[index] || (excerpt->lines + lines > excerpt->room && excerpt->lines > 0))
    return;
  excerpt->chosen[index] = true;
  excerpt->lines += lines;
}

static bool is_on(const struct recorded *entry, unsigned connection, int32_t stream) {
  return entry->frame && entry->connection == connection && entry->frame->stream_id == stream;
}

/* The frames of the stream that the failure is about: the request first, then those nearest to the anchor. */
static void choose_stream(struct excerpt *excerpt, unsigned connection, int32_t stream) {
  const struct recording *recording = excerpt->recording;
  size_t first = 0;
  while (first < recording->count && !is_on(&recording->entries[first], connection, stream))
    first++;
  if (first == recording->count)
    return;
  choose(excerpt, first);
  for (size_t distance = 0; distance < recording->count; distance++) {
    if (excerpt->anchor >= distance &&
        is_on(&recording->entries[excerpt->anchor - distance], connection, stream))
      choose(excerpt, excerpt->anchor - distance);
    if (excerpt->anchor + distance < recording->count &&
        is_on(&recording->entries[excerpt->anchor + distance], connection, stream))
      choose(excerpt, excerpt->anchor + distance);
  }
}

/* Whether an entry tells something: windows are opened all the time. */
static bool is_telling(const struct excerpt *excerpt, size_t index, unsigned connection) {
  const struct recorded *entry = &excerpt->recording->entries[index];
  return (connection == 0 || entry->connection == connection) &&
         !(entry->frame && entry->frame->type == NGHTTP2_WINDOW_UPDATE);
}

static void choose_neighbours(struct excerpt *excerpt, unsigned connection) {
  for (size_t distance = 0; distance <= NEIGHBOURS; distance++) {
    if (excerpt->anchor >= distance && is_telling(excerpt, excerpt->anchor - distance, connection))
      choose(excerpt, excerpt->anchor - distance);
    size_t behind = excerpt->anchor + distance;
    if (behind < excerpt->recording->count && is_telling(excerpt, behind, connection))
      choose(excerpt, behind);
  }
}

static void choose_all(struct excerpt *excerpt) {
  const struct finding *finding = &excerpt->exchange->finding;
  const struct recorded *entries = excerpt->recording->entries;
  unsigned connection = finding->connection;
  int32_t stream = finding->stream;
  excerpt->anchor = excerpt->recording->count - 1;
  if (finding->frame >= 0) {
    excerpt->anchor = (size_t)finding->frame;
    const struct recorded *wrong = &entries[excerpt->anchor];
    connection = wrong->connection;
    stream = wrong->frame ? wrong->frame->stream_id : 0;
    choose(excerpt, excerpt->anchor);
  }
  if (stream != 0)
    choose_stream(excerpt, connection, stream);
  choose_neighbours(excerpt, connection);
}

/* --- Printing ----------------------------------------------------------------------------------------- */

static void print_gap(FILE *out, const struct trace_style *style) {
  const char *rail = style->unicode ? "│" : "|";
  fprintf(out, "       ... %s%19s%s\n", rail, "", rail);
}

static void print_entry(const struct excerpt *excerpt, FILE *out, const struct trace_style *style,
                        size_t index) {
  const struct recorded *entry = &excerpt->recording->entries[index];
  unsigned connection = excerpt->recording->connections > 1 ? entry->connection : 0;
  struct brief brief;
  if (!entry->frame) {
    trace_print_note(out, style, entry->milliseconds, connection, entry->note);
    return;
  }
  make_brief(&brief, entry->frame, is_wrong(excerpt, index));
  trace_print_frame(out, style, entry->milliseconds, connection,
                    is_wrong(excerpt, index) ? '>' : ' ', &brief.frame);
}

void excerpt_print(const struct exchange *exchange, FILE *out, const struct trace_style *style) {
  const struct recording *recording = &exchange->recording;
  if (recording->count == 0)
    return;
  struct excerpt excerpt = {
      .exchange = exchange,
      .recording = recording,
      .room = exchange->finding.crashed ? CRASH_LINES : LINES,
      .chosen = calloc(recording->count, sizeof *excerpt.chosen),
  };
  if (!excerpt.chosen)
    return;
  choose_all(&excerpt);
  trace_print_heading(out, style);
  bool gap = false;
  bool begun = false;
  for (size_t i = 0; i < recording->count; i++) {
    gap = gap || !excerpt.chosen[i];
    if (!excerpt.chosen[i])
      continue;
    if (gap && begun)
      print_gap(out, style);
    print_entry(&excerpt, out, style, i);
    begun = true;
    gap = false;
  }
  free(excerpt.chosen);
}
