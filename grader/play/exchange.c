/* exchange: see exchange.h. */
#include "grader/play/exchange.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/listener.h"
#include "grader/play/port.h"
#include "grader/words/quote.h"

/* A program that sleeps this long while nobody sends it anything will sleep for ever. */
static const double QUIET_SECONDS = 1.0;

/* For a program that is never quiet. */
static const double LIMIT_SECONDS = 20.0;
static const double MOST_SECONDS = 50.0; /* with all extensions */

/* The limits of a lab's program. A right program uses a tenth of this processor time, so a program
 * that computes instead of waiting is soon found, however busy the machine is. It uses a sixth of
 * this memory, at most; AddressSanitizer alone may keep half of it, for blocks that were freed. */
static const struct program_limits limits = {
    .memory = (size_t)512 << 20,
    .processes = 32,
    .cpu_seconds = 1,
    .file_size = (size_t)64 << 20,
    .output = (size_t)8 << 20,
};

enum { TICK_MS = 10 };

/* --- Beginning and end ------------------------------------------------------------------------ */

/* However often it is extended: at CHECK_TIMEOUT_SECONDS (check_run.h) Criterion ends the process,
 * and that would be the grader's fault. */
static void bound_deadline(struct exchange *exchange) {
  double last = exchange->began + MOST_SECONDS * 1e3;
  if (exchange->deadline > last)
    exchange->deadline = last;
}

/* The loop wakes up. If that comes late, the machine is busy, and the program waits for its turn as
 * we do: do not count this time. */
static void on_tick(uv_timer_t *timer) {
  struct exchange *exchange = timer->data;
  double now = recording_clock();
  double late = now - exchange->ticked - 2 * TICK_MS;
  if (late > 0)
    exchange->deadline += late;
  bound_deadline(exchange);
  exchange->ticked = now;
}

int exchange_init(struct exchange *exchange, const struct check *check) {
  *exchange = (struct exchange){.check = check, .lab = labs_find(check->lab)};
  finding_init(&exchange->finding);
  recording_begin(&exchange->recording);
  if (getenv(CHECK_PCAP))
    exchange->pcap = pcap_new();
  exchange->began = recording_clock();
  exchange_extend(exchange);
  const char *seed = getenv(CHECK_SEED);
  if (!exchange->lab ||
      chance_begin(&exchange->chance, seed ? seed : "1", check->lab, check->id) != 0 ||
      chance_begin(&exchange->noise, seed ? seed : "1", "noise", check->id) != 0 ||
      chance_begin(&exchange->requests, seed ? seed : "1", "requests", check->id) != 0 ||
      chance_begin(&exchange->zones, seed ? seed : "1", "zones", check->id) != 0 ||
      uv_loop_init(&exchange->loop) != 0)
    return -1;
  uv_timer_init(&exchange->loop, &exchange->tick);
  exchange->tick.data = exchange;
  exchange->ticked = recording_clock();
  uv_timer_start(&exchange->tick, on_tick, TICK_MS, TICK_MS);
  return 0;
}

static void free_arguments(struct exchange *exchange) {
  for (size_t i = 0; i < exchange->argument_count; i++)
    free(exchange->arguments[i]);
  exchange->argument_count = 0;
}

