/* The checks of lab 1: one session, from the preface to GOAWAY. 15 points. */
#include <limits.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/play/check_run.h"
#include "grader/play/peer_expect.h"
#include "grader/play/peer_receive.h"
#include "grader/play/peer_send.h"
#include "grader/play/port.h"
#include "grader/words/quote.h"

#define CLOSED "session closed"

enum { SEND_TODO = 2, SUBMIT_TODO = 3, SETTINGS_TODO = 5, END_TODO = 6 };

static const char ACKNOWLEDGEMENT[] = "the server's acknowledgement of SETTINGS";

/* Start `session` against a server of ours. */
static struct peer *start_session(struct exchange *exchange) {
  peer_listen(exchange);
  exchange_start(exchange, "session", exchange->url, NULL);
  return peer_accept(exchange);
}

/* One line on standard error, about the URL and status 1, or status `other`; and no `session
 * closed`. */
static void expect_error(struct exchange *exchange, int other) {
  if (other == 0)
    exchange_expect_error_about(exchange, exchange->arguments[1]);
  else
    exchange_expect_error(exchange, other);
  const char *output = program_stdout(exchange->program, NULL);
  if (strstr(output, CLOSED))
    exchange_fail_at(exchange, -1, "an error, and nothing else", output,
                     "says-session-closed-though-session| Your program prints `session closed`, "
                     "but the session has failed.");
}

/* A setting without a name: nobody has registered these numbers, so a program ignores it (RFC 9113,
 * section 6.5.2). Often its last byte is the number of one that has a name. */
static nghttp2_settings_entry draw_unknown(struct exchange *exchange) {
  enum { BYTE = 0x100, HIGHEST = 0x40, KNOWN = 10, KNOWN_IN = 2 };
  int32_t id = BYTE * (1 + (int32_t)exchange_random(exchange, HIGHEST));
  bool is_like_known = exchange_random(exchange, KNOWN_IN) == 0;
  id += (int32_t)exchange_random(exchange, is_like_known ? KNOWN : BYTE);
  return (nghttp2_settings_entry){id, exchange_random(exchange, UINT32_MAX)};
}

/* Like one of the settings that have a name, but for its first byte. */
static nghttp2_settings_entry draw_like_known(struct exchange *exchange) {
  nghttp2_settings_entry setting = draw_unknown(exchange);
  setting.settings_id &= ~0xff;
  setting.settings_id |= NGHTTP2_SETTINGS_HEADER_TABLE_SIZE + (int32_t)exchange_random(exchange, 6);
  return setting;
}

/* SETTINGS without a setting that anybody knows, and perhaps WINDOW_UPDATE: nobody can tell the
 * frames by their length. One is never empty, like an acknowledgement: `goodbye` has that. */
static void send_settings(struct peer *peer) {
  enum { MOST = 4 };
  struct exchange *exchange = peer->exchange;
  nghttp2_settings_entry settings[MOST];
  size_t count = 1 + exchange_random(exchange, MOST);
  for (size_t i = 0; i < count; i++)
    settings[i] = draw_unknown(exchange);
  peer_send_settings(peer, settings, count);
  if (exchange_random(exchange, 2) == 0)
    peer_send_window_update(peer, 0, 1 + exchange_random(exchange, 1 << 20));
}

/* Let it come to its end, the usual way. */
static void finish(struct exchange *exchange, struct peer *peer) {
  peer_expect_goodbye(peer);
  exchange_wait_for_end(exchange);
  int code = -1;
  if (program_end(exchange->program, &code) == PROGRAM_EXITED && code == 1 &&
      !*program_sanitizer_report(exchange->program))
    exchange_fail_at(exchange, -1, "exit status 0", NULL,
                     "everything-still-failed| Your program says goodbye, and then reports an "
                     "error: it ends the session before the server's SETTINGS and the "
                     "acknowledgement of its own have both come, or it takes a right end for a "
                     "failure.");
  exchange_expect_status(exchange, 0);
}

/* Nothing comes for a while: that is not the event for which the session waits. */
static void expect_patience(struct peer *peer, const char *event) {
  struct finding *finding = &peer->exchange->finding;
  finding->todo_of_place = SETTINGS_TODO;
  peer_expect_patience(peer, event);
  finding->todo_of_place = 0;
}

/* The program's SETTINGS have ENABLE_PUSH 0, or do not name it. No setting has the number 0. */
static void expect_right_settings(struct peer *peer) {
  struct exchange *exchange = peer->exchange;
  long index = peer_find_frame(peer, NGHTTP2_SETTINGS, 0);
  const struct frame *frame = index < 0 ? NULL : exchange->recording.entries[index].frame;
  for (size_t i = 0; frame && i < frame->setting_count; i++) {
    bool is_push = frame->settings[i].id == NGHTTP2_SETTINGS_ENABLE_PUSH;
    char seen[64];
    if (frame->settings[i].id != 0 && !(is_push && frame->settings[i].value != 0))
      continue;
    snprintf(seen, sizeof seen, "setting %u with the value %u", frame->settings[i].id,
             frame->settings[i].value);
    finding_blame(&exchange->finding, SUBMIT_TODO);
    exchange->finding.section = "6.5.2";
    exchange_fail_at(
        exchange, index, "SETTINGS_ENABLE_PUSH (2) with the value 0, or no setting", seen, "%s",
        is_push ? "push-not-0| Your program announces ENABLE_PUSH with another value than "
                  "0."
                : "setting-0| Your program announces a setting with the id 0, which no "
                  "setting has: an entry has first the id, then the value.");
  }
}

