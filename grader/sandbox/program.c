/* program: see program.h. guard.c has the guard's work and its messages. */
#include "grader/sandbox/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buffer.h"
#include "grader/sandbox/ending.h"
#include "grader/sandbox/guard_command.h"
#include "grader/sandbox/listening.h"
#include "grader/sandbox/remove.h"
#include "grader/sandbox/sanitizer.h"

enum { MIB = 1 << 20 };

const struct program_limits program_default_limits = {
    .memory = 1024UL * MIB,
    .processes = 32,
    .cpu_seconds = 10,
    .file_size = 64 * MIB,
    .output = 32 * MIB,
};

struct output {
  uv_pipe_t pipe;
  struct buffer bytes;
  bool ended;
};

struct program {
  uv_loop_t *loop;
  uv_process_t guard;
  uv_pipe_t socket; /* to the guard */
  struct output output, error;
  int handles;    /* how many of these four are open */
  bool abandoned; /* nobody waits: free it with the last handle */
  bool guard_ended, guard_failed;
  bool stopping;   /* the guard has been told */
  bool is_watched; /* by LeakSanitizer, and by a probe that says whether it has looked */

  struct program_limits limits;
  char directory[PATH_MAX];
  char key[PROBE_KEY + 1]; /* the probe says it when LeakSanitizer has looked; "" without one */
  void (*on_change)(struct program *program, void *user);
  void *user;

  pid_t pid;
  double idle, asleep_since;
  struct ending ending; /* as far as is known */
  bool gone;            /* and the guard said that nothing is left */
  bool ended;           /* and all output has been read */
  struct buffer report;

  char chunk[65536]; /* what is being read */
  char line[256];    /* what has arrived of the guard's line */
  size_t line_length;
};

static void changed(struct program *program) {
  if (program->on_change != NULL)
    program->on_change(program, program->user);
}

/* ---- the end ---- */

/* The guard cannot help any more: without it, kill the process group. */
static void lose(struct program *program) {
  if (program->pid > 0)
    (void)kill(-program->pid, SIGKILL);
  program->output.ended = program->error.ended = true; /* another process may hold them open */
  (void)uv_read_stop((uv_stream_t *)&program->output.pipe);
  (void)uv_read_stop((uv_stream_t *)&program->error.pipe);
}

static void take_end(struct program *program, const char *how) {
  struct ending ending = {0};
  ending_read(&ending, how, &program->limits);
  program->gone = true;
  if (program->ending.end == PROGRAM_RUNNING) /* it may have been stopped for printing too much */
    program->ending = ending;
  if (ending.end == PROGRAM_LOST)
    lose(program);
}

/* What is wrong with an end that has no report, because LeakSanitizer has not looked; or NULL. What
 * has the sanitizers' status has a report. */
static const char *slipped_away(const struct program *program) {
  struct probe probe;
  const struct ending *ending = &program->ending;
  if (!program->is_watched || ending->end != PROGRAM_EXITED ||
      ending->code == PROGRAM_SANITIZER_STATUS)
    return NULL;
  if (!program_probe(program, &probe))
    return "ERROR: the program has switched off the probe\n";
  return probe.looked != 0 && memcmp(&probe.looked, program->key, strlen(program->key)) == 0
             ? NULL
             : "ERROR: the program ended neither by exit nor by a return from main\n";
}

static void check_end(struct program *program) {
  if (program->ended || !program->gone || !program->output.ended || !program->error.ended)
    return;
  const struct ending *ending = &program->ending;
  bool by_sanitizer = ending->end == PROGRAM_EXITED && ending->code == PROGRAM_SANITIZER_STATUS;
  int failure =
      sanitizer_read_reports(program->directory, program->pid, by_sanitizer, &program->report);
  if (by_sanitizer && failure == 0)
    failure = sanitizer_move_report(&program->error.bytes, &program->report);
  const char *slipped = slipped_away(program);
  if (slipped != NULL && failure == 0)
    failure = buffer_append_text(&program->report, slipped);
  if (failure != 0)
    ending_lose(&program->ending, "there is no memory for its sanitizer's report");
  program->ended = true;
  program->idle = 0;
  uv_unref((uv_handle_t *)&program->guard);  /* it waits for program_free, */
  uv_unref((uv_handle_t *)&program->socket); /* for which the loop need not go on */
  changed(program);
}

