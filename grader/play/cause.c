/* cause: see cause.h. */
#include "grader/play/cause.h"

#include <limits.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/play/place.h"
#include "grader/play/tls_cause.h"
#include "grader/words/quote.h"
#include "grader/words/report.h"
#include "grader/words/source.h"

/* Make this the whole finding. */
static void replace(struct finding *finding, const char *what) {
  buffer_clear(&finding->expected);
  buffer_clear(&finding->seen);
  finding_say(finding, what);
}

/* The first line of the text that todo() could have printed, and its number; NULL if there is none:
 * "TODO 3 is not done: submit the SETTINGS frame (lab01-session/README.md)" */
static const char *todo_line(const char *text, int *todo) {
  static const char words[] = " is not done: ";
  for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
    char *end = NULL;
    if (strncmp(line, "TODO ", 5) != 0 || line[5] < '1' || line[5] > '9')
      continue;
    long number = strtol(line + 5, &end, 10);
    if (number < 100 && strncmp(end, words, strlen(words)) == 0) {
      *todo = (int)number;
      return line;
    }
  }
  return NULL;
}

static bool find_todo(struct exchange *exchange) {
  int todo = 0;
  const char *text = todo_line(program_stderr(exchange->program, NULL), &todo);
  if (!text)
    return false;
  char line[256];
  snprintf(line, sizeof line, FINDING_UNDONE "| %.*s", (int)strcspn(text, "\n"), text);
  replace(&exchange->finding, line);
  exchange->finding.todo = todo;
  exchange->finding.frame = -1;
  exchange->finding.section = ""; /* that of the check is about something else */
  return true;
}

/* The TODO of the student's innermost function that belongs to one, in the stack of the report that
 * begins with these words; 0 if there is none. With `caller`, that of the function that has called
 * it, if that one belongs to a TODO too. */
static int todo_of_stack(const struct exchange *exchange, const char *report, const char *words,
                         bool caller) {
  const char *begin = strstr(report, words);
  const char *end = begin ? strstr(begin, "\n\n") : NULL;
  if (!begin)
    return 0;
  int todo = 0;
  struct report_place place;
  char *stack = strndup(begin, end ? (size_t)(end - begin) : strlen(begin));
  const char *rest = stack;
  while (rest && todo == 0 && (rest = report_find_place(rest, exchange->lab, &place)))
    todo = source_todo_of_line(place.path, place.line);
  int above = 0;
  if (rest && caller && report_find_place(rest, exchange->lab, &place))
    above = source_todo_of_line(place.path, place.line);
  free(stack);
  return above ? above : todo;
}

/* Whether the student's own code, and no function of a library, has used memory behind a block:
 * then the block is too small for what should be in it. */
static bool is_block_too_small(const struct exchange *exchange, const char *report) {
  struct report_place place;
  char line[600] = "";
  const char *first = strstr(report, "    #0 ");
  if (first)
    snprintf(line, sizeof line, "%.*s", (int)strcspn(first, "\n"), first);
  return strstr(report, "heap-buffer-overflow") && strstr(report, "-byte region") &&
         report_find_place(line, exchange->lab, &place);
}

/* The place of the mistake. If memory is used too late, look at who had it freed too early;
 * if a block is too small, at the place that allocated it. Of memory that is never freed, was never
 * set or is in no list, the report knows only a place that is seldom the mistake. */
static int todo_of_report(const struct exchange *exchange, const char *report) {
  static const char *const anywhere[] = {"LeakSanitizer", "0xbebebebe",
                                         "load of value 190, which is not a valid",
                                         "null pointer of type 'struct list'"};
  const char *const culprits[] = {
      "freed by thread", "is located in stack of thread",
      is_block_too_small(exchange, report) ? "allocated by thread" : "\n    #0 ", "\n    #0 "};
  for (size_t i = 0; i < sizeof anywhere / sizeof anywhere[0]; i++)
    if (strstr(report, anywhere[i]))
      return 0;
  for (size_t i = 0; i < sizeof culprits / sizeof culprits[0]; i++) {
    int todo = todo_of_stack(exchange, report, culprits[i], i == 0);
    if (todo)
      return todo;
  }
  return 0;
}

