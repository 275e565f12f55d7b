/* check_run: see check_run.h. */
#include "grader/play/check_run.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/base/json_file.h"
#include "grader/base/text.h"
#include "grader/play/cause.h"
#include "grader/play/excerpt.h"
#include "grader/play/peer_receive.h"
#include "grader/play/standing.h"
#include "grader/play/trail.h"
#include "grader/sandbox/protection.h"

enum {
  SHOWN_FRAMES = 2000, /* of the whole exchange; nobody reads more ... */
  PASSED_FRAMES = 300, /* ... and of one that was right, even less */
};

static const char *const verdict_names[] = {"passed", "failed", "fault"};

/* The program's output, cut to what a reader will look at. */
static json_t *output_json(const char *bytes, size_t length) {
  enum { LIMIT = 8192 };
  return text_octets_json(bytes, length < LIMIT ? length : LIMIT);
}

static json_t *program_json(const struct exchange *exchange) {
  enum { LONGEST_ARGUMENT = 4096 }; /* of one that nobody would read, only the length is told */
  if (!exchange->program)
    return json_null();
  json_t *command = json_array();
  for (size_t i = 0; i < exchange->argument_count; i++) {
    size_t length = strlen(exchange->arguments[i]);
    json_array_append_new(command, length > LONGEST_ARGUMENT
                                       ? json_integer((json_int_t)length)
                                       : text_octets_json(exchange->arguments[i], length));
  }
  size_t stdout_length;
  size_t stderr_length;
  const char *out = program_stdout(exchange->program, &stdout_length);
  const char *err = program_stderr(exchange->program, &stderr_length);
  const char *report = program_sanitizer_report(exchange->program);
  return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "command", command, "side",
                   exchange->listener ? "client" : "server", "end",
                   program_end_text(exchange->program), "stdout", output_json(out, stdout_length),
                   "stderr", output_json(err, stderr_length), "sanitizer",
                   output_json(report, strlen(report)), "printed",
                   printed_json(&exchange->printed, exchange->program));
}

/* The section of RFC 9113: the finding's, otherwise the check's. A crash has none. */
static const char *section_of(const struct exchange *exchange) {
  const char *section = exchange->finding.section;
  if (exchange->finding.crashed)
    return "";
  if (!section)
    section = exchange->check->section;
  return section ? section : "";
}

/* The earlier lab that teaches what went wrong here; "" if none does. Lab 1 teaches what the
 * connection itself needs. */
static const char *earlier_lab(const struct exchange *exchange) {
  static const char *const first[] = {"3.4", "6.5.3", "6.7", "6.8"};
  const char *section = exchange->finding.section;
  const char *lab = exchange->check->earlier ? exchange->check->earlier : "";
  if (exchange->finding.crashed || exchange->finding.todo)
    return "";
  for (size_t i = 0; section && i < sizeof first / sizeof first[0]; i++)
    if (strcmp(section, first[i]) == 0)
      lab = "lab01";
  return strcmp(lab, exchange->check->lab) < 0 ? lab : "";
}

static json_t *finding_json(const struct exchange *exchange) {
  const struct finding *finding = &exchange->finding;
  /* At a TODO that is not done, frames explain nothing. */
  bool explained_by_frames = exchange->verdict == VERDICT_FAILED && finding->todo == 0;
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:o, s:o}", "id",
                   finding->id, "what", text_json(finding->what.bytes, finding->what.length),
                   "expected", text_json(finding->expected.bytes, finding->expected.length), "seen",
                   text_json(finding->seen.bytes, finding->seen.length), "report",
                   text_json(finding->report.bytes, finding->report.length), "frame",
                   (int)finding->frame, "stream", (int)finding->stream, "todo", finding->todo,
                   "todo_of_place", finding->todo_of_place, "sure", (int)finding->is_sure,
                   "section", section_of(exchange), "earlier", earlier_lab(exchange), "evidence",
                   finding_evidence(finding), "excerpt",
                   explained_by_frames ? excerpt_json(exchange) : json_array());
}

/* DIRECTORY/lab01.ping.json. Returns `path`. */
static const char *file_path(const struct exchange *exchange, const char *suffix, char *path,
                             size_t size) {
  const char *directory = getenv(CHECK_DIRECTORY);
  snprintf(path, size, "%s/%s.%s.%s", directory ? directory : ".", exchange->check->lab,
           exchange->check->id, suffix);
  return path;
}

/* Write the capture, if requested. It is only for viewing: the check's outcome does not depend on
 * it. */
static void write_capture(const struct exchange *exchange) {
  char path[4096];
  if (getenv(CHECK_PCAP) &&
      pcap_write(exchange->pcap, file_path(exchange, "pcapng", path, sizeof path)) != 0)
    fprintf(stderr, "grade: %s: %s\n", path, strerror(errno));
}

/* The functions of the student that the check is about: of one that has failed, those of the
 * program that has failed. */
static json_t *functions_json(const struct exchange *exchange) {
  struct ran ran = {.count = 0};
  if (exchange->verdict == VERDICT_PASSED)
    ran = exchange->ran;
  ran_add(&ran, exchange->program);
  return ran_names(&ran, exchange->arguments[0]);
}

