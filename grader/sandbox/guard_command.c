/* guard_command: see guard_command.h. */
#include "grader/sandbox/guard_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "grader/sandbox/sanitizer.h"

static int name_directory(struct guard_command *command) {
  const char *parent = getenv("TMPDIR");
  char path[PATH_MAX];
  unsigned long long number;
  if (realpath(parent != NULL && *parent != '\0' ? parent : "/tmp", path) == NULL ||
      access(path, W_OK | X_OK) != 0 || getrandom(&number, sizeof number, 0) != sizeof number)
    return -1;
  size_t size = sizeof command->directory;
  if (snprintf(command->directory, size, "%s/program-%016llx", path, number) < (int)size)
    return 0;
  errno = ENAMETOOLONG;
  return -1;
}

static int make_environment(struct guard_command *command, const char *const added[],
                            const char *sanitizer_options) {
  struct environment *environment = &command->environment;
  char temporary[PATH_MAX + 8];
  snprintf(temporary, sizeof temporary, "TMPDIR=%s", command->directory);
  if (environment_copy(environment) != 0 || environment_set(environment, temporary) != 0)
    return -1;
  /* libuv would start four threads to look up one name, which the sanitizers make expensive. */
  if (environment_set(environment, "UV_THREADPOOL_SIZE=1") != 0)
    return -1;
  environment_unset(environment, "H2_TRACE");
  environment_unset(environment, "SSLKEYLOGFILE");
  if (sanitizer_set_options(environment, command->directory, PROGRAM_SANITIZER_STATUS,
                            sanitizer_options) != 0)
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

/* On failure, those that were copied are in place, and NULL ends them. */
static int copy_arguments(struct guard_command *command, const char *const options[], size_t count,
                          const char *const argv[]) {
  size_t argv_count = 0;
  while (argv[argv_count] != NULL)
    argv_count++;
  command->arguments = calloc(count + argv_count + 1, sizeof *command->arguments);
  if (command->arguments == NULL)
    return -1;
  for (size_t i = 0; i < count + argv_count; i++) {
    const char *argument = i < count ? options[i] : argv[i - count];
    command->arguments[i] = i == count ? absolute_path(argument) : strdup(argument);
    if (command->arguments[i] == NULL)
      return -1;
  }
  return 0;
}

static int make_arguments(struct guard_command *command, const char *guard,
                          const char *const argv[], const struct program_limits *limits) {
  char memory[32];
  char processes[32];
  char cpu[32];
  char file[32];
  snprintf(memory, sizeof memory, "%zu", limits->memory);
  snprintf(processes, sizeof processes, "%d", limits->processes);
  snprintf(cpu, sizeof cpu, "%.0f", limits->cpu_seconds * 1e3);
  snprintf(file, sizeof file, "%zu", limits->file_size);
  const char *const options[] = {
      guard,   "--directory", command->directory, "--memory", memory, "--processes", processes,
      "--cpu", cpu,           "--file",           file,       "--"};
  return copy_arguments(command, options, sizeof options / sizeof *options, argv);
}

int guard_command_make(struct guard_command *command, const char *guard, const char *const argv[],
                       const char *const environment[], const struct program_limits *limits) {
  if (name_directory(command) != 0 || make_environment(command, environment, limits->options) != 0)
    return -1;
  return make_arguments(command, guard, argv, limits);
}

void guard_command_free(struct guard_command *command) {
  for (char **argument = command->arguments; argument != NULL && *argument != NULL; argument++)
    free(*argument);
  free(command->arguments);
  environment_free(&command->environment);
}
