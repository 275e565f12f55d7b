/* finding: see finding.h. */
#include "grader/base/finding.h"

#include <ctype.h>
#include <stdbool.h>
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

json_t *finding_evidence(const struct finding *finding) {
  json_t *evidence = json_pack("{s:s}", "id", finding->id);
  const char *seen = *finding->function ? finding->function
                     : *finding->stands ? finding->stands
                                        : finding->seen.bytes;
  if (seen && *seen)
    json_object_set_new(evidence, "seen", without_numbers(seen));
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

void finding_say(struct finding *finding, const char *text) {
  size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  bool has_id = length < FINDING_ID && strncmp(text + length, "| ", 2) == 0;
  memcpy(finding->id, text, has_id ? length : 0);
  finding->id[has_id ? length : 0] = '\0';
  buffer_clear(&finding->what);
  buffer_append_text(&finding->what, has_id ? text + length + 2 : text);
}
