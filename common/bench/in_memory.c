/*
 * in_memory: the cost of nghttp2 itself, without sockets: the limit for every server
 * and client on it.
 *
 *   in_memory [--streams N] [--requests N] [--fields N] [--body BYTES] [--upload BYTES] [--malloc]
 *
 * Two sessions talk in memory: the client asks N times `--streams` requests at once, the
 * server answers each as the measured server does. First the program records what each side
 * receives, and then plays it to a new session, which does exactly the same again. It times this
 * session alone: no clock runs between two calls. Prints microseconds of processor time for a
 * request: `server 0.61 client 0.72`.
 *
 * The memory of both sessions comes from common/pool, as in common/connection; with
 * --malloc, from malloc.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buffer.h"
#include "common/field.h"
#include "common/inner/pool.h"
#include "common/number.h"

enum { FIELDS_MAX = 100, REPEATS = 5 };

/* The options. */
struct work {
  long streams, requests, fields;
  long body;            /* of each response */
  long upload;          /* of each request; 0: GET */
  char body_length[24]; /* content-length */
  bool is_malloc;
};

/* What one side receives, turn by turn: in each turn, first the client sends what it
 * has, then the server. A round of requests takes a few turns, more of them
 * if bodies are longer than windows. */
struct recording {
  struct buffer bytes;
  struct buffer turns; /* struct turn */
};

struct turn {
  size_t end;   /* of the bytes received in this turn */
  bool is_last; /* turn of its round */
};

/* One session and what its callbacks need. */
struct side {
  nghttp2_session *session;
  const struct work *work;
  long closed; /* streams with an answer that are closed */
};

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "in_memory: %s\n", what);
  exit(EXIT_FAILURE);
}

static void must(int error) {
  if (error != 0)
    fail(nghttp2_strerror(error));
}

/* The source of a body of `length` bytes: the rest of the body is all the state of a
 * stream, and the source itself holds it. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *bytes, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  (void)session, (void)id, (void)user;
  size_t length = (size_t)source->fd < size ? (size_t)source->fd : size;
  memset(bytes, 'x', length);
  source->fd -= (int)length;
  if (source->fd == 0)
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)length;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *user) {
  struct side *side = user;
  (void)session, (void)id;
  if (error_code == NGHTTP2_NO_ERROR)
    side->closed++;
  return 0;
}

static nghttp2_data_provider body_of(long length) {
  return (nghttp2_data_provider){.source.fd = (int)length, .read_callback = read_body};
}

/* --- The server ------------------------------------------------------------------------------- */

static int on_request(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  const struct side *side = user;
  bool is_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!is_request || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
    return 0;
  const nghttp2_nv fields[] = {
      field_make(":status", "200"),
      field_make("content-length", side->work->body_length),
      field_make("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
  };
  const nghttp2_data_provider body = body_of(side->work->body);
  return nghttp2_submit_response(session, frame->hd.stream_id, fields, 3, &body);
}

static void start_server(struct side *server, const struct work *work) {
  static const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  nghttp2_session_callbacks *callbacks;
  must(nghttp2_session_callbacks_new(&callbacks));
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_request);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  *server = (struct side){.work = work};
  must(nghttp2_session_server_new3(&server->session, callbacks, server, NULL,
                                   work->is_malloc ? NULL : pool_nghttp2()));
  nghttp2_session_callbacks_del(callbacks);
  must(nghttp2_submit_settings(server->session, NGHTTP2_FLAG_NONE, settings, 2));
}

/* --- The client ------------------------------------------------------------------------------- */

static void start_client(struct side *client, const struct work *work) {
  static const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (1U << 30) - 1},
  };
  nghttp2_session_callbacks *callbacks;
  must(nghttp2_session_callbacks_new(&callbacks));
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  *client = (struct side){.work = work};
  must(nghttp2_session_client_new3(&client->session, callbacks, client, NULL,
                                   work->is_malloc ? NULL : pool_nghttp2()));
  nghttp2_session_callbacks_del(callbacks);
  must(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings, 2));
  must(nghttp2_session_set_local_window_size(client->session, NGHTTP2_FLAG_NONE, 0, (1 << 30) - 1));
}

/* One round of requests, the same fields as h2load's. */
static void ask(struct side *client) {
  static char names[FIELDS_MAX][24];
  nghttp2_nv fields[5 + FIELDS_MAX] = {
      field_make(":path", "/"),
      field_make(":scheme", "http"),
      field_make(":authority", "host"),
      field_make(":method", client->work->upload ? "POST" : "GET"),
      field_make("user-agent", "in_memory"),
  };
  size_t count = 5;
  for (long i = 0; i < client->work->fields; i++) {
    if (!names[i][0])
      snprintf(names[i], sizeof names[i], "x-field-%ld", i);
    fields[count++] = field_make(names[i], "value");
  }
  const nghttp2_data_provider body = body_of(client->work->upload);
  for (long i = 0; i < client->work->streams; i++)
    if (nghttp2_submit_request(client->session, NULL, fields, count,
                               client->work->upload ? &body : NULL, NULL) < 0)
      fail("nghttp2 refuses a request");
}