void exchange_free(struct exchange *exchange) {
  listener_free(exchange->listener);
  SSL_CTX_free(exchange->tls);
  server_free(exchange->reference);
  program_free(exchange->program);
  uv_close((uv_handle_t *)&exchange->tick, NULL);
  uv_run(&exchange->loop, UV_RUN_DEFAULT);
  uv_loop_close(&exchange->loop);
  recording_free(&exchange->recording);
  pcap_free(exchange->pcap);
  free_arguments(exchange);
  finding_free(&exchange->finding);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

/* The program is gone: what it has sent is in the sockets' buffers. Read until
 * nothing more comes. */
static void drain(struct exchange *exchange) {
  for (int quiet = 0; quiet < 3; quiet++) {
    size_t before = exchange->recording.count;
    uv_run(&exchange->loop, UV_RUN_NOWAIT);
    if (exchange->recording.count != before)
      quiet = 0;
  }
}

void exchange_touch(struct exchange *exchange) {
  exchange->touched = recording_clock();
}

void exchange_give(struct exchange *exchange) {
  exchange_touch(exchange);
  exchange->given = exchange->touched;
}

void exchange_extend(struct exchange *exchange) {
  exchange->deadline = recording_clock() + LIMIT_SECONDS * 1e3;
  bound_deadline(exchange);
}

bool exchange_is_over(const struct exchange *exchange) {
  return recording_clock() > exchange->began + MOST_SECONDS * 1e3;
}

double exchange_idle(const struct exchange *exchange) {
  bool is_new = exchange->program && program_asleep_since(exchange->program) >= exchange->given;
  return is_new ? program_idle(exchange->program) : 0;
}

bool exchange_is_quiet(const struct exchange *exchange) {
  return exchange->program && program_idle(exchange->program) >= QUIET_SECONDS &&
         recording_clock() - exchange->touched >= QUIET_SECONDS * 1e3 &&
         !(exchange->is_sending && exchange->is_sending(exchange));
}

/* Nothing moves any more. But perhaps the grader itself could not run: then read what has arrived
 * meanwhile, which may move something. */
static bool is_still_quiet(struct exchange *exchange) {
  if (!exchange_is_quiet(exchange))
    return false;
  uv_run(&exchange->loop, UV_RUN_NOWAIT);
  return exchange_is_quiet(exchange);
}

bool exchange_await(struct exchange *exchange, bool (*condition)(void *argument), void *argument) {
  while (!condition(argument)) {
    if (exchange->program && program_ended(exchange->program)) {
      drain(exchange);
      return condition(argument);
    }
    if (is_still_quiet(exchange) || recording_clock() > exchange->deadline ||
        recording_is_full(&exchange->recording))
      return condition(argument);
    uv_run(&exchange->loop, UV_RUN_ONCE);
    if (exchange->out_of_memory)
      exchange_fault(exchange, "out of memory");
  }
  return true;
}

/* A pause, and what would end it early. */
struct pause {
  struct exchange *exchange;
  double seconds;
  double deadline; /* for a program that is never seen asleep */
  bool (*condition)(void *argument);
  void *argument;
};

static bool is_pause_over(void *argument) {
  const struct pause *pause = argument;
  exchange_touch(pause->exchange); /* it may be longer than QUIET_SECONDS */
  return pause->condition(pause->argument) || exchange_idle(pause->exchange) >= pause->seconds ||
         recording_clock() > pause->deadline;
}

/* Most pauses are short. A long one is longer than QUIET_SECONDS, so whoever acts only after such a
 * time acts too late elsewhere. */
static uint64_t draw_pause(struct chance *chance) {
  enum { LEAST = 150, MOST = 400, LONG = 1050, LONG_IN = 4 };
  if (chance_next(chance) % LONG_IN == 0)
    return LONG;
  return LEAST + chance_next(chance) % (MOST - LEAST + 1);
}

bool exchange_pause(struct exchange *exchange, bool (*condition)(void *argument), void *argument) {
  enum { TIMES = 3 };
  uint64_t milliseconds = draw_pause(&exchange->noise);
  struct pause pause = {exchange, (double)milliseconds / 1e3,
                        recording_clock() + (double)(TIMES * milliseconds), condition, argument};
  exchange_await(exchange, is_pause_over, &pause);
  return condition(argument);
}

static bool has_ended(void *argument) {
  struct exchange *exchange = argument;
  return program_ended(exchange->program);
}

bool exchange_await_end(struct exchange *exchange) {
  return exchange_await(exchange, has_ended, exchange);
}

void exchange_wait_for_end(struct exchange *exchange) {
  if (exchange_await_end(exchange))
    return;
  exchange->finding.section = ""; /* this is about the program, not about HTTP/2 */
  exchange_fail_at(exchange, -1, "your program ends", NULL,
                   "program-does-not-end| Your program does not end.");
}

/* --- The program ------------------------------------------------------------------------------ */

const char *exchange_host(const struct exchange *exchange) {
  return exchange->host ? exchange->host : "localhost";
}

const char *exchange_scheme(const struct exchange *exchange) {
  return exchange->lab->tls ? "https" : "http";
}

void exchange_use_tls(struct exchange *exchange, SSL_CTX *tls) {
  SSL_CTX_free(exchange->tls);
  exchange->tls = tls;
}

/* Copy the check's arguments: they may be gone when the command line is shown. */
static void add_argument(struct exchange *exchange, const char *argument) {
  char *copy = strdup(argument);
  if (!copy || exchange->argument_count == EXCHANGE_ARGUMENTS - 1)
    exchange_fault(exchange, "too many arguments for the program");
  exchange->arguments[exchange->argument_count++] = copy;
  exchange->arguments[exchange->argument_count] = NULL;
}

static void on_change(struct program *program, void *user) {
  struct exchange *exchange = user;
  printed_look(&exchange->printed, program, recording_clock() - exchange->recording.started);
}

/* A time zone that is never GMT: each start has another, 1 to 12 hours to the west or to the east,
 * so that a program which takes local time for GMT is wrong on every machine. */
static void draw_zone(struct exchange *exchange) {
  enum { LEAST = 60, MOST = 12 * 60 };
  int minutes = LEAST + (int)(chance_next(&exchange->zones) % (MOST - LEAST + 1));
  bool is_west = chance_next(&exchange->zones) % 2 == 0;
  exchange->zone = is_west ? -minutes : minutes;
  snprintf(exchange->zone_text, sizeof exchange->zone_text, "TZ=LAB%c%d:%02d", is_west ? '+' : '-',
           minutes / 60, minutes % 60); /* POSIX counts to the west */
}

/* Start the program with the arguments that were added after its path. */
static void start(struct exchange *exchange) {
  static const char probe[] = PROBE_FILE "=" PROGRAM_PROBE;
  char settings[PATH_MAX];
  const char *const environment[] = {settings, "SSL_CERT_DIR=.", probe, exchange->zone_text, NULL};
  draw_zone(exchange);
  /* The system's settings for TLS must not hide a setting that the program forgets. */
  snprintf(settings, sizeof settings, "OPENSSL_CONF=%s",
           exchange->settings ? exchange->settings : "/dev/null");
  const char *guard = getenv(CHECK_GUARD);
  if (!guard)
    exchange_fault(exchange, CHECK_GUARD " is not set: run the grader itself");
  ran_add(&exchange->ran, exchange->program);
  if (exchange->program && program_end(exchange->program, NULL) == PROGRAM_EXITED)
    exchange_extend(exchange);     /* that one was slow perhaps, and this is another */
  program_free(exchange->program); /* of an earlier start, if any */
  exchange->started = time(NULL);
  exchange->printed.count = 0;
  struct program_limits with_options = limits;
  with_options.order = exchange->fails ? exchange->fails : "";
  with_options.file = exchange->settings;
  with_options.any_language = getenv(CHECK_ANY_LANGUAGE) != NULL;
  exchange->program =
      program_start(&exchange->loop, guard, (const char *const *)exchange->arguments, environment,
                    &with_options, on_change, exchange);
  if (!exchange->program)
    exchange_fault(exchange, "the guard cannot be started");
}

/* The first argument: the program's path. */
static void add_program(struct exchange *exchange, const char *name) {
  char path[4096];
  const char *folder = getenv(CHECK_PROGRAMS);
  if (!folder)
    exchange_fault(exchange, CHECK_PROGRAMS " is not set: run the grader itself");
  snprintf(path, sizeof path, "%s/%s/%s", folder, exchange->lab->folder, name);
  free_arguments(exchange);
  add_argument(exchange, path);
}

static void add_arguments(struct exchange *exchange, va_list arguments) {
  const char *argument;
  while ((argument = va_arg(arguments, const char *)))
    add_argument(exchange, argument);
}

int64_t exchange_failed_calls(const struct exchange *exchange) {
  struct probe probe;
  return program_probe(exchange->program, &probe) ? probe.failed : 0;
}

bool exchange_has_failed_call(const struct exchange *exchange) {
  return exchange_failed_calls(exchange) > 0;
}

bool exchange_expect_failed_call(struct exchange *exchange) {
  struct probe probe;
  if (program_probe(exchange->program, &probe) || getenv(CHECK_ANY_LANGUAGE))
    return exchange_has_failed_call(exchange);
  /* We linked it, with common/inner/probe.c. But a program that was stopped may not have begun. */
  exchange_wait_for_end(exchange);
  if (program_end(exchange->program, NULL) != PROGRAM_EXITED)
    exchange_fail_at(exchange, -1, "your program ends by itself", NULL,
                     "ends-not-by-itself| Your program does not end by itself.");
  exchange_fail_at(exchange, -1, "the file of the probe, by which a call can fail", "no such file",
                   "probe-switched-off| Your program has switched off the probe, by which the "
                   "grader makes a call fail (common/inner/probe.h): so this check cannot be "
                   "passed.");
}

void exchange_fail_ignored_call(struct exchange *exchange, const char *call, const char *seen) {
  size_t told;
  struct probe probe;
  program_stderr(exchange->program, &told);
  bool returned = program_probe(exchange->program, &probe) && probe.returned != 0;
  if (returned && labs_todos(exchange->lab).feed) {
    finding_blame(&exchange->finding, labs_todos(exchange->lab).feed);
    exchange_fail_at(exchange, -1, "an error, the end of the connection, and status 1", seen,
                     "failed-feed-goes-on| When %s fails, your callback returns an error, and so "
                     "nghttp2_session_mem_recv fails. After that, your program goes on: call fail, "
                     "close the transport, and return.",
                     call);
  }
  if (returned && probe.returned > NGHTTP2_ERR_FATAL)
    exchange_fail_at(exchange, -1, "an error, and status 1", seen,
                     "failed-call-other-code| When %s fails, your callback returns %jd: nghttp2 "
                     "takes that for no failure here; return NGHTTP2_ERR_CALLBACK_FAILURE.",
                     call, (intmax_t)probe.returned);
  if (told > 0)
    exchange_fail_at(exchange, -1, "an error, the end of the connection, and status 1", seen,
                     "failed-call-only-told| When %s fails, your program prints an error, and goes "
                     "on as if it had worked: close the connection, and return.",
                     call);
  exchange_fail_at(exchange, -1, "an error, and status 1", seen,
                   "failed-call-ignored| When %s fails, your program goes on as if it had worked: "
                   "what does the call return?",
                   call);
}

static void start_list(struct exchange *exchange, const char *name, va_list arguments) {
  add_program(exchange, name);
  add_arguments(exchange, arguments);
  start(exchange);
}

void exchange_start(struct exchange *exchange, const char *name, ...) {
  va_list arguments;
  va_start(arguments, name);
  start_list(exchange, name, arguments);
  va_end(arguments);
}

void exchange_start_with(struct exchange *exchange, const char *name,
                         const char *const *arguments) {
  add_program(exchange, name);
  for (; *arguments; arguments++)
    add_argument(exchange, *arguments);
  start(exchange);
}

/* The line that a server prints once it is ready; the port comes after it. */
static bool is_listening(void *argument) {
  struct exchange *exchange = argument;
  char place[64];
  snprintf(place, sizeof place, "listening on %s://localhost:", exchange_scheme(exchange));
  const char *line = strstr(program_stdout(exchange->program, NULL), place);
  return line && strchr(line, '\n') && sscanf(line + strlen(place), "%d\n", &exchange->port) == 1;
}

/* Start `name` with "--port PORT" and these arguments. */
static void start_at(struct exchange *exchange, const char *name, int port, va_list arguments) {
  char number[16];
  snprintf(number, sizeof number, "%d", port);
  add_program(exchange, name);
  add_argument(exchange, "--port");
  add_argument(exchange, number);
  add_arguments(exchange, arguments);
  start(exchange);
}

/* The server says where it listens: at `port`, or anywhere if that is 0. */
static void expect_listening(struct exchange *exchange, int port) {
  exchange->port = 0;
  bool listens = exchange_await(exchange, is_listening, exchange) && exchange->port > 0;
  /* It might name the port of another program that is graded at the same time. */
  if (listens && !getenv(CHECK_ANY_LANGUAGE) &&
      program_listens_not(exchange->program, exchange->port))
    exchange_fail_at(exchange, -1, "a socket of your program at the port that it names", "none",
                     "port-of-another| Your server does not listen at the port that it names.");
  if (listens && (port == 0 || port == exchange->port))
    return;
  struct buffer seen = {0};
  size_t length;
  const char *output = program_stdout(exchange->program, &length);
  quote_text(&seen, output, length);
  char expected[64];
  snprintf(expected, sizeof expected, "listening on %s://localhost:%.*d%s",
           exchange_scheme(exchange), port != 0, port, port == 0 ? "PORT" : "");
  exchange_fail_at(exchange, -1, expected, length ? seen.bytes : NULL,
                   listens ? "listens-at-another-port| Your server listens at another port than "
                             "--port says."
                           : "not-say-where-listens| Your server does not say where it listens.");
}

/* A free port, below those that most systems give to whoever connects. */
static int choose_port(struct exchange *exchange) {
  enum { LEAST = 2000, COUNT = 30000, TIMES = 100 };
  for (int i = 0; i < TIMES; i++) {
    int port = LEAST + (int)(chance_next(&exchange->noise) % COUNT);
    if (port_is_free(port))
      return port;
  }
  exchange_fault(exchange, "no free port");
}

static bool listens_or_has_ended(void *argument) {
  return is_listening(argument) || has_ended(argument);
}

/* Start `name` at a port that is free. Another grader may take the port before the program does, or
 * be looking whether it is free: then the program says so, and gets another port. Returns the
 * port. */
static int start_at_free_port(struct exchange *exchange, const char *name, va_list arguments) {
  enum { TIMES = 3 };
  for (int i = 1;; i++) {
    int port = choose_port(exchange);
    va_list copy;
    va_copy(copy, arguments);
    start_at(exchange, name, port, copy);
    va_end(copy);
    exchange_await(exchange, listens_or_has_ended, exchange);
    if (i == TIMES || !program_ended(exchange->program) ||
        !strcasestr(program_stderr(exchange->program, NULL), "in use"))
      return port;
  }
}

void exchange_start_server(struct exchange *exchange, const char *name, ...) {
  enum { ANY_IN = 8 }; /* mostly a port: so it is where nobody grades */
  int port = 0;
  va_list arguments;
  va_start(arguments, name);
  if (chance_next(&exchange->noise) % ANY_IN == 0)
    start_at(exchange, name, 0, arguments);
  else
    port = start_at_free_port(exchange, name, arguments);
  va_end(arguments);
  expect_listening(exchange, port);
}

void exchange_start_server_at_port(struct exchange *exchange, const char *name, ...) {
  va_list arguments;
  va_start(arguments, name);
  int port = start_at_free_port(exchange, name, arguments);
  va_end(arguments);
  expect_listening(exchange, port);
}

/* The port of the first "localhost:PORT" in a text; 0 if there is none. */
static int named_port(const char *text) {
  const char *place = strstr(text, "localhost:");
  return place ? atoi(place + strlen("localhost:")) : 0;
}

/* The port at which the program wanted to listen; 0 if it does not say so. */
static int asked_port(const struct exchange *exchange) {
  struct probe probe;
  return program_probe(exchange->program, &probe) && probe.port > 0
             ? (int)probe.port
             : named_port(program_stderr(exchange->program, NULL));
}

void exchange_expect_default_port(struct exchange *exchange, const char *name, int port) {
  add_program(exchange, name);
  start(exchange);
  exchange->port = 0;
  exchange_await(exchange, listens_or_has_ended, exchange);
  const char *error = program_stderr(exchange->program, NULL);
  int seen = exchange->port > 0 ? exchange->port : asked_port(exchange);
  if (seen != 0 && seen != port) {
    char expected[64];
    snprintf(expected, sizeof expected, "%s://localhost:%d", exchange_scheme(exchange), port);
    exchange_fail_at(exchange, -1, expected, exchange->port > 0 ? NULL : error,
                     "default-port-other| Without --port, your server listens at port %d.", seen);
  }
  if (exchange->port > 0)
    exchange_end_server(exchange);
  else /* somebody has that port, or the sandbox keeps it */
    exchange_expect_error(exchange, 0);
}

void exchange_expect_port_taken(struct exchange *exchange, const char *name, ...) {
  va_list arguments;
  struct port port;
  if (port_hold(&port) != 0)
    exchange_fault(exchange, "no free port");
  va_start(arguments, name);
  start_at(exchange, name, port.number, arguments);
  va_end(arguments);
  exchange_expect_error(exchange, 0);
  port_release(&port);
}

void exchange_expect_usage(struct exchange *exchange, const char *name, ...) {
  va_list arguments;
  va_start(arguments, name);
  start_list(exchange, name, arguments);
  va_end(arguments);
  exchange_expect_error(exchange, 2);
}

void exchange_end_server(struct exchange *exchange) {
  exchange_end_server_by(exchange, SIGTERM);
}

int exchange_signal(struct exchange *exchange, int signal) {
  exchange_give(exchange);
  return program_signal(exchange->program, signal);
}

void exchange_end_server_by(struct exchange *exchange, int signal) {
  if (exchange_signal(exchange, signal) != 0)
    exchange_fail(exchange, "ended-before-told| Your server ended before it was told to.");
  exchange_wait_for_end(exchange);
  int code = -1;
  enum program_end end = program_end(exchange->program, &code);
  if (end == PROGRAM_EXITED && code == 0 && !*program_sanitizer_report(exchange->program))
    return;
  exchange->finding.section = "";
  exchange_fail_at(exchange, -1, "exit status 0", NULL,
                   "server-ends-badly-after-signal| Your server did not exit cleanly after SIG%s.",
                   sigabbrev_np(signal));
}

void exchange_let_server_end(struct exchange *exchange) {
  if (!program_ended(exchange->program) && exchange_signal(exchange, SIGTERM) == 0)
    exchange_await_end(exchange);
}

void exchange_expect_status(struct exchange *exchange, int status) {
  exchange_wait_for_end(exchange);
  int code = -1;
  enum program_end end = program_end(exchange->program, &code);
  if (end == PROGRAM_EXITED && code == status && !*program_sanitizer_report(exchange->program))
    return;
  char expected[64];
  snprintf(expected, sizeof expected, "exit status %d", status);
  exchange_fail_at(
      exchange, -1, expected, NULL,
      status == 0 ? "everything-still-failed| The exchange succeeded, but your program exited with "
                    "an error."
                  : "not-end-status-says-happened| Your program exited with the wrong status.");
}

void exchange_expect_output(struct exchange *exchange, const char *what, const void *bytes,
                            size_t length) {
  exchange_wait_for_end(exchange);
  size_t seen_length;
  const char *seen = program_stdout(exchange->program, &seen_length);
  if (seen_length == length && memcmp(seen, bytes, length) == 0)
    return;
  size_t told;
  const char *error = program_stderr(exchange->program, &told);
  if (seen_length == 0 && length > 0 && memmem(error, told, bytes, length))
    exchange_fail_at(exchange, -1, "this on standard output", "it is on standard error",
                     "output-on-standard-error| Your program prints on standard error what belongs "
                     "on standard output.");
  struct buffer expected = {0};
  struct buffer found = {0};
  quote_difference(bytes, length, seen, seen_length, &expected, &found);
  exchange_fail_at(exchange, -1, expected.bytes, found.bytes, "%s", what);
}

void exchange_expect_silence(struct exchange *exchange) {
  size_t length;
  const char *text = program_stderr(exchange->program, &length);
  if (length == 0)
    return;
  exchange_fail_at(exchange, -1, "nothing on standard error", NULL,
                   "noise-on-standard-error| Your program prints to standard error, though nothing "
                   "has gone wrong: \"%.*s\".",
                   (int)strcspn(text, "\n"), text);
}

void exchange_append_body(struct buffer *output, const void *body, size_t length) {
  buffer_append(output, body, length);
  if (length > 0 && ((const char *)body)[length - 1] != '\n')
    buffer_append_text(output, "\n");
}

/* The name that a program must put before its errors. */
static const char *program_name(const struct exchange *exchange) {
  const char *slash = strrchr(exchange->arguments[0], '/');
  return slash ? slash + 1 : exchange->arguments[0];
}

/* Fail if the program has printed several errors, each on a line with its name. */
static void expect_one_error(struct exchange *exchange, const char *text, const char *name) {
  size_t first = strcspn(text, "\n") + 1;
  size_t lines = 0;
  bool same = true;
  for (const char *line = text; *line; line += strcspn(line, "\n") + 1, lines++) {
    if (strncmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ':' || !strchr(line, '\n'))
      return;
    same = same && strncmp(line, text, first) == 0;
  }
  if (lines < 2)
    return;
  exchange_fail_at(exchange, -1, "one error, on one line", text,
                   same ? "error-told-again| Your program prints the same error %zu times."
                        : "error-after-error| Your program prints %zu errors, not one: it goes on "
                          "after the first, or reports the same again in other words.",
                   lines);
}

void exchange_expect_error(struct exchange *exchange, int other) {
  exchange_wait_for_end(exchange);
  int code = -1;
  enum program_end end = program_end(exchange->program, &code);
  bool right_status = end == PROGRAM_EXITED && code == (other != 0 ? other : 1);
  if (!right_status || *program_sanitizer_report(exchange->program))
    exchange_fail_at(
        exchange, -1, other == 2 ? "the usage line, and exit status 2" : "exit status 1", NULL,
        other == 2 ? "wrong-usage-other-status| Your program was called with wrong arguments, but "
                     "its exit status does not say so."
                   : "not-say-exit-status-failed| Your program failed, but its exit status does "
                     "not say so.");
  size_t length;
  const char *text = program_stderr(exchange->program, &length);
  const char *newline = memchr(text, '\n', length);
  const char *name = program_name(exchange);
  bool one_line = newline && newline == text + length - 1;
  bool named = strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == ':';
  bool usage = other != 0 && strncmp(text, "usage: ", 7) == 0;
  if (one_line && (named || usage))
    return;
  expect_one_error(exchange, text, name);
  struct buffer seen = {0};
  quote_message(&seen, text, length);
  char expected[64];
  snprintf(expected, sizeof expected, "one line on standard error: \"%s: what: why\"", name);
  exchange_fail_at(
      exchange, -1, expected, length ? seen.bytes : "nothing", "%s",
      length == 0 ? "failed-not-say-why| Your program failed, but did not say why."
      : one_line  ? "error-without-program-name| The error does not begin with the program's name."
                  : "not-say-one-line-went| Your program did not say in one line what went wrong.");
}

void exchange_expect_error_about(struct exchange *exchange, const char *what) {
  exchange_expect_error(exchange, 0);
  if (strstr(program_stderr(exchange->program, NULL), what))
    return;
  const char *name = *what == '/' ? strrchr(what, '/') + 1 : what; /* a path is long */
  char expected[4096];
  snprintf(expected, sizeof expected, "%s: %s%s: why", program_name(exchange),
           *what == '/' && *name ? ".../" : "", *name ? name : what);
  exchange_fail_at(exchange, -1, expected, NULL,
                   "error-about-nothing| The error does not name the URL or the file.");
}

/* Whether one of the numbers in the text is this one: 11, 0xb, but not the 1 of h1. */
static bool has_number(const char *text, uint32_t number) {
  for (const char *next = text; *next; next++) {
    char *end = NULL;
    if (!isdigit((unsigned char)*next) || (next > text && isalnum((unsigned char)next[-1])))
      continue;
    if (strtoul(next, &end, 0) == number)
      return true;
    next = end - 1;
  }
  return false;
}

/* What standard error says on the line with `what`, behind it; free it. NULL: no memory. */
static char *copy_why(const struct exchange *exchange, const char *what) {
  const char *text = program_stderr(exchange->program, NULL);
  const char *place = strstr(text, what);
  const char *line = place ? place + strlen(what) : text;
  return strndup(line, strcspn(line, "\n"));
}

bool exchange_names_error(const struct exchange *exchange, const char *what, uint32_t error_code) {
  char *why = copy_why(exchange, what);
  if (!why)
    return false;
  bool named = strcasestr(why, nghttp2_http2_strerror(error_code)) || has_number(why, error_code);
  free(why);
  return named;
}

/* Whether the name is in the text, as a word of its own: not CANCEL in "cancelled". */
static bool has_word(const char *text, const char *name) {
  for (const char *found = text; (found = strcasestr(found, name)); found++) {
    int before = found == text ? ' ' : (unsigned char)found[-1];
    int behind = (unsigned char)found[strlen(name)];
    if (!isalnum(before) && before != '_' && !isalnum(behind) && behind != '_')
      return true;
  }
  return false;
}

/* Whether a line names several error codes, by which it says nothing. A line may have two other
 * numbers, such as a stream's and "HTTP/2". */
static bool names_several(const char *why) {
  enum { OTHERS = 2 };
  int words = 0;
  int numbers = 0;
  for (uint32_t code = NGHTTP2_PROTOCOL_ERROR; code <= NGHTTP2_HTTP_1_1_REQUIRED; code++) {
    words += has_word(why, nghttp2_http2_strerror(code));
    numbers += has_number(why, code);
  }
  return words > 1 || numbers > 1 + OTHERS;
}

void exchange_expect_named(struct exchange *exchange, const char *what, uint32_t error_code,
                           const char *expected, const char *what_is_wrong) {
  char *why = copy_why(exchange, what);
  if (!why)
    exchange_fault(exchange, "out of memory");
  if (names_several(why))
    exchange_fail_at(exchange, -1, expected, why,
                     "error-names-several-codes| Your program names several error codes in one "
                     "line, so nobody knows which.");
  if (!exchange_names_error(exchange, what, error_code))
    exchange_fail_at(exchange, -1, expected, why, "%s", what_is_wrong);
  free(why);
}

/* --- Chance ----------------------------------------------------------------------------------- */

uint32_t exchange_random(struct exchange *exchange, uint32_t below) {
  return (uint32_t)(chance_next(&exchange->chance) % below);
}

void exchange_shuffle(struct exchange *exchange, size_t *order, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t place = chance_next(&exchange->noise) % (i + 1);
    order[i] = order[place];
    order[place] = i;
  }
}

