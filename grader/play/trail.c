/* trail: see trail.h. */
#include "grader/play/trail.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/play/cause.h"
#include "grader/play/place.h"
#include "grader/words/source.h"
#include "grader/words/symbols.h"

/* Whether the function is among those that have run; `unknown` if nothing is known. */
static bool has_run(const struct exchange *exchange, const char *function, bool unknown) {
  struct ran ran = {.count = 0};
  ran_add(&ran, exchange->program);
  json_t *names = ran_names(&ran, exchange->arguments[0]);
  bool found = json_array_size(names) == 0 && unknown;
  size_t index;
  const json_t *name;
  json_array_foreach(names, index, name) {
    found = found || strcmp(json_string_value(name), function) == 0;
  }
  json_decref(names);
  return found;
}

bool trail_without(const struct exchange *exchange, const char *function) {
  return !has_run(exchange, function, true);
}

bool trail_with(const struct exchange *exchange, const char *function) {
  return has_run(exchange, function, false);
}

bool trail_blame_handshake(struct exchange *exchange, const char *error) {
  const int todo = labs_todos(exchange->lab).handshake;
  if (todo == 0 || strcmp(error, "TLS: closed by the peer") != 0 ||
      !trail_with(exchange, "handshake") || trail_with(exchange, "choose_protocol"))
    return false;
  finding_blame(&exchange->finding, todo);
  return true;
}

bool trail_has(const struct exchange *exchange, const char *line) {
  enum { LINES = 100000 };
  char path[PATH_MAX];
  char wanted[256];
  struct buffer text = {0};
  snprintf(wanted, sizeof wanted, " %s\n", line);
  bool has = place_of_source(exchange, path, sizeof path) &&
             source_lines(path, 1, LINES, &text) == 0 && text.bytes && strstr(text.bytes, wanted);
  buffer_free(&text);
  return has;
}

static int todo_of(const char *path, const char *function) {
  int line = function ? source_line_of_function(path, function) : 0;
  return line > 0 ? source_todo_of_line(path, line) : 0;
}

/* A program of which the probe says something. */
struct watched {
  struct probe probe;
  struct symbols *symbols;
  char path[PATH_MAX]; /* the student's file */
};

/* The name of this function, if it belongs to a TODO; otherwise NULL. */
static const char *name_of(const struct watched *watched, uint64_t function) {
  const char *name = symbols_name(watched->symbols, function);
  return todo_of(watched->path, name) > 0 ? name : NULL;
}

/* Of the recent ones, the function of a TODO that began last; or NULL. */
static const char *last_begun(const struct watched *watched, const uint64_t *recent,
                              int64_t begun) {
  const char *name = NULL;
  for (int64_t i = begun; !name && i > 0 && i > begun - PROBE_RECENT; i--)
    name = name_of(watched, recent[(i - 1) % PROBE_RECENT]);
  return name;
}

/* The innermost function of a TODO that has not ended, or NULL. */
static const char *innermost(const struct watched *watched) {
  const char *name = NULL;
  for (int64_t i = watched->probe.depth; !name && i > 0; i--)
    name = name_of(watched, watched->probe.calls[i - 1]);
  return name;
}

/* Whether the program was ended from outside, in a library or a loop, and no report says where. */
static bool was_ended(const struct exchange *exchange) {
  const struct finding *finding = &exchange->finding;
  enum program_end end = program_end(exchange->program, NULL);
  return finding->crashed && !finding->todo_of_place && !*finding->function &&
         (end == PROGRAM_KILLED || end == PROGRAM_OVER_LIMIT);
}

/* Quote it as a sanitizer's report would be quoted. */
static void quote_place(struct exchange *exchange, const struct watched *watched,
                        const char *function) {
  char text[PATH_MAX + 128];
  const char *file = strrchr(watched->path, '/');
  snprintf(text, sizeof text, "in %s, %s/%s:%d\n", function, exchange->lab->folder,
           file ? file + 1 : watched->path, source_line_of_function(watched->path, function));
  buffer_append_text(&exchange->finding.report, text);
}

/* The function where the mistake may be, if the finding itself does not say: where the program was
 * when it was ended; or the function that has told a callback what to return. NULL if there is
 * none. */
static const char *find_place(struct exchange *exchange, const struct watched *watched) {
  const struct probe *probe = &watched->probe;
  if (cause_is_failed_callback(&exchange->finding))
    return last_begun(watched, probe->recent_failure, probe->begun_failure);
  if (!was_ended(exchange))
    return NULL;
  const char *name = innermost(watched);
  name = name ? name : last_begun(watched, probe->recent, probe->begun);
  if (name)
    quote_place(exchange, watched, name);
  return name;
}

/* Whether this text of a function has "return N;" with that number, and no condition before it. */
static bool text_returns(const char *text, int64_t number) {
  char statement[40];
  snprintf(statement, sizeof statement, "\n  return %jd;", (intmax_t)number);
  const char *found = strstr(text, statement);
  const char *before = found;
  if (!found)
    return false;
  while (before > text && before[-1] != '\n')
    before--; /* the line before it */
  before += strspn(before, " ");
  return strncmp(before, "if", 2) != 0 && strncmp(before, "else", 4) != 0;
}

/* Whether the callback that has failed ends with "return N;", with the number that nghttp2 got:
 * then no function that it has called is to blame. */
static bool made_number(const struct exchange *exchange, const struct watched *watched) {
  enum { LINES = 400 };
  struct buffer text = {0};
  int line = source_line_of_function(watched->path, exchange->finding.function);
  if (line <= 0 || source_lines(watched->path, line, LINES, &text) != 0 || !text.bytes) {
    buffer_free(&text);
    return false;
  }
  char *end = strstr(text.bytes, "\n}");
  if (end)
    *end = '\0';
  bool made = text_returns(text.bytes, watched->probe.returned);
  buffer_free(&text);
  return made;
}

static void note(struct exchange *exchange, const struct watched *watched) {
  struct finding *finding = &exchange->finding;
  const struct probe *probe = &watched->probe;
  const char *place = find_place(exchange, watched);
  for (int64_t i = 0; i < probe->function_count; i++) {
    int todo = todo_of(watched->path, name_of(watched, probe->functions[i]));
    if (todo > 0 && todo < FINDING_TODOS)
      finding->ran[todo] = true;
  }
  if (place && cause_is_failed_callback(finding) && made_number(exchange, watched)) {
    finding_blame(finding, finding->todo_of_place);
  } else if (place) {
    snprintf(finding->function, sizeof finding->function, "%s", place);
    finding->todo_of_place = todo_of(watched->path, place);
  }
}

void trail_note(struct exchange *exchange) {
  struct watched watched;
  if (!ran_look(exchange->program, &watched.probe) ||
      !place_of_source(exchange, watched.path, sizeof watched.path))
    return;
  watched.symbols = symbols_read(exchange->arguments[0]);
  if (watched.symbols)
    note(exchange, &watched);
  symbols_free(watched.symbols);
}
