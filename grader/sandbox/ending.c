/* ending: see ending.h. */
#include "grader/sandbox/ending.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MIB = 1 << 20 };

__attribute__((format(printf, 5, 6))) static void decide(struct ending *ending,
                                                         enum program_end end, int code,
                                                         const char *id, const char *format, ...) {
  va_list arguments;
  snprintf(ending->id, sizeof ending->id, "%s", id);
  ending->end = end;
  ending->code = code;
  va_start(arguments, format);
  vsnprintf(ending->text, sizeof ending->text, format, arguments);
  va_end(arguments);
}

void ending_lose(struct ending *ending, const char *why) {
  decide(ending, PROGRAM_LOST, 0, "lost", "was lost: %s", why);
}

static const char *size_text(char text[32], size_t bytes) {
  if (bytes % MIB == 0)
    snprintf(text, 32, "%zu MiB", bytes / MIB);
  else
    snprintf(text, 32, "%zu bytes", bytes);
  return text;
}

static void read_limit(struct ending *ending, const char *name,
                       const struct program_limits *limits) {
  const enum program_end end = PROGRAM_OVER_LIMIT;
  char size[32];
  size_t memory = 0;
  if (strcmp(name, "memory") == 0)
    decide(ending, end, 0, "limit-memory", "used more than %s of memory",
           size_text(size, limits->memory));
  else if (strcmp(name, "processes") == 0)
    decide(ending, end, 0, "limit-processes", "had more than %d processes at once",
           limits->processes);
  else if (sscanf(name, "cpu, memory %zu", &memory) == 1 && memory > limits->memory / 4)
    decide(ending, end, 0, "limit-cpu",
           "used more than %g s of processor time, and took %zu MiB of memory", limits->cpu_seconds,
           memory / MIB);
  else if (strncmp(name, "cpu", 3) == 0)
    decide(ending, end, 0, "limit-cpu", "used more than %g s of processor time",
           limits->cpu_seconds);
  else if (strcmp(name, "file") == 0)
    decide(ending, end, 0, "limit-file", "wrote more than %s into files",
           size_text(size, limits->file_size));
  else if (strcmp(name, "folders") == 0)
    decide(ending, end, 0, "limit-folders", "made folders in too many levels, or unreadable ones");
  else
    decide(ending, end, 0, "limit-output", "printed more than %s", size_text(size, limits->output));
}

static void read_signal(struct ending *ending, int number) {
  const char *name = sigabbrev_np(number);
  char id[sizeof ending->id];
  snprintf(id, sizeof id, "signal-%s", name ? name : "unknown");
  if (name)
    decide(ending, PROGRAM_KILLED, number, id, "was killed by SIG%s", name);
  else
    decide(ending, PROGRAM_KILLED, number, id, "was killed by signal %d", number);
}

void ending_read(struct ending *ending, const char *how, const struct program_limits *limits) {
  int number = 0;
  if (sscanf(how, "exit %d", &number) == 1)
    decide(ending, PROGRAM_EXITED, number, "exit", "exited with status %d", number);
  else if (sscanf(how, "signal %d", &number) == 1)
    read_signal(ending, number);
  else if (strncmp(how, "limit ", 6) == 0)
    read_limit(ending, how + 6, limits);
  else if (strncmp(how, "failed: ", 8) == 0)
    decide(ending, PROGRAM_NOT_STARTED, 0, "not-started", "could not be started: %s", how + 8);
  else if (strcmp(how, "stopped") == 0)
    decide(ending, PROGRAM_STOPPED, 0, "stopped", "was stopped");
  else
    ending_lose(ending, strncmp(how, "lost ", 5) == 0 ? how + 5 : how);
}
