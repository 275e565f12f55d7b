/*
 * grpc: check a gRPC server that somebody has written by hand.
 *
 *   grpc PROGRAM
 *
 * Starts PROGRAM --port 0, calls its method /hello.Greeter/Hello in several ways, and ends it with
 * SIGTERM. Prints a line for each rule of lab04-router/bonus/grpc.md: "ok NAME", or "no NAME:
 * why". The status is 0 if the program could be started.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/buffer.h"
#include "common/client.h"
#include "common/field.h"
#include "common/frame.h"
#include "common/url.h"
#include "grader/bonus/subject.h"

enum { DEADLINE_MS = 5000, PIECE_MS = 2, PREFIX = 5, TOGETHER = 10, NAME_LENGTH = 12 };

/* What a request is made of. */
struct wish {
  const char *path; /* NULL: the method that there is */
  const char *type; /* NULL: application/grpc */
  int flag;         /* the first byte of the prefix */
  int excess;       /* how much longer the prefix says that the message is */
  bool slowly;      /* one byte in each DATA frame */
  uint32_t window;  /* for the response; 0: the usual */
};

/* One call, and what came back. */
struct call {
  struct stream *stream;
  char request[64];
  size_t length, sent;
  uv_timer_t timer; /* sends byte by byte */
  struct buffer body;
  char frames[64]; /* of the server: "H" HEADERS, "D" DATA, "R" RST_STREAM; "+" END_STREAM */
  int status;
  char grpc_status[8];
  bool done;
};

/* A connection with its calls. */
struct attempt {
  uv_loop_t loop;
  struct client *client;
  struct frame_decoder *decoder;
  struct call calls[TOGETHER];
  size_t count, done;
};

/* --- Frames ----------------------------------------------------------------------------------- */

static void on_frame(const struct frame *frame, void *user) {
  struct attempt *attempt = user;
  size_t index = (size_t)(frame->stream_id - 1) / 2;
  if (frame->sender != FRAME_FROM_SERVER || frame->stream_id <= 0 || index >= attempt->count)
    return;
  char *frames = attempt->calls[index].frames;
  size_t length = strlen(frames);
  if (length + 3 > sizeof attempt->calls[index].frames)
    return;
  if (frame->type == NGHTTP2_HEADERS)
    strcat(frames, "H");
  else if (frame->type == NGHTTP2_DATA && (length == 0 || frames[length - 1] != 'D'))
    strcat(frames, "D"); /* one for any number of them */
  else if (frame->type == NGHTTP2_RST_STREAM)
    strcat(frames, "R");
  if ((frame->type == NGHTTP2_HEADERS || frame->type == NGHTTP2_DATA) &&
      frame->flags & NGHTTP2_FLAG_END_STREAM)
    strcat(frames, "+");
}

static void on_bytes(bool sent, const void *bytes, size_t length, void *user) {
  struct attempt *attempt = user;
  frame_decoder_feed(attempt->decoder, sent ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER, bytes, length);
}

static void on_open(struct client *client, void *user) {
  transport_observe(connection_transport(client_connection(client)), on_bytes, user);
}

/* --- Calls ------------------------------------------------------------------------------------ */

static void note_status(struct call *call, const char *value) {
  if (value)
    snprintf(call->grpc_status, sizeof call->grpc_status, "%s", value);
}

static void on_headers(struct stream *stream, void *user) {
  struct call *call = user;
  call->status = stream_status(stream);
  note_status(call, stream_header(stream, "grpc-status"));
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct call *call = user;
  (void)stream;
  buffer_append(&call->body, data, length);
}

static void on_end(struct stream *stream, void *user) {
  note_status(user, stream_trailer(stream, "grpc-status"));
}

static void on_close(struct stream *stream, uint32_t error_code, void *user) {
  struct call *call = user;
  struct attempt *attempt = call->timer.data;
  (void)stream;
  (void)error_code;
  call->done = true;
  if (++attempt->done == attempt->count)
    client_close(attempt->client);
}

static const struct stream_events events = {
    .on_headers = on_headers, .on_data = on_data, .on_end = on_end, .on_close = on_close};

