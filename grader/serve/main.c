/*
 * serve: the reference server as a program of its own.
 *
 *   serve [--port N] [--tls] [--key FILE] [--cert FILE]
 *         [--misbehave slow|late|hints|never|refuse|goaway|garbage|window|half] [--tls-fault FAULT]
 *
 * FAULT, with --tls: `expired` or `other-host`, a certificate that has expired or is another
 * host's; `unknown`, one of an unknown signer; `no-alpn`, no protocol is chosen by ALPN;
 * `old`, nothing better than TLS 1.1. The certificate of the first two goes into --cert, with its
 * key in --key: so that a client can be told to trust it.
 *
 * With H2_TRACE=live or H2_TRACE=later, the page of `make live` can change the misbehaviour while
 * it runs (control.h).
 *
 * Listens on 8000; with --tls on 8443, with key.pem and cert.pem. Prints `listening on
 * http://localhost:PORT` (or https) and a line for each request. SIGINT and SIGTERM end it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/certificate.h"
#include "common/number.h"
#include "common/tls.h"
#include "grader/serve/control.h"
#include "grader/serve/reference_server.h"

struct options {
  struct reference_config config;
  bool tls;
  const char *key;
  const char *cert;
  const char *tls_fault; /* NULL for none */
};

/* The faults of TLS, each with its certificate; the standard certificate if the fault is
 * elsewhere. */
static const struct tls_fault {
  const char *name;
  struct certificate certificate;
} tls_faults[] = {
    {"expired", {.names = "DNS:localhost,IP:127.0.0.1", .from = -7200, .until = -3600}},
    {"other-host", {.names = "DNS:example.test"}},
    {"unknown", {.names = "DNS:localhost,IP:127.0.0.1"}},
    {"no-alpn", {.names = NULL}},
    {"old", {.names = NULL}},
};

static int usage(void) {
  fprintf(stderr, "usage: serve [--port N] [--tls] [--key FILE] [--cert FILE]\n"
                  "             [--misbehave ");
  for (int fault = REFERENCE_NO_FAULT + 1; fault < REFERENCE_FAULTS; fault++)
    fprintf(stderr, "%s%s", fault > REFERENCE_NO_FAULT + 1 ? "|" : "",
            reference_fault_name((enum reference_fault)fault));
  fprintf(stderr, "] [--tls-fault expired|other-host|unknown|no-alpn|old]\n");
  return -1;
}

static const struct tls_fault *find_tls_fault(const char *name) {
  for (size_t i = 0; name && i < sizeof tls_faults / sizeof tls_faults[0]; i++)
    if (strcmp(tls_faults[i].name, name) == 0)
      return &tls_faults[i];
  return NULL;
}

static int parse_options(struct options *options, int argc, char **argv) {
  static const struct option names[] = {{"port", required_argument, NULL, 'p'},
                                        {"tls", no_argument, NULL, 't'},
                                        {"key", required_argument, NULL, 'k'},
                                        {"cert", required_argument, NULL, 'c'},
                                        {"misbehave", required_argument, NULL, 'm'},
                                        {"tls-fault", required_argument, NULL, 'f'},
                                        {NULL, 0, NULL, 0}};
  bool has_port = false;
  int option;
  while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
    switch (option) {
    case 'p':
      options->config.port = (int)number_parse(optarg, 65535);
      has_port = true;
      break;
    case 't': options->tls = true; break;
    case 'k': options->key = optarg; break;
    case 'c': options->cert = optarg; break;
    case 'm': options->config.fault = reference_fault_of(optarg); break;
    case 'f': options->tls_fault = optarg; break;
    default: return usage();
    }
  }
  if (!has_port)
    options->config.port = options->tls ? 8443 : 8000;
  if (optind != argc || options->config.port < 0 || options->config.fault == REFERENCE_FAULTS ||
      (options->tls_fault && (!options->tls || !find_tls_fault(options->tls_fault))))
    return usage();
  return 0;
}

static void break_tls(SSL_CTX *tls, const char *fault) {
  if (strcmp(fault, "no-alpn") == 0) {
    SSL_CTX_set_alpn_select_cb(tls, NULL, NULL);
  } else if (strcmp(fault, "old") == 0) {
    SSL_CTX_set_security_level(tls, 0);
    SSL_CTX_set_cipher_list(tls, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION);
  }
}

/* Returns NULL on failure, with one line in `error`. */
static struct server *listen_as(struct options *options, char *error, size_t error_size) {
  const struct tls_fault *fault = find_tls_fault(options->tls_fault);
  if (fault && fault->certificate.names &&
      certificate_write(&fault->certificate, options->key, options->cert) != 0) {
    snprintf(error, error_size, "%s: the certificate cannot be written", options->cert);
    return NULL;
  }
  if (options->tls) {
    options->config.tls = tls_server_context(options->key, options->cert, error, error_size);
    if (!options->config.tls)
      return NULL;
    break_tls(options->config.tls, options->tls_fault ? options->tls_fault : "");
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
  struct control *control = control_new(&options.config);
  struct server *server = listen_as(&options, error, sizeof error);
  if (!server) {
    fprintf(stderr, "serve: %s\n", error);
    control_free(control);
    return EXIT_FAILURE;
  }
  if (server_close_on_signals(server) != 0) {
    fprintf(stderr, "serve: cannot wait for signals\n");
    server_free(server);
    control_free(control);
    return EXIT_FAILURE;
  }
  printf("listening on %s://localhost:%d\n", options.tls ? "https" : "http", server_port(server));
  fflush(stdout);
  control_start(control, uv_default_loop(), server_port(server));
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  control_free(control);
  uv_loop_close(uv_default_loop());
  return EXIT_SUCCESS;
}
