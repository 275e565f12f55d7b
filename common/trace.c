/* trace: show, or write down, what the connections of this process carry. See trace.h. */
#include "common/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/inner/trace_live.h"
#include "common/trace_json.h"
#include "common/trace_print.h"

enum output {
  NOT_ASKED, /* H2_TRACE has not been looked at yet */
  NOTHING,
  ABSENT, /* `make live` does not run yet: look again with the next connection */
  LADDER,
  JSON,
  LIVE,
};

/* What all connections of this process share, also those on other threads' loops. */
static struct {
  pthread_mutex_t lock;
  enum output output;
  unsigned connections; /* so far */
  int file;             /* for JSON */
  off_t end;            /* of the last frame in the file; after it is only the end of the array */
  bool one_terminal;    /* standard output goes to where the ladder does */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct trace {
  struct frame_decoder *decoder; /* NULL once there was no memory */
  struct trace_style style;
  unsigned number;
  double start;        /* in milliseconds, of CLOCK_MONOTONIC */
  double milliseconds; /* from then to the call that is being answered */
  long left_out;       /* frames and notes that `make live` does not get; it does not know yet */
  long told;           /* so many of them are in the first line of `out` */
  long lines;          /* in `out`, for `make live` */
  FILE *out;           /* what that call prints, into memory; NULL until there is something */
  char *text;          /* `out`, once it is closed */
  size_t length;
};

/* --- The file --------------------------------------------------------------------------------- */

/* Every call closes the array, and the next one writes over the end: the file is valid at any
 * moment. */
static const char array_start[] = "[";
static const char array_end[] = "\n]\n";

static void stop_writing(void) {
  bool has_ended = shared.output == LIVE && (errno == EPIPE || errno == ECONNRESET);
  fprintf(stderr, "%s: H2_TRACE=%s: %s\n", program_invocation_short_name, getenv("H2_TRACE"),
          has_ended ? "`make live` has ended" : strerror(errno));
  shared.output = NOTHING;
}

static int write_at(off_t offset, const char *text, size_t length) {
  while (length > 0) {
    ssize_t written = pwrite(shared.file, text, length, offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return -1;
    text += written;
    length -= (size_t)written;
    offset += written;
  }
  return 0;
}

/* Append text that ends in array_end, in one write, so that the array is hardly ever open. If the
 * disk has no room, restore the old end, and stop. */
static void append(const char *text, size_t length) {
  if (write_at(shared.end, text, length) == 0) {
    shared.end += (off_t)(length - strlen(array_end));
    return;
  }
  stop_writing();
  if (ftruncate(shared.file, shared.end) == 0 && shared.end > 0)
    write_at(shared.end, array_end, strlen(array_end));
  close(shared.file);
}

static void open_file(const char *name) {
  static const char empty[] = "[\n]\n";
  shared.output = JSON;
  shared.file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (shared.file < 0)
    stop_writing();
  else
    append(empty, strlen(empty));
}

/* Say once that nobody is there, unless the environment says that somebody comes later. */
static void open_live(const char *value) {
  bool is_told = shared.output == ABSENT || strcmp(value, "later") == 0;
  shared.output = trace_live_open() == 0 ? LIVE : ABSENT;
  if (shared.output == ABSENT && !is_told)
    fprintf(stderr, "%s: H2_TRACE=live: `make live` does not run here (%s)\n",
            program_invocation_short_name, strerror(errno));
}

static void send_lines(struct trace *trace, const char *text, size_t length) {
  long lost = trace_live_send(text, length);
  if (lost < 0)
    stop_writing();
  else if (lost == trace->lines && trace->told > 0)
    trace->left_out += lost - 1 + trace->told;
  else
    trace->left_out += lost;
  trace->told = trace->lines = 0;
}

static bool outputs_are_one_terminal(void) {
  struct stat out;
  struct stat error;
  return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && fstat(STDOUT_FILENO, &out) == 0 &&
         fstat(STDERR_FILENO, &error) == 0 && out.st_rdev == error.st_rdev;
}

static void ask_environment(void) {
  static const char suffix[] = ".json";
  const char *value = getenv("H2_TRACE");
  size_t length = value ? strlen(value) : 0;
  if (length == 0 || strcmp(value, "0") == 0)
    shared.output = NOTHING;
  else if (length > strlen(suffix) && strcmp(value + length - strlen(suffix), suffix) == 0)
    open_file(value);
  else if (strcmp(value, "live") == 0 || strcmp(value, "later") == 0)
    open_live(value);
  else
    shared.output = LADDER;
  shared.one_terminal = outputs_are_one_terminal();
}

/* --- What one call prints --------------------------------------------------------------------- */

/* Gather frames in memory, and write them at once: that never tears a line, and waits for a slow
 * terminal only once. */
static FILE *begin_output(struct trace *trace) {
  if (!trace->out)
    trace->out = open_memstream(&trace->text, &trace->length);
  return trace->out;
}

/* A body printed to the same terminal may not have ended its line. Blanks for a whole line lead to
 * the next one from anywhere but the left edge; from there they end at the right edge, and \r takes
 * both back to the left. */
static void begin_line(const struct trace *trace) {
  if (shared.one_terminal)
    fprintf(stderr, "%*s\r", trace->style.width, "");
}

static void end_output(struct trace *trace) {
  if (!trace->out)
    return;
  if (shared.output == JSON)
    fputs(array_end, trace->out);
  bool complete = !ferror(trace->out);
  complete = fclose(trace->out) == 0 && complete && trace->text; /* NULL where memory ran out */
  trace->out = NULL;
  if (complete && shared.output == JSON)
    append(trace->text, trace->length);
  if (complete && shared.output == LIVE)
    send_lines(trace, trace->text, trace->length);
  if (complete && shared.output == LADDER) {
    begin_line(trace);
    fwrite(trace->text, 1, trace->length, stderr);
  }
  free(trace->text);
  trace->text = NULL;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail for this clock */
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void set_time(struct trace *trace) {
  trace->milliseconds = now() - trace->start;
}

/* A number says nothing while there is only one connection. */
static unsigned shown_number(const struct trace *trace) {
  return shared.connections > 1 ? trace->number : 0;
}

/* A frame's JSON, as far as there was memory for it. */
struct json_text {
  struct buffer text;
  bool failed; /* jansson goes on after a key that could not be written */
};

static int add_json(const char *bytes, size_t length, void *user) {
  struct json_text *json = user;
  if (buffer_append(&json->text, bytes, length) != 0)
    json->failed = true;
  return json->failed ? -1 : 0;
}

/* Print a frame or a note, and release it. Without memory for everything, print nothing. */
static void print_json(struct trace *trace, json_t *json) {
  struct json_text made = {.failed = false};
  if (!json || json_dump_callback(json, add_json, &made, JSON_REAL_PRECISION(12)) != 0)
    made.failed = true;
  json_decref(json);
  if (!made.failed) {
    bool first = shared.end == (off_t)strlen(array_start) && ftell(trace->out) == 0;
    if (shared.output == JSON)
      fputs(first ? "\n" : ",\n", trace->out);
    buffer_print(&made.text, trace->out);
    if (shared.output == LIVE)
      fputc('\n', trace->out);
    trace->lines++;
  }
  buffer_free(&made.text);
}

/* Say how many frames `make live` does not get, in a first line. */
static void tell_left_out(struct trace *trace) {
  if (trace->left_out == 0)
    return;
  end_output(trace);
  trace->told = trace->left_out;
  trace->left_out = 0;
  if (begin_output(trace))
    print_json(trace, trace_left_out_json(trace->told, trace->milliseconds, trace->number));
}

/* Whether `make live` has a place for the next frame. */
static bool wants_frame(void *user) {
  struct trace *trace = user;
  bool wanted = trace_live_admits(trace->start + trace->milliseconds);
  trace->left_out += !wanted;
  return wanted;
}

static void on_frame(const struct frame *frame, void *user) {
  struct trace *trace = user;
  if (shared.output == LIVE)
    tell_left_out(trace);
  if (!begin_output(trace))
    return;
  if (shared.output == LIVE) {
    print_json(trace, trace_live_json(frame, trace->milliseconds, trace->number));
  } else if (shared.output == JSON) {
    print_json(trace, trace_frame_json(frame, trace->milliseconds, trace->number));
  } else {
    trace_print_frame(trace->out, &trace->style, trace->milliseconds, shown_number(trace), ' ',
                      frame);
  }
}

/* --- Connections ------------------------------------------------------------------------------ */

/* Touch shared state only between these two calls: a trace is slow anyway. */
static void lock(void) {
  pthread_mutex_lock(&shared.lock);
}

static void unlock(void) {
  pthread_mutex_unlock(&shared.lock);
}

static struct trace *open_trace(void) {
  if (shared.output == NOT_ASKED || shared.output == ABSENT)
    ask_environment();
  if (shared.output == NOTHING || shared.output == ABSENT)
    return NULL;
  struct trace *trace = calloc(1, sizeof *trace);
  if (!trace)
    return NULL;
  trace->decoder = frame_decoder_new(on_frame, trace);
  if (!trace->decoder) {
    free(trace);
    return NULL;
  }
  if (shared.output == LIVE)
    frame_decoder_choose(trace->decoder, wants_frame);
  trace->style = trace_style_for(stderr);
  trace->number = ++shared.connections;
  trace->start = now();
  if (shared.output == LADDER && trace->number == 1)
    trace_print_heading(stderr, &trace->style);
  return trace;
}

struct trace *trace_open(void) {
  lock();
  struct trace *trace = open_trace();
  unlock();
  return trace;
}

unsigned trace_live_number(const struct trace *trace) {
  lock();
  bool is_live = trace && shared.output == LIVE;
  unlock();
  return is_live ? trace->number : 0;
}

void trace_addresses(struct trace *trace, enum frame_sender side, const char *own,
                     const char *peer) {
  if (trace_live_number(trace) == 0)
    return;
  lock();
  set_time(trace);
  if (begin_output(trace))
    print_json(trace, trace_addresses_json(side, own, peer, trace->milliseconds, trace->number));
  end_output(trace);
  unlock();
}

/* The file has frames only. */
static bool shows_notes(void) {
  return shared.output == LADDER || shared.output == LIVE;
}

static void note(struct trace *trace, const char *text) {
  set_time(trace);
  if (shared.output == LIVE)
    tell_left_out(trace);
  if (!shows_notes() || !begin_output(trace))
    return;
  if (shared.output == LIVE) {
    print_json(trace, trace_note_json(text, trace->milliseconds, trace->number));
  } else {
    trace_print_note(trace->out, &trace->style, trace->milliseconds, shown_number(trace), text);
  }
  end_output(trace);
}

static void show_bytes(struct trace *trace, enum frame_sender sender, const void *bytes,
                       size_t length) {
  if (!trace->decoder || shared.output == NOTHING)
    return;
  set_time(trace);
  int failed = frame_decoder_feed(trace->decoder, sender, bytes, length);
  end_output(trace);
  if (!failed)
    return;
  frame_decoder_free(trace->decoder);
  trace->decoder = NULL;
  note(trace, "no memory to trace this any further");
}

void trace_bytes(struct trace *trace, enum frame_sender sender, const void *bytes, size_t length) {
  if (!trace)
    return;
  lock();
  show_bytes(trace, sender, bytes, length);
  unlock();
}

void trace_note(struct trace *trace, const char *text) {
  if (!trace)
    return;
  lock();
  note(trace, text);
  unlock();
}

/* The page of `make live` knows by its first word that this is the end. */
static void note_end(struct trace *trace, const char *text) {
  char line[256];
  snprintf(line, sizeof line, "%s%s", strncmp(text, "closed", 6) == 0 ? "" : "closed: ", text);
  note(trace, line);
}

static void show_end(struct trace *trace, const char *text) {
  if (shared.output == LIVE)
    note_end(trace, text);
  if (shared.output != LADDER || !begin_output(trace))
    return;
  unsigned at_once = 0;
  unsigned requests = trace->decoder ? frame_decoder_requests(trace->decoder, &at_once) : 0;
  set_time(trace);
  trace_print_end(trace->out, &trace->style, trace->milliseconds, shown_number(trace), text,
                  requests, at_once);
  end_output(trace);
}

void trace_end(struct trace *trace, const char *text) {
  if (!trace)
    return;
  lock();
  show_end(trace, text);
  unlock();
}

static void note_pending(struct trace *trace, enum frame_sender sender, const char *name) {
  char text[80];
  size_t pending = trace->decoder ? frame_decoder_pending(trace->decoder, sender) : 0;
  if (pending == 0)
    return;
  snprintf(text, sizeof text, "%s ended in the middle of a frame, after %zu bytes of it", name,
           pending);
  trace_note(trace, text);
}

void trace_close(struct trace *trace) {
  if (!trace)
    return;
  note_pending(trace, FRAME_FROM_CLIENT, "client");
  note_pending(trace, FRAME_FROM_SERVER, "server");
  frame_decoder_free(trace->decoder);
  free(trace);
}
