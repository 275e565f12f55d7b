/* ran: see ran.h. */
#include "grader/play/ran.h"

#include "grader/sandbox/program.h"
#include "grader/words/symbols.h"

bool ran_look(const struct program *program, struct probe *probe) {
  if (!program || !program_probe(program, probe))
    return false;
  if (probe->function_count < 0 || probe->function_count > PROBE_FUNCTIONS)
    probe->function_count = 0;
  if (probe->depth < 0 || probe->depth > PROBE_CALLS)
    probe->depth = 0;
  if (probe->begun < 0 || probe->begun_failure < 0)
    probe->begun = probe->begun_failure = 0;
  return true;
}

static void add(struct ran *ran, uint64_t function) {
  for (size_t i = 0; i < ran->count; i++)
    if (ran->functions[i] == function)
      return;
  if (ran->count < PROBE_FUNCTIONS)
    ran->functions[ran->count++] = function;
}

void ran_add(struct ran *ran, const struct program *program) {
  struct probe probe;
  if (!ran_look(program, &probe))
    return;
  for (int64_t i = 0; i < probe.function_count; i++)
    add(ran, probe.functions[i]);
}

json_t *ran_names(const struct ran *ran, const char *path) {
  json_t *names = json_array();
  struct symbols *symbols = ran->count > 0 ? symbols_read(path) : NULL;
  for (size_t i = 0; symbols && i < ran->count; i++) {
    const char *name = symbols_name(symbols, ran->functions[i]);
    if (name)
      json_array_append_new(names, json_string(name)); /* fails for what is not UTF-8 */
  }
  symbols_free(symbols);
  return names;
}
