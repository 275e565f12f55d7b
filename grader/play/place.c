/* place: see place.h. */
#include "grader/play/place.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "grader/words/source.h"
#include "grader/words/symbols.h"

const char *place_of_source(const struct exchange *exchange, char *path, size_t size) {
  const char *folder = getenv(CHECK_PROGRAMS);
  const char *name = strrchr(exchange->arguments[0], '/');
  return folder && name ? source_path(folder, exchange->lab->folder, name + 1, path, size) : NULL;
}

int place_of_function(const struct exchange *exchange, const char *function) {
  char path[PATH_MAX];
  const char *source = place_of_source(exchange, path, sizeof path);
  int line = source ? source_line_of_function(source, function) : 0;
  return line > 0 ? source_todo_of_line(source, line) : 0;
}

int place_of_text(const struct exchange *exchange, const char *text) {
  char path[PATH_MAX];
  const char *source = place_of_source(exchange, path, sizeof path);
  return source ? source_todo_of_text(source, text) : 0;
}

static bool is_called(struct symbols *symbols, uint64_t function, const char *name) {
  const char *found = symbols_name(symbols, function);
  return found && strcmp(found, name) == 0;
}

int64_t place_times(const struct exchange *exchange, const char *function) {
  struct probe probe;
  struct symbols *symbols = NULL;
  if (ran_look(exchange->program, &probe) && probe.function_count > 0)
    symbols = symbols_read(exchange->arguments[0]);
  if (!symbols)
    return -1;
  int64_t times = 0;
  for (int64_t i = 0; i < probe.function_count; i++)
    if (is_called(symbols, probe.functions[i], function))
      times = probe.times[i];
  symbols_free(symbols);
  return times;
}

bool place_timer(const struct exchange *exchange, const char *callback, struct probe_timer *timer) {
  struct probe probe;
  struct symbols *symbols = NULL;
  if (ran_look(exchange->program, &probe) && probe.function_count > 0)
    symbols = symbols_read(exchange->arguments[0]);
  if (!symbols)
    return false;
  bool found = false;
  for (int i = 0; i < PROBE_TIMERS && probe.timers[i].callback; i++)
    if (!found && is_called(symbols, probe.timers[i].callback, callback)) {
      *timer = probe.timers[i];
      found = true;
    }
  symbols_free(symbols);
  return found;
}
