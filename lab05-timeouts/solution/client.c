/*
 * Lab 5: a client that does not wait for ever.
 *
 *   client [--timeout MS] URL        100 ms by default
 *
 * One GET, on common/client.h: it connects, and a request is a stream (common/stream.h) whose
 * events tell you what arrives. The inactivity timer is new: it starts with the request, and starts
 * again whenever something arrives on the stream. If it fires, the client gives up the request.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "common/buffer.h"
#include "common/client.h"
#include "common/number.h"
#include "common/todo.h"
#include "common/url.h"

/* The one request, and everything that belongs to it. It is a variable in main and outlives the
 * loop. */
struct request {
  const char *name; /* the URL as the user typed it, for messages */
  struct url url;
  uint64_t timeout; /* in milliseconds */
  struct client *client;
  struct stream *stream;
  uv_timer_t timer;
  struct buffer body;
  bool ended; /* the response is complete */
  bool timed_out;
  uint32_t error_code; /* with which the stream was closed */
  bool failed;
};

static void fail(struct request *request, const char *why) {
  fprintf(stderr, "client: %s: %s\n", request->name, why);
  request->failed = true;
}

/* --- TODO 1: the timer ------------------------------------------------------------------------ */

static void on_timeout(uv_timer_t *timer);

/* Give the request its whole time, from now on. Called when the request begins, and again whenever
 * something has arrived. */
static void restart_timer(struct request *request) {
  /* BEGIN SOLUTION */
  /* STARTER
  // You may start a timer that already runs: then it counts from zero.
  (void)request;
  (void)on_timeout;
  todo(1, "start the timer, or start it again");
  */
  uv_timer_start(&request->timer, on_timeout, request->timeout, 0);
  /* END SOLUTION */
}

/* The request is over: without this, the loop would wait for the timer, and the program for the
 * loop. Called once. */
static void end_timer(struct request *request) {
  /* BEGIN SOLUTION */
  /* STARTER
  // uv_close also stops the timer. It needs no callback: the timer's memory is a part of `request`,
  // which stays.
  (void)request;
  todo(1, "close the timer");
  */
  uv_close((uv_handle_t *)&request->timer, NULL);
  /* END SOLUTION */
}

/* --- TODO 2: it fires ------------------------------------------------------------------------- */

/* Nothing has arrived for too long: give up the stream, and leave. The stream's on_close follows,
 * once RST_STREAM is sent. There may not even be a connection yet; client_close does not wait for
 * one. */
static void on_timeout(uv_timer_t *timer) {
  struct request *request = timer->data;
  /* BEGIN SOLUTION */
  /* STARTER
  // Print `request timed out` on standard output; note it in `request`; reset the stream with
  // NGHTTP2_CANCEL, and close the client.
  (void)request;
  todo(2, "say request timed out, cancel the stream, close the client");
  */
  printf("request timed out\n");
  fflush(stdout);
  request->timed_out = true;
  stream_close(request->stream, NGHTTP2_CANCEL);
  client_close(request->client);
  /* END SOLUTION */
}

/* --- TODO 3: what comes on the stream --------------------------------------------------------- */

/* An informational response (103 Early Hints): not the answer yet, but a sign of life. */
static void on_inform(struct stream *stream, void *user) {
  struct request *request = user;
  (void)stream;
  /* BEGIN SOLUTION */
  /* STARTER
  (void)request;
  todo(3, "something has come: start the timer again");
  */
  restart_timer(request);
  /* END SOLUTION */
}

/* The response has begun. Its header fields stay with the stream. */
static void on_headers(struct stream *stream, void *user) {
  struct request *request = user;
  (void)stream;
  /* BEGIN SOLUTION */
  /* STARTER
  (void)request;
  todo(3, "something has come: start the timer again");
  */
  restart_timer(request);
  /* END SOLUTION */
}

