/* page_data: see page_data.h. */
#include "grader/page/page_data.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grader/base/text.h"
#include "grader/base/version.h"
#include "grader/board/score.h"
#include "grader/result/beside.h"
#include "grader/result/repeat.h"
#include "grader/result/todo.h"
#include "grader/words/source.h"

enum {
  LARGEST_DATA = 256, /* characters of a body */
  LARGEST_WORD = 200, /* of one argument of a command line */
  LARGEST_LOG = 8192, /* of the compiler's messages */
  AROUND = 50,        /* frames before and after the wrong one */
  LINES_OF_TODO = 16, /* of the student's file */
};

/* json_object_set_new and json_array_append_new refuse NULL, so one test finds every failure before
 * it. */
static int set(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value);
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* The length of `text` cut to at most `limit` bytes, but not inside a character or an escape
 * (octets.h). */
static size_t cut_length(const char *text, size_t limit) {
  size_t length = 0;
  while (text[length] != '\0') {
    size_t next = length + 1;
    if (text[length] == '\\')
      next += text[next] == 'x' ? strnlen(text + next, 3) : strnlen(text + next, 1);
    while (((unsigned char)text[next] & 0xc0) == 0x80)
      next++;
    if (next > limit)
      return length;
    length = next;
  }
  return length;
}

/* A new reference to the frame, or to a copy with only the beginning of its body. */
static json_t *shorten_frame(json_t *frame) {
  const json_t *data = json_object_get(frame, "data");
  if (json_string_length(data) <= LARGEST_DATA)
    return json_incref(frame);
  json_t *copy = json_copy(frame);
  const char *text = json_string_value(data);
  if (copy && set(copy, "data", json_stringn(text, cut_length(text, LARGEST_DATA))) == 0)
    return copy;
  json_decref(copy);
  return NULL;
}

/* The first `limit` frames, and those around `marked` (-1: none), with an element for each gap.
 * `total` is the number of frames that the grader saw; it may have kept fewer. */
static json_t *shorten_frames(const json_t *frames, size_t limit, long marked, size_t total) {
  json_t *shown = json_array();
  size_t count = json_array_size(frames);
  size_t skipped = 0;
  int failed = 0;
  for (size_t i = 0; i < count; i++) {
    bool around = marked >= 0 && i + AROUND >= (size_t)marked && i <= (size_t)marked + AROUND;
    if (i >= limit && !around) {
      skipped++;
      continue;
    }
    if (skipped > 0)
      failed |= json_array_append_new(shown, json_pack("{s:I}", "skipped", (json_int_t)skipped));
    skipped = 0;
    failed |= json_array_append_new(shown, shorten_frame(json_array_get(frames, i)));
  }
  skipped += total > count ? total - count : 0;
  if (skipped > 0)
    failed |= json_array_append_new(shown, json_pack("{s:I}", "skipped", (json_int_t)skipped));
  if (!failed)
    return shown;
  json_decref(shown);
  return NULL;
}

/* --- Checks ----------------------------------------------------------------------------------- */

/* The known mistakes that the failure looks like, as on the scoreboard; "" if none. */
static json_t *likely_json(const struct outcome_list *list, const struct outcome *outcome) {
  const struct diagnosis_likely *likely = outcome_named(list, outcome);
  if (!likely)
    return json_string("");
  return json_sprintf("%s%s%s", likely->mistakes[0], likely->mistakes[1] ? "; or: " : "",
                      likely->mistakes[1] ? likely->mistakes[1] : "");
}

/* How to repeat the check without the grader. */
static json_t *by_hand_json(const struct outcome *outcome) {
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  if (!out)
    return NULL;
  repeat_print(out, outcome);
  json_t *json = fclose(out) == 0 ? text_json(text, length) : NULL;
  free(text);
  return json;
}

/* What the check wrote about itself, without its ladders, which the page draws itself; and what the
 * grader found afterwards. */
