/*
 * bounds: the server that bounds.py measures: common/server.h with its defaults.
 *
 *   bounds [--port N] [--key FILE --cert FILE]
 *
 *   GET /endless       200  bytes without end, a copy of 1 KiB after the other, as they are taken
 *   any other request  200  Hello World!, once the request has ended
 *
 * SIGTERM ends it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/server.h"
#include "common/tls.h"

/* stream_end and the others fail only for a closed stream: then there is no client to tell. */
static void say_hello(struct stream *stream, void *user) {
  (void)user;
  stream_respond(stream, 200, NULL, 0, 12);
  stream_end(stream, "Hello World!", 12);
}

static void send_on(struct stream *stream, void *user) {
  static const uint8_t piece[1024];
  (void)user;
  while (stream_write(stream, piece, sizeof piece) == 1)
    ;
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events hello = {.on_end = say_hello};
  static const struct stream_events endless = {.on_drain = send_on};
  (void)user;
  if (strcmp(stream_path(stream), "/endless") != 0) {
    stream_set_events(stream, &hello, NULL);
    return;
  }
  stream_set_events(stream, &endless, NULL);
  stream_respond(stream, 200, NULL, 0, STREAM_LENGTH_UNKNOWN);
  send_on(stream, NULL);
}

static int serve(long port, SSL_CTX *tls) {
  char error[256] = "no signals";
  const struct server_config config = {.port = (int)port, .tls = tls, .on_stream = on_stream};
  struct server *server = server_listen(uv_default_loop(), &config, error, sizeof error);
  if (!server || server_close_on_signals(server) != 0) {
    fprintf(stderr, "bounds: %s\n", error);
    server_free(server);
    return EXIT_FAILURE;
  }
  printf("listening on http%s://localhost:%d\n", tls ? "s" : "", server_port(server));
  fflush(stdout);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  static const struct option known[] = {{"port", required_argument, NULL, 'p'},
                                        {"key", required_argument, NULL, 'k'},
                                        {"cert", required_argument, NULL, 'c'},
                                        {0}};
  const char *key = NULL, *cert = NULL;
  char error[256];
  long port = 0;
  int option;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
    case 'p': port = number_parse(optarg, 65535); break;
    case 'k': key = optarg; break;
    case 'c': cert = optarg; break;
    default: port = -1;
    }
  }
  if (port < 0 || optind != argc || !key != !cert) {
    fprintf(stderr, "usage: bounds [--port N] [--key FILE --cert FILE]\n");
    return 2;
  }
  SSL_CTX *tls = key ? tls_server_context(key, cert, error, sizeof error) : NULL;
  if (key && !tls) {
    fprintf(stderr, "bounds: %s\n", error);
    return EXIT_FAILURE;
  }
  int status = serve(port, tls);
  SSL_CTX_free(tls);
  return status;
}