/* What the calls before explain of a wrong pointer to a stream's data. Returns whether they do. A
 * pointer that is wrong where it is used was mostly wrong from the beginning. */
static bool explain_pointer(struct exchange *exchange, const char *report) {
  struct finding *finding = &exchange->finding;
  struct probe probe;
  const char *why = NULL;
  bool is_null = strstr(report, "null pointer") || strstr(report, "SEGV");
  if (!program_probe(exchange->program, &probe))
    return false;
  if (is_null && probe.user_data == 0 && probe.user_data_missing > 0) {
    why = "before that, it asked for the user data of a stream, and no stream has any\n";
  } else if (is_null && probe.user_data_elsewhere > 0 && probe.user_data_missing > 0) {
    replace(finding, "user-data-on-another-stream| Your program gives the user data of a stream to "
                     "another stream, so this one has none: which stream id does it pass?");
    return true;
  } else if (probe.user_data == 0 && probe.user_data_wrong > 0) { /* wherever it crashes then */
    replace(finding, "stream-user-data-of-session| Your program gives a stream the user data of "
                     "the session as its own, and later takes it for the stream's.");
    return true;
  } else if (is_null && probe.body_of_get > 0) {
    why = "before that, it gave nghttp2 a data provider for a GET, which has no body\n";
  }
  if (why)
    buffer_append_text(&finding->report, why);
  return why != NULL;
}

/* What no source.ptr explains: memory that is lost, or that existed when its address was taken. */
static bool is_of_lifetime(const char *report) {
  return strstr(report, "LeakSanitizer") || strstr(report, "stack-use-after") ||
         strstr(report, "heap-use-after-free") || strstr(report, "double-free");
}

/* The read callback got a pointer to another type, or none, by source.ptr of the data provider:
 * wherever it crashes, that is where the mistake is. Returns whether it is so. */
static bool explain_source(struct exchange *exchange, const char *report) {
  struct probe probe;
  const bool stream = labs_todos(exchange->lab).stream_is_source;
  if (!program_probe(exchange->program, &probe) || is_of_lifetime(report) ||
      (stream ? probe.source_of_stream : probe.source_of_session) > 0)
    return false;
  if ((stream ? probe.source_of_session : probe.source_of_stream) > 0)
    replace(&exchange->finding,
            stream ? "source-of-another-type| source.ptr of your data provider is the user data of "
                     "the session; the read callback takes it for that of the stream."
                   : "source-of-another-type| source.ptr of your data provider is the user data of "
                     "the stream; the read callback takes it for that of the session.");
  else if (probe.source_other > 0)
    replace(&exchange->finding,
            "source-of-another-type| source.ptr of your data provider does not point to what the "
            "read callback takes it for: look at the type of both.");
  else if (probe.source_missing > 0)
    replace(&exchange->finding, "source-not-set| source.ptr of your data provider is NULL, and the "
                                "read callback follows it.");
  else
    return false;
  return true;
}

/* All streams have the same user data, so that the responses are mixed up: whatever the check says
 * of it. Keep what it expected and saw. */
static void explain_shared(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  struct probe probe;
  int todo = labs_todos(exchange->lab).user_data;
  if (todo == 0 || !program_probe(exchange->program, &probe) || probe.user_data_same == 0)
    return;
  finding_say(finding, "streams-share-user-data| Your program gives all streams the same user "
                       "data, so it mixes up their responses.");
  finding->section = "";
  finding_blame(finding, todo);
}

/* The events of a stream got a wrong `user`, which a callback then takes for something else.
 * Returns whether it is so. */
