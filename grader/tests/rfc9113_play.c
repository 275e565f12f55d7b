/*
 * rfc9113_play: see rfc9113.h. It notes everything that the server sends, one event a line:
 *
 *     SETTINGS           SETTINGS ACK       PING ACK abcdefgh     WINDOW_UPDATE 1
 *     HEADERS 1 200      DATA 1 12          END_STREAM 1
 *     RESIZED 1          the block begins with a new size of the dynamic table
 *     RST_STREAM 1 CANCEL                   GOAWAY PROTOCOL_ERROR
 *     closed             wrong: something that no server may send
 *
 * `await` in a script takes the next event that begins with these words.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/frame.h"
#include "grader/tests/rfc9113.h"

enum { PLAY_SECONDS = 10, EVENT_SIZE = 128, PROBE = 1001, PIECES = 200, MAX_FRAME_SIZE = 16384 };

static const char prologue[] =
    "PREFACE;SETTINGS 0;await SETTINGS;await SETTINGS ACK;SETTINGS 0 ACK";

/* The good request: HEAD, so that no window holds the answer back. */
static const char probe[] = "HEADERS 1001 END_STREAM END_HEADERS :method=HEAD :scheme=http "
                            ":path=/hello-world :authority=localhost";

struct play {
  int socket;
  bool closed;
  bool piecemeal;
  time_t deadline;
  struct frame_decoder *decoder;
  struct buffer events; /* a newline, then the events, each with a newline at its end */
  size_t cursor;        /* where the next `await` begins to look */
  unsigned round_trips;
  int32_t highest_answered;
};

/* --- Events ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void note(struct play *play, const char *format, ...) {
  char event[EVENT_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(event, sizeof event - 1, format, arguments);
  va_end(arguments);
  strcat(event, "\n");
  cr_assert_eq(buffer_append_text(&play->events, event), 0, "out of memory");
}

/* The first event from `start` on that begins with the words of `format`; or NULL. */
static const char *find_event(const struct play *play, size_t start, const char *event) {
  char line[EVENT_SIZE + 1];
  snprintf(line, sizeof line, "\n%s", event);
  size_t length = strlen(line);
  const char *found = play->events.bytes + start;
  while ((found = strstr(found, line)) && found[length] != ' ' && found[length] != '\n')
    found++;
  return found;
}