static json_t *finding_json(const struct outcome_list *list, const struct outcome *outcome) {
  json_t *finding = json_copy(json_object_get(outcome->file, "finding"));
  if (!finding)
    return json_object();
  json_object_del(finding, "excerpt");
  json_object_del(finding, "evidence");
  int failed = set(finding, "looks_like", likely_json(list, outcome));
  if (outcome->verdict != OUTCOME_PASSED)
    failed |= set(finding, "where", json_string(outcome->where ? outcome->where : ""));
  failed |= set(finding, "by_hand", by_hand_json(outcome));
  if (!failed)
    return finding;
  json_decref(finding);
  return NULL;
}

/* The program, with the readable part of its command line: a body may be an argument. */
static json_t *program_json(const struct outcome *outcome) {
  json_t *program = json_copy(json_object_get(outcome->file, "program"));
  if (!json_is_object(program)) {
    json_decref(program);
    return json_null();
  }
  json_t *words = json_array();
  int failed = words ? 0 : -1;
  size_t index;
  json_t *word;
  json_array_foreach(json_object_get(program, "command"), index, word) {
    const char *text = json_is_string(word) ? json_string_value(word) : "...";
    size_t length = cut_length(text, LARGEST_WORD);
    json_t *shown = json_string_length(word) > length ? json_sprintf("%.*s...", (int)length, text)
                                                      : json_string(text);
    failed |= json_array_append_new(words, shown);
  }
  if (set(program, "command", words) == 0 && !failed)
    return program;
  json_decref(program);
  return NULL;
}

static json_t *check_json(const struct outcome_list *list, const struct outcome *outcome) {
  static const char *const verdicts[] = {[OUTCOME_NOT_RUN] = "not run",
                                         [OUTCOME_PASSED] = "passed",
                                         [OUTCOME_FAILED] = "failed",
                                         [OUTCOME_FAULT] = "fault"};
  const struct check *check = outcome->check;
  const json_t *frames = json_object_get(outcome->file, "frames");
  const json_t *marked = json_object_get(json_object_get(outcome->file, "finding"), "frame");
  long frame = marked ? (long)json_integer_value(marked) : -1;
  size_t total = (size_t)json_integer_value(json_object_get(outcome->file, "frame_count"));
  json_t *json = json_pack("{s:s, s:s, s:i, s:s, s:f}", "id", check->id, "sentence",
                           check->sentence, "points", check->points, "verdict",
                           verdicts[outcome->verdict], "seconds", (double)outcome->seconds);
  int failed = set(json, "finding", finding_json(list, outcome));
  failed |= set(json, "program", program_json(outcome));
  failed |= set(json, "frames", shorten_frames(frames, PAGE_FRAMES, frame, total));
  if (check->section)
    failed |= set(json, "section", json_string(check->section));
  if (!failed)
    return json;
  json_decref(json);
  return NULL;
}

/* --- Labs ------------------------------------------------------------------------------------- */

/* The compiler's messages for the lab's first program that does not compile; "" if unknown. */
static json_t *log_json(const struct run *run, const struct lab *lab) {
  char text[LARGEST_LOG];
  size_t length = 0;
  for (size_t i = 0; lab->programs[i] && length == 0; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s.log", run->programs, lab->folder, lab->programs[i]);
    FILE *file = fopen(path, "r");
    if (!file)
      continue;
    length = fread(text, 1, sizeof text, file);
    fclose(file);
  }
  return text_json(text, length);
}

static json_t *lab_json(const struct run *run, const struct outcome_list *list, size_t index) {
  const struct lab *lab = &labs_all[index];
  bool missing = run->missing[index];
  json_t *checks = json_array();
  int failed = checks ? 0 : -1;
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    bool is_shown = outcome->verdict != OUTCOME_NOT_RUN || missing;
    if (is_shown && strcmp(outcome->check->lab, lab->id) == 0)
      failed |= json_array_append_new(checks, check_json(list, outcome));
  }
  json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:b, s:o}", "id", lab->id, "title",
                           lab->title, "folder", lab->folder, "program", lab->programs[0], "points",
                           outcome_points(list, lab), "possible", outcome_possible(list, lab),
                           "missing", missing, "checks", checks);
  if (missing)
    failed |= set(json, "log", log_json(run, lab));
  if (!failed)
    return json;
  json_decref(json);
  return NULL;
}