static bool has_sent_frame_or_left(void *argument) {
  const struct peer *peer = argument;
  return peer->frames_received >= 2 || peer->closed_by_program;
}

/* Behind the preface comes no frame. Say where its bytes have gone, if the program has submitted
 * and taken it. */
static void expect_frame_written(struct peer *peer) {
  enum { LARGEST = 9 + 6 * 8 /* bytes of a SETTINGS frame with all settings */ };
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  struct exchange *exchange = peer->exchange;
  struct probe probe;
  if (exchange_await(exchange, has_sent_frame_or_left, peer) || peer->frames_received != 1)
    return;
  size_t behind = peer->bytes_received - strlen(preface);
  char seen[64];
  snprintf(seen, sizeof seen, "the preface and %zu bytes", behind);
  if (behind >= strlen(preface) && behind <= strlen(preface) + LARGEST) {
    exchange->finding.todo_of_place = SUBMIT_TODO;
    exchange_fail_at(exchange, -1, "SETTINGS", seen,
                     "preface-twice| After the preface come %zu bytes that are no whole frame: if "
                     "your program writes the preface itself, it comes twice, because nghttp2 "
                     "writes it, too.",
                     behind);
  }
  if (!program_probe(exchange->program, &probe) || probe.settings <= 0 || probe.sends < 2)
    return;
  finding_blame(&exchange->finding, SEND_TODO);
  exchange_fail_at(exchange, -1, "SETTINGS", seen,
                   "frame-not-written-whole| After the preface comes no whole frame, though your "
                   "program has called nghttp2_session_mem_send %jd times: write as many bytes as "
                   "it returns (strlen stops at the first NUL).",
                   (intmax_t)probe.sends);
}

CHECK(lab01, preface, .by_heart = true, .points = 1, .todo = 3, .section = "3.4",
      .sentence = "the connection preface comes first, and SETTINGS right after it") {
  struct peer *peer = start_session(exchange);
  expect_frame_written(peer);
  peer_expect_preface(peer);
  expect_right_settings(peer);
  expect_patience(peer, "the server's SETTINGS");
  exchange_earn(exchange);
  send_settings(peer);
  finish(exchange, peer);
}

/* Whether `line`, with a newline, is one of the lines of `text`. */
static bool has_line(const char *text, const char *line) {
  size_t length = strlen(line);
  for (const char *next = text; (next = strstr(next, line)); next += length)
    if (next == text || next[-1] == '\n')
      return true;
  return false;
}

static const char *next_line(const char *line) {
  return line + strcspn(line, "\n") + (strchr(line, '\n') != NULL);
}

/* How many lines of the text begin as this one, up to the colon. */
static size_t count_said(const char *text, const char *line) {
  size_t count = 0;
  size_t length = strcspn(line, ":\n") + 1;
  for (; *text; text = next_line(text))
    count += strncmp(text, line, length) == 0;
  return count;
}

enum { LINE = 128 };

/* The line, with a newline, that the program prints for a setting with a name. Returns `line`. */
static const char *write_line(char line[LINE], const nghttp2_settings_entry *setting) {
  snprintf(line, LINE, "%s: %u\n", frame_setting_name((uint16_t)setting->settings_id),
           setting->value);
  return line;
}

/* Whether the program may print this line of its output: `session closed`, or a setting. Whoever
 * prints a setting with another value, or more often than the server has sent it, has not read it.
 * Some libraries know settings that the server has not sent. */
static bool is_right_line(const char *output, const char *line,
                          const nghttp2_settings_entry *settings, size_t count) {
  char text[LINE];
  size_t sent = 0;
  bool found = false;
  if (strncmp(line, "SETTINGS_", 9) != 0)
    return strncmp(line, CLOSED "\n", strlen(CLOSED "\n")) == 0 && count_said(output, line) == 1;
  for (size_t i = 0; i < count; i++) {
    if (!frame_setting_name((uint16_t)settings[i].settings_id))
      continue;
    write_line(text, &settings[i]);
    sent += strncmp(line, text, strcspn(text, ":") + 1) == 0;
    found = found || strncmp(line, text, strlen(text)) == 0;
  }
  return sent == 0 ? count_said(output, line) == 1 : found && count_said(output, line) <= sent;
}

/* Whether the server sends another value for this setting behind it, which counts. */
static bool is_sent_again(const nghttp2_settings_entry *settings, size_t place, size_t count) {
  for (size_t i = place + 1; i < count; i++)
    if (settings[i].settings_id == settings[place].settings_id)
      return true;
  return false;
}