static bool explain_events(struct exchange *exchange) {
  struct probe probe;
  const int todo = labs_todos(exchange->lab).events;
  if (todo == 0 || exchange->listener || !program_probe(exchange->program, &probe) ||
      probe.events_missing + probe.events_of_stream == 0)
    return false;
  replace(&exchange->finding,
          probe.events_of_stream > 0
              ? "events-user-is-stream| Your program gives stream_set_events the stream itself as "
                "`user`: the callback then takes the stream for what you have allocated."
              : "events-user-missing| Your program gives stream_set_events NULL as `user`, and the "
                "callback follows it.");
  finding_blame(&exchange->finding, todo);
  return true;
}

/* The call that the check made fail, or what else the probe knows. */
static void explain(struct exchange *exchange, const char *report) {
  struct finding *finding = &exchange->finding;
  char line[192];
  const struct lab_todos todos = labs_todos(exchange->lab);
  if (exchange->fails && exchange_has_failed_call(exchange)) {
    snprintf(line, sizeof line, "before that, the check made a call fail: %s\n", exchange->fails);
    buffer_append_text(&finding->report, line);
    return;
  }
  int todo = 0;
  if (todos.user_data > 0 && explain_pointer(exchange, report))
    todo = todos.user_data;
  else if (todos.source > 0 && explain_source(exchange, report))
    todo = todos.source;
  if (todo == 0)
    return;
  finding_blame(finding, todo);
}

/* Memory, or a handle, that was never set: blame the TODO that allocates, if it is the only one. */
static void blame_allocation(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  bool is_unset = strcmp(finding->id, "memory-never-set") == 0 ||
                  strcmp(finding->id, "closes-unset-libuv-handle") == 0;
  if (!is_unset || finding->is_sure)
    return;
  int todo = place_of_text(exchange, "malloc(");
  if (todo > 0)
    finding_blame(finding, todo);
}

/* A stream that is freed is used, though its last event has come: the student's function for that
 * event has left something there that still runs. Nothing of the student has freed it. */
static bool is_left_behind(const struct exchange *exchange, const char *report) {
  const int todo = labs_todos(exchange->lab).closed;
  return todo > 0 && strstr(report, "heap-use-after-free") &&
         todo_of_stack(exchange, report, "freed by thread", false) == 0 &&
         place_times(exchange, "on_ping_close") > 0;
}

/* What a sanitizer has reported, with the place in the student's file. */
static void find_report(struct exchange *exchange, const char *report) {
  struct finding *finding = &exchange->finding;
  struct report_place place;
  replace(finding, report_sentence(report));
  finding->section = ""; /* that of the check is about something else */
  if (!explain_events(exchange))
    explain(exchange, report);
  blame_allocation(exchange);
  report_quote(&finding->report, report, exchange->lab);
  if (!report_find_place(report, exchange->lab, &place))
    return;
  snprintf(finding->function, sizeof finding->function, "%s", place.function);
  finding->crashed = true;
  if (finding->is_sure)
    return;
  /* After a call that was made to fail, the check knows who had to notice. */
  if (!exchange_has_failed_call(exchange) || finding->todo_of_place == 0)
    finding->todo_of_place = todo_of_report(exchange, report);
  if (is_left_behind(exchange, report)) {
    buffer_append_text(&finding->report, "before that, on_ping_close has run, and the timer has "
                                         "fired all the same\n");
    finding_blame(finding, labs_todos(exchange->lab).closed);
    return;
  }
  /* Wherever the variable is used: the mistake is where its address was taken. */
  finding->is_sure = finding->todo_of_place > 0 && strstr(report, "stack-use-after-");
}

/* What nghttp2 makes of what a callback returned. */
static void say_returned(struct finding *finding, const char *function, int64_t returned) {
  char what[256];
  if (returned == NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE)
    snprintf(what, sizeof what,
             "callback-refuses-stream| %s returned NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE: nghttp2 "
             "resets the stream.",
             function);
  else
    snprintf(what, sizeof what,
             "callback-returns-failure| %s returned %jd: nghttp2 takes any value but 0 for a "
             "failure, and ends the session.",
             function, (intmax_t)returned);
  replace(finding, what);
}