static void send_byte(uv_timer_t *timer) {
  struct call *call = (struct call *)((char *)timer - offsetof(struct call, timer));
  if (call->done || call->sent == call->length) {
    uv_timer_stop(timer);
    if (!call->done)
      stream_end(call->stream, NULL, 0);
    return;
  }
  stream_write(call->stream, call->request + call->sent++, 1);
}

/* Names differ, so that no call gets another's answer. */
static void make_request(struct call *call, const struct wish *wish, size_t index) {
  size_t length = index == 0 ? 0 : NAME_LENGTH;
  uint32_t announced = (uint32_t)((int)length + wish->excess);
  const char prefix[PREFIX] = {(char)wish->flag, (char)(announced >> 24), (char)(announced >> 16),
                               (char)(announced >> 8), (char)announced};
  memcpy(call->request, prefix, PREFIX);
  for (size_t i = 0; i < length; i++)
    call->request[PREFIX + i] = (char)('a' + rand() % 26);
  call->length = PREFIX + length;
}

static void begin_call(struct attempt *attempt, const struct wish *wish, size_t index) {
  struct call *call = &attempt->calls[index];
  const nghttp2_nv fields[] = {
      field_make("content-type", wish->type ? wish->type : "application/grpc"),
      field_make("te", "trailers")};
  make_request(call, wish, index);
  call->stream =
      client_request(attempt->client, "POST", wish->path ? wish->path : "/hello.Greeter/Hello",
                     fields, 2, STREAM_LENGTH_UNKNOWN);
  uv_timer_init(&attempt->loop, &call->timer);
  call->timer.data = attempt;
  if (!call->stream) {
    attempt->done++;
    return;
  }
  stream_set_events(call->stream, &events, call);
  if (wish->slowly)
    uv_timer_start(&call->timer, send_byte, PIECE_MS, PIECE_MS);
  else
    stream_end(call->stream, call->request, call->length);
}

static void on_deadline(uv_timer_t *timer) {
  struct attempt *attempt = timer->data;
  if (attempt->client)
    client_free(attempt->client);
  attempt->client = NULL;
}

static void on_client_close(struct client *client, const char *error, void *user) {
  struct attempt *attempt = user;
  (void)client;
  (void)error;
  attempt->client = NULL;
}

/* Make this call `count` times at once, and wait for the answers. (The first has an empty name.) */
static void try_calls(struct attempt *attempt, const char *address, const struct wish *wish,
                      size_t count) {
  struct url url;
  uv_timer_t deadline;
  *attempt = (struct attempt){.count = count};
  const struct client_config config = {.on_open = on_open,
                                       .on_close = on_client_close,
                                       .user = attempt,
                                       .stream_window = wish->window};
  uv_loop_init(&attempt->loop);
  attempt->decoder = frame_decoder_new(on_frame, attempt);
  uv_timer_init(&attempt->loop, &deadline);
  deadline.data = attempt;
  if (url_parse(&url, address) == 0) {
    attempt->client = client_connect(&attempt->loop, &url, &config);
    url_free(&url);
  }
  for (size_t i = 0; i < count && attempt->client; i++)
    begin_call(attempt, wish, i);
  uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
  while (attempt->client)
    uv_run(&attempt->loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&deadline, NULL);
  for (size_t i = 0; i < count; i++)
    if (attempt->calls[i].timer.data)
      uv_close((uv_handle_t *)&attempt->calls[i].timer, NULL);
  uv_run(&attempt->loop, UV_RUN_DEFAULT);
  uv_loop_close(&attempt->loop);
  frame_decoder_free(attempt->decoder);
}

static void free_attempt(struct attempt *attempt) {
  for (size_t i = 0; i < attempt->count; i++)
    buffer_free(&attempt->calls[i].body);
}

/* --- Rules ------------------------------------------------------------------------------------ */

