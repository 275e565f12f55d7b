/* The values of H2_TRACE: the ladder on stderr, a file, or `make live`. */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/tests/conversation.h"
#include "common/tests/failing.h"
#include "common/tests/frames.h"
#include "common/trace.h"

TestSuite(trace_open, .timeout = 30);

static const enum frame_sender client = FRAME_FROM_CLIENT;
static const enum frame_sender server = FRAME_FROM_SERVER;

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static const char settings[] = "\0\0\0\4\0\0\0\0\0";
static const char request[] = "\0\0\0\4\0\0\0\0\0\0\0\2\1\5\0\0\0\1\x82\x84";
enum {
  PREFACE_LENGTH = sizeof preface - 1,
  SETTINGS_LENGTH = sizeof settings - 1,
  REQUEST_LENGTH = sizeof request - 1,
};

static char directory[] = "/tmp/trace-XXXXXX";
static char file[64];
static int terminal = -1; /* the real stderr */
static int said = -1;     /* the present stderr */

/* From here on, stderr goes where stop_listening finds it. */
static void listen_to_stderr(void) {
  said = memfd_create("stderr", 0);
  terminal = dup(STDERR_FILENO);
  cr_assert_geq(dup2(said, STDERR_FILENO), 0, "no stderr");
}

/* The output on stderr meanwhile; free it. */
static char *stop_listening(void) {
  cr_assert_geq(dup2(terminal, STDERR_FILENO), 0, "no stderr");
  size_t length = (size_t)lseek(said, 0, SEEK_END);
  char *text = calloc(1, length + 1);
  cr_assert_eq(pread(said, text, length, 0), (ssize_t)length, "stderr was lost");
  close(said);
  close(terminal);
  return text;
}

static void expect_said(const char *expected) {
  char *text = stop_listening();
  cr_assert_str_eq(text, expected, "'%s', not '%s'", text, expected);
  free(text);
}

static void begin(void) {
  setenv("LC_ALL", "C", 1);
  setenv("COLUMNS", "80", 1);
  cr_assert_not_null(mkdtemp(directory), "no directory");
  snprintf(file, sizeof file, "%s/trace.json", directory);
}

static void end(void) {
  unlink(file);
  rmdir(directory);
}

/* --- Nothing ---------------------------------------------------------------------------------- */

static void expect_nothing(void) {
  listen_to_stderr();
  struct trace *trace = trace_open();
  trace_bytes(trace, client, preface, PREFACE_LENGTH);
  trace_note(trace, "connected");
  trace_end(trace, "closed");
  trace_close(trace);
  expect_said("");
  cr_assert_null(trace, "a trace that nobody asked for");
}

Test(trace_open, unset, .init = begin, .fini = end) {
  unsetenv("H2_TRACE");
  expect_nothing();
}

Test(trace_open, empty, .init = begin, .fini = end) {
  setenv("H2_TRACE", "", 1);
  expect_nothing();
}

Test(trace_open, zero, .init = begin, .fini = end) {
  setenv("H2_TRACE", "0", 1);
  expect_nothing();
}

/* --- The ladder ------------------------------------------------------------------------------- */

/* Make all times 0.0, because they differ. */
static void drop_times(char *text) {
  for (char *dot = text; (dot = strchr(dot, '.')); dot++) {
    if (dot - text <= 2 || dot[2] != ' ' || dot[3] != '|')
      continue;
    for (char *digit = dot - 2; *digit >= '0' && *digit <= '9'; digit--)
      *digit = ' ';
    memcpy(dot - 1, "0.0", 3);
  }
}