/* The program must print these settings, if they have a name; `what` is the sentence if one of them
 * is missing. */
static void expect_printed(struct exchange *exchange, const nghttp2_settings_entry *settings,
                           size_t count, const char *what) {
  const char *output = program_stdout(exchange->program, NULL);
  if (count > 1 && !strstr(output, "SETTINGS_")) {
    finding_blame(&exchange->finding, SETTINGS_TODO);
    exchange_fail_at(exchange, -1, "each setting on a line", *output ? output : "nothing",
                     "no-setting-printed| Your program prints none of the settings that the server "
                     "sent.");
  }
  for (size_t i = 0; i < count; i++) {
    char line[LINE];
    if (!frame_setting_name((uint16_t)settings[i].settings_id) ||
        is_sent_again(settings, i, count) || has_line(output, write_line(line, &settings[i])))
      continue;
    line[strlen(line) - 1] = '\0';
    exchange_fail_at(exchange, -1, line, *output ? output : "nothing was printed", "%s", what);
  }
}

/* Standard output must end in a newline. */
static void expect_newline(struct exchange *exchange) {
  size_t length;
  const char *output = program_stdout(exchange->program, &length);
  const char *last = memrchr(output, '\n', length);
  last = last ? last + 1 : output;
  if (!*last)
    return;
  bool is_end = strncmp(last, CLOSED, strlen(CLOSED)) == 0;
  exchange->finding.section = "";
  exchange->finding.todo_of_place = is_end ? END_TODO : SETTINGS_TODO;
  exchange->finding.is_sure = is_end;
  char line[LINE];
  snprintf(line, sizeof line, "%s\n", last);
  exchange_fail_at(exchange, -1, line, last,
                   "last-line-without-newline| The last line that your program prints does not end "
                   "in a newline.");
}

/* `session closed` belongs on standard output. */
static void expect_closed_on_output(struct exchange *exchange) {
  if (!strstr(program_stderr(exchange->program, NULL), CLOSED) ||
      strstr(program_stdout(exchange->program, NULL), CLOSED))
    return;
  exchange->finding.section = "";
  finding_blame(&exchange->finding, END_TODO);
  exchange_fail_at(exchange, -1, "on standard output: session closed", "it is on standard error",
                   "session-closed-on-standard-error| Your program prints `session closed` on "
                   "standard error.");
}

/* This line of the output is wrong. The last one is that of on_close, whatever its words are. */
static _Noreturn void fail_line(struct exchange *exchange, const char *line) {
  struct buffer seen = {0};
  quote_text(&seen, line, strcspn(line, "\n"));
  if (!*next_line(line) && strncmp(line, "SETTINGS_", 9) != 0 &&
      !strstr(program_stdout(exchange->program, NULL), CLOSED)) {
    exchange->finding.section = "";
    finding_blame(&exchange->finding, END_TODO);
    exchange_fail_at(
        exchange, -1, "the last line: session closed", seen.bytes,
        "last-line-other-words| The last line that your program prints is not `session "
        "closed`.");
  }
  exchange_fail_at(exchange, -1, "each setting that has a name, on a line; then: session closed",
                   seen.bytes,
                   "line-too-much| Your program prints a line on standard output that does not "
                   "belong there.");
}

/* This line names a setting by the last byte of another one's id, which has no name. */
static void expect_whole_id(struct exchange *exchange, const char *line,
                            const nghttp2_settings_entry *settings, size_t count) {
  for (size_t i = 0; i < count; i++) {
    nghttp2_settings_entry cut = {settings[i].settings_id & 0xff, settings[i].value};
    char text[LINE];
    if (cut.settings_id == settings[i].settings_id || cut.settings_id == 0 ||
        !frame_setting_name((uint16_t)cut.settings_id) ||
        strncmp(line, write_line(text, &cut), strlen(write_line(text, &cut))) != 0)
      continue;
    text[strlen(text) - 1] = '\0';
    exchange_fail_at(exchange, -1, "no line for a setting without a name", text,
                     "setting-id-cut| Your program gives a name to the setting 0x%04x, which has "
                     "none: an id has two bytes.",
                     (unsigned)settings[i].settings_id);
  }
}

/* The program must print these settings and `session closed`, and nothing else. */
static void expect_lines(struct exchange *exchange, const nghttp2_settings_entry *settings,
                         size_t count, const char *what) {
  expect_printed(exchange, settings, count, what);
  const char *output = program_stdout(exchange->program, NULL);
  expect_newline(exchange);
  for (const char *line = output; *line; line = next_line(line))
    if (!is_right_line(output, line, settings, count)) {
      expect_whole_id(exchange, line, settings, count);
      fail_line(exchange, line);
    }
}

