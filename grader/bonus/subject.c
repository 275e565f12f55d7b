/* subject: see subject.h. */
#include "grader/bonus/subject.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_MS = 10000 };

void subject_say(const char *name, const char *why, ...) {
  va_list arguments;
  va_start(arguments, why);
  printf("%s %s%s", why ? "no" : "ok", name, why ? ": " : "");
  if (why)
    vprintf(why, arguments);
  putchar('\n');
  va_end(arguments);
}

/* --- A server --------------------------------------------------------------------------------- */

/* Start it with pipes for these of its descriptors, up to -1. Returns the process, and our ends in
 * `ours`; or -1. */
static pid_t spawn(const char *const arguments[], const int theirs[], int *const ours[]) {
  int ends[3][2];
  int count = 0;
  for (; theirs[count] >= 0; count++)
    if (pipe2(ends[count], O_CLOEXEC) != 0)
      return -1;
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < count; i++)
      dup2(ends[i][theirs[i] == STDIN_FILENO ? 0 : 1], theirs[i]);
    execv(arguments[0], (char *const *)arguments);
    perror(arguments[0]);
    _exit(127);
  }
  for (int i = 0; i < count; i++) {
    bool is_input = theirs[i] == STDIN_FILENO;
    close(ends[i][is_input ? 0 : 1]);
    *ours[i] = ends[i][is_input ? 1 : 0];
  }
  return child;
}

pid_t subject_start(const char *const arguments[], char *address, size_t size) {
  static const char listening[] = "listening on ";
  int descriptor = -1;
  pid_t child = spawn(arguments, (const int[]){STDOUT_FILENO, -1}, (int *const[]){&descriptor});
  FILE *output = descriptor < 0 ? NULL : fdopen(descriptor, "r");
  char line[256] = "";
  if (output && fgets(line, sizeof line, output))
    line[strcspn(line, "\n")] = '\0';
  if (strncmp(line, listening, strlen(listening)) == 0) {
    snprintf(address, size, "%s", line + strlen(listening));
    return child; /* its pipe stays open, so that it can print */
  }
  fprintf(stderr, "%s does not say where it listens\n", arguments[0]);
  if (child > 0) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  return -1;
}