/* ---- from the loop ---- */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
  struct program *program = handle->data;
  (void)size;
  *buffer = uv_buf_init(program->chunk, sizeof program->chunk);
}

static void take_output(struct program *program, struct output *output, ssize_t length) {
  size_t room = program->limits.output - output->bytes.length;
  if (length < 0) {
    output->ended = true;
    check_end(program);
    return;
  }
  if ((size_t)length <= room)
    room = (size_t)length;
  else if (program->ending.end != PROGRAM_LOST)
    ending_read(&program->ending, "limit output", &program->limits);
  if (buffer_append(&output->bytes, program->chunk, room) != 0)
    ending_lose(&program->ending, "there is no memory for its output");
  if (program->ending.end != PROGRAM_RUNNING)
    program_stop(program);
  if (room > 0)
    changed(program);
}

static void on_output(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer) {
  struct program *program = stream->data;
  (void)buffer;
  take_output(program, &program->output, length);
}

static void on_error(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer) {
  struct program *program = stream->data;
  (void)buffer;
  take_output(program, &program->error, length);
}

static void take_line(struct program *program, const char *line) {
  int milliseconds = 0;
  double since = 0;
  if (strncmp(line, "end ", 4) == 0) {
    take_end(program, line + 4);
    check_end(program);
  } else if (sscanf(line, "idle %d %lf", &milliseconds, &since) == 2) {
    program->idle = milliseconds / 1e3;
    program->asleep_since = since;
    changed(program);
  } else {
    (void)sscanf(line, "started %d", &program->pid);
  }
}

static void on_guard(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer) {
  struct program *program = stream->data;
  if (length < 0 && !program->gone) {
    take_end(program, "lost its guard was killed");
    check_end(program);
  }
  for (ssize_t i = 0; i < length; i++) {
    if (buffer->base[i] != '\n') {
      program->line[program->line_length] = buffer->base[i];
      program->line_length += program->line_length < sizeof program->line - 1;
      continue;
    }
    program->line[program->line_length] = '\0';
    program->line_length = 0;
    take_line(program, program->line);
  }
}

static void on_guard_exit(uv_process_t *process, int64_t status, int signal) {
  struct program *program = process->data;
  program->guard_ended = true;
  program->guard_failed = status != 0 || signal != 0;
}

/* ---- handles ---- */

static void release(struct program *program) {
  buffer_free(&program->output.bytes);
  buffer_free(&program->error.bytes);
  buffer_free(&program->report);
  free(program);
}

static void on_close(uv_handle_t *handle) {
  struct program *program = handle->data;
  program->handles--;
  if (program->abandoned && program->handles == 0)
    release(program);
}

/* Handles have their program as data from the moment that they must be closed. */
static void opened(struct program *program, void *handle) {
  uv_handle_set_data(handle, program);
  program->handles++;
}

static void close_handle(void *handle) {
  if (uv_handle_get_data(handle) != NULL && !uv_is_closing(handle))
    uv_close(handle, on_close);
}

static void close_pipes(struct program *program) {
  close_handle(&program->socket);
  close_handle(&program->output.pipe);
  close_handle(&program->error.pipe);
}

/* After a failure in program_start. */
static void abandon(struct program *program) {
  program->abandoned = true;
  close_pipes(program);
  close_handle(&program->guard);
  if (program->handles == 0)
    release(program);
}

/* ---- the start ---- */