/* The last line must be `session closed`. */
static void expect_closed(struct exchange *exchange) {
  static const char last[] = CLOSED "\n";
  expect_closed_on_output(exchange);
  expect_newline(exchange);
  size_t length;
  const char *output = program_stdout(exchange->program, &length);
  const char *end = output + length - (length < strlen(last) ? length : strlen(last));
  if (strcmp(end, last) == 0 && (end == output || end[-1] == '\n'))
    return;
  const char *last_line = output;
  while (*next_line(last_line))
    last_line = next_line(last_line);
  if (length > 0 && strcasestr(last_line, CLOSED) && !strstr(output, CLOSED))
    fail_line(exchange, last_line);
  exchange_fail_at(
      exchange, -1, "the last line: session closed", length ? output : "nothing",
      strstr(output, last)
          ? "session-closed-not-last| Your program prints `session closed`, but not as "
            "its last line."
          : "not-print-session-closed| Your program does not print `session closed`.");
}

/* Whether the peer has got GOAWAY, or an acknowledgement. */
static bool has_ended_or_acknowledged(void *argument) {
  const struct peer *peer = argument;
  return peer->settings_acknowledged || peer_find_frame(peer, NGHTTP2_GOAWAY, 0) >= 0 ||
         peer->closed_by_program;
}

/* The peer has sent SETTINGS, and holds its acknowledgement back: the session must not end yet. */
static void expect_not_ended(struct peer *peer) {
  struct exchange *exchange = peer->exchange;
  exchange_await(exchange, has_ended_or_acknowledged, peer);
  long goaway = peer_find_frame(peer, NGHTTP2_GOAWAY, 0);
  if (peer->settings_acknowledged || goaway < 0)
    return;
  exchange->finding.todo_of_place = SETTINGS_TODO;
  exchange_fail_at(exchange, goaway, "no GOAWAY before the server has acknowledged SETTINGS", NULL,
                   "ends-before-acknowledgement| Your program ends the session too early: the "
                   "server has sent its SETTINGS, but has not yet acknowledged yours.");
}

/* A large frame of a type that nobody knows: a program reads it to its end, and ignores it. */
static void send_large_frame(struct peer *peer) {
  enum { LEAST = 1024, FIRST_TYPE = 0x40, TYPES = 0x80, FLAGS = 0x100 };
  static uint8_t payload[16 * 1024];
  struct exchange *exchange = peer->exchange;
  size_t length = LEAST + exchange_random(exchange, sizeof payload - LEAST + 1);
  uint8_t type = (uint8_t)(FIRST_TYPE + exchange_random(exchange, TYPES));
  exchange_random_octets(exchange, payload, length);
  peer_send_frame(peer, type, (uint8_t)exchange_random(exchange, FLAGS), 0, payload, length);
}

/* Two settings that have a name. */
static void draw_two_settings(struct exchange *exchange, nghttp2_settings_entry *settings) {
  settings[0] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                         exchange_random(exchange, 0x7fffffff)};
  settings[1] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                                         exchange_random(exchange, 0x7fffffff)};
}

CHECK(lab01, settings_ack, .by_heart = true, .points = 1, .todo = 4, .section = "6.5.3",
      .sentence = "the server's SETTINGS are acknowledged, and later ones too") {
  enum { EACH = 2, LEAST = 3, MOST = 6 };
  nghttp2_settings_entry sent[MOST][EACH];
  const size_t count = LEAST + exchange_random(exchange, MOST - LEAST + 1);
  for (size_t i = 0; i < count; i++)
    draw_two_settings(exchange, sent[i]);
  struct peer *peer = start_session(exchange);
  peer->hold_settings_ack = true; /* a session that is already closing need not acknowledge */
  expect_frame_written(peer);
  peer_expect_preface(peer);
  peer_send_settings(peer, sent[0], EACH);
  expect_not_ended(peer);
  peer_expect_settings_ack(peer);
  send_large_frame(peer);
  for (size_t i = 1; i < count; i++) {
    peer->settings_acknowledged = false;
    peer_send_settings(peer, sent[i], EACH);
    peer_expect_settings_ack(peer);
  }
  expect_patience(peer, ACKNOWLEDGEMENT);
  exchange_earn(exchange);
  peer_send_settings_ack(peer);
  finish(exchange, peer);
  for (size_t i = 1; i < count; i++)
    expect_printed(exchange, sent[i], EACH,
                   "setting-sent-later-not-printed| Your program does not print a setting that the "
                   "server sent in a later SETTINGS.");
}

enum { NAMED = 8, TWICE = 2, UNKNOWN = 4, SETTINGS = NAMED + TWICE + UNKNOWN };

/* Three settings may have values that are more than an int can hold. */
static uint32_t draw_large(struct exchange *exchange) {
  return 0x80000000u + exchange_random(exchange, 0x7fffffff);
}

/* Fill `settings` with all that have a name, in any order. */
static void draw_named(struct exchange *exchange, nghttp2_settings_entry *settings) {
  size_t order[NAMED];
  const nghttp2_settings_entry all[NAMED] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, draw_large(exchange)},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, exchange_random(exchange, 1u << 31)},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16384 + exchange_random(exchange, 1u << 20)},
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, draw_large(exchange)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, draw_large(exchange)},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, /* a server may say nothing else */
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, exchange_random(exchange, 2)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, exchange_random(exchange, 2)},
  };
  exchange_shuffle(exchange, order, NAMED);
  for (size_t i = 0; i < NAMED; i++)
    settings[i] = all[order[i]];
}