/* As soon as there are two connections, lines have a number. */
Test(trace_open, ladder_of_two_connections, .init = begin, .fini = end) {
  setenv("H2_TRACE", "1", 1);
  listen_to_stderr();
  struct trace *one = trace_open();
  trace_note(one, "connected");
  trace_bytes(one, client, preface, 10);
  trace_bytes(one, client, preface + 10, PREFACE_LENGTH - 10);
  struct trace *two = trace_open();
  trace_bytes(two, server, settings, SETTINGS_LENGTH);
  trace_bytes(one, server, settings, SETTINGS_LENGTH);
  trace_bytes(two, client, preface, PREFACE_LENGTH);
  trace_bytes(two, client, request, REQUEST_LENGTH);
  trace_bytes(one, server, settings, 3);
  trace_end(two, "closed");
  trace_close(two);
  trace_close(one);
  char *text = stop_listening();
  drop_times(text);
  cr_assert_str_eq(
      text,
      "        ms client         server  stream 0: connection, others: one request each\n"
      "       0.0 |     connected     |\n"
      "       0.0 |-- preface ------->|  24 bytes\n"
      " #2    0.0 |<------ SETTINGS --|  stream 0, 0 bytes\n"
      " #1    0.0 |<------ SETTINGS --|  stream 0, 0 bytes\n"
      " #2    0.0 |-- preface ------->|  24 bytes\n"
      " #2    0.0 |-- SETTINGS ------>|  stream 0, 0 bytes\n"
      " #2    0.0 |-- HEADERS ------->|  stream 1, END_STREAM|END_HEADERS, 2 bytes\n"
      "           |                   |    :method: GET\n"
      "           |                   |    :path: /\n"
      " #2    0.0 |      closed       |  1 request on 1 connection\n"
      " #1    0.0 |                   |  server ended in the middle of a frame, after 3\n"
      "           |                   |  bytes of it\n",
      "\n%s", text);
  free(text);
}

/* The time counts from the beginning of the connection. */
Test(trace_open, time, .init = begin, .fini = end) {
  double times[2];
  setenv("H2_TRACE", file, 1);
  struct trace *trace = trace_open();
  trace_bytes(trace, server, settings, SETTINGS_LENGTH);
  usleep(20000);
  trace_bytes(trace, server, settings, SETTINGS_LENGTH);
  trace_close(trace);
  json_t *json = json_load_file(file, 0, NULL);
  for (size_t i = 0; i < 2; i++)
    times[i] = json_real_value(json_object_get(json_array_get(json, i), "ms"));
  json_decref(json);
  cr_assert(times[0] >= 0 && times[0] < 10000, "the time begins at %f ms", times[0]);
  cr_assert_geq(times[1] - times[0], 20, "%f ms for 20", times[1] - times[0]);
}

/* --- The file --------------------------------------------------------------------------------- */

/* Read the file as any reader of JSON would. Returns how many frames are in it. */
static size_t expect_valid_file(void) {
  json_error_t error;
  json_t *json = json_load_file(file, 0, &error);
  cr_assert_not_null(json, "not JSON: %s, line %d", error.text, error.line);
  cr_assert(json_is_array(json), "no array");
  size_t count = json_array_size(json);
  json_decref(json);
  return count;
}

/* After each call, byte by byte, and with two connections in turn. */
Test(trace_open, file_is_valid_after_each_call, .init = begin, .fini = end) {
  struct buffer bytes = {0};
  frames_append_text(&bytes,
                     "000006 04 00 00000000 0003 00000064 000003 01 04 00000001 88 82 84"
                     "000005 00 01 00000001 'Hello' 000008 07 00 00000000 0000000000000000");
  setenv("H2_TRACE", file, 1);
  listen_to_stderr();
  struct trace *traces[] = {trace_open(), trace_open()};
  cr_assert_eq(expect_valid_file(), 0, "frames from connections without any");
  for (size_t i = 0; i < bytes.length; i++) {
    for (size_t j = 0; j < 2; j++) {
      trace_bytes(traces[j], server, bytes.bytes + i, 1);
      expect_valid_file();
    }
  }
  trace_note(traces[0], "not in the file");
  trace_close(traces[0]);
  trace_close(traces[1]);
  cr_assert_eq(expect_valid_file(), 8, "2 times 4 frames make %zu", expect_valid_file());
  buffer_free(&bytes);
  expect_said("");
}