static int open_output(struct program *program, struct output *output, uv_read_cb on_read,
                       uv_file *theirs) {
  uv_file ends[2];
  int failure = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
  if (failure != 0)
    return failure;
  *theirs = ends[1];
  failure = uv_pipe_init(program->loop, &output->pipe, 0);
  if (failure == 0)
    opened(program, &output->pipe);
  if (failure == 0)
    failure = uv_pipe_open(&output->pipe, ends[0]);
  if (failure != 0)
    close(ends[0]);
  return failure != 0 ? failure : uv_read_start((uv_stream_t *)&output->pipe, on_alloc, on_read);
}

static int spawn_guard(struct program *program, const struct guard_command *command) {
  uv_file theirs[2] = {-1, -1};
  int failure = open_output(program, &program->output, on_output, &theirs[0]);
  if (failure == 0)
    failure = open_output(program, &program->error, on_error, &theirs[1]);
  if (failure == 0)
    failure = uv_pipe_init(program->loop, &program->socket, 0);
  if (failure == 0) {
    opened(program, &program->socket);
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = theirs[0]},
        {.flags = UV_INHERIT_FD, .data.fd = theirs[1]},
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&program->socket},
    };
    uv_process_options_t options = {.file = command->arguments[0],
                                    .args = command->arguments,
                                    .env = command->environment.entries,
                                    .exit_cb = on_guard_exit,
                                    .stdio = stdio,
                                    .stdio_count = 4};
    failure = uv_spawn(program->loop, &program->guard, &options);
    opened(program, &program->guard);
  }
  for (int i = 0; i < 2; i++) {
    if (theirs[i] >= 0)
      close(theirs[i]);
  }
  return failure != 0 ? failure
                      : uv_read_start((uv_stream_t *)&program->socket, on_alloc, on_guard);
}

/* Whether LeakSanitizer will look at it, and a probe say so. */
static bool is_watched(const char *const environment[], const struct program_limits *limits) {
  static const char probe[] = PROBE_FILE "=" PROGRAM_PROBE;
  if (limits->any_language || !sanitizer_finds_leaks())
    return false;
  for (; environment != NULL && *environment != NULL; environment++)
    if (strcmp(*environment, probe) == 0)
      return true;
  return false;
}

struct program *program_start(uv_loop_t *loop, const char *guard, const char *const argv[],
                              const char *const environment[], const struct program_limits *limits,
                              void (*on_change)(struct program *program, void *user), void *user) {
  struct program *program = calloc(1, sizeof *program);
  if (program == NULL)
    return NULL;
  program->loop = loop;
  program->limits = limits != NULL ? *limits : program_default_limits;
  program->on_change = on_change;
  program->user = user;
  program->is_watched = is_watched(environment, &program->limits);
  struct guard_command command = {0};
  int failure = 0;
  if (guard_command_make(&command, guard, argv, environment, &program->limits) != 0)
    failure = errno;
  memcpy(program->directory, command.directory, sizeof command.directory);
  memcpy(program->key, command.key, sizeof command.key);
  if (failure == 0)
    failure = -spawn_guard(program, &command);
  guard_command_free(&command);
  if (failure == 0)
    return program;
  abandon(program);
  errno = failure;
  return NULL;
}

/* ---- what the caller asks and wants ---- */

