/* excerpt: see excerpt.h. */
#include "grader/play/excerpt.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "grader/words/brief.h"

enum {
  LINES = 7,       /* of all frames together; ... */
  CRASH_LINES = 3, /* ... and where the frames only say how far the program came */
  NEIGHBOURS =
      6, /* how far away a frame may be that has to do with the failure only by its place */
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

/* --- What is chosen --------------------------------------------------------------------------- */

/* Choose an entry, if there is still room for it. */
static void choose(struct excerpt *excerpt, size_t index) {
  const struct recorded *entry = &excerpt->recording->entries[index];
  bool is_wrong = (long)index == excerpt->exchange->finding.frame;
  struct brief brief;
  int lines = entry->frame ? brief_make(&brief, entry->frame, is_wrong) : 1;
  if (excerpt->chosen[index] || (excerpt->lines + lines > excerpt->room && excerpt->lines > 0))
    return;
  excerpt->chosen[index] = true;
  excerpt->lines += lines;
}

static bool is_on(const struct recorded *entry, unsigned connection, int32_t stream) {
  return entry->frame && entry->connection == connection && entry->frame->stream_id == stream;
}

/* The frames of the stream that the failure is about: the request first, then those
 * nearest to the anchor. */
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

/* Whether an entry tells something: windows are opened all the time, and the peers send frames of
 * unknown types. */
static bool is_telling(const struct excerpt *excerpt, size_t index, unsigned connection) {
  const struct recorded *entry = &excerpt->recording->entries[index];
  return (connection == 0 || entry->connection == connection) &&
         !(entry->frame && (entry->frame->type == NGHTTP2_WINDOW_UPDATE ||
                            entry->frame->type > NGHTTP2_CONTINUATION));
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

/* --- As data ---------------------------------------------------------------------------------- */

json_t *excerpt_json(const struct exchange *exchange) {
  const struct recording *recording = &exchange->recording;
  json_t *array = json_array();
  struct excerpt excerpt = {
      .exchange = exchange,
      .recording = recording,
      .room = exchange->finding.crashed ? CRASH_LINES : LINES,
      .chosen = calloc(recording->count + 1, sizeof *excerpt.chosen),
  };
  if (excerpt.chosen && recording->count > 0)
    choose_all(&excerpt);
  for (size_t i = 0; excerpt.chosen && i < recording->count; i++)
    if (excerpt.chosen[i] && json_array_append_new(array, recording_entry_json(recording, i)) != 0)
      break;
  free(excerpt.chosen);
  return array;
}