/* Of the callback for DATA, which keeps the name that the labs give it, nghttp2 takes only fatal
 * error codes for a failure. */
static bool is_taken_for_success(const char *function, int64_t returned) {
  return strcmp(function, "on_data_chunk_recv") == 0 && returned > NGHTTP2_ERR_FATAL &&
         returned != NGHTTP2_ERR_PAUSE;
}

/* A callback has returned failure to nghttp2, although nothing made it fail: everything else
 * follows from that. */
static bool find_failed_callback(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  struct probe probe;
  struct report_place place = {.line = 0};
  if (exchange->fails || !program_probe(exchange->program, &probe) || probe.returned == 0)
    return false;
  probe.place[sizeof probe.place - 1] = '\0';
  if (sscanf(probe.place, "%63s %511[^:]:%d", place.function, place.path, &place.line) != 3 ||
      is_taken_for_success(place.function, probe.returned))
    return false;
  say_returned(finding, place.function, probe.returned);
  finding->section = "";
  snprintf(finding->function, sizeof finding->function, "%s", place.function);
  finding->todo_of_place = source_todo_of_line(place.path, place.line);
  return true;
}

bool cause_is_failed_callback(const struct finding *finding) {
  return strncmp(finding->id, "callback-", strlen("callback-")) == 0;
}

/* The read callback has returned more than there was room for: nghttp2 takes that for a failure. */
static bool find_long_read(struct exchange *exchange) {
  struct probe probe;
  const int todo = labs_todos(exchange->lab).read;
  if (todo == 0 || exchange->fails || !program_probe(exchange->program, &probe) ||
      probe.read_too_much == 0)
    return false;
  replace(&exchange->finding, "read-returns-too-much| Your read callback returned more bytes than "
                              "`size`, which is the most that nghttp2 has room for.");
  exchange->finding.section = "";
  finding_blame(&exchange->finding, todo);
  return true;
}

/* What libuv found when it ended the program with SIGABRT, in a student's words;
 * NULL for anything else. */
static const char *assertion_sentence(const char *text, const struct probe *probe) {
  if (!strstr(text, "Assertion `"))
    return NULL;
  if (strstr(text, "uv_close: ") && probe->closed_unset > 0)
    return "closes-unset-libuv-handle| Your program calls uv_close for a handle that it has never "
           "initialized: call uv_timer_init first.";
  if (strstr(text, "uv_close: ") && strstr(text, "uv__is_closing"))
    return "closes-same-libuv-handle-twice| Your program closes the same libuv handle twice: it "
           "had called uv_close before. Or what it closes is no handle: another address.";
  if (strstr(text, "uv_"))
    return "libuv-handle-broken| Your program has given libuv a broken handle: it is another one "
           "than you mean, or its memory was freed or reused before the callback of uv_close.";
  return "assertion-not-hold-library-common| An assertion failed: your program called a library, "
         "or common/, in a way that it does not allow.";
}

static void append_quoted(struct finding *finding, const char *name, const struct buffer *quoted) {
  buffer_append_text(&finding->report, name);
  buffer_append_text(&finding->report, quoted->bytes ? quoted->bytes : "");
  buffer_append_text(&finding->report, "\n");
}

/* What a program that waits has printed: where it is long, the last line is enough. */
static void append_last_printed(struct finding *finding, const char *text, size_t length) {
  enum { SHORT = 60 };
  struct buffer quoted = {0};
  bool all = length <= SHORT;
  if (length == 0)
    return;
  size_t start = length - 1; /* a newline at the end begins no other line */
  while (start > 0 && text[start - 1] != '\n')
    start--;
  quote_text(&quoted, all ? text : text + start, all ? length : length - start);
  append_quoted(finding, all ? "it has printed so far: " : "it printed last: ", &quoted);
  buffer_free(&quoted);
}

