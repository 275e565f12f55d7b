/*
 * serve: the reference server as a program of its own.
 *
 *   serve [--port N] [--misbehave slow|never|refuse|goaway|garbage|half]
 *
 * Prints `listening on http://localhost:PORT` and a line for each request. SIGINT and SIGTERM end it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "grader/reference_server.h"

static int usage(void) {
  fprintf(stderr, "usage: serve [--port N] [--misbehave ");
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

static int parse_options(struct reference_config *config, int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                          {"misbehave", required_argument, NULL, 'm'},
                                          {NULL, 0, NULL, 0}};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'p')
      config->port = parse_port(optarg);
    else if (option == 'm')
      config->fault = reference_fault_of(optarg);
    else
      return usage();
  }
  if (optind != argc || config->port < 0 || config->fault == REFERENCE_FAULTS)
    return usage();
  return 0;
}

int main(int argc, char **argv) {
  struct reference_config config = {.port = 8000, .log = true};
  if (parse_options(&config, argc, argv) != 0)
    return 2;
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  struct server *server = reference_server_listen(loop, &config, error, sizeof error);
  if (!server) {
    fprintf(stderr, "serve: %s\n", error);
    return EXIT_FAILURE;
  }
  if (server_close_on_signals(server) != 0) {
    fprintf(stderr, "serve: cannot wait for signals\n");
    server_free(server);
    return EXIT_FAILURE;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
  return EXIT_SUCCESS;
}
