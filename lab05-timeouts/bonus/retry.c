/*
 * Bonus of lab 5: a client that tries again, where that is safe.
 *
 *   retry [-X METHOD] [-d BODY] [--tries N] [--pause MS] URL
 *
 * GET, 4 tries and 100 ms by default; with -d, POST. Prints the body of the response. Each try has
 * a connection of its own.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "common/buffer.h"
#include "common/client.h"
#include "common/number.h"
#include "common/todo.h"
#include "common/url.h"

enum { LONGEST_PAUSE = 10000 };

/* The request, and the try that runs. It is a variable in main and outlives the loop. */
struct request {
  const char *name;          /* the URL as the user typed it, for messages */
  const char *method, *body; /* a body of NULL: none */
  long tries;                /* how many there may be */
  long pause;                /* the first, in milliseconds */
  struct url url;
  uv_timer_t timer;
  bool failed;

  long try;               /* its number, from 1 */
  bool connected;         /* there was a connection */
  bool answered;          /* the response is complete */
  uint32_t error_code;    /* with which the stream was closed */
  struct buffer response; /* its body */
};

static void on_pause_over(uv_timer_t *timer);
static uint64_t next_pause(const struct request *request);

/* --- TODO 1: was it processed? ---------------------------------------------------------------- */

/* Whether it is certain that the server has not processed the request of this try. */
static bool is_unprocessed(const struct request *request) {
  // In two cases: there was no connection; or request->error_code says so. Which code do a server's
  // RST_STREAM and a GOAWAY give to a stream that nobody has looked at? (client_request in
  // client.h)
  (void)request;
  todo(1, "find out whether the request was processed");
}

/* --- TODO 2: again ---------------------------------------------------------------------------- */

/* The try has failed: forget what has come of the response, and begin the next one after a pause.
 */
static void try_again(struct request *request) {
  uint64_t pause = next_pause(request);
  fprintf(stderr, "retry: try %ld failed, again in %d ms\n", request->try, (int)pause);
  // Empty request->response (buffer.h). Let request->timer call on_pause_over: uv_timer_start. Do
  // not sleep.
  (void)on_pause_over;
  todo(2, "try again after the pause");
}

/* --- TODO 3: may it be processed twice? ------------------------------------------------------- */

/* Whether the method means the same once and twice. */
static bool is_idempotent(const char *method) {
  // RFC 9110, section 9.2.2 names six methods. A method that you do not know is not idempotent.
  (void)method;
  todo(3, "tell which methods are idempotent");
}

/* --- TODO 4: the pause ------------------------------------------------------------------------ */

/* The pause after this try, in milliseconds. */
static uint64_t next_pause(const struct request *request) {
  // After the first try between half and all of request->pause, by chance (rand); after each other
  // try twice as much as after the one before it; never more than LONGEST_PAUSE.
  todo_later(4, "let the pauses grow");
  return (uint64_t)request->pause;
}

/* --- Given: a try ----------------------------------------------------------------------------- */

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct request *request = user;
  if (buffer_append(&request->response, data, length) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR); /* no memory */
}

static void on_end(struct stream *stream, void *user) {
  struct request *request = user;
  (void)stream;
  request->answered = true;
}

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct request *request = user;
  (void)stream;
  request->error_code = error_code;
}

static void on_open(struct client *client, void *user) {
  struct request *request = user;
  (void)client;
  request->connected = true;
}

static void end(struct request *request, const char *error) {
  uv_close((uv_handle_t *)&request->timer, NULL);
  if (request->answered)
    buffer_print_line(&request->response, stdout);
  else
    fprintf(stderr, "retry: %s: %s (%ld of %ld tries)\n", request->name, error, request->try,
            request->tries);
  request->failed = !request->answered;
}

/* The try is over. A response is an answer, whatever its status. */
static void on_close(struct client *client, const char *error, void *user) {
  struct request *request = user;
  (void)client;
  if (!request->answered && request->try < request->tries &&
      (is_unprocessed(request) || is_idempotent(request->method)))
    try_again(request);
  else
    end(request, error ? error : nghttp2_http2_strerror(request->error_code));
}

static void begin_try(struct request *request) {
  static const struct stream_events events = {
      .on_data = on_data, .on_end = on_end, .on_close = on_stream_close};
  const struct client_config config = {
      .on_open = on_open, .on_close = on_close, .user = request, .connect_timeout = 5000};
  request->try++;
  request->connected = false;
  struct client *client = client_connect(uv_default_loop(), &request->url, &config);
  size_t length = request->body ? strlen(request->body) : 0;
  struct stream *stream =
      client ? client_request(client, request->method, request->url.path, NULL, 0, (int64_t)length)
             : NULL;
  if (!stream) {
    client_free(client);
    end(request, "the request cannot be made");
    return;
  }
  stream_set_events(stream, &events, request);
  if (length > 0)
    stream_end(stream, request->body, length);
  client_close(client); /* when the stream is closed */
}

static void on_pause_over(uv_timer_t *timer) {
  begin_try(timer->data);
}

/* --- Given: the program ----------------------------------------------------------------------- */

/* Fill in the request. Returns 0; or says what is wrong, and returns -1. */
static int parse_arguments(struct request *request, int argc, char **argv) {
  static const struct option options[] = {
      {"tries", required_argument, NULL, 't'}, {"pause", required_argument, NULL, 'p'}, {0}};
  int option;
  while ((option = getopt_long(argc, argv, "X:d:", options, NULL)) != -1) {
    switch (option) {
    case 'X': request->method = optarg; break;
    case 'd': request->body = optarg; break;
    case 't': request->tries = number_parse(optarg, 100); break;
    case 'p': request->pause = number_parse(optarg, LONGEST_PAUSE); break;
    default: request->tries = -1;
    }
  }
  if (request->tries < 1 || request->pause < 0 || optind + 1 != argc) {
    fprintf(stderr, "usage: retry [-X METHOD] [-d BODY] [--tries N] [--pause MS] URL\n");
    return -1;
  }
  if (!request->method)
    request->method = request->body ? "POST" : "GET";
  request->name = argv[optind];
  if (url_parse(&request->url, request->name) == 0 && !request->url.tls)
    return 0;
  fprintf(stderr, "retry: %s: not a URL that begins with http://\n", request->name);
  return -1;
}

int main(int argc, char **argv) {
  struct request request = {.tries = 4, .pause = 100};
  int status = 2;
  if (parse_arguments(&request, argc, argv) == 0) {
    uv_loop_t *loop = uv_default_loop();
    srand((unsigned)getpid());
    uv_timer_init(loop, &request.timer);
    request.timer.data = &request;
    begin_try(&request);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    status = request.failed || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  buffer_free(&request.response);
  url_free(&request.url);
  return status;
}
