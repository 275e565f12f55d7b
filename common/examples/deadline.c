/*
 * deadline: GET with a deadline, and try again if that is safe.
 *
 *   deadline [--ms N] [--tries N] URL [PATH]...
 *
 * Requests all paths at once, and prints one line for each: "/a: 200, 12 bytes", or why there is no
 * answer. What to see here: a timer for each request, stream_close when it fires, and the two cases
 * in which a client knows that nobody has answered a request, so that it may try again: the server
 * has refused the request, or there was no connection. Each try waits twice as long as the one
 * before.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/client.h"
#include "common/number.h"

enum { FIRST_PAUSE_MS = 50 };

struct program {
  uv_loop_t *loop;
  struct url url;
  struct client *client; /* NULL while there is no connection: the next try makes one */
  long ms, tries;
  size_t left; /* requests without an outcome */
  bool failed;
};

struct request {
  struct program *program;
  const char *path;
  struct stream *stream; /* NULL between two tries */
  uv_timer_t deadline;   /* of all tries together */
  uv_timer_t pause;      /* before the next try */
  long tries;            /* so far */
  int status;            /* 0 until the response has begun */
  size_t octets;
  bool is_over;
};

/* --- Outcomes --------------------------------------------------------------------------------- */

static void end_request(struct request *request, const char *outcome) {
  struct program *program = request->program;
  request->is_over = true;
  uv_close((uv_handle_t *)&request->deadline, NULL);
  uv_close((uv_handle_t *)&request->pause, NULL);
  if (outcome)
    printf("%s: %s\n", request->path, outcome);
  else
    printf("%s: %d, %zu bytes\n", request->path, request->status, request->octets);
  program->failed = program->failed || outcome;
  program->left--;
  if (program->left == 0 && program->client)
    client_close(program->client);
}

static void on_deadline(uv_timer_t *timer) {
  struct request *request = timer->data;
  char text[64];
  snprintf(text, sizeof text, "no answer within %ld ms", request->program->ms);
  end_request(request, text);
  if (request->stream)
    stream_close(request->stream, NGHTTP2_CANCEL);
}

/* --- Events ----------------------------------------------------------------------------------- */

static void try_again(uv_timer_t *timer);

static void on_headers(struct stream *stream, void *user) {
  struct request *request = user;
  request->status = stream_status(stream);
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct request *request = user;
  (void)stream, (void)data;
  request->octets += length;
}

/* RFC 9113, section 8.7: REFUSED_STREAM says that the server has done nothing.
 * CANCEL before any response mostly says that the connection has failed; a GET does
 * no harm twice (RFC 9110, section 9.2.2). */
static void on_close(struct stream *stream, uint32_t error_code, void *user) {
  struct request *request = user;
  bool may_try = error_code == NGHTTP2_REFUSED_STREAM ||
                 (error_code == NGHTTP2_CANCEL && request->status == 0);
  (void)stream;
  request->stream = NULL;
  if (request->is_over)
    return;
  if (error_code == NGHTTP2_NO_ERROR)
    end_request(request, NULL);
  else if (may_try && request->tries < request->program->tries)
    uv_timer_start(&request->pause, try_again, (uint64_t)FIRST_PAUSE_MS << (request->tries - 1), 0);
  else
    end_request(request, nghttp2_http2_strerror(error_code));
}

/* The client knows what the streams cannot know: why they were closed with CANCEL. */
static void on_client_close(struct client *client, const char *error, void *user) {
  struct program *program = user;
  if (error)
    fprintf(stderr, "deadline: %s\n", error);
  if (program->client == client)
    program->client = NULL;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* Use the open connection; if there is none, or the server takes no more requests on it (GOAWAY),
 * make a new one. */
static struct stream *ask(struct program *program, const char *path) {
  const struct client_config config = {
      .on_close = on_client_close, .user = program, .connect_timeout = (unsigned)program->ms};
  struct stream *stream = NULL;
  for (int try = 0; try < 2 && !stream; try++) {
    if (!program->client)
      program->client = client_connect(program->loop, &program->url, &config);
    if (program->client)
      stream = client_request(program->client, "GET", path, NULL, 0, 0);
    if (!stream)
      program->client = NULL; /* it ends by itself when its streams have ended */
  }
  return stream;
}

static void try_again(uv_timer_t *timer) {
  static const struct stream_events events = {
      .on_headers = on_headers, .on_data = on_data, .on_close = on_close};
  struct request *request = timer->data;
  request->tries++;
  request->status = 0;
  request->octets = 0;
  request->stream = ask(request->program, request->path);
  if (request->stream)
    stream_set_events(request->stream, &events, request);
  else
    end_request(request, "cannot make this request");
}

static void begin(struct request *request, struct program *program, const char *path) {
  *request = (struct request){.program = program, .path = path};
  uv_timer_init(program->loop, &request->deadline); /* timers cannot fail */
  uv_timer_init(program->loop, &request->pause);
  request->deadline.data = request->pause.data = request;
  uv_timer_start(&request->deadline, on_deadline, (uint64_t)program->ms, 0);
  uv_timer_start(&request->pause, try_again, 0, 0);
  program->left++;
}

static int usage(void) {
  fprintf(stderr, "usage: deadline [--ms N] [--tries N] http://HOST:PORT/PATH [PATH]...\n");
  return 2;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"ms", required_argument, NULL, 'm'}, {"tries", required_argument, NULL, 't'}, {0}};
  struct program program = {.loop = uv_default_loop(), .ms = 1000, .tries = 3};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (option == '?')
      return usage();
    *(option == 'm' ? &program.ms : &program.tries) = number_parse(optarg, 3600000);
  }
  if (program.ms < 1 || program.tries < 1 || program.tries > 16 || optind == argc ||
      url_parse(&program.url, argv[optind]) != 0 || program.url.tls)
    return usage();
  int count = argc - optind;
  struct request *requests = calloc((size_t)count, sizeof *requests);
  if (!requests) {
    fprintf(stderr, "deadline: out of memory\n");
    return EXIT_FAILURE;
  }
  for (int i = 0; i < count; i++)
    begin(&requests[i], &program, i == 0 ? program.url.path : argv[optind + i]);
  uv_run(program.loop, UV_RUN_DEFAULT);
  free(requests);
  url_free(&program.url);
  bool clean = uv_loop_close(program.loop) == 0;
  return clean && !program.failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