/* A piece of the body. */
static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct request *request = user;
  /* BEGIN SOLUTION */
  /* STARTER
  todo(3, "something has come: start the timer again");
  */
  restart_timer(request);
  /* END SOLUTION */
  if (buffer_append(&request->body, data, length) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR); /* no memory */
}

static void on_end(struct stream *stream, void *user) {
  struct request *request = user;
  (void)stream;
  request->ended = true;
}

/* Header fields, an empty line, the body: as in lab 2. */
static void print_response(const struct request *request, const struct stream *stream) {
  for (size_t i = 0; i < stream_header_count(stream); i++)
    printf("%s: %s\n", stream_header_name(stream, i), stream_header_value(stream, i));
  putchar('\n');
  buffer_print_line(&request->body, stdout);
  fflush(stdout); /* main asks ferror once, at the end */
}

/* The stream is closed, for whatever reason: always the last of its events. */
static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct request *request = user;
  request->error_code = error_code;
  /* BEGIN SOLUTION */
  /* STARTER
  (void)end_timer;
  todo(3, "end the timer");
  */
  end_timer(request);
  /* END SOLUTION */
  if (request->ended && !request->timed_out)
    print_response(request, stream);
  client_close(request->client); /* politely: GOAWAY, then close the connection */
}

/* --- Given ------------------------------------------------------------------------------------ */

static const struct stream_events events = {.on_inform = on_inform,
                                            .on_headers = on_headers,
                                            .on_data = on_data,
                                            .on_end = on_end,
                                            .on_close = on_stream_close};

/* Make the request. Neither the request nor the timer waits for the connection. */
static void begin(struct request *request) {
  request->stream = client_request(request->client, "GET", request->url.path, NULL, 0, 0);
  if (!request->stream) {
    fail(request, "the request cannot be made");
    client_free(request->client);
    return;
  }
  stream_set_events(request->stream, &events, request);
  uv_timer_init(uv_default_loop(), &request->timer);
  request->timer.data = request;
  restart_timer(request);
}

/* The connection is closed; `error` is NULL if nothing went wrong. */
static void on_close(struct client *client, const char *error, void *user) {
  struct request *request = user;
  (void)client;
  if (request->timed_out)
    request->failed = true;
  else if (error)
    fail(request, error);
  else if (!request->ended)
    fail(request, nghttp2_http2_strerror(request->error_code));
}

/* Connect, make the request, and run the loop until nothing is left to do. */
static void run(struct request *request) {
  const struct client_config config = {.on_close = on_close, .user = request};
  uv_loop_t *loop = uv_default_loop();
  request->client = client_connect(loop, &request->url, &config);
  if (request->client)
    begin(request);
  else
    fail(request, "out of memory");
  uv_run(loop, UV_RUN_DEFAULT);
  if (uv_loop_close(loop) != 0)
    fail(request, "the timer was not closed");
}

/* Fill in the request. Returns 0; or says what is wrong, and returns -1. */
static int parse_arguments(struct request *request, int argc, char **argv) {
  static const struct option options[] = {{"timeout", required_argument, NULL, 't'}, {0}};
  long timeout = 100;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
    timeout = option == 't' ? number_parse(optarg, 86400000) : -1;
  if (timeout < 0 || optind + 1 != argc) {
    fprintf(stderr, "usage: client [--timeout MS] URL\n");
    return -1;
  }
  request->timeout = (uint64_t)timeout;
  request->name = argv[optind];
  if (url_parse(&request->url, request->name) == 0 && !request->url.tls)
    return 0;
  fprintf(stderr, "client: %s: not a URL that begins with http://\n", request->name);
  return -1;
}

int main(int argc, char **argv) {
  struct request request = {0};
  int status = 2;
  if (parse_arguments(&request, argc, argv) == 0) {
    run(&request);
    if (ferror(stdout))
      fail(&request, "standard output cannot be written");
    status = request.failed ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  buffer_free(&request.body);
  url_free(&request.url);
  return status;
}
