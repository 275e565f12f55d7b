/* repeat: see repeat.h. */
#include "grader/repeat.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONG_ARGUMENT = 60, PORT = 8000 };

/* A word for the shell, in quotes where it needs them. What is very long becomes as many octets of something else. */
static void print_word(FILE *out, const char *word) {
  size_t length = strlen(word);
  if (length > LONG_ARGUMENT && *word != '/' && !strstr(word, "://")) {
    fprintf(out, "\"$(printf '%%%zus' x)\"", length);
    return;
  }
  bool plain = length > 0;
  for (const char *c = word; *c; c++)
    plain = plain && (isalnum((unsigned char)*c) || strchr("-_./:=,@%+", *c));
  if (plain) {
    fputs(word, out);
    return;
  }
  fputc('\'', out);
  for (const char *c = word; *c; c++)
    fputs(*c == '\'' ? "'\\''" : (char[]){*c, '\0'}, out);
  fputc('\'', out);
}

/* The same, with the port of the reference server in place of the check's. */
static void print_argument(FILE *out, const char *argument) {
  static const char host[] = "http://localhost:";
  char url[4096];
  if (strncmp(argument, host, strlen(host)) != 0) {
    print_word(out, argument);
    return;
  }
  const char *rest = argument + strlen(host);
  snprintf(url, sizeof url, "%s%d%s", host, PORT, rest + strspn(rest, "0123456789"));
  print_word(out, url);
}

/* The program's path as it is seen from here. */
static const char *relative(const char *path) {
  char here[4096];
  size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
  return length > 0 && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1
                                                                               : path;
}

/* The value of a field of a frame, as check.c wrote it; NULL if there is none. */
static const char *field_of(const json_t *frame, const char *name) {
  size_t index;
  const json_t *field;
  json_array_foreach(json_object_get(frame, "fields"), index, field) {
    const char *key = json_string_value(json_array_get(field, 0));
    if (key && strcmp(key, name) == 0)
      return json_string_value(json_array_get(field, 1));
  }
  return NULL;
}

/* curl, with the request that the failure is about, else with the first one. */
static void print_curl(FILE *out, const struct outcome *outcome) {
  const json_t *frames = json_object_get(outcome->file, "frames");
  json_int_t stream =
      json_integer_value(json_object_get(json_object_get(outcome->file, "finding"), "stream"));
  const char *method = "GET";
  const char *path = "/";
  bool found = false;
  size_t index;
  const json_t *frame;
  json_array_foreach(frames, index, frame) {
    if (!field_of(frame, ":method") || !field_of(frame, ":path"))
      continue;
    bool wanted = json_integer_value(json_object_get(frame, "stream")) == stream;
    if (found && !wanted)
      continue;
    method = field_of(frame, ":method");
    path = field_of(frame, ":path");
    found = true;
    if (wanted)
      break;
  }
  char url[4096];
  snprintf(url, sizeof url, "http://localhost:%d%s", PORT, strlen(path) < 200 ? path : "/");
  fprintf(out, "  curl -i --http2-prior-knowledge ");
  if (strcmp(method, "HEAD") == 0)
    fprintf(out, "--head ");
  else if (strcmp(method, "POST") == 0)
    fprintf(out, "-d data ");
  else if (strcmp(method, "GET") != 0)
    fprintf(out, "-X %s ", method);
  print_word(out, url);
  fprintf(out, "     # in another terminal\n");
}

void repeat_print(FILE *out, const struct outcome *outcome) {
  const json_t *command = json_object_get(json_object_get(outcome->file, "program"), "command");
  bool server = false;
  bool connects = false;
  size_t index;
  const json_t *value;
  json_array_foreach(command, index, value) {
    const char *argument = json_string_value(value);
    server = server || strcmp(argument, "--port") == 0;
    connects = connects || strncmp(argument, "http://localhost:", 17) == 0;
  }
  if (connects && !server)
    fprintf(out, "  make serve PORT=%d     # in another terminal\n", PORT);
  fprintf(out, "  H2_TRACE=1");
  json_array_foreach(command, index, value) {
    const char *argument = json_string_value(value);
    fputc(' ', out);
    if (index == 0)
      print_word(out, relative(argument));
    else if (server && strcmp(json_string_value(json_array_get(command, index - 1)), "--port") == 0)
      fprintf(out, "%d", PORT);
    else
      print_argument(out, argument);
  }
  fputc('\n', out);
  if (server)
    print_curl(out, outcome);
}
