/* printed: see printed.h. */
#include "grader/play/printed.h"

#include "grader/base/text.h"

void printed_look(struct printed *printed, const struct program *program, double milliseconds) {
  size_t out;
  size_t error;
  size_t last = printed->count > 0 ? printed->count - 1 : 0;
  program_stdout(program, &out);
  program_stderr(program, &error);
  if (out == printed->pieces[last].out && error == printed->pieces[last].error)
    return;
  if (printed->count < PRINTED_PIECES) {
    last = printed->count++;
    printed->pieces[last].milliseconds = milliseconds;
  }
  printed->pieces[last].out = out;
  printed->pieces[last].error = error;
}

/* One of the two outputs, as far as it has been told. */
struct output {
  const char *on;
  const char *text;
  size_t length; /* a sanitizer's report may have been taken out of it */
  size_t told;
};

/* Append what follows up to `to`, as far as there is room. Returns 0 or -1. */
static int tell(json_t *list, double milliseconds, struct output *output, size_t to, size_t *room) {
  size_t end = to < output->length ? to : output->length;
  size_t length = end > output->told ? end - output->told : 0;
  if (length > *room)
    length = *room;
  if (length == 0)
    return 0;
  json_t *text = text_json(output->text + output->told, length);
  output->told += length;
  *room -= length;
  return json_array_append_new(
      list, json_pack("{s:f, s:s, s:o}", "ms", milliseconds, "on", output->on, "text", text));
}

json_t *printed_json(const struct printed *printed, const struct program *program) {
  struct output out = {.on = "stdout"};
  struct output error = {.on = "stderr"};
  out.text = program_stdout(program, &out.length);
  error.text = program_stderr(program, &error.length);
  json_t *list = json_array();
  size_t room = PRINTED_OCTETS;
  int failed = 0;
  for (size_t i = 0; i < printed->count; i++) {
    double milliseconds = printed->pieces[i].milliseconds;
    failed |= tell(list, milliseconds, &out, printed->pieces[i].out, &room);
    failed |= tell(list, milliseconds, &error, printed->pieces[i].error, &room);
  }
  if (!failed)
    return list;
  json_decref(list);
  return NULL;
}
