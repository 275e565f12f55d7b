/* finding: see finding.h. */
#include "grader/base/finding.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "grader/base/text.h"

/* Every number becomes "#". Returns a new reference. */
static json_t *without_numbers(const char *text) {
  struct buffer plain = {0};
  for (; *text; text++) {
    bool digit = isdigit((unsigned char)*text);
    if (!digit)
      buffer_append(&plain, text, 1);
    else if (!isdigit((unsigned char)text[1]))
      buffer_append_text(&plain, "#");
  }
  json_t *json = text_json(plain.bytes, plain.length);
  buffer_free(&plain);
  return json;
}

/* "1 2 5" */
static json_t *ran_json(const struct finding *finding) {
  char text[4 * FINDING_TODOS] = "";
  size_t length = 0;
  for (int todo = 1; todo < FINDING_TODOS; todo++)
    if (finding->ran[todo])
      length += (size_t)snprintf(text + length, sizeof text - length, length ? " %d" : "%d", todo);
  return length ? json_string(text) : NULL;
}

json_t *finding_evidence(const struct finding *finding) {
  json_t *evidence = json_pack("{s:s}", "id", finding->id);
  const char *seen = *finding->function ? finding->function
                     : *finding->stands ? finding->stands
                                        : finding->seen.bytes;
  if (seen && *seen)
    json_object_set_new(evidence, "seen", without_numbers(seen));
  if (*finding->said)
    json_object_set_new(evidence, "said", without_numbers(finding->said));
  json_t *ran = ran_json(finding);
  if (ran)
    json_object_set_new(evidence, "ran", ran);
  return evidence;
}

void finding_init(struct finding *finding) {
  *finding = (struct finding){.frame = -1};
}

void finding_free(struct finding *finding) {
  buffer_free(&finding->what);
  buffer_free(&finding->expected);
  buffer_free(&finding->seen);
  buffer_free(&finding->report);
}

void finding_blame(struct finding *finding, int todo) {
  finding->todo_of_place = todo;
  finding->is_sure = true;
}

void finding_say(struct finding *finding, const char *text) {
  size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  bool has_id = length < FINDING_ID && strncmp(text + length, "| ", 2) == 0;
  memcpy(finding->id, text, has_id ? length : 0);
  finding->id[has_id ? length : 0] = '\0';
  buffer_clear(&finding->what);
  buffer_append_text(&finding->what, has_id ? text + length + 2 : text);
}