/* Insert a setting before that place. */
static void insert(nghttp2_settings_entry *settings, size_t count, size_t place,
                   nghttp2_settings_entry setting) {
  memmove(settings + place + 1, settings + place, (count - place) * sizeof *settings);
  settings[place] = setting;
}

/* Let one of them, which is large, have another value before: the later one counts. */
static void insert_smaller(struct exchange *exchange, nghttp2_settings_entry *settings,
                           size_t count, int32_t id) {
  size_t place = 0;
  while (settings[place].settings_id != id)
    place++;
  insert(settings, count, exchange_random(exchange, (uint32_t)place + 1),
         (nghttp2_settings_entry){id, exchange_random(exchange, settings[place].value)});
}

/* Fill `settings` with all that have a name, two of them twice, and a few without a name, in any
 * order. The last has a name. Returns how many there are. */
static size_t draw_settings(struct exchange *exchange, nghttp2_settings_entry *settings) {
  size_t count = NAMED;
  draw_named(exchange, settings);
  insert_smaller(exchange, settings, count++, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE);
  insert_smaller(exchange, settings, count++,
                 exchange_random(exchange, 2) == 0 ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS
                                                   : NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE);
  for (size_t more = 2 + exchange_random(exchange, UNKNOWN - 1); more > 0; more--, count++)
    insert(settings, count, exchange_random(exchange, (uint32_t)count),
           more == 1 ? draw_like_known(exchange) : draw_unknown(exchange));
  return count;
}

CHECK(lab01, settings_printed, .points = 1, .todo = 5, .section = "6.5.2",
      .sentence = "the server's settings are printed, one per line") {
  nghttp2_settings_entry settings[SETTINGS];
  const size_t count = draw_settings(exchange, settings);
  struct peer *peer = start_session(exchange);
  peer_send_settings(peer, settings, count);
  peer_expect_goodbye(peer);
  exchange_wait_for_end(exchange);
  expect_lines(
      exchange, settings, count,
      "setting-sent-not-printed| Your program does not print a setting that the server sent.");
  exchange_earn(exchange);
  exchange_expect_status(exchange, 0);
  expect_closed_on_output(exchange);
  exchange_expect_silence(exchange);
}

CHECK(lab01, ping, .points = 1, .todo = 4, .section = "6.7",
      .sentence = "each PING is answered while the session is open") {
  enum { LEAST = 2, MOST = 6 };
  uint8_t octets[MOST][8];
  const size_t count = LEAST + exchange_random(exchange, MOST - LEAST + 1);
  exchange_random_octets(exchange, octets, sizeof octets);
  struct peer *peer = start_session(exchange);
  peer->hold_settings_ack = true; /* so that it cannot be done before it has seen each PING */
  send_settings(peer);
  for (size_t i = 0; i < count; i++) {
    peer_send_ping(peer, octets[i]);
    if (exchange_random(exchange, 3) == 0)
      send_settings(peer);
  }
  expect_not_ended(peer);
  for (size_t i = 0; i < count; i++)
    peer_expect_ping_ack(peer, octets[i]);
  expect_patience(peer, ACKNOWLEDGEMENT);
  exchange_earn(exchange);
  peer_send_settings_ack(peer);
  finish(exchange, peer);
}

CHECK(lab01, slowly, .points = 1, .todo = 4, .section = "4.1",
      .sentence = "the server's bytes may arrive one at a time") {
  nghttp2_settings_entry settings[NAMED + 1];
  draw_named(exchange, settings);
  const size_t named = 2 + exchange_random(exchange, 3);
  for (size_t i = 0; i < named; i++)
    settings[i].value &= INT_MAX; /* settings_printed has some that are more */
  const size_t count = named + 1;
  insert(settings, named, exchange_random(exchange, (uint32_t)named), draw_unknown(exchange));
  struct peer *peer = start_session(exchange);
  peer_send_slowly(peer);
  peer_send_settings(peer, settings, count);
  peer_expect_goodbye(peer);
  exchange_wait_for_end(exchange);
  expect_lines(exchange, settings, count,
               "setting-frame-arrived-pieces-not| Your program does not print a setting whose "
               "frame arrived in pieces.");
  exchange_earn(exchange);
  exchange_expect_status(exchange, 0);
}

/* A program that knows an acknowledgement by its length waits now. */
static void expect_end_after_empty_settings(struct peer *peer) {
  struct exchange *exchange = peer->exchange;
  if (peer_await_goaway(peer) || peer->closed_by_program)
    return;
  finding_blame(&exchange->finding, SETTINGS_TODO);
  exchange->finding.section = "6.5";
  exchange_fail_at(exchange, -1, "GOAWAY NO_ERROR", NULL,
                   "empty-settings-not-taken| Your program does not end the session if the "
                   "server's SETTINGS frame is empty: only the flag ACK makes it an "
                   "acknowledgement.");
}