/* Several frames in one call, and long ones. */
Test(trace_open, file_of_a_conversation, .init = begin, .fini = end) {
  struct conversation conversation;
  struct frames frames;
  setenv("H2_TRACE", file, 1);
  conversation_hold(&conversation);
  frames_begin(&frames);
  struct trace *trace = trace_open();
  for (size_t i = 0; i < conversation.piece_count; i++) {
    const struct conversation_piece *piece = conversation_piece(&conversation, i);
    const char *part = conversation.bytes.bytes + piece->start;
    trace_bytes(trace, piece->sender, part, piece->length);
    frames_feed(&frames, piece->sender, part, piece->length);
  }
  trace_close(trace);
  cr_assert_eq(expect_valid_file(), frames.count, "not %zu frames", frames.count);
  frames_end(&frames);
  conversation_free(&conversation);
}

/* One frame a line, so that grep and diff help; the longer old file is gone. */
Test(trace_open, one_frame_a_line, .init = begin, .fini = end) {
  static char text[4096];
  FILE *old = fopen(file, "w");
  for (int i = 0; i < 1000; i++)
    fputs("old\n", old);
  fclose(old);
  setenv("H2_TRACE", file, 1);
  struct trace *trace = trace_open();
  trace_bytes(trace, client, preface, PREFACE_LENGTH);
  trace_bytes(trace, client, settings, SETTINGS_LENGTH);
  trace_close(trace);
  FILE *in = fopen(file, "r");
  text[fread(text, 1, sizeof text - 1, in)] = '\0';
  fclose(in);
  cr_assert_eq(strncmp(text, "[\n{\"connection\": 1, \"ms\": ", 26), 0, "%s", text);
  const char *second = strstr(text, "},\n{\"connection\": 1, ");
  cr_assert_not_null(second, "%s", text);
  cr_assert_str_eq(text + strlen(text) - 5, "]}\n]\n", "%s", text);
}

/* A child that is killed right after a call. */
Test(trace_open, file_is_valid_after_kill, .init = begin, .fini = end) {
  setenv("H2_TRACE", file, 1);
  for (size_t frames = 1; frames < 10; frames++) {
    pid_t child = fork();
    cr_assert_geq(child, 0, "no process");
    if (child == 0) {
      struct trace *trace = trace_open();
      for (size_t i = 0; i < frames; i++)
        trace_bytes(trace, server, settings, SETTINGS_LENGTH);
      kill(getpid(), SIGKILL);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child, "the child is lost");
    cr_assert(WIFSIGNALED(status), "the child was not killed");
    cr_assert_eq(expect_valid_file(), frames, "not %zu frames", frames);
  }
}

/* --- Failures --------------------------------------------------------------------------------- */

static void expect_failure(const char *name, const char *why) {
  char expected[256];
  snprintf(expected, sizeof expected, "%s: H2_TRACE=%s: %s\n", program_invocation_short_name, name,
           why);
  setenv("H2_TRACE", name, 1);
  listen_to_stderr();
  for (int i = 0; i < 3; i++) {
    struct trace *trace = trace_open();
    cr_assert_null(trace, "a trace to nowhere");
    trace_bytes(trace, server, settings, SETTINGS_LENGTH);
    trace_close(trace);
  }
  expect_said(expected);
}

/* The error appears once, and nothing else happens. */
Test(trace_open, file_cannot_be_opened, .init = begin, .fini = end) {
  expect_failure("/nowhere/trace.json", "No such file or directory");
}

Test(trace_open, no_space, .init = begin, .fini = end) {
  cr_assert_eq(symlink("/dev/full", file), 0, "no link");
  expect_failure(file, "No space left on device");
}