/* Returns 0 or -1. */
static int write_outcome(const struct exchange *exchange) {
  char path[4096];
  file_path(exchange, "json", path, sizeof path);
  bool all = exchange->verdict != VERDICT_PASSED || getenv(CHECK_ALONE) || getenv(CHECK_PCAP);
  size_t shown = all ? SHOWN_FRAMES : PASSED_FRAMES;
  json_t *outcome = json_pack(
      "{s:s, s:s, s:s, s:s*, s:o, s:o, s:o, s:o, s:I, s:i}", "lab", exchange->check->lab, "check",
      exchange->check->id, "verdict", verdict_names[exchange->verdict], "by_hand",
      exchange->check->by_hand, "finding", finding_json(exchange), "program",
      program_json(exchange), "functions", functions_json(exchange), "frames",
      recording_json(&exchange->recording, shown), "frame_count",
      (json_int_t)exchange->recording.count, "connections", (int)exchange->recording.connections);
  if (exchange->serves_malformed)
    json_object_set_new(outcome, "serves_malformed", json_true());
  int result = json_file_write(outcome, path, JSON_COMPACT);
  json_decref(outcome);
  return result;
}

/* The body has returned: the program must have ended, without a report. */
static void expect_clean_end(struct exchange *exchange) {
  if (!exchange->program)
    return;
  exchange_wait_for_end(exchange);
  if (*program_sanitizer_report(exchange->program))
    exchange_fail(exchange,
                  "sanitizer-found-error| A sanitizer has found an error in your program.");
}

/* The first peer that got a frame that is wrong in itself, or came before its cause; or NULL. */
static const struct peer *find_illegal(const struct exchange *exchange) {
  for (size_t i = 0; i < exchange->peer_count; i++)
    if (exchange->peers[i]->legal.error)
      return exchange->peers[i];
  return NULL;
}

/* Its messages are made in that TODO, mostly. */
static _Noreturn void fail_malformed(struct exchange *exchange, const struct peer *peer) {
  const struct lab_todos todos = labs_todos(exchange->lab);
  const char *field = peer->legal.messages.field;
  char seen[256];
  snprintf(seen, sizeof seen, "%s%s%s", peer->legal.error, *field ? ": " : "", field);
  exchange->finding.section = "8.1.1";
  exchange->finding.todo_of_place = todos.respond > 0 ? todos.respond : todos.source;
  exchange_fail_at(exchange, peer->illegal_at, NULL, seen,
                   "malformed-message| Your program sends a malformed %s, which other programs "
                   "refuse.",
                   peer->program == FRAME_FROM_CLIENT ? "request" : "response");
}

/* Whatever the check is about. */
static void expect_legal(struct exchange *exchange) {
  const struct peer *peer = find_illegal(exchange);
  if (peer && peer->legal.is_malformed)
    fail_malformed(exchange, peer);
  if (peer)
    exchange_fail_at(exchange, peer->illegal_at, NULL, peer->legal.error,
                     "illegal-frame| Your program sends a frame that HTTP/2 does not allow here.");
}

/* A program that crashes closes its connection first and dies a moment later: let it,
 * so that its own report can be quoted. One that has come to a TODO ends, too: LeakSanitizer shall
 * have looked before that counts. */
static void let_it_end(struct exchange *exchange) {
  bool closing = program_ended(exchange->program) || cause_says_todo(exchange);
  for (size_t i = 0; i < exchange->peer_count; i++)
    closing = closing || exchange->peers[i]->closed_by_program;
  if (closing)
    exchange_await_end(exchange);
  standing_tell(exchange);
  standing_sleep(exchange);
  exchange->stopping = true;
  program_stop(exchange->program);
  while (!program_ended(exchange->program))
    uv_run(&exchange->loop, UV_RUN_ONCE);
}

/* Run the body, and find the cause where it has failed. exchange_fail and
 * exchange_fault jump back to here. */
static void play(struct exchange *exchange, check_body body) {
  if (setjmp(exchange->stop) == 0) {
    body(exchange);
    expect_clean_end(exchange);
    expect_legal(exchange);
    return;
  }
  if (exchange->verdict != VERDICT_FAILED)
    return;
  if (setjmp(exchange->stop) == 0) {
    if (exchange->program)
      let_it_end(exchange);
    cause_find(exchange);
    trail_note(exchange);
    if (exchange->earned && !find_illegal(exchange) && cause_is_todo(exchange))
      exchange->verdict = VERDICT_PASSED; /* see exchange_earn */
  }
}

/* This contains the program's own words: keep only what every program can show, and limit the
 * length. */
static void clean(struct buffer *text) {
  enum { LIMIT = 8192 };
  struct buffer cleaned = {0};
  size_t length = text->length < LIMIT ? text->length : LIMIT;
  if (text->length == 0 || text_append_clean(&cleaned, text->bytes, length) != 0)
    return;
  buffer_free(text);
  *text = cleaned;
}

/* The message for Criterion, which writes it into a CDATA section of its XML, which ends at
 * "]]>". */
static void copy_for_criterion(char *what, size_t size, const struct buffer *text) {
  snprintf(what, size, "%s", text->bytes ? text->bytes : "");
  if (strlen(what) == size - 1) /* cut: no half of a character */
    for (size_t end = size - 1; end > 0 && (what[end - 1] & 0x80); end--)
      what[end - 1] = '\0';
  for (char *end = strstr(what, "]]>"); end; end = strstr(end, "]]>"))
    end[1] = ' ';
}

void check_run(const struct check *check, check_body body) {
  static struct exchange exchange; /* static: it is changed between setjmp and longjmp */
  if (protection_hide() != 0 || exchange_init(&exchange, check) != 0)
    cr_assert_fail("grader: cannot begin");
  play(&exchange, body);
  clean(&exchange.finding.what);
  clean(&exchange.finding.expected);
  clean(&exchange.finding.seen);
  clean(&exchange.finding.report);
  int written = write_outcome(&exchange);
  write_capture(&exchange);
  enum verdict verdict = exchange.verdict;
  char what[512];
  copy_for_criterion(what, sizeof what, &exchange.finding.what);
  peer_free_all(&exchange);
  exchange_free(&exchange);
  cr_assert(written == 0, "grader: the outcome cannot be written");
  cr_assert(verdict == VERDICT_PASSED, "%s", what);
}
