/*
 * Lab 5: lab 4's server, with a slow ping.
 *
 *   server [--port N] [--delay MS]        port 8000, 750 ms by default; port 0 is any free port
 *
 * A handler may answer after it has returned. The handler of /ping starts a timer, and answers when
 * the timer fires; meanwhile the loop serves all other requests. Clients do not wait for ever: a
 * stream that is closed early gets no answer, and the server spends nothing more on it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/field.h"
#include "common/number.h"
#include "common/octets.h"
#include "common/server.h"
#include "common/stream.h"
#include "common/todo.h"

struct settings {
  long port;
  long delay; /* of /ping, in milliseconds */
};

/* Answer with a status, these header fields (none: NULL and 0), and a text as the body. */
static void respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                    const char *text) {
  printf("%s ", stream_method(stream));
  octets_print(stdout, stream_path(stream)); /* a path may have bytes that drive a terminal */
  printf(" %d\n", status);
  fflush(stdout);
  size_t length = strlen(text);
  if (stream_respond(stream, status, fields, count, (int64_t)length) == 0)
    stream_end(stream, text, length);
}

/* --- TODO 4: the slow ping -------------------------------------------------------------------- */

/* A ping that waits for its answer: one for each stream. */
struct pong {
  uv_timer_t timer;
  struct stream *stream;
};

static void on_pong_time(uv_timer_t *timer);
static void on_ping_close(struct stream *stream, uint32_t error_code, void *user);

static const struct stream_events ping_events = {.on_close = on_ping_close};

/* GET /ping: answer "pong", but not before `delay` milliseconds are over. */
static void ping(struct stream *stream, const struct settings *settings) {
  // Allocate a struct pong, with the stream in it; start its timer with on_pong_time; and have
  // ping_events called for the stream, with the pong as `user`.
  (void)stream;
  (void)settings;
  (void)on_pong_time;
  (void)ping_events;
  todo(4, "start a timer for this stream");
}

/* --- TODO 5: its end -------------------------------------------------------------------------- */

/* libuv is done with the timer: free its memory now, and not before. */
static void free_pong(uv_handle_t *timer) {
  (void)timer;
  todo(5, "free the pong");
}

/* The delay is over. */
static void on_pong_time(uv_timer_t *timer) {
  struct pong *pong = timer->data;
  // Take your events off the stream: its end no longer concerns this ping. Answer, unless the
  // stream is closed; and close the timer, with free_pong.
  (void)pong;
  (void)respond;
  (void)free_pong;
  todo(5, "answer, if there is still somebody to answer");
}

/* --- TODO 6: nobody waits any more ------------------------------------------------------------ */

/* The stream is closed before the answer: the client has reset it, or is gone. */
static void on_ping_close(struct stream *stream, uint32_t error_code, void *user) {
  struct pong *pong = user;
  (void)stream;
  (void)error_code;
  (void)pong;
  todo(6, "say stream closed, and close the timer, so that it never fires");
}

/* --- Given: the rest of lab 4's router -------------------------------------------------------- */

typedef void (*handler)(struct stream *stream, const struct settings *settings);

static void hello_world(struct stream *stream, const struct settings *settings) {
  (void)settings;
  respond(stream, 200, NULL, 0, "Hello World");
}

static void not_found(struct stream *stream, const struct settings *settings) {
  (void)settings;
  const nghttp2_nv fields[] = {field_make("content-type", "text/plain; charset=utf-8")};
  respond(stream, 404, fields, 1, "path not found");
}

static handler route(const char *method, const char *path) {
  static const struct {
    const char *method;
    const char *path;
    handler handler;
  } routes[] = {
      {"GET", "/hello-world", hello_world},
      {"GET", "/ping", ping},
  };
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
    if (strcmp(method, routes[i].method) == 0 && strcmp(path, routes[i].path) == 0)
      return routes[i].handler;
  return not_found;
}

static void on_stream(struct stream *stream, void *user) {
  const struct settings *settings = user;
  route(stream_method(stream), stream_path(stream))(stream, settings);
}

/* Serve until SIGINT or SIGTERM. Returns 0; or says what failed, and returns -1. */
static int serve(struct settings *settings) {
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  const struct server_config config = {
      .host = "localhost", .port = (int)settings->port, .on_stream = on_stream, .user = settings};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server) {
    fprintf(stderr, "server: %s\n", error);
    return -1;
  }
  if (server_close_on_signals(server) != 0) {
    fprintf(stderr, "server: cannot wait for signals\n");
    server_free(server);
    return -1;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  if (uv_loop_close(loop) == 0)
    return 0;
  fprintf(stderr, "server: a timer was not closed\n");
  return -1;
}

static int usage(void) {
  fprintf(stderr, "usage: server [--port N] [--delay MS]\n");
  return 2;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"port", required_argument, NULL, 'p'}, {"delay", required_argument, NULL, 'd'}, {0}};
  struct settings settings = {.port = 8000, .delay = 750};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'p': settings.port = number_parse(optarg, 65535); break;
    case 'd': settings.delay = number_parse(optarg, 86400000); break;
    default: return usage();
    }
  }
  if (settings.port < 0 || settings.delay < 0 || optind != argc)
    return usage();
  return serve(&settings) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