/* The disk becomes full later on: the file is still valid. */
Test(trace_open, no_space_any_more, .init = begin, .fini = end) {
  char expected[256];
  snprintf(expected, sizeof expected, "%s: H2_TRACE=%s: File too large\n",
           program_invocation_short_name, file);
  struct rlimit limit = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
  signal(SIGXFSZ, SIG_IGN);
  setenv("H2_TRACE", file, 1);
  listen_to_stderr();
  struct trace *trace = trace_open();
  setrlimit(RLIMIT_FSIZE, &limit);
  for (int i = 0; i < 20; i++)
    trace_bytes(trace, server, settings, SETTINGS_LENGTH);
  trace_close(trace);
  cr_assert_null(trace_open(), "a trace to a full disk");
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  expect_said(expected);
  cr_assert_gt(expect_valid_file(), 2, "the frames before are lost");
}

/* Each allocation fails in turn, the last one when the text of a call is complete. Frames may be
 * missing then, but the file stays valid, and later connections are in it. */
Test(trace_open, file_without_memory, .init = begin, .fini = end) {
  setenv("H2_TRACE", file, 1);
  bool failed = true;
  size_t n = 0;
  while (failed) {
    struct trace *trace = trace_open();
    cr_assert_not_null(trace, "nothing is written after allocation %zu", n);
    failing_start(++n);
    trace_bytes(trace, client, preface, PREFACE_LENGTH);
    failed = failing_stop();
    trace_bytes(trace, client, settings, SETTINGS_LENGTH);
    trace_close(trace);
    json_t *frames = json_load_file(file, 0, NULL);
    cr_assert_not_null(frames, "the file is not valid after allocation %zu has failed", n);
    json_decref(frames);
  }
  cr_assert_gt(n, 20, "only %zu allocations", n);
}

/* --- Live ------------------------------------------------------------------------------------- */

/* A socket on which somebody listens, whose name the environment gives. */
static int listen_live(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  cr_assert_lt(snprintf(address.sun_path, sizeof address.sun_path, "%s", file),
               (int)sizeof address.sun_path, "a long name");
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0, "no name");
  cr_assert_eq(listen(listener, 5), 0, "no listener");
  setenv("H2_LIVE", file, 1);
  setenv("H2_TRACE", "live", 1);
  return listener;
}

static void expect_line(FILE *in, const char *expected) {
  char line[1024] = "";
  cr_assert_not_null(fgets(line, sizeof line, in), "no line, but %s", expected);
  json_t *json = json_loads(line, 0, NULL);
  cr_assert_not_null(json, "not JSON: %s", line);
  json_object_del(json, "ms");
  json_t *wanted = json_loads(expected, 0, NULL);
  cr_assert(json_equal(json, wanted), "%s is not %s", line, expected);
  json_decref(json);
  json_decref(wanted);
}

/* One line for each frame and note, as soon as it is complete; all connections over one socket. */
Test(trace_open, live, .init = begin, .fini = end) {
  int listener = listen_live();
  struct trace *one = trace_open();
  struct trace *other = trace_open();
  FILE *in = fdopen(accept(listener, NULL, NULL), "r");
  cr_assert(one && other && in, "no trace");
  trace_addresses(one, server, "[::1]:8000", "[::1]:50312");
  expect_line(in, "{\"connection\": 1, \"side\": \"server\", \"own\": \"[::1]:8000\","
                  " \"peer\": \"[::1]:50312\"}");
  cr_assert_eq(trace_live_number(other), 2, "number %u", trace_live_number(other));
  cr_assert_eq(trace_live_number(NULL), 0, "NULL has a number");
  trace_bytes(one, server, settings, SETTINGS_LENGTH);
  expect_line(
      in, "{\"connection\": 1, \"sender\": \"server\", \"type\": \"SETTINGS\", \"flags\": [],"
          " \"stream\": 0, \"length\": 0, \"settings\": [], \"octets\": \"000000040000000000\"}");
  trace_note(other, "a \"note\"");
  expect_line(in, "{\"connection\": 2, \"note\": \"a \\\"note\\\"\"}");
  trace_end(other, "closed");
  expect_line(in, "{\"connection\": 2, \"note\": \"closed\"}");
  trace_close(one);
  trace_close(other);
  fclose(in);
  close(listener);
}