static bool is_reply(const struct call *call) {
  static const char hello[] = "Hello ";
  size_t length = strlen(hello) + call->length - PREFIX;
  const unsigned char *bytes = (const unsigned char *)call->body.bytes;
  return call->body.length == PREFIX + length && bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0 &&
         bytes[3] == 0 && bytes[4] == length && memcmp(bytes + PREFIX, hello, strlen(hello)) == 0 &&
         memcmp(bytes + PREFIX + strlen(hello), call->request + PREFIX, call->length - PREFIX) == 0;
}

/* The frames of a call in words; "" if there was none. */
static void say_frames(const char *name, const struct call *call, const char *wanted) {
  char seen[512] = "";
  for (const char *at = call->frames; *at; at++) {
    const char *word = *at == 'H'   ? ", HEADERS"
                       : *at == 'D' ? ", DATA"
                       : *at == 'R' ? ", RST_STREAM"
                                    : " with END_STREAM";
    strncat(seen, word, sizeof seen - strlen(seen) - 1);
  }
  subject_say(name, "expected %s; seen: %s", wanted, *seen ? seen + 2 : "no frame");
}

/* The usual calls: the frames of the reply, and what it says. */
static void check_replies(const char *address, const char *name, const struct wish *wish,
                          size_t count) {
  static const char wanted[] = "HEADERS, DATA, HEADERS with END_STREAM";
  struct attempt attempt;
  size_t i = 0;
  try_calls(&attempt, address, wish, count);
  while (i < count && strcmp(attempt.calls[i].frames, "HDH+") == 0 && is_reply(&attempt.calls[i]) &&
         strcmp(attempt.calls[i].grpc_status, "0") == 0)
    i++;
  const struct call *call = &attempt.calls[i < count ? i : 0];
  if (i == count)
    subject_say(name, NULL);
  else if (strcmp(call->frames, "HDH+") != 0)
    say_frames(name, call, wanted);
  else if (strcmp(call->grpc_status, "0") != 0)
    subject_say(name, "grpc-status is \"%s\" in the trailers, and should be 0", call->grpc_status);
  else
    subject_say(name, "the message is not \"Hello \" and the name of this call, after its prefix");
  free_attempt(&attempt);
}

/* A call that is an error: one HEADERS frame with this status. */
static void check_refusal(const char *address, const char *name, const struct wish *wish,
                          int status, const char *grpc_status) {
  struct attempt attempt;
  try_calls(&attempt, address, wish, 1);
  const struct call *call = &attempt.calls[0];
  if (strcmp(call->frames, "H+") != 0)
    say_frames(name, call, "one HEADERS with END_STREAM");
  else if (call->status != status)
    subject_say(name, "the HTTP status is %d, and should be %d", call->status, status);
  else if (strcmp(call->grpc_status, grpc_status) != 0)
    subject_say(name, "grpc-status is \"%s\", and should be \"%s\"", call->grpc_status,
                grpc_status);
  else
    subject_say(name, NULL);
  free_attempt(&attempt);
}

static void check_all(const char *address) {
  check_refusal(address, "type", &(struct wish){.type = "text/plain"}, 415, "");
  check_refusal(address, "unknown", &(struct wish){.path = "/hello.Greeter/Goodbye"}, 200, "12");
  check_refusal(address, "broken", &(struct wish){.excess = 1}, 200, "13");
  check_refusal(address, "compressed", &(struct wish){.flag = 1}, 200, "12");
  check_replies(address, "reply", &(struct wish){0}, 2);
  check_replies(address, "together", &(struct wish){0}, TOGETHER);
  check_replies(address, "pieces", &(struct wish){.slowly = true}, 2);
  check_replies(address, "window", &(struct wish){.window = 1}, 2);
}

/* --- The program ------------------------------------------------------------------------------ */

int main(int argc, char **argv) {
  char address[256];
  if (argc != 2) {
    fprintf(stderr, "usage: grpc PROGRAM\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  const char *const arguments[] = {argv[1], "--port", "0", NULL};
  pid_t child = subject_start(arguments, address, sizeof address);
  if (child < 0)
    return EXIT_FAILURE;
  check_all(address);
  if (subject_end(child))
    subject_say("end", NULL);
  else
    subject_say("end", "the program ended early, or not with status 0: see above");
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
