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

static void set(json_t *evidence, const char *key, const char *text) {
  if (text && *text)
    json_object_set_new(evidence, key, without_numbers(text));
}

json_t *finding_evidence(const struct finding *finding) {
  json_t *evidence = json_object();
  set(evidence, "says", finding->what.bytes);
  set(evidence, "expected", finding->expected.bytes);
  set(evidence, "seen", *finding->function ? finding->function : finding->seen.bytes);
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
