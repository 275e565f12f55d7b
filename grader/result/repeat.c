/* repeat: see repeat.h. */
#include "grader/result/repeat.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONG_ARGUMENT = 60, PORT = 8000, TLS_PORT = 8443 };

/* As many octets of something else. */
static void print_blanks(FILE *out, size_t length) {
  fprintf(out, "\"$(printf '%%%zus' x)\"", length);
}

/* A word for the shell, in quotes where it needs them. */
static void print_word(FILE *out, const char *word) {
  size_t length = strlen(word);
  if (length > LONG_ARGUMENT && *word != '/' && !strstr(word, "://")) {
    print_blanks(out, length);
    return;
  }
  bool plain = length > 0;
  for (const char *c = word; *c; c++)
    plain = plain && (isalnum((unsigned char)*c) || strchr("-_./:=,@%+", *c));
  if (plain) {
    fputs(word, out);
    return;
  }
  bool escaped = strpbrk(word, "\\\n\t"); /* $'...' is read by the shell as octets.h writes */
  fputs(escaped ? "$'" : "'", out);
  for (const char *c = word; *c; c++) {
    const char *quote = *c == '\'' ? (escaped ? "\\'" : "'\\''") : NULL;
    const char *as = *c == '\n' ? "\\n" : *c == '\t' ? "\\t" : quote;
    fputs(as ? as : (char[]){*c, '\0'}, out);
  }
  fputc('\'', out);
}

/* What the URL of a check's server begins with, before its port. */
static const struct host {
  const char *begin;
  const char *by_hand; /* where the reference server is */
} hosts[] = {{"http://localhost:", "http://localhost:"},
             {"https://localhost:", "https://localhost:"},
             {"https://127.0.0.1:", "https://127.0.0.1:"},
             {"http://[::1]:", "http://[::1]:"},
             {"http://127.0.0.", "http://localhost:"}}; /* its last number and the port follow */

/* The row of a URL; NULL if it is none. */
static const struct host *host_of(const char *argument) {
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
    if (strncmp(argument, hosts[i].begin, strlen(hosts[i].begin)) == 0)
      return &hosts[i];
  return NULL;
}

static int port_of(const char *url) {
  return strncmp(url, "https:", 6) == 0 ? TLS_PORT : PORT;
}

/* The same, with the port of the reference server in place of the check's. */
static void print_argument(FILE *out, const char *argument) {
  char url[4096];
  const struct host *host = host_of(argument);
  if (!host) {
    print_word(out, argument);
    return;
  }
  const char *rest = argument + strlen(host->begin);
  snprintf(url, sizeof url, "%s%d%s", host->by_hand, port_of(argument),
           rest + strspn(rest, "0123456789:"));
  print_word(out, url);
}

/* The program's path as it is seen from here. */
static const char *relative(const char *path) {
  char here[4096];
  size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
  return length > 0 && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1
                                                                               : path;
}

/* The value of a field of a frame, as check_run.c wrote it; NULL if there is none. */
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

/* What the other side is told besides, by the check. */
static void print_by_hand(FILE *out, const struct outcome *outcome) {
  const char *words = json_string_value(json_object_get(outcome->file, "by_hand"));
  if (words)
    fprintf(out, "%s ", words);
}

/* The check's server was wrong in TLS itself: "TLS=expired". */
static bool has_tls_fault(const struct outcome *outcome) {
  const char *words = json_string_value(json_object_get(outcome->file, "by_hand"));
  return words && strncmp(words, "TLS=", 4) == 0;
}

/* Its certificate is wrong, and was to be trusted all the same. */
static bool trusts_fault(const struct outcome *outcome) {
  const char *words = json_string_value(json_object_get(outcome->file, "by_hand"));
  return has_tls_fault(outcome) && strcmp(words, "TLS=unknown") != 0;
}

/* curl, with the request that the failure is about, else with the first one. */
static void print_curl(FILE *out, const struct outcome *outcome, const char *cert) {
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
  snprintf(url, sizeof url, "%s://localhost:%d%s", cert ? "https" : "http", cert ? TLS_PORT : PORT,
           strlen(path) < 200 ? path : "/");
  fprintf(out, "  curl -i ");
  print_by_hand(out, outcome);
  fprintf(out, "%s ", cert ? "--cacert" : "--http2-prior-knowledge");
  if (cert) {
    print_word(out, cert);
    fputc(' ', out);
  }
  if (strcmp(method, "HEAD") == 0)
    fprintf(out, "--head ");
  else if (strcmp(method, "POST") == 0)
    fprintf(out, "-d data ");
  else if (strcmp(method, "GET") != 0)
    fprintf(out, "-X %s ", method);
  print_word(out, url);
  fprintf(out, "     # in another terminal\n");
}

/* What the program's arguments say. */
struct arguments {
  bool server;
  const char *url;  /* NULL: it is given none */
  const char *cert; /* of a server that speaks TLS, else NULL */
};

static const char *text_of(const json_t *value) {
  return json_is_string(value) ? json_string_value(value) : "";
}

static struct arguments read_arguments(const json_t *command) {
  struct arguments said = {.server = false};
  const char *before = "";
  size_t index;
  const json_t *value;
  json_array_foreach(command, index, value) {
    const char *argument = text_of(value);
    said.server = said.server || strcmp(argument, "--port") == 0;
    if (host_of(argument))
      said.url = argument;
    if (strcmp(before, "--cert") == 0)
      said.cert = relative(argument);
    before = argument;
  }
  return said;
}

/* The program and its arguments, each as it is to be given by hand. */
static void print_command(FILE *out, const struct outcome *outcome, const json_t *command,
                          const struct arguments *said) {
  const char *before = "";
  size_t index;
  const json_t *value;
  json_array_foreach(command, index, value) {
    const char *argument = text_of(value);
    fputc(' ', out);
    if (json_is_integer(value)) /* it was so long that its length is all that is known */
      print_blanks(out, (size_t)json_integer_value(value));
    else if (index == 0)
      print_word(out, relative(argument));
    else if (said->server && strcmp(before, "--port") == 0)
      fprintf(out, "%d", said->cert ? TLS_PORT : PORT);
    else if (!said->server && strcmp(before, "--ca") == 0)
      fputs(trusts_fault(outcome) ? "build/serve/cert.pem" : "cert.pem", out); /* of `make serve` */
    else
      print_argument(out, *argument == '/' ? relative(argument) : argument);
    before = argument;
  }
}

void repeat_print(FILE *out, const struct outcome *outcome) {
  const json_t *command = json_object_get(json_object_get(outcome->file, "program"), "command");
  struct arguments said = read_arguments(command);
  if (said.url && !said.server) {
    bool tls = port_of(said.url) == TLS_PORT;
    fprintf(out, "  make serve %s", tls && !has_tls_fault(outcome) ? "TLS=1 " : "");
    print_by_hand(out, outcome);
    fprintf(out, "PORT=%d     # in another terminal\n", port_of(said.url));
  }
  fprintf(out, "  H2_TRACE=1");
  print_command(out, outcome, command, &said);
  fputc('\n', out);
  if (said.server)
    print_curl(out, outcome, said.cert);
}