int subject_wait(pid_t process, int ms) {
  int status = 0;
  struct pollfd event = {.fd = (int)syscall(SYS_pidfd_open, process, 0), .events = POLLIN};
  bool has_ended = event.fd < 0 || poll(&event, 1, ms) == 1;
  if (event.fd >= 0)
    close(event.fd);
  if (!has_ended)
    return -2;
  return waitpid(process, &status, 0) == process && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The status, as subject_wait gives it, of a process that ends now, by itself or not. */
static int wait_or_kill(pid_t process) {
  int status = subject_wait(process, DEADLINE_MS);
  if (status != -2)
    return status;
  kill(process, SIGKILL);
  return subject_wait(process, -1);
}

bool subject_end(pid_t process) {
  kill(process, SIGTERM);
  return wait_or_kill(process) == 0;
}

/* --- A client --------------------------------------------------------------------------------- */

/* A client that runs: its handles, of which `open` are not closed yet. */
struct running {
  struct subject_run *run;
  uv_process_t process;
  uv_pipe_t output, errors;
  uv_timer_t deadline;
  int open;
};

static void on_closed(uv_handle_t *handle) {
  struct running *running = handle->data;
  running->open--;
}

static void on_exit(uv_process_t *process, int64_t status, int signal_number) {
  struct running *running = process->data;
  running->run->status = signal_number == 0 ? (int)status : -1;
  uv_close((uv_handle_t *)process, on_closed);
  uv_close((uv_handle_t *)&running->deadline, on_closed);
}

static void on_deadline(uv_timer_t *timer) {
  struct running *running = timer->data;
  uv_process_kill(&running->process, SIGKILL);
}

static void allocate(uv_handle_t *pipe, size_t size, uv_buf_t *place) {
  static char bytes[4096];
  (void)pipe;
  (void)size;
  *place = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *place) {
  struct running *running = stream->data;
  bool is_output = stream == (uv_stream_t *)&running->output;
  if (length < 0)
    uv_close((uv_handle_t *)stream, on_closed);
  else
    buffer_append(is_output ? &running->run->output : &running->run->errors, place->base,
                  (size_t)length);
}

static void listen_to(uv_pipe_t *pipe) {
  if (uv_read_start((uv_stream_t *)pipe, allocate, on_read) != 0)
    uv_close((uv_handle_t *)pipe, on_closed); /* there is no program */
}

static void begin(uv_loop_t *loop, const char *const arguments[], struct running *running) {
  uv_stdio_container_t ends[] = {
      {.flags = UV_IGNORE},
      {UV_CREATE_PIPE | UV_WRITABLE_PIPE, {.stream = (uv_stream_t *)&running->output}},
      {UV_CREATE_PIPE | UV_WRITABLE_PIPE, {.stream = (uv_stream_t *)&running->errors}}};
  const uv_process_options_t options = {.file = arguments[0],
                                        .args = (char **)arguments,
                                        .stdio = ends,
                                        .stdio_count = 3,
                                        .exit_cb = on_exit};
  uv_pipe_init(loop, &running->output, 0);
  uv_pipe_init(loop, &running->errors, 0);
  uv_timer_init(loop, &running->deadline);
  running->process.data = running->deadline.data = running;
  running->output.data = running->errors.data = running;
  running->open = 4;
  if (uv_spawn(loop, &running->process, &options) != 0)
    on_exit(&running->process, -1, 0);
  uv_timer_start(&running->deadline, on_deadline, DEADLINE_MS, 0);
  listen_to(&running->output);
  listen_to(&running->errors);
}

/* Whether a sanitizer has found something. */
static bool has_report(const char *errors) {
  return strstr(errors, "Sanitizer:") || strstr(errors, "runtime error:");
}

struct subject_run subject_run(uv_loop_t *loop, const char *const arguments[]) {
  struct subject_run run = {.status = -1};
  struct running running = {.run = &run};
  begin(loop, arguments, &running);
  while (running.open > 0)
    uv_run(loop, UV_RUN_ONCE);
  buffer_append(&run.output, "", 1); /* a NUL ends the text */
  buffer_append(&run.errors, "", 1);
  if (has_report(run.errors.bytes))
    fputs(run.errors.bytes, stderr);
  return run;
}

void subject_free(struct subject_run *run) {
  buffer_free(&run->output);
  buffer_free(&run->errors);
}

const char *subject_complaint(struct subject_run *run) {
  char *text = run->errors.bytes;
  if (has_report(run->errors.bytes))
    return "a sanitizer's report is above";
  text[strcspn(text, "\n")] = '\0';
  return *text ? text : "it says nothing";
}

/* --- A program that we talk to ---------------------------------------------------------------- */

int subject_talk(struct subject_talk *talk, const char *const arguments[]) {
  static const int theirs[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, -1};
  *talk = (struct subject_talk){.input = -1, .output = -1, .errors = -1};
  talk->process =
      spawn(arguments, theirs, (int *const[]){&talk->input, &talk->output, &talk->errors});
  if (talk->process < 0)
    return -1;
  fcntl(talk->output, F_SETFL, O_NONBLOCK);
  fcntl(talk->errors, F_SETFL, O_NONBLOCK);
  return 0;
}

static void take(int descriptor, struct buffer *text) {
  char bytes[8192];
  ssize_t length;
  while ((length = read(descriptor, bytes, sizeof bytes)) > 0)
    buffer_append(text, bytes, (size_t)length);
}

void subject_hear(struct subject_talk *talk) {
  take(talk->output, &talk->said);
  take(talk->errors, &talk->complained);
}

int subject_talk_end(struct subject_talk *talk) {
  close(talk->input);
  int status = wait_or_kill(talk->process);
  subject_hear(talk);
  close(talk->output);
  close(talk->errors);
  if (!talk->complained.bytes || !has_report(talk->complained.bytes))
    return status;
  fputs(talk->complained.bytes, stderr);
  return -1;
}

void subject_forget(struct subject_talk *talk) {
  buffer_free(&talk->said);
  buffer_free(&talk->complained);
}

const char *subject_todo(const struct subject_talk *talk) {
  static char line[160];
  const char *found = talk->complained.bytes ? strstr(talk->complained.bytes, "TODO ") : NULL;
  if (!found)
    return NULL;
  snprintf(line, sizeof line, "%.*s", (int)strcspn(found, "\n"), found);
  return line;
}
