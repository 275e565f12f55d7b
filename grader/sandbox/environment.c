/* environment: see environment.h. */
#include "grader/sandbox/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void remove_entry(struct environment *environment, const char *name, size_t length) {
  for (size_t i = 0; i < environment->count; i++) {
    char *entry = environment->entries[i];
    if (strncmp(entry, name, length) != 0 || entry[length] != '=')
      continue;
    free(entry);
    environment->entries[i] = environment->entries[--environment->count];
    environment->entries[environment->count] = NULL;
    return;
  }
}

int environment_set(struct environment *environment, const char *entry) {
  size_t size = (environment->count + 2) * sizeof *environment->entries;
  char **entries = realloc(environment->entries, size);
  if (entries == NULL)
    return -1;
  environment->entries = entries;
  entries[environment->count] = NULL;
  char *copy = strdup(entry);
  if (copy == NULL)
    return -1;
  remove_entry(environment, entry, strcspn(entry, "="));
  entries[environment->count++] = copy;
  entries[environment->count] = NULL;
  return 0;
}

int environment_copy(struct environment *environment, const char *name) {
  const char *value = getenv(name);
  char *entry;
  if (value == NULL)
    return 0;
  if (asprintf(&entry, "%s=%s", name, value) < 0)
    return -1;
  int result = environment_set(environment, entry);
  free(entry);
  return result;
}

void environment_free(struct environment *environment) {
  for (size_t i = 0; i < environment->count; i++)
    free(environment->entries[i]);
  free(environment->entries);
  *environment = (struct environment){0};
}