/* A byte for the guard: a signal for the program, or 0 to stop it. */
static int send_command(const struct program *program, int byte) {
  char text = (char)byte;
  uv_os_fd_t socket;
  if (uv_fileno((const uv_handle_t *)&program->socket, &socket) != 0)
    return -1;
  return send(socket, &text, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

void program_stop(struct program *program) {
  if (program->gone || program->stopping)
    return;
  if (!program->guard_ended)
    (void)uv_process_kill(&program->guard, SIGCONT); /* should the program have stopped it */
  program->stopping = send_command(program, 0) == 0;
}

int program_signal(struct program *program, int signal) {
  return program->gone || signal <= 0 || signal >= NSIG ? -1 : send_command(program, signal);
}

bool program_ended(const struct program *program) {
  return program->ended;
}

enum program_end program_end(const struct program *program, int *code) {
  if (code != NULL)
    *code = program->ended ? program->ending.code : 0;
  return program->ended ? program->ending.end : PROGRAM_RUNNING;
}

const char *program_end_text(const struct program *program) {
  return program->ended ? program->ending.text : "is still running";
}

const char *program_end_id(const struct program *program) {
  return program->ended ? program->ending.id : "runs";
}

double program_idle(const struct program *program) {
  return program->idle;
}

double program_asleep_since(const struct program *program) {
  return program->asleep_since;
}

bool program_probe(const struct program *program, struct probe *probe) {
  char path[PATH_MAX + sizeof PROGRAM_PROBE];
  snprintf(path, sizeof path, "%s/" PROGRAM_PROBE, program->directory);
  int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return false;
  bool whole = read(file, probe, sizeof *probe) == (ssize_t)sizeof *probe;
  close(file);
  return whole;
}

int program_arm_probe(const struct program *program) {
  char path[PATH_MAX + sizeof PROGRAM_PROBE];
  struct stat status;
  const int64_t armed = 1;
  snprintf(path, sizeof path, "%s/" PROGRAM_PROBE, program->directory);
  int file = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0)
    return -1;
  bool done = fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
              pwrite(file, &armed, sizeof armed, offsetof(struct probe, armed)) == sizeof armed;
  return close(file) == 0 && done ? 0 : -1;
}

/* The first line of /proc/PID/NAME; "" if there is none. */
static void read_line(const struct program *program, const char *name, char line[1024]) {
  char path[64];
  line[0] = '\0';
  snprintf(path, sizeof path, "/proc/%d/%s", program->pid, name);
  FILE *file = program->pid > 0 && !program->ended ? fopen(path, "re") : NULL;
  if (file == NULL)
    return;
  if (fgets(line, 1024, file) == NULL)
    line[0] = '\0';
  fclose(file);
}

/* The kernel's name for what the process waits in. */
bool program_sleeps(const struct program *program) {
  char line[1024];
  read_line(program, "wchan", line);
  return strstr(line, "nanosleep") != NULL;
}

/* The state stands behind the name, which may contain anything: see proc(5). */
bool program_waits(const struct program *program) {
  char line[1024];
  read_line(program, "stat", line);
  const char *rest = strrchr(line, ')');
  return rest != NULL && strncmp(rest, ") S", 3) == 0;
}

bool program_listens_not(const struct program *program, int port) {
  return program->pid > 0 && !program->ended && listening_is_not_by(program->pid, port);
}

static const char *text_of(const struct buffer *buffer, size_t *length) {
  if (length != NULL)
    *length = buffer->length;
  return buffer->bytes != NULL ? buffer->bytes : "";
}

const char *program_stdout(const struct program *program, size_t *length) {
  return text_of(&program->output.bytes, length);
}

const char *program_stderr(const struct program *program, size_t *length) {
  return text_of(&program->error.bytes, length);
}

const char *program_sanitizer_report(const struct program *program) {
  return text_of(&program->report, NULL);
}

const char *program_directory(const struct program *program) {
  return program->directory;
}

void program_free(struct program *program) {
  if (program == NULL)
    return;
  program->on_change = NULL;
  uv_ref((uv_handle_t *)&program->guard);
  uv_ref((uv_handle_t *)&program->socket);
  program_stop(program);
  while (!program->ended)
    uv_run(program->loop, UV_RUN_ONCE);
  close_pipes(program); /* by which the guard knows that it can go */
  while (!program->guard_ended)
    uv_run(program->loop, UV_RUN_ONCE);
  close_handle(&program->guard);
  while (program->handles > 0)
    uv_run(program->loop, UV_RUN_ONCE);
  if (program->guard_failed) /* what is left then, enclosure_clean says */
    (void)remove_directory(program->directory, REMOVE_SECONDS);
  release(program);
}