/* --- What is next ----------------------------------------------------------------------------- */

/* The student's lines from the TODO's place on, as {"first": 142, "text": "..."}; null if there are
 * none. */
static json_t *lines_json(const struct run *run, const struct todo_next *next) {
  char path[PATH_MAX];
  if (!next->program ||
      !source_path(run->programs, next->lab->folder, next->program, path, sizeof path))
    return json_null();
  int first = source_line_of_todo(path, next->todo);
  struct buffer text = {0};
  json_t *json = NULL;
  if (first > 0 && source_lines(path, first, LINES_OF_TODO, &text) == 0 && text.length > 0)
    json = json_pack("{s:i, s:o}", "first", first, "text", text_json(text.bytes, text.length));
  buffer_free(&text);
  return json ? json : json_null();
}

/* The first failure that belongs to the TODO, "lab01.ping"; "" if none does. */
static json_t *failure_json(const struct outcome_list *list, const struct todo_next *next) {
  for (size_t i = 0; i < list->count; i++) {
    const struct outcome *outcome = &list->outcomes[i];
    if (outcome_is_of(outcome, next->lab) && outcome->verdict == OUTCOME_FAILED &&
        outcome->todo == next->todo)
      return json_sprintf("%s.%s", outcome->check->lab, outcome->check->id);
  }
  return json_string("");
}

/* As on the scoreboard; null if there is nothing to do. */
static json_t *next_json(const struct run *run, const struct outcome_list *list) {
  struct todo_next next;
  if (!todo_find_first(list, run, &next))
    return json_null();
  return json_pack("{s:s, s:s, s:b, s:s, s:o, s:o}", "lab", next.lab->id, "folder",
                   next.lab->folder, "missing", next.does_not_compile, "where", next.where, "check",
                   failure_json(list, &next), "lines", lines_json(run, &next));
}

/* --- The whole -------------------------------------------------------------------------------- */

json_t *page_data_report(const struct run *run, const struct outcome_list *list) {
  json_t *labs = json_array();
  int failed = labs ? 0 : -1;
  for (size_t i = 0; i < labs_count; i++)
    if (run->selected[i])
      failed |= json_array_append_new(labs, lab_json(run, list, i));
  const char *only = run->only_check ? run->only_check : "";
  json_t *json =
      json_pack("{s:s, s:s, s:o, s:o, s:f, s:I, s:I, s:o, s:o}", "kind", "report", "version",
                GRADER_VERSION, "programs", text_json(run->programs, strlen(run->programs)), "seed",
                text_json(run->seed, strlen(run->seed)), "seconds", run->seconds, "when",
                (json_int_t)time(NULL), "faults", (json_int_t)outcome_faults(list), "only",
                text_json(only, strlen(only)), "labs", labs);
  char course[SCORE_TEXT];
  score_in_course(course, run, list);
  failed |= set(json, "course", json_string(course));
  failed |= set(json, "next", next_json(run, list));
  int beside[2];
  beside_points(run->beside, &beside[0], &beside[1]);
  failed |= set(json, "beside", json_pack("[i, i]", beside[0], beside[1]));
  if (!failed)
    return json;
  json_decref(json);
  return NULL;
}

json_t *page_data_trace(const char *title, const json_t *frames) {
  json_t *name = text_json(title, strlen(title));
  json_t *shown = shorten_frames(frames, PAGE_TRACE_FRAMES, -1, json_array_size(frames));
  return json_pack("{s:s, s:s, s:o, s:o}", "kind", "trace", "version", GRADER_VERSION, "title",
                   name, "frames", shown);
}