/* The number that the next such line has, and the line after it. */
static json_int_t read_left_out(FILE *in, char *line, int size) {
  json_int_t number = 0;
  while (number == 0 && fgets(line, size, in)) {
    json_t *json = json_loads(line, 0, NULL);
    number = json_integer_value(json_object_get(json, "left_out"));
    json_decref(json);
  }
  cr_assert_not_null(fgets(line, size, in), "nothing after the number");
  return number;
}

/* Read all that comes, up to the note "over", into a file without a name. */
static void *read_all(void *user) {
  int *in = user;
  int out = memfd_create("lines", 0);
  static char bytes[1 << 16];
  ssize_t length = 1;
  for (bool over = false; !over && length > 0; over = memmem(bytes, (size_t)length, "over", 4)) {
    length = recv(*in, bytes, sizeof bytes, 0);
    cr_assert_eq(write(out, bytes, (size_t)length), length, "no memory");
  }
  lseek(out, 0, SEEK_SET);
  *in = out;
  return NULL;
}

/* More frames than a page can show: the first of them come, then their number. What comes after a
 * pause can be read, even if it refers to a field of a frame that did not come. */
Test(trace_open, live_many, .init = begin, .fini = end) {
  enum { MANY = 3000 };
  static const char ping[] = "\0\0\10\6\0\0\0\0\0abcdefgh";
  static const char named[] = "\0\0\5\1\5\0\0\0\1\x40\1x\1y";
  static const char indexed[] = "\0\0\1\1\5\0\0\0\3\xbe";
  char line[1024] = "";
  const struct timespec pause = {.tv_nsec = 300000000}; /* 100 places and more are free then */
  pthread_t thread;
  int listener = listen_live();
  struct trace *trace = trace_open();
  cr_assert_not_null(trace, "no trace");
  int in = accept(listener, NULL, NULL);
  pthread_create(&thread, NULL, read_all, &in);
  trace_bytes(trace, client, preface, PREFACE_LENGTH);
  trace_bytes(trace, client, settings, SETTINGS_LENGTH);
  for (int i = 0; i < MANY; i++)
    trace_bytes(trace, client, ping, sizeof ping - 1);
  trace_bytes(trace, client, named, sizeof named - 1);
  nanosleep(&pause, NULL); /* what we test is a rate */
  trace_bytes(trace, client, indexed, sizeof indexed - 1);
  trace_note(trace, "over");
  pthread_join(thread, NULL);
  FILE *lines = fdopen(in, "r");
  json_int_t left_out = read_left_out(lines, line, sizeof line);
  cr_assert(left_out > MANY / 3 && left_out < MANY, "%lld left out", (long long)left_out);
  cr_assert_not_null(strstr(line, "[[\"x\", \"y\"]]"), "not the field: %s", line);
  trace_close(trace);
  fclose(lines);
  close(listener);
}

