/* beside: see beside.h. */
#include "grader/result/beside.h"

#include <stdio.h>

#include "grader/base/labs.h"

json_t *beside_read(const char *directory) {
  static const char *const kinds[] = {"predict", "bonus"};
  json_t *beside = json_object();
  for (size_t i = 0; i < labs_count * 2; i++) {
    const char *kind = kinds[i % 2];
    const char *id = labs_all[i / 2].id;
    char path[4096];
    char name[32];
    snprintf(path, sizeof path, "%s/%s/%s.json", directory, kind, id);
    snprintf(name, sizeof name, "%s/%s", id, kind);
    json_t *part = json_load_file(path, 0, NULL);
    if (json_is_object(part))
      json_object_set(beside, name, part);
    json_decref(part);
  }
  return beside;
}

void beside_points(const json_t *beside, int *points, int *possible) {
  const char *id;
  json_t *lab;
  *points = *possible = 0;
  json_object_foreach((json_t *)beside, id, lab) {
    *points += (int)json_integer_value(json_object_get(lab, "points"));
    *possible += (int)json_integer_value(json_object_get(lab, "possible"));
  }
}