CHECK(lab01, goodbye, .by_heart = true, .points = 2, .todo = 6, .section = "5.4.1",
      .sentence = "GOAWAY(NO_ERROR) before the close, then `session closed` and status 0") {
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, exchange_random(exchange, 0x7fffffff)}};
  for (int empty = 0; empty <= 1; empty++) { /* with a setting, and without one */
    struct peer *peer = start_session(exchange);
    peer_send_settings(peer, settings, empty ? 0 : 1);
    if (empty)
      expect_end_after_empty_settings(peer);
    finish(exchange, peer);
    expect_closed(exchange);
    expect_lines(exchange, settings, empty ? 0 : 1,
                 "setting-sent-not-printed| Your program does not print a setting that the server "
                 "sent.");
  }
}

/* The first frame of the program that is on a stream, or -1. */
static long find_stream_frame(const struct recording *recording) {
  for (size_t i = 0; i < recording->count; i++) {
    const struct frame *frame = recording->entries[i].frame;
    if (frame && frame->sender == FRAME_FROM_CLIENT && frame->stream_id != 0)
      return (long)i;
  }
  return -1;
}

CHECK(lab01, one_connection, .by_heart = true, .points = 1, .todo = 3, .section = "9.1",
      .sentence = "exactly one connection, and no stream on it") {
  char host[16]; /* which is not the address of localhost */
  snprintf(host, sizeof host, "127.0.0.%u", 2 + exchange_random(exchange, 250));
  exchange->host = host;
  struct peer *peer = start_session(exchange);
  send_settings(peer);
  finish(exchange, peer);
  if (exchange->peer_count > 1)
    exchange_fail_at(exchange, -1, "one connection", "more than one",
                     "connects-more-once| Your program connects more than once.");
  long index = find_stream_frame(&exchange->recording);
  if (index >= 0)
    exchange_fail_at(exchange, index, "frames of the connection only, on stream 0", NULL,
                     "opens-stream-make-no-request| Your program opens a stream, but this lab "
                     "makes no request.");
}

/* What the program says on standard error after the URL. */
static const char *reason(const struct exchange *exchange) {
  const char *text = program_stderr(exchange->program, NULL);
  const char *url = strstr(text, exchange->arguments[1]);
  return url ? url + strlen(exchange->arguments[1]) : text;
}

/* The same; the caller frees it. */
static char *copy_reason(struct exchange *exchange) {
  char *copy = strdup(reason(exchange));
  if (!copy)
    exchange_fault(exchange, "out of memory");
  return copy;
}

static bool has_connected_or_ended(void *argument) {
  const struct exchange *exchange = argument;
  return exchange->peer_count > exchange->peers_accepted || program_ended(exchange->program);
}

/* A name with an empty label (RFC 1035) is unknown everywhere, without a look-up. There is a server
 * at the port, but on localhost. */
static void expect_unknown_host_told(struct exchange *exchange) {
  char label[2][16];
  char url[64];
  for (int i = 0; i < 2; i++)
    exchange_random_text(exchange, label[i], 3 + exchange_random(exchange, 10));
  peer_listen(exchange);
  snprintf(url, sizeof url, "http://%s..%s%s", label[0], label[1], strrchr(exchange->url, ':'));
  exchange_start(exchange, "session", url, NULL);
  exchange_await(exchange, has_connected_or_ended, exchange);
  if (exchange->peer_count > 0)
    exchange_fail_at(exchange, -1, "no connection", "a connection to localhost",
                     "connects-to-localhost| Your program connects to localhost, but the URL names "
                     "another host.");
  expect_error(exchange, 0);
}

/* Nobody listens there. */
static void expect_refused_told(struct exchange *exchange) {
  char url[64];
  struct port port;
  if (port_hold(&port) != 0)
    exchange_fault(exchange, "no free port");
  snprintf(url, sizeof url, "http://localhost:%d", port.number);
  exchange_start(exchange, "session", url, NULL);
  expect_error(exchange, 0);
  port_release(&port);
}

CHECK(lab01, refused, .of_errors = true, .points = 1, .todo = 6, .section = NULL,
      .sentence = "no server: one line on standard error, status 1") {
  expect_refused_told(exchange);
}

/* The program must say which of the two it is. */
static void expect_two_reasons(struct exchange *exchange) {
  expect_unknown_host_told(exchange);
  char *unknown = copy_reason(exchange);
  expect_refused_told(exchange);
  if (strcmp(unknown, reason(exchange)) == 0)
    exchange_fail_at(exchange, -1, "one reason for no such host, another for no server", unknown,
                     "same-reason-for-both| Your program gives the same reason whether there is no "
                     "such host or no server: call fail with the text that on_close gets.");
  free(unknown);
}

CHECK(lab01, nowhere, .of_errors = true, .points = 1, .todo = 6, .section = NULL,
      .sentence = "an unknown host: status 1; wrong usage, not an http:// URL: status 2") {
  char host[80];
  char url[128];
  expect_two_reasons(exchange);
  exchange_random_text(exchange, host, 4 + exchange_random(exchange, 66));
  snprintf(url, sizeof url, "http://%s", host);
  exchange_start(exchange, "session", "localhost;8000", NULL);
  expect_error(exchange, 2);
  exchange_start(exchange, "session", NULL);
  expect_error(exchange, 2);
  exchange_expect_usage(exchange, "session", url, url, NULL);
  snprintf(url, sizeof url, "https://%s", host);
  exchange_start(exchange, "session", url, NULL);
  expect_error(exchange, 2);
}

