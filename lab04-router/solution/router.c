/*
 * Lab 4: a server that chooses the handler by method and path.
 *
 *   router [--port N]        8000 by default; 0 takes any free port
 *
 * From here on common/server.h gives you what you built in lab 3: it listens, and calls on_stream
 * for every request with a stream (common/stream.h), just as Node.js does. Functions of that stream
 * read header fields, write, and end it; of nghttp2 you see only the type of a header field.
 */
#include <getopt.h>
#include <stdbool.h>
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

/* A function that answers a request. */
typedef void (*handler)(struct stream *stream);

/* --- TODO 1: the router ----------------------------------------------------------------------- */

static void hello_world(struct stream *stream);
static void ping(struct stream *stream);
static void not_found(struct stream *stream);
static void respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                    const char *text);

/* The handler of a request with this method and path. Both must be exactly what a route says: paths
 * are case-sensitive, and "/ping/" and "/ping?" are other paths than "/ping". */
static handler route(const char *method, const char *path) {
  /* BEGIN SOLUTION */
  /* STARTER
  (void)method;
  (void)path;
  (void)hello_world;
  (void)ping;
  (void)not_found;
  todo(1, "choose the handler by method and path");
  */
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
  /* END SOLUTION */
}

/* A request has arrived. This function is a handler too: it passes the request on. */
static void on_stream(struct stream *stream, void *user) {
  (void)user;
  handler chosen = route(stream_method(stream), stream_path(stream));
  chosen(stream);
}

/* --- TODO 2: the handlers --------------------------------------------------------------------- */

/* GET /hello-world: "Hello World". */
static void hello_world(struct stream *stream) {
  /* BEGIN SOLUTION */
  /* STARTER
  (void)stream;
  (void)respond;
  todo(2, "answer /hello-world");
  */
  respond(stream, 200, NULL, 0, "Hello World");
  /* END SOLUTION */
}

/* GET /ping: "pong", which shows that the server is up. */
static void ping(struct stream *stream) {
  /* BEGIN SOLUTION */
  /* STARTER
  (void)stream;
  todo(2, "answer /ping");
  */
  respond(stream, 200, NULL, 0, "pong");
  /* END SOLUTION */
}

/* --- TODO 3: what is not there ---------------------------------------------------------------- */

/* Anything else: 404, and a text that says so. */
static void not_found(struct stream *stream) {
  /* BEGIN SOLUTION */
  /* STARTER
  // An array of one field, made by field_make, says what kind of text it is.
  (void)stream;
  todo(3, "answer with 404, content-type: text/plain; charset=utf-8, and path not found");
  */
  const nghttp2_nv fields[] = {field_make("content-type", "text/plain; charset=utf-8")};
  respond(stream, 404, fields, 1, "path not found");
  /* END SOLUTION */
}

/* --- TODO 4: a response ----------------------------------------------------------------------- */

/* One line for each request: "GET /ping 200". */
static void log_request(const struct stream *stream, int status) {
  printf("%s ", stream_method(stream));
  octets_print(stdout, stream_path(stream)); /* a path may have bytes that drive a terminal */
  printf(" %d\n", status);
  fflush(stdout);
}

/* Answer with a status, these header fields (none: NULL and 0), and a text as the body. */
static void respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                    const char *text) {
  log_request(stream, status);
  /* BEGIN SOLUTION */
  /* STARTER
  // stream_respond sends the header section; the length of the body that you pass becomes
  // content-length. stream_end sends the last of the body. Both return -1 if the stream is closed:
  // then nobody waits for an answer. The handout says what else -1 means.
  (void)fields;
  (void)count;
  (void)text;
  todo(4, "send the header section and the body");
  */
  size_t length = strlen(text);
  if (stream_respond(stream, status, fields, count, (int64_t)length) == 0)
    stream_end(stream, text, length);
  /* END SOLUTION */
}

/* --- Given ------------------------------------------------------------------------------------ */

/* Serve on this port until SIGINT or SIGTERM. Returns 0, or -1 when it cannot begin. */
static int serve(int port) {
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  const struct server_config config = {.host = "localhost", .port = port, .on_stream = on_stream};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server) {
    fprintf(stderr, "router: %s\n", error);
    return -1;
  }
  if (server_close_on_signals(server) != 0) {
    fprintf(stderr, "router: cannot wait for signals\n");
    server_free(server);
    return -1;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return 0;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'}, {0}};
  long port = 8000;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
    port = option == 'p' ? number_parse(optarg, 65535) : -1;
  if (port < 0 || optind != argc) {
    fprintf(stderr, "usage: router [--port N]\n");
    return 2;
  }
  int result = serve((int)port);
  uv_loop_close(uv_default_loop());
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
