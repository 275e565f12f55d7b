/*
 * server: the server that the bench measures: common/server.h, and as little as possible above it.
 *
 *   server [--port N] [--unix PATH] [--streams N] [--tls --key FILE --cert FILE]
 *
 *   GET /    200  Hello World!
 *   GET /N   200  N bytes
 *   POST /   200  Hello World!, once the body has come
 *
 * --streams is how many streams a client may have open at once (1000). With --unix, it also
 * listens on this Unix socket: the same without TCP. The server logs nothing. SIGTERM ends it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/number.h"
#include "common/server.h"
#include "common/tls.h"

enum { LONGEST = 1024 * 1024 * 1024 };

static const char hello[] = "Hello World!";
static const uint8_t zeros[1024 * 1024];

/* stream_end and the others fail only for a closed stream: then there is no client to tell. */
static void say_hello(struct stream *stream) {
  stream_respond(stream, 200, NULL, 0, sizeof hello - 1);
  stream_write_static(stream, hello, sizeof hello - 1);
  stream_end(stream, NULL, 0);
}

static void send_octets(struct stream *stream, long length) {
  stream_respond(stream, 200, NULL, 0, length);
  for (size_t left = (size_t)length, part; left > 0; left -= part) {
    part = left < sizeof zeros ? left : sizeof zeros;
    stream_write_static(stream, zeros, part);
  }
  stream_end(stream, NULL, 0);
}

static void on_end(struct stream *stream, void *user) {
  (void)user;
  say_hello(stream);
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events upload_events = {.on_end = on_end};
  const char *path = stream_path(stream);
  (void)user;
  if (strcmp(stream_method(stream), "POST") == 0)
    stream_set_events(stream, &upload_events, NULL);
  else if (path[0] == '/' && path[1] == '\0')
    say_hello(stream);
  else if (path[0] == '/' && number_parse(path + 1, LONGEST) >= 0)
    send_octets(stream, number_parse(path + 1, LONGEST));
  else
    stream_respond(stream, 404, NULL, 0, 0);
}

/* A socket that listens at `path`, or -1. */
static int listen_at(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
  if (descriptor >= 0 && bind(descriptor, (const struct sockaddr *)&name, sizeof name) == 0 &&
      listen(descriptor, SOMAXCONN) == 0)
    return descriptor;
  if (descriptor >= 0)
    close(descriptor);
  return -1;
}

/* The same server at `path`. Nobody closes it: it ends with the process. */
static int serve_at(const struct server_config *config, const char *path) {
  char error[256];
  int descriptor = listen_at(path);
  struct server_config at_path = *config;
  at_path.sockets = &descriptor;
  at_path.socket_count = 1;
  return descriptor >= 0 && server_listen(uv_default_loop(), &at_path, error, sizeof error) ? 0
                                                                                            : -1;
}

static int serve(const struct server_config *config, const char *path) {
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  if (path && serve_at(config, path) != 0) {
    fprintf(stderr, "server: cannot listen at %s\n", path);
    return EXIT_FAILURE;
  }
  struct server *server = server_listen(loop, config, error, sizeof error);
  if (!server) {
    fprintf(stderr, "server: %s\n", error);
    return EXIT_FAILURE;
  }
  if (server_close_on_signals(server) != 0) {
    fprintf(stderr, "server: cannot wait for signals\n");
    server_free(server);
    return EXIT_FAILURE;
  }
  printf("listening on %s://localhost:%d\n", config->tls ? "https" : "http", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
  return EXIT_SUCCESS;
}

struct options {
  long port, streams;
  bool tls;
  const char *key, *cert;
  const char *path;
};

/* Returns 0, or -1 when the usage is wrong. */
static int parse(struct options *options, int argc, char **argv) {
  static const struct option known[] = {{"port", required_argument, NULL, 'p'},
                                        {"streams", required_argument, NULL, 's'},
                                        {"tls", no_argument, NULL, 't'},
                                        {"key", required_argument, NULL, 'k'},
                                        {"cert", required_argument, NULL, 'c'},
                                        {"unix", required_argument, NULL, 'u'},
                                        {0}};
  int option;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
    case 'p': options->port = number_parse(optarg, 65535); break;
    case 's': options->streams = number_parse(optarg, 1000000); break;
    case 't': options->tls = true; break;
    case 'k': options->key = optarg; break;
    case 'c': options->cert = optarg; break;
    case 'u': options->path = optarg; break;
    default: return -1;
    }
  }
  bool has_files = options->key && options->cert;
  return optind == argc && options->port >= 0 && options->streams > 0 && options->tls == has_files
             ? 0
             : -1;
}

int main(int argc, char **argv) {
  struct options options = {.streams = 1000};
  char error[256];
  if (parse(&options, argc, argv) != 0) {
    fprintf(stderr, "usage: server [--port N] [--unix PATH] [--streams N] [--tls --key FILE "
                    "--cert FILE]\n");
    return 2;
  }
  SSL_CTX *tls =
      options.tls ? tls_server_context(options.key, options.cert, error, sizeof error) : NULL;
  if (options.tls && !tls) {
    fprintf(stderr, "server: %s\n", error);
    return EXIT_FAILURE;
  }
  const struct server_config config = {.port = (int)options.port,
                                       .tls = tls,
                                       .max_concurrent_streams = (uint32_t)options.streams,
                                       .on_stream = on_stream};
  int status = serve(&config, options.path);
  SSL_CTX_free(tls);
  return status;
}