CHECK(lab01, http1, .of_errors = true, .points = 1, .todo = 6, .section = "3.4",
      .by_hand = "MISBEHAVE=garbage",
      .sentence = "a server that speaks HTTP/1.1: one line on standard error, status 1") {
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  struct peer *peer = start_session(exchange);
  peer_send_other(peer, answer, strlen(answer));
  expect_error(exchange, 0);
}

CHECK(lab01, garbage, .of_errors = true, .points = 1, .todo = 6, .section = "3.4",
      .sentence = "a server that sends garbage: one line on standard error, status 1") {
  uint8_t bytes[64];
  exchange_random_octets(exchange, bytes, sizeof bytes);
  bytes[3] = 0xff; /* never the type of a SETTINGS frame */
  struct peer *peer = start_session(exchange);
  peer_send_other(peer, bytes, sizeof bytes);
  expect_error(exchange, 0);
}

CHECK(lab01, closed_early, .of_errors = true, .points = 1, .todo = 6, .section = NULL,
      .sentence = "a server that closes before its SETTINGS or its ACK: an error") {
  struct peer *peer = start_session(exchange);
  peer_expect_preface(peer);
  peer_close(peer);
  expect_error(exchange, 0);
  exchange_start(exchange, "session", exchange->url, NULL);
  peer = peer_accept(exchange);
  peer->hold_settings_ack = true;
  peer_expect_preface(peer);
  send_settings(peer);
  peer_send_frame(peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "no ping?", 8); /* not SETTINGS */
  peer_send_goaway(peer, 0, NGHTTP2_NO_ERROR);
  peer_close(peer);
  expect_error(exchange, 0);
}

/* GOAWAY with this error, and debug data behind it, which can be anything (RFC 9113, section 6.8):
 * letters, and among them what makes a terminal red, and a line break. */
static void send_goaway(struct peer *peer, uint32_t code) {
  enum { FIXED = 8, TEXT = 40 };
  static const char *const marks[] = {"\33[31m", "\n"};
  char payload[FIXED + TEXT + 16] = {
      [4] = (char)(code >> 24), (char)(code >> 16), (char)(code >> 8), (char)code};
  uint32_t first = exchange_random(peer->exchange, 2);
  char *text = payload + FIXED;
  for (uint32_t i = 0; i < 2; i++) {
    exchange_random_text(peer->exchange, text, 1 + exchange_random(peer->exchange, TEXT / 2));
    strcat(text, marks[first ^ i]);
    text += strlen(text);
  }
  exchange_random_text(peer->exchange, text, 1);
  peer_send_frame(peer, NGHTTP2_GOAWAY, 0, 0, payload, FIXED + strlen(payload + FIXED));
}

/* What the server has sent must not get to the terminal as it came. */
static void expect_no_debug_data(struct exchange *exchange) {
  size_t length;
  const char *text = program_stderr(exchange->program, &length);
  if (!memchr(text, '\33', length))
    return;
  struct buffer seen = {0};
  quote_message(&seen, text, length);
  exchange_fail_at(exchange, -1, "one line on standard error, without control characters",
                   seen.bytes,
                   "debug-data-printed| Your program prints the debug data of the GOAWAY as it "
                   "came: a server may write anything there, also what controls the terminal.");
}

/* The server says goodbye with this error before it acknowledges SETTINGS. */
static void expect_goaway_reported(struct exchange *exchange, uint32_t code) {
  struct peer *peer = start_session(exchange);
  peer->hold_settings_ack = true;
  send_settings(peer);
  peer_expect_preface(peer);
  send_goaway(peer, code);
  peer_send_settings_ack(peer); /* the session is open then, but not well */
  peer_close(peer);
  exchange_await_end(exchange);
  expect_no_debug_data(exchange);
  expect_error(exchange, 0);
  if (code > NGHTTP2_HTTP_1_1_REQUIRED)
    return; /* it has no name */
  char expected[96];
  snprintf(expected, sizeof expected, "a line with the name of the error code, %s",
           nghttp2_http2_strerror(code));
  exchange_expect_named(
      exchange, exchange->arguments[1], code, expected,
      "error-goaway-tells-not-named| Your program does not name the error code of the GOAWAY.");
}

/* GOAWAY with NO_ERROR and the acknowledgement of SETTINGS, in any order, and before each perhaps a
 * frame of a type that nobody knows: so the length says nothing. In one piece: behind a GOAWAY
 * alone, the program may leave. */
