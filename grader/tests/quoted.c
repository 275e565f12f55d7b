/* quoted: see quoted.h. */
#include "grader/tests/quoted.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

json_t *quoted_json(const char *text) {
  char copy[2048];
  snprintf(copy, sizeof copy, "%s", text);
  for (char *quote = copy; (quote = strchr(quote, '\'')); quote++)
    *quote = '"';
  json_error_t error;
  json_t *json = json_loads(copy, 0, &error);
  cr_assert(json, "%s: %s", error.text, text);
  return json;
}