void exchange_random_octets(struct exchange *exchange, void *octets, size_t length) {
  for (size_t done = 0; done < length; done += sizeof(uint64_t)) {
    uint64_t value = chance_next(&exchange->chance);
    size_t rest = length - done;
    memcpy((char *)octets + done, &value, rest < sizeof value ? rest : sizeof value);
  }
}

char *exchange_random_text(struct exchange *exchange, char *text, size_t length) {
  uint64_t letters = 0;
  for (size_t i = 0; i < length; i++) {
    if (i % 8 == 0)
      letters = chance_next(&exchange->chance);
    text[i] = (char)('a' + letters % 26);
    letters /= 26;
  }
  text[length] = '\0';
  return text;
}

/* --- Credit ----------------------------------------------------------------------------------- */

void exchange_earn(struct exchange *exchange) {
  exchange->earned = true;
}

/* --- Failure ---------------------------------------------------------------------------------- */

void exchange_fault(struct exchange *exchange, const char *why) {
  exchange->verdict = VERDICT_GRADER_FAULT;
  buffer_append_text(&exchange->finding.what, why);
  longjmp(exchange->stop, 1);
}

/* Whether two texts differ only by white space. */
static bool same_but_space(const char *left, const char *right) {
  for (; *left || *right; left++, right++) {
    left += strspn(left, " \t\r\n");
    right += strspn(right, " \t\r\n");
    if (*left != *right)
      return false;
    if (!*left)
      return true;
  }
  return true;
}

