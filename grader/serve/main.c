/*
 * serve: the reference server as a program of its own.
 *
 *   serve [--port N] [--tls] [--key FILE] [--cert FILE]
 *         [--misbehave slow|never|refuse|goaway|garbage|half]
 *
 * Listens on 8000; with --tls on 8443, with key.pem and cert.pem. Prints `listening on
 * http://localhost:PORT` (or https) and a line for each request. SIGINT and SIGTERM end it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "grader/serve/reference_server.h"

struct options {
  struct reference_config config;
  bool tls;
  const char *key;
  const char *cert;
};

static int usage(void) {
  fprintf(stderr, "usage: serve [--port N] [--tls] [--key FILE] [--cert FILE]\n"
                  "             [--misbehave ");
  for (int fault = REFERENCE_NO_FAULT + 1; fault < REFERENCE_FAULTS; fault++)
    fprintf(stderr, "%s%s", fault > REFERENCE_NO_FAULT + 1 ? "|" : "",
            reference_fault_name((enum reference_fault)fault));
  fprintf(stderr, "]\n");
  return -1;
}

/* A port from 0 to 65535, or -1. */
static int parse_port(const char *text) {
  char *end;
  long port = strtol(text, &end, 10);
  return end == text || *end || port < 0 || port > 65535 ? -1 : (int)port;
}

static int parse_options(struct options *options, int argc, char **argv) {
  static const struct option names[] = {
      {"port", required_argument, NULL, 'p'},      {"tls", no_argument, NULL, 't'},
      {"key", required_argument, NULL, 'k'},       {"cert", required_argument, NULL, 'c'},
      {"misbehave", required_argument, NULL, 'm'}, {NULL, 0, NULL, 0}};
  bool has_port = false;
  int option;
  while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
    switch (option) {
    case 'p':
      options->config.port = parse_port(optarg);
      has_port = true;
      break;
    case 't': options->tls = true; break;
    case 'k': options->key = optarg; break;
    case 'c': options->cert = optarg; break;
    case 'm': options->config.fault = reference_fault_of(optarg); break;
    default: return usage();
    }
  }
  if (!has_port)
    options->config.port = options->tls ? 8443 : 8000;
  if (optind != argc || options->config.port < 0 || options->config.fault == REFERENCE_FAULTS)
    return usage();
  return 0;
}

/* Returns NULL on failure, with one line in `error`. */
static struct server *listen_as(struct options *options, char *error, size_t error_size) {
  if (options->tls) {
    options->config.tls = tls_server_context(options->key, options->cert, error, error_size);
    if (!options->config.tls)
      return NULL;
  }
  struct server *server =
      reference_server_listen(uv_default_loop(), &options->config, error, error_size);
  SSL_CTX_free(options->config.tls); /* the server has a reference of its own */
  return server;
}

int main(int argc, char **argv) {
  struct options options = {.config.log = true, .key = "key.pem", .cert = "cert.pem"};
  if (parse_options(&options, argc, argv) != 0)
    return 2;
  char error[512];
  struct server *server = listen_as(&options, error, sizeof error);
  if (!server) {
    fprintf(stderr, "serve: %s\n", error);
    return EXIT_FAILURE;
  }
  if (server_close_on_signals(server) != 0) {
    fprintf(stderr, "serve: cannot wait for signals\n");
    server_free(server);
    return EXIT_FAILURE;
  }
  printf("listening on %s://localhost:%d\n", options.tls ? "https" : "http", server_port(server));
  fflush(stdout);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  return EXIT_SUCCESS;
}