__attribute__((format(printf, 2, 3))) static bool has_event(const struct play *play,
                                                            const char *format, ...) {
  char event[EVENT_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(event, sizeof event, format, arguments);
  va_end(arguments);
  return find_event(play, 0, event) != NULL;
}

/* How many bytes of DATA have come on a stream; for stream 0, on all streams. */
static unsigned long data_received(const struct play *play, uint32_t stream) {
  unsigned long sum = 0;
  const char *event = play->events.bytes;
  while ((event = strstr(event, "\nDATA "))) {
    char *after;
    unsigned long id = strtoul(event + strlen("\nDATA "), &after, 10);
    if (stream == 0 || id == stream)
      sum += strtoul(after, NULL, 10);
    event++;
  }
  return sum;
}

static const char *code_name(uint32_t code) {
  const char *name = frame_error_name(code);
  return name ? name : "an unknown code";
}

static void on_headers(struct play *play, const struct frame *frame) {
  const struct frame_field *status = frame_find_field(frame, ":status");
  if (frame->payload[0] >> 5 ==
      1) /* RFC 7541, section 6.3; the server neither pads nor prioritizes */
    note(play, "RESIZED %d", frame->stream_id);
  if (status)
    note(play, "HEADERS %d %.*s", frame->stream_id, (int)status->value_length, status->value);
  else
    note(play, "wrong: HEADERS %d without :status", frame->stream_id);
  if (frame->stream_id > play->highest_answered)
    play->highest_answered = frame->stream_id;
}

static void on_ping(struct play *play, const struct frame *frame) {
  const char *ack = frame->flags & NGHTTP2_FLAG_ACK ? " ACK" : "";
  note(play, "PING%s %.*s", ack, (int)frame->data_length, frame->data);
  if (*ack && frame->data_length == 8 && memcmp(frame->data, "unasked!", 8) == 0) /* section 6.7 */
    note(play, "wrong: it answers an acknowledgment");
}

static void on_goaway(struct play *play, const struct frame *frame) {
  note(play, "GOAWAY %s", code_name(frame->error_code));
  if (frame->last_stream_id < play->highest_answered) /* section 8.7 */
    note(play, "wrong: GOAWAY names %d, but it answered %d", frame->last_stream_id,
         play->highest_answered);
}

/* Rules that every server must keep, whatever the client sends. */
static void look_for_faults(struct play *play, const struct frame *frame) {
  const char *name = frame_type_name(frame->type);
  if (frame->error)
    note(play, "wrong: %s: %s", name ? name : "unknown frame", frame->error);
  if (frame->length > MAX_FRAME_SIZE)
    note(play, "wrong: %zu bytes in a frame", frame->length);
  if (play->events.length == 1 && (frame->type != NGHTTP2_SETTINGS || frame->flags))
    note(play, "wrong: the first frame is not SETTINGS"); /* section 3.4 */
  if (frame->stream_id == 0)
    return;
  if (has_event(play, "RST_STREAM %d", frame->stream_id))
    note(play, "wrong: %s on %d after RST_STREAM", name, frame->stream_id);
  if ((frame->type == NGHTTP2_DATA || frame->type == NGHTTP2_HEADERS) &&
      has_event(play, "END_STREAM %d", frame->stream_id))
    note(play, "wrong: %s on %d after END_STREAM", name, frame->stream_id);
}

static void on_frame(const struct frame *frame, void *user) {
  struct play *play = user;
  const char *ack = frame->flags & NGHTTP2_FLAG_ACK ? " ACK" : "";
  look_for_faults(play, frame);
  switch (frame->type) {
  case NGHTTP2_SETTINGS: note(play, "SETTINGS%s", ack); break;
  case NGHTTP2_PING: on_ping(play, frame); break;
  case NGHTTP2_HEADERS: on_headers(play, frame); break;
  case NGHTTP2_DATA: note(play, "DATA %d %zu", frame->stream_id, frame->data_length); break;
  case NGHTTP2_RST_STREAM:
    note(play, "RST_STREAM %d %s", frame->stream_id, code_name(frame->error_code));
    break;
  case NGHTTP2_GOAWAY: on_goaway(play, frame); break;
  default: note(play, "%s %d", frame_type_name(frame->type), frame->stream_id);
  }
  if ((frame->type == NGHTTP2_DATA || frame->type == NGHTTP2_HEADERS) &&
      frame->flags & NGHTTP2_FLAG_END_STREAM)
    note(play, "END_STREAM %d", frame->stream_id);
}

/* --- The connection --------------------------------------------------------------------------- */

static void connect_to(struct play *play, int which, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  play->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_eq(connect(play->socket, (struct sockaddr *)&address, sizeof address), 0,
               "%s does not listen on port %d; make test builds it", rfc9113_programs[which], port);
  setsockopt(play->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* Wait for bytes, and take them. Returns false when no more will come. */
static bool receive(struct play *play) {
  uint8_t bytes[16384];
  struct pollfd ready = {.fd = play->socket, .events = POLLIN};
  if (play->closed || time(NULL) > play->deadline)
    return false;
  if (poll(&ready, 1, 1000) <= 0)
    return true;
  ssize_t length = recv(play->socket, bytes, sizeof bytes, 0);
  if (length <= 0) {
    play->closed = true;
    note(play, "closed");
  } else {
    cr_assert_eq(frame_decoder_feed(play->decoder, FRAME_FROM_SERVER, bytes, (size_t)length), 0,
                 "memory");
  }
  return true;
}

/* If the server does not take the bytes, it has closed the connection: reading will show that. */
static void send_bytes(struct play *play, const struct buffer *bytes) {
  size_t sent = 0;
  while (sent < bytes->length) {
    size_t length = play->piecemeal && sent < PIECES ? 1 : bytes->length - sent;
    ssize_t count = send(play->socket, bytes->bytes + sent, length, MSG_NOSIGNAL);
    if (count < 0)
      return;
    sent += (size_t)count;
  }
}

static void send_statement(struct play *play, const char *statement) {
  struct buffer bytes = {0};
  cr_assert_eq(rfc9113_bytes(statement, &bytes), 0, "makes no sense: %s", statement);
  send_bytes(play, &bytes);
  buffer_free(&bytes);
}

/* Wait for an event. Returns false if the connection ends or the time is over first. */
static bool await(struct play *play, const char *event) {
  const char *found;
  while (!(found = find_event(play, play->cursor, event)))
    if (!receive(play))
      return false;
  play->cursor = (size_t)(found - play->events.bytes) + 1 + strlen(event);
  return true;
}

/* Wait until the server has handled all that the client sent. */
static void round_trip(struct play *play) {
  char statement[32];
  char event[32];
  size_t cursor = play->cursor;
  snprintf(statement, sizeof statement, "PING 0 'trip%04u'", ++play->round_trips);
  snprintf(event, sizeof event, "PING ACK trip%04u", play->round_trips);
  send_statement(play, statement);
  await(play, event);
  play->cursor = cursor;
}

/* --- The script ------------------------------------------------------------------------------- */

/* got STREAM COUNT. Two PINGs: what the server still has to send when it answers the first has left
 * the server before it answers the second. */
static void check_data(struct play *play, const char *numbers) {
  char *after;
  uint32_t stream = (uint32_t)strtoul(numbers, &after, 10);
  unsigned long expected = strtoul(after, NULL, 10);
  while (data_received(play, stream) < expected && receive(play))
    continue;
  round_trip(play);
  round_trip(play);
  unsigned long received = data_received(play, stream);
  if (received != expected)
    note(play, "wrong: %lu bytes of DATA had come on %u, not %lu", received, stream, expected);
}

static void run_statement(struct play *play, const char *statement) {
  if (strncmp(statement, "await ", 6) == 0) {
    if (!await(play, statement + 6))
      note(play, "wrong: no %s", statement + 6);
  } else if (strncmp(statement, "got ", 4) == 0) {
    check_data(play, statement + 4);
  } else {
    send_statement(play, statement);
  }
}

static void run_script(struct play *play, const char *script) {
  char statement[2048];
  while (*script) {
    script += strspn(script, " ");
    size_t length = strcspn(script, ";");
    cr_assert_lt(length, sizeof statement, "too long: %s", script);
    memcpy(statement, script, length);
    statement[length] = '\0';
    run_statement(play, statement);
    script += length + (script[length] == ';');
  }
}

/* --- The verdict ------------------------------------------------------------------------------ */

/* The server sent GOAWAY with one of the codes, and closed the connection. */
static bool is_connection_error(const struct play *play, const struct rule *rule) {
  bool named = has_event(play, "GOAWAY %s", code_name(rule->code)) ||
               (rule->or_code && has_event(play, "GOAWAY %s", code_name(rule->or_code)));
  return named && has_event(play, "closed");
}

/* The router has no route for POST and HEAD. */
static bool is_complete(const struct play *play, uint32_t stream) {
  return (has_event(play, "HEADERS %u 200", stream) || has_event(play, "HEADERS %u 404", stream)) &&
         has_event(play, "END_STREAM %u", stream);
}

static bool goes_on(const struct play *play) {
  return is_complete(play, PROBE) && !has_event(play, "GOAWAY") && !has_event(play, "closed");
}

static bool is_stream_error(const struct play *play, const struct rule *rule, uint32_t stream) {
  bool named =
      has_event(play, "RST_STREAM %u %s", stream, code_name(rule->code)) ||
      (rule->or_code && has_event(play, "RST_STREAM %u %s", stream, code_name(rule->or_code)));
  return (named && goes_on(play)) || is_connection_error(play, rule);
}

static bool is_answered(const struct play *play, uint32_t stream) {
  return is_complete(play, stream) && !has_event(play, "RST_STREAM");
}

static bool is_malformed(const struct play *play, uint32_t stream) {
  const struct rule error = {.code = NGHTTP2_PROTOCOL_ERROR};
  bool refused =
      has_event(play, "HEADERS %u 400", stream) && has_event(play, "END_STREAM %u", stream);
  return is_stream_error(play, &error, stream) || (refused && goes_on(play));
}

static bool is_expected(const struct play *play, const struct rule *rule) {
  uint32_t stream = rule->stream ? rule->stream : 1;
  if (has_event(play, "wrong:"))
    return false;
  switch (rule->reaction) {
  case ANSWERED: return is_answered(play, stream) && goes_on(play);
  case IGNORED: return !has_event(play, "RST_STREAM") && goes_on(play);
  case EITHER: return (is_answered(play, stream) && goes_on(play)) || is_malformed(play, stream);
  case MALFORMED: return is_malformed(play, stream);
  case STREAM_ERROR: return is_stream_error(play, rule, stream);
  case CONNECTION_ERROR: return is_connection_error(play, rule);
  case NOT_HTTP2:
    return is_connection_error(play, rule) ||
           (has_event(play, "closed") && !has_event(play, "GOAWAY"));
  case FINISHED:
    return is_answered(play, stream) &&
           (goes_on(play) || !has_event(play, "GOAWAY") || has_event(play, "GOAWAY NO_ERROR"));
  }
  return false;
}

void rfc9113_play(const struct rule *rule, int which, int port, bool piecemeal) {
  struct play play = {.deadline = time(NULL) + PLAY_SECONDS, .piecemeal = piecemeal};
  const char *script = rule->sent;
  bool bare = strncmp(script, "bare;", 5) == 0;
  cr_assert_eq(buffer_append_text(&play.events, "\n"), 0, "memory");
  play.decoder = frame_decoder_new(on_frame, &play);
  cr_assert_not_null(play.decoder, "memory");
  connect_to(&play, which, port);
  run_script(&play, bare ? "" : prologue);
  run_script(&play, bare ? script + 5 : script);
  if (rule->reaction != NOT_HTTP2) {
    send_statement(&play, probe);
    await(&play, "END_STREAM 1001");
    round_trip(&play);
  }
  while (rule->reaction == NOT_HTTP2 && receive(&play))
    continue;
  cr_expect(is_expected(&play, rule), "%s: %s\nsent to %s: %s\nit sent:%s", rule->section,
            rule->demand, rfc9113_programs[which], rule->sent, play.events.bytes);
  close(play.socket);
  frame_decoder_free(play.decoder);
  buffer_free(&play.events);
}