/* Append a text of the finding. Quote what nobody could see otherwise: white space, and where a
 * long text ends. */
static void append_text(struct buffer *text, const char *words, bool quoted) {
  enum { LONG = 240 };
  if (quoted || strlen(words) > LONG || strpbrk(words, "\t\r\n"))
    quote_message(text, words, strlen(words));
  else
    buffer_append_text(text, words);
}

static _Noreturn void fail(struct exchange *exchange, long frame, const char *expected,
                           const char *seen, const char *what) {
  struct finding *finding = &exchange->finding;
  exchange->verdict = VERDICT_FAILED;
  finding->frame = frame;
  finding_say(finding, what);
  assert(*finding->id); /* every failure has one: "no-goaway| Your program ..." */
  bool shown = expected && strchr(expected, '"'); /* it is quoted already: nothing is hidden */
  bool quoted = expected && seen && !shown && same_but_space(expected, seen);
  append_text(&finding->expected, expected ? expected : "", quoted);
  append_text(&finding->seen, seen ? seen : "", quoted);
  if (!seen && frame >= 0 && exchange->recording.entries[frame].frame)
    quote_frame(&finding->seen, exchange->recording.entries[frame].frame);
  longjmp(exchange->stop, 1);
}

void exchange_fail(struct exchange *exchange, const char *what, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, what);
  vsnprintf(text, sizeof text, what, arguments);
  va_end(arguments);
  fail(exchange, -1, NULL, NULL, text);
}

void exchange_fail_at(struct exchange *exchange, long frame, const char *expected, const char *seen,
                      const char *what, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, what);
  vsnprintf(text, sizeof text, what, arguments);
  va_end(arguments);
  fail(exchange, frame, expected, seen, text);
}
