/* guard_command: see guard_command.h. */
#include "grader/sandbox/guard_command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "grader/sandbox/allowance.h"
#include "grader/sandbox/disk.h"
#include "grader/sandbox/layer.h"
#include "grader/sandbox/sanitizer.h"

static int name_directory(struct guard_command *command) {
  char path[PATH_MAX];
  unsigned long long number;
  if (disk_take(path) != 0 || getrandom(&number, sizeof number, 0) != sizeof number)
    return -1;
  size_t size = sizeof command->directory;
  if (snprintf(command->directory, size, "%s/" DISK_PROGRAM "%016llx", path, number) < (int)size)
    return 0;
  errno = ENAMETOOLONG;
  return -1;
}

/* The variables that a program gets from the grader's environment: where libraries and commands
 * are, language and time. It gets no others: not the seed, which would reveal what comes; not
 * H2_TRACE and SSLKEYLOGFILE; not a user's passwords. */
static int copy_environment(struct environment *environment) {
  static const char *const names[] = {"PATH",     "LD_LIBRARY_PATH", "LANG",     "LC_ALL",
                                      "LC_CTYPE", "LC_MESSAGES",     "LANGUAGE", "TZ"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (environment_copy(environment, names[i]) != 0)
      return -1;
  return 0;
}

static int set_path(struct environment *environment, const char *name, const char *path) {
  char *entry;
  if (asprintf(&entry, "%s=%s", name, path) < 0)
    return -1;
  int result = environment_set(environment, entry);
  free(entry);
  return result;
}

static int make_environment(struct guard_command *command, const char *const added[]) {
  struct environment *environment = &command->environment;
  if (copy_environment(environment) != 0 ||
      set_path(environment, "TMPDIR", command->directory) != 0 ||
      set_path(environment, "HOME", command->directory) != 0)
    return -1;
  /* libuv would start four threads to look up one name, which the sanitizers make expensive. */
  if (environment_set(environment, "UV_THREADPOOL_SIZE=1") != 0)
    return -1;
  if (sanitizer_set_options(environment, command->directory, PROGRAM_SANITIZER_STATUS) != 0)
    return -1;
  for (size_t i = 0; added != NULL && added[i] != NULL; i++) {
    if (environment_set(environment, added[i]) != 0)
      return -1;
  }
  return 0;
}

/* The program is started in another directory. */
static char *absolute_path(const char *path) {
  char directory[PATH_MAX];
  char *absolute = NULL;
  if (path[0] == '/')
    return strdup(path);
  if (getcwd(directory, sizeof directory) == NULL)
    return NULL;
  return asprintf(&absolute, "%s/%s", directory, path) < 0 ? NULL : absolute;
}

/* Append a copy. Returns 0, or -1 when there is no memory. */
static int add(struct guard_command *command, const char *argument) {
  size_t size = (command->count + 2) * sizeof *command->arguments;
  char **arguments = realloc(command->arguments, size);
  if (arguments == NULL)
    return -1;
  command->arguments = arguments;
  arguments[command->count + 1] = NULL;
  arguments[command->count] = strdup(argument);
  return arguments[command->count++] == NULL ? -1 : 0;
}

static int add_option(struct guard_command *command, const char *name, const char *value) {
  return add(command, name) != 0 ? -1 : add(command, value);
}

static int add_number(struct guard_command *command, const char *name, double value) {
  char text[32];
  snprintf(text, sizeof text, "%.0f", value);
  return add_option(command, name, text);
}

/* What the probe finds in its file: a new key, and what is to fail. */
static int add_order(struct guard_command *command, const char *order) {
  unsigned number;
  char *text;
  if (getrandom(&number, sizeof number, 0) != sizeof number)
    return -1;
  snprintf(command->key, sizeof command->key, "%08x", number);
  if (asprintf(&text, "%s%s", command->key, order) < 0)
    return -1;
  int result = add_option(command, "--order", text);
  free(text);
  return result;
}

static int add_limits(struct guard_command *command, const struct program_limits *limits) {
  if (limits->order != NULL && !limits->any_language && add_order(command, limits->order) != 0)
    return -1;
  return add_option(command, "--directory", command->directory) != 0 ||
                 add_number(command, "--memory", (double)limits->memory) != 0 ||
                 add_number(command, "--processes", limits->processes) != 0 ||
                 add_number(command, "--cpu", limits->cpu_seconds * 1e3) != 0 ||
                 add_number(command, "--file", (double)limits->file_size) != 0
             ? -1
             : 0;
}

static int add_allowed(struct guard_command *command, const char *const argv[],
                       const struct program_limits *limits) {
  struct allowance allowance = {0};
  int result = allowance_make(&allowance, argv,
                              limits->any_language ? ALLOWANCE_OF_ANY_LANGUAGE : ALLOWANCE_OF_C);
  if (result == 0 && limits->file != NULL)
    result = allowance_add(&allowance, "read", limits->file);
  for (const char *const *text = limits->allowed; result == 0 && text && *text; text++)
    result = add_option(command, "--allow", *text);
  for (size_t i = 0; result == 0 && i < allowance.count; i++)
    result = add_option(command, "--allow", allowance.texts[i]);
  allowance_free(&allowance);
  if (result == 0 && limits->compiler)
    result = add(command, "--compiler");
  if (result == 0 && limits->any_language)
    result = add(command, "--any-language");
  if (result == 0 && (limits->compiler || layer_is_off("user")))
    result = add(command, "--same-user");
  if (result == 0 && layer_is_off("landlock"))
    result = add(command, "--without-landlock");
  if (result == 0 && layer_is_off("seccomp"))
    result = add(command, "--without-filter");
  return result;
}

static int make_arguments(struct guard_command *command, const char *guard,
                          const char *const argv[], const struct program_limits *limits) {
  size_t count = 1; /* the program */
  while (argv[count] != NULL)
    count++;
  const char **absolute = calloc(count + 1, sizeof *absolute);
  char *program = absolute_path(argv[0]);
  int result = -1;
  if (absolute != NULL && program != NULL) {
    memcpy(absolute, argv, count * sizeof *absolute);
    absolute[0] = program;
    result = add(command, guard);
  }
  if (result == 0)
    result = add_limits(command, limits);
  if (result == 0)
    result = add_allowed(command, absolute, limits);
  if (result == 0)
    result = add(command, "--");
  for (size_t i = 0; result == 0 && i < count; i++)
    result = add(command, absolute[i]);
  free(absolute);
  free(program);
  return result;
}

int guard_command_make(struct guard_command *command, const char *guard, const char *const argv[],
                       const char *const environment[], const struct program_limits *limits) {
  if (name_directory(command) != 0 || make_environment(command, environment) != 0)
    return -1;
  return make_arguments(command, guard, argv, limits);
}

void guard_command_free(struct guard_command *command) {
  for (char **argument = command->arguments; argument != NULL && *argument != NULL; argument++)
    free(*argument);
  free(command->arguments);
  environment_free(&command->environment);
}