/* Nobody reads: the program goes on, and says later how much is lost. */
Test(trace_open, live_reader_stops, .init = begin, .fini = end) {
  enum { MANY = 900, SIZE = 4000 };
  static char data[FRAME_HEADER_LENGTH + SIZE];
  static char line[16384];
  int listener = listen_live();
  struct trace *trace = trace_open();
  cr_assert_not_null(trace, "no trace");
  int in = accept(listener, NULL, NULL);
  trace_bytes(trace, client, preface, PREFACE_LENGTH);
  trace_bytes(trace, client, settings, SETTINGS_LENGTH);
  memset(data, 'x', sizeof data);
  frames_header((uint8_t *)data, SIZE, NGHTTP2_PING, 0, 0);
  for (int i = 0; i < MANY; i++)
    trace_bytes(trace, client, data, sizeof data);
  while (recv(in, line, sizeof line, MSG_DONTWAIT) > 0)
    continue;
  trace_note(trace, "afterwards");
  trace_note(trace, "afterwards");
  FILE *lines = fdopen(in, "r");
  json_int_t left_out = read_left_out(lines, line, sizeof line);
  cr_assert_gt(left_out, MANY / 2, "%lld frames are lost", (long long)left_out);
  cr_assert_not_null(strstr(line, "afterwards"), "not the note: %s", line);
  trace_close(trace);
  fclose(lines);
  close(listener);
}

/* Without H2_LIVE, a folder of this user leads to it. */
Test(trace_open, live_of_user, .init = begin, .fini = end) {
  char folder[128];
  int listener = listen_live();
  unsetenv("H2_LIVE");
  cr_assert_eq(chdir("/"), 0, "no /");
  snprintf(folder, sizeof folder, "%s/h2-live", directory);
  cr_assert_eq(mkdir(folder, 0700), 0, "no folder");
  strcat(folder, "/socket");
  cr_assert_eq(symlink(file, folder), 0, "no link");
  setenv("XDG_RUNTIME_DIR", directory, 1);
  struct trace *trace = trace_open();
  cr_assert_not_null(trace, "nobody is found");
  trace_close(trace);
  unlink(folder);
  *strrchr(folder, '/') = '\0';
  rmdir(folder);
  close(listener);
}

/* The reader goes: the program says so once, and goes on. */
Test(trace_open, live_reader_goes, .init = begin, .fini = end) {
  char expected[128];
  snprintf(expected, sizeof expected, "%s: H2_TRACE=live: `make live` has ended\n",
           program_invocation_short_name);
  int listener = listen_live();
  listen_to_stderr();
  struct trace *trace = trace_open();
  close(accept(listener, NULL, NULL));
  close(listener);
  for (int i = 0; i < 3; i++)
    trace_bytes(trace, server, settings, SETTINGS_LENGTH);
  trace_close(trace);
  cr_assert_null(trace_open(), "a trace to nobody");
  expect_said(expected);
}

Test(trace_open, live_without_reader, .init = begin, .fini = end) {
  setenv("H2_LIVE", "/nowhere/socket", 1);
  expect_failure("live", "`make live` does not run here (No such file or directory)");
}

/* `make live` begins after the program: it gets the connections that begin from then on. */
static void expect_later(const char *value, const char *told) {
  setenv("H2_LIVE", file, 1);
  setenv("H2_TRACE", value, 1);
  listen_to_stderr();
  for (int i = 0; i < 3; i++)
    cr_assert_null(trace_open(), "a trace to nobody");
  int listener = listen_live();
  setenv("H2_TRACE", value, 1);
  struct trace *trace = trace_open();
  cr_assert_eq(trace_live_number(trace), 1, "number %u", trace_live_number(trace));
  FILE *in = fdopen(accept(listener, NULL, NULL), "r");
  trace_note(trace, "a note");
  expect_line(in, "{\"connection\": 1, \"note\": \"a note\"}");
  trace_close(trace);
  fclose(in);
  close(listener);
  expect_said(told);
}

Test(trace_open, live_later, .init = begin, .fini = end) {
  expect_later("later", "");
}

Test(trace_open, live_after_all, .init = begin, .fini = end) {
  char expected[128];
  snprintf(expected, sizeof expected,
           "%s: H2_TRACE=live: `make live` does not run here (No such file or directory)\n",
           program_invocation_short_name);
  expect_later("live", expected);
}

Test(trace_open, live_name_too_long, .init = begin, .fini = end) {
  char name[200];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  setenv("H2_LIVE", name, 1);
  expect_failure("live", "`make live` does not run here (File name too long)");
}