static void send_goaway_with_ack(struct peer *peer) {
  enum { FIRST_TYPE = 0x40, TYPES = 0x80, LONGEST = 24, GOAWAY = 17, ACK = 9 };
  static const uint8_t frames[2][GOAWAY] = {{[2] = GOAWAY - ACK, NGHTTP2_GOAWAY},
                                            {[3] = NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK}};
  struct exchange *exchange = peer->exchange;
  uint8_t all[2 * (ACK + LONGEST) + GOAWAY + ACK] = {0};
  size_t length = 0;
  uint32_t first = exchange_random(exchange, 2);
  for (uint32_t i = 0; i < 2; i++) {
    uint32_t which = first ^ i;
    if (exchange_random(exchange, 2) == 0) {
      all[length + 2] = (uint8_t)exchange_random(exchange, LONGEST);
      all[length + 3] = (uint8_t)(FIRST_TYPE + exchange_random(exchange, TYPES));
      length += ACK + all[length + 2];
    }
    memcpy(all + length, frames[which], which == 0 ? GOAWAY : ACK);
    length += which == 0 ? GOAWAY : ACK;
  }
  peer_send_bytes(peer, all, length);
}

/* The server says goodbye without an error, and acknowledges SETTINGS in the same piece: then the
 * session is open. */
static void expect_goaway_without_error_accepted(struct exchange *exchange) {
  struct peer *peer = start_session(exchange);
  peer->hold_settings_ack = true;
  send_settings(peer);
  peer_settle(peer);
  send_goaway_with_ack(peer);
  exchange_wait_for_end(exchange);
  if (exchange_names_error(exchange, exchange->arguments[1], NGHTTP2_NO_ERROR))
    exchange_fail(exchange, "goaway-no-error-failure| Your program takes a GOAWAY with NO_ERROR "
                            "for a failure.");
  exchange_expect_status(exchange, 0);
}

CHECK(lab01, goaway_error, .of_errors = true, .points = 1, .todo = 5, .section = "6.8",
      .by_hand = "MISBEHAVE=goaway",
      .sentence = "a GOAWAY with an error: one line on standard error, status 1") {
  const uint32_t known = NGHTTP2_HTTP_1_1_REQUIRED; /* the highest code with a name */
  expect_goaway_reported(exchange, NGHTTP2_PROTOCOL_ERROR + exchange_random(exchange, known));
  expect_goaway_reported(exchange, known + 1 + exchange_random(exchange, UINT32_MAX - known));
  expect_goaway_without_error_accepted(exchange);
}

/* A correct server, for as long as the program lives. */
static void serve_to_the_end(struct exchange *exchange) {
  if (exchange_await(exchange, has_connected_or_ended, exchange) &&
      exchange->peer_count > exchange->peers_accepted)
    send_settings(peer_accept(exchange));
  exchange_await_end(exchange);
}

/* What the program says when the session ends before it is open; the caller frees it. */
static char *reason_of_early_end(struct exchange *exchange) {
  struct peer *peer = start_session(exchange);
  peer_send_other(peer, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
  exchange_wait_for_end(exchange);
  return copy_reason(exchange);
}

/* The program must say why, not "unknown" (an error code that nobody has), and not the same as
 * when the server speaks no HTTP/2. */
static void expect_reason(struct exchange *exchange, const char *call, const char *early_end) {
  const char *why = reason(exchange);
  if (strcasestr(why, ": unknown") || strcmp(why, early_end) == 0)
    exchange_fail_at(exchange, -1, "one line that says what failed", why,
                     "failed-call-other-reason| When %s fails, your program gives another reason: "
                     "call fail with the text of the error code.",
                     call);
}

CHECK(lab01, calls_fail, .points = 1, .todo = 1, .of_errors = true, .section = NULL,
      .sentence = "a call fails (no memory): one line on standard error, status 1") {
  static const struct {
    const char *name;
    int todo;
  } calls[] = {{"nghttp2_session_callbacks_new", 1},    {"nghttp2_session_client_new", 1},
               {"nghttp2_session_mem_send", 2},         {"transport_write", 2},
               {"nghttp2_submit_settings", 3},          {"nghttp2_session_mem_recv", 4},
               {"nghttp2_session_terminate_session", 5}};
  char *early_end = reason_of_early_end(exchange);
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    exchange->fails = calls[i].name;
    peer_listen(exchange);
    exchange->finding.todo_of_place = calls[i].todo;
    exchange_start(exchange, "session", exchange->url, NULL);
    serve_to_the_end(exchange);
    int code = -1;
    enum program_end end = program_end(exchange->program, &code);
    if (!exchange_expect_failed_call(exchange)) { /* it does without this call */
      if (end == PROGRAM_EXITED && code == 0 &&
          !strstr(program_stdout(exchange->program, NULL), CLOSED))
        exchange_fail_at(exchange, -1, "a whole session, or an error", "exit status 0",
                         "session-not-whole| Your program ends with status 0, but without a "
                         "session.");
      continue;
    }
    if (end == PROGRAM_RUNNING || (end == PROGRAM_EXITED && code == 0))
      exchange_fail_ignored_call(exchange, calls[i].name,
                                 end == PROGRAM_RUNNING ? "your program waits" : "exit status 0");
    expect_error(exchange, 0);
    expect_reason(exchange, calls[i].name, early_end);
  }
  free(early_end);
}
