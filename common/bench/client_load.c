/*
 * client_load: the same load as h2load, made by common/client.h.
 *
 *   client_load [-n REQUESTS] [-c CONNECTIONS] [-m STREAMS] [--ca FILE] URL
 *
 * Opens the connections, and keeps STREAMS requests for URL open on each, until the server has
 * answered all. The status is 1 if an answer is not 200. Prints nothing but errors: the bench
 * measures its processor time.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/client.h"
#include "common/number.h"
#include "common/tls.h"
#include "common/url.h"

/* All the work to do. */
struct load {
  struct url url;
  const char *ca;
  long requests, connections, streams;
  long answered, failed;
};

/* One connection and its part of it. */
struct part {
  struct load *load;
  struct client *client;
  long left; /* requests still to make */
  long open; /* streams */
};

static void ask(struct part *part);

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct part *part = user;
  if (error_code == NGHTTP2_NO_ERROR && stream_status(stream) == 200)
    part->load->answered++;
  else
    part->load->failed++;
  part->open--;
  ask(part);
}

static const struct stream_events events = {.on_close = on_stream_close};

/* Make requests until the connection has as many streams as allowed. */
static void ask(struct part *part) {
  while (part->left > 0 && part->open < part->load->streams) {
    struct stream *stream = client_request(part->client, "GET", part->load->url.path, NULL, 0, 0);
    if (!stream) {
      part->load->failed += part->left;
      part->left = 0;
      break;
    }
    stream_set_events(stream, &events, part);
    part->left--;
    part->open++;
  }
  if (part->left == 0 && part->open == 0)
    client_close(part->client);
}

static void on_close(struct client *client, const char *error, void *user) {
  struct part *part = user;
  (void)client;
  if (error)
    fprintf(stderr, "client_load: %s\n", error);
  part->load->failed += part->left;
  free(part);
}

/* The next connection, with its part of the requests. Returns 0 or -1. */
static int start(struct load *load, SSL_CTX *tls, long number) {
  struct part *part = calloc(1, sizeof *part);
  if (!part)
    return -1;
  const struct client_config config = {.tls = tls, .on_close = on_close, .user = part};
  part->load = load;
  part->left = load->requests / load->connections + (number < load->requests % load->connections);
  part->client = client_connect(uv_default_loop(), &load->url, &config);
  if (!part->client) {
    free(part);
    return -1;
  }
  ask(part);
  return 0;
}

static int run(struct load *load) {
  char error[256];
  SSL_CTX *tls = NULL;
  if (load->url.tls) {
    tls = tls_client_context(load->ca, load->url.host, error, sizeof error);
    if (!tls) {
      fprintf(stderr, "client_load: %s\n", error);
      return -1;
    }
  }
  for (long i = 0; i < load->connections; i++) {
    if (start(load, tls, i) != 0) {
      fprintf(stderr, "client_load: out of memory\n");
      exit(EXIT_FAILURE);
    }
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_loop_close(uv_default_loop());
  SSL_CTX_free(tls);
  return load->failed == 0 && load->answered == load->requests ? 0 : -1;
}

/* Returns 0, or -1 when the usage is wrong. */
static int parse(struct load *load, int argc, char **argv) {
  static const struct option known[] = {{"ca", required_argument, NULL, 'a'}, {0}};
  int option;
  while ((option = getopt_long(argc, argv, "n:c:m:", known, NULL)) != -1) {
    switch (option) {
    case 'n': load->requests = number_parse(optarg, 100000000); break;
    case 'c': load->connections = number_parse(optarg, 100000); break;
    case 'm': load->streams = number_parse(optarg, 100000); break;
    case 'a': load->ca = optarg; break;
    default: return -1;
    }
  }
  return load->requests > 0 && load->connections > 0 && load->streams > 0 && optind + 1 == argc
             ? 0
             : -1;
}

int main(int argc, char **argv) {
  struct load load = {.ca = "cert.pem", .requests = 1, .connections = 1, .streams = 1};
  if (parse(&load, argc, argv) != 0) {
    fprintf(stderr,
            "usage: client_load [-n REQUESTS] [-c CONNECTIONS] [-m STREAMS] [--ca FILE] URL\n");
    return 2;
  }
  if (url_parse(&load.url, argv[optind]) != 0) {
    fprintf(stderr, "client_load: %s: not a URL\n", argv[optind]);
    return 2;
  }
  int result = run(&load);
  if (result != 0)
    fprintf(stderr, "client_load: %ld of %ld answered\n", load.answered, load.requests);
  url_free(&load.url);
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
