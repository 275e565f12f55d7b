/* beside: see beside.h. */
#include "grader/result/beside.h"

#include <stdio.h>

#include "grader/base/labs.h"

json_t *beside_read(const char *directory) {
  json_t *beside = json_object();
  for (size_t i = 0; i < labs_count; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/predict/%s.json", directory, labs_all[i].id);
    json_t *lab = json_load_file(path, 0, NULL);
    if (json_is_object(lab))
      json_object_set(beside, labs_all[i].id, lab);
    json_decref(lab);
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