/* --- The conversation ------------------------------------------------------------------------- */

static void append(struct buffer *buffer, const void *bytes, size_t length) {
  if (buffer_append(buffer, bytes, length) != 0)
    fail("out of memory");
}

/* Take all frames that the session wants to send, and keep them if `out` is not NULL. */
static void take(struct side *side, struct buffer *out) {
  const uint8_t *frame;
  ssize_t length;
  while ((length = nghttp2_session_mem_send(side->session, &frame)) > 0)
    if (out)
      append(out, frame, (size_t)length);
  if (length < 0)
    must((int)length);
}

static void give(struct side *side, const struct recording *from, size_t start, size_t end) {
  const uint8_t *bytes = (const uint8_t *)from->bytes.bytes;
  if (start == end)
    return;
  ssize_t taken = nghttp2_session_mem_recv(side->session, bytes + start, end - start);
  if (taken < 0)
    must((int)taken);
}

/* Pass the new bytes on to `to`. Returns whether there were any. */
static bool pass(struct side *from, struct recording *recording, struct side *to) {
  size_t start = recording->bytes.length;
  take(from, &recording->bytes);
  give(to, recording, start, recording->bytes.length);
  return recording->bytes.length > start;
}

static void end_turn(struct recording *recording, bool is_last) {
  const struct turn turn = {recording->bytes.length, is_last};
  append(&recording->turns, &turn, sizeof turn);
}

static void record(const struct work *work, struct recording *to_server,
                   struct recording *to_client) {
  struct side server, client;
  start_server(&server, work);
  start_client(&client, work);
  for (long round = 0; round < work->requests / work->streams; round++) {
    ask(&client);
    bool goes_on = true;
    while (goes_on) {
      goes_on = pass(&client, to_server, &server);
      goes_on |= pass(&server, to_client, &client);
      end_turn(to_server, !goes_on);
      end_turn(to_client, !goes_on);
    }
  }
  nghttp2_session_del(server.session);
  nghttp2_session_del(client.session);
}

static double processor_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Play one side alone. Returns microseconds for a request. */
static double replay(const struct work *work, const struct recording *received, bool is_server) {
  const struct turn *turns = (const struct turn *)(const void *)received->turns.bytes;
  size_t count = received->turns.length / sizeof *turns;
  struct side side;
  if (is_server)
    start_server(&side, work);
  else
    start_client(&side, work);
  double start = processor_seconds();
  for (size_t i = 0; i < count; i++) {
    if (!is_server && (i == 0 || turns[i - 1].is_last))
      ask(&side);
    take(&side, NULL);
    give(&side, received, i ? turns[i - 1].end : 0, turns[i].end);
  }
  take(&side, NULL);
  double seconds = processor_seconds() - start;
  nghttp2_session_del(side.session);
  if (side.closed != work->requests / work->streams * work->streams)
    fail("the second run differs from the recorded one");
  return seconds * 1e6 / (double)side.closed;
}

/* The best of some runs: disturbances only add time. */
static double best(const struct work *work, const struct recording *received, bool is_server) {
  double least = replay(work, received, is_server);
  for (int i = 1; i < REPEATS; i++) {
    double next = replay(work, received, is_server);
    least = next < least ? next : least;
  }
  return least;
}

static int parse(struct work *work, int argc, char **argv) {
  static const struct option options[] = {{"streams", required_argument, NULL, 's'},
                                          {"requests", required_argument, NULL, 'r'},
                                          {"fields", required_argument, NULL, 'f'},
                                          {"body", required_argument, NULL, 'b'},
                                          {"upload", required_argument, NULL, 'u'},
                                          {"malloc", no_argument, NULL, 'm'},
                                          {0}};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 's': work->streams = number_parse(optarg, 1000); break;
    case 'r': work->requests = number_parse(optarg, 10000000); break;
    case 'f': work->fields = number_parse(optarg, FIELDS_MAX); break;
    case 'b': work->body = number_parse(optarg, 1 << 30); break;
    case 'u': work->upload = number_parse(optarg, 1 << 30); break;
    case 'm': work->is_malloc = true; break;
    default: return -1;
    }
  }
  bool valid = work->streams > 0 && work->requests >= work->streams && work->fields >= 0 &&
               work->body > 0 && work->upload >= 0 && optind == argc;
  snprintf(work->body_length, sizeof work->body_length, "%ld", work->body);
  return valid ? 0 : -1;
}

int main(int argc, char **argv) {
  struct work work = {.streams = 100, .requests = 100000, .body = 12};
  if (parse(&work, argc, argv) != 0) {
    fprintf(stderr, "usage: in_memory [--streams N] [--requests N] [--fields N] [--body BYTES] "
                    "[--upload BYTES] [--malloc]\n");
    return 2;
  }
  struct recording to_server = {0}, to_client = {0};
  record(&work, &to_server, &to_client);
  printf("server %.4f client %.4f\n", best(&work, &to_server, true),
         best(&work, &to_client, false));
  buffer_free(&to_server.bytes);
  buffer_free(&to_client.bytes);
  buffer_free(&to_server.turns);
  buffer_free(&to_client.turns);
  return EXIT_SUCCESS;
}