/* What the program has printed, unless the finding is about just that. */
static void append_output(struct finding *finding, const char *name, const char *text,
                          size_t length) {
  struct buffer quoted = {0};
  quote_message(&quoted, text, length);
  bool known = finding->seen.bytes && quoted.bytes && strstr(finding->seen.bytes, quoted.bytes);
  if (length > 0 && !known)
    append_quoted(finding, name, &quoted);
  buffer_free(&quoted);
}

/* A failed allocation that the check has caused is no error of the program. */
static bool is_error(const char *report) {
  return *report && (!strstr(report, "failed to allocate") || strstr(report, "ERROR: ") ||
                     strstr(report, "runtime error: "));
}

bool cause_says_todo(const struct exchange *exchange) {
  int todo = 0;
  return todo_line(program_stderr(exchange->program, NULL), &todo) != NULL;
}

bool cause_is_todo(const struct exchange *exchange) {
  int code = 0;
  int todo = 0;
  int line = 0;
  char path[PATH_MAX];
  const char *name = strrchr(exchange->arguments[0], '/');
  bool ended = program_end(exchange->program, &code) == PROGRAM_EXITED && code == EXIT_FAILURE;
  return ended && name && todo_line(program_stderr(exchange->program, NULL), &todo) &&
         !*program_sanitizer_report(exchange->program) &&
         source_path(getenv(CHECK_PROGRAMS), exchange->lab->folder, name + 1, path, sizeof path) &&
         source_next_undone(path, todo - 1, &line) == todo;
}

/* Remember the line with which the program has ended, without hosts and paths, which differ. */
static void note_said(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  const char *line = program_stderr(exchange->program, NULL);
  int code = 0;
  size_t length = 0;
  if (program_end(exchange->program, &code) != PROGRAM_EXITED || code == 0)
    return;
  for (size_t word = strcspn(line, " \n"); word > 0; word = strcspn(line, " \n")) {
    if (!memchr(line, '/', word) && length + word + 2 < sizeof finding->said)
      length += (size_t)snprintf(finding->said + length, sizeof finding->said - length, "%.*s ",
                                 (int)word, line);
    line += word + (line[word] == ' ');
  }
}

void cause_find(struct exchange *exchange) {
  struct finding *finding = &exchange->finding;
  if (!exchange->program || find_todo(exchange))
    return;
  const char *report = program_sanitizer_report(exchange->program);
  if (is_error(report)) {
    find_report(exchange, report);
    return;
  }
  enum program_end end = program_end(exchange->program, NULL);
  if (end == PROGRAM_LOST)
    exchange_fault(exchange, program_end_text(exchange->program));
  if (end == PROGRAM_KILLED || end == PROGRAM_OVER_LIMIT || end == PROGRAM_NOT_STARTED) {
    char what[300];
    snprintf(what, sizeof what, "program-%s| Your program %s.", program_end_id(exchange->program),
             program_end_text(exchange->program));
    struct probe probe = {.closed_unset = 0};
    program_probe(exchange->program, &probe);
    const char *assertion = assertion_sentence(program_stderr(exchange->program, NULL), &probe);
    replace(finding, end == PROGRAM_KILLED && assertion ? assertion : what);
    if (end == PROGRAM_KILLED && assertion && !explain_events(exchange))
      blame_allocation(exchange);
    finding->crashed = true;
  } else {
    explain_shared(exchange);
  }
  if (end != PROGRAM_KILLED && !find_long_read(exchange))
    find_failed_callback(exchange);
  note_said(exchange);
  tls_cause_find(exchange);
  size_t length;
  const char *text = program_stdout(exchange->program, &length);
  if (finding->waiting)
    append_last_printed(finding, text, length);
  text = program_stderr(exchange->program, &length);
  append_output(finding, "on standard error: ", text, length);
}
