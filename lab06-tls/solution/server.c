/*
 * Lab 6: lab 5's server, over TLS.
 *
 *   server [--port N] [--key FILE] [--cert FILE] [--delay MS]
 *
 * Port 8443, key.pem and cert.pem by default: `make certs` makes the files. An SSL_CTX, which the
 * server makes once, holds the configuration of TLS. From it common/ makes an SSL for each
 * connection, and calls your handshake step by step. When the handshake is done, the connection
 * works as in the earlier labs.
 */
#include <getopt.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
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
  const char *key;
  const char *cert;
};

/* Why OpenSSL has failed. The first error in its queue is the cause; the later ones follow from it.
 * The queue is empty if only the connection is lost. */
static const char *reason(void) {
  unsigned long code = ERR_peek_error();
  if (ERR_SYSTEM_ERROR(code))
    return strerror(ERR_GET_REASON(code));
  const char *text = ERR_reason_error_string(code);
  return text ? text : "OpenSSL does not say why";
}

/* Say that `what`, usually a file, is unusable. Returns -1. */
static int complain(const char *what, const char *why) {
  fprintf(stderr, "server: %s: %s\n", what, why);
  return -1;
}

/* --- TODO 1: version, key and certificate ----------------------------------------------------- */

/* Returns 0; or says which file is wrong and why, and returns -1. */
static int set_up(SSL_CTX *context, const struct settings *settings) {
  /* BEGIN SOLUTION */
  /* STARTER
  // Require TLS 1.2 at least (RFC 9113, section 9.2). Then load the key and the certificate, both
  // in PEM form, and check that they belong together. If a call fails: return complain(FILE,
  // reason()). But if the key and the certificate do not belong together, OpenSSL says only "no
  // private key assigned": there, give the reason "not the key of the certificate".
  (void)context;
  (void)complain;
  todo(1, settings->key ? "set the lowest version, load the key and the certificate" : "");
  */
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (SSL_CTX_use_PrivateKey_file(context, settings->key, SSL_FILETYPE_PEM) != 1)
    return complain(settings->key, reason());
  if (SSL_CTX_use_certificate_chain_file(context, settings->cert) != 1)
    return complain(settings->cert, reason());
  if (SSL_CTX_check_private_key(context) != 1)
    return complain(settings->key, "not the key of the certificate");
  return 0;
  /* END SOLUTION */
}

/* --- TODO 2: ALPN ----------------------------------------------------------------------------- */

/* The client offers protocols, each name after its length: "\x02h2\x08http/1.1". Choose "h2"; if it
 * is not among them, end the handshake with the alert no_application_protocol. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned int offered_length, void *user) {
  (void)ssl;
  (void)user;
  /* BEGIN SOLUTION */
  /* STARTER
  // SSL_select_next_proto compares two such lists. Return SSL_TLSEXT_ERR_OK or
  // SSL_TLSEXT_ERR_ALERT_FATAL.
  (void)chosen;
  (void)chosen_length;
  (void)offered;
  (void)offered_length;
  todo(2, "choose h2 from what the client offers");
  */
  static const unsigned char h2[] = {2, 'h', '2'};
  unsigned char *found;
  if (SSL_select_next_proto(&found, chosen_length, h2, sizeof h2, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
  /* END SOLUTION */
}

/* Given: what else HTTP/2 requires of TLS 1.2 (RFC 9113, sections 9.2.1 and 9.2.2): no
 * renegotiation, no compression, and only cipher suites that make new keys for each connection and
 * authenticate what they encrypt. TLS 1.3 has no other suites. Returns 0 or -1. */
static int keep_to_http2(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK") == 1 ? 0 : -1;
}

/* Returns NULL after saying what is wrong. */
static SSL_CTX *make_context(const struct settings *settings) {
  ERR_clear_error();
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (!context) {
    complain("TLS", reason());
    return NULL;
  }
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
  if (keep_to_http2(context) == 0 && set_up(context, settings) == 0)
    return context;
  SSL_CTX_free(context);
  return NULL;
}

/* --- TODO 3: the handshake -------------------------------------------------------------------- */

/* Take the next step. Called first when the client has sent something, and again whenever the
 * socket is ready for what the last step wanted: this function never blocks. On failure, write the
 * reason into `error`. */
static enum tls_step handshake(SSL *ssl, char *error, size_t error_size) {
  /* BEGIN SOLUTION */
  /* STARTER
  // Call SSL_do_handshake, and SSL_get_error for its result: return TLS_WANT_READ, TLS_WANT_WRITE,
  // or TLS_FAILED with "TLS: " and reason() in `error`. With SSL_ERROR_SYSCALL the connection is
  // lost, which reason() does not know. When the handshake is complete, ask SSL_get0_alpn_selected
  // whether "h2" was chosen: for a client that sends no ALPN at all, OpenSSL never calls
  // choose_protocol.
  (void)ssl;
  (void)error;
  (void)error_size;
  todo(3, "take the next step of the handshake");
  */
  ERR_clear_error(); /* SSL_get_error looks at the queue too */
  int result = SSL_do_handshake(ssl);
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_NONE: break;
  case SSL_ERROR_WANT_READ: return TLS_WANT_READ;
  case SSL_ERROR_WANT_WRITE: return TLS_WANT_WRITE;
  case SSL_ERROR_SYSCALL:
    snprintf(error, error_size, "TLS: the connection is lost");
    return TLS_FAILED;
  default: snprintf(error, error_size, "TLS: %s", reason()); return TLS_FAILED;
  }
  const unsigned char *protocol;
  unsigned int length;
  SSL_get0_alpn_selected(ssl, &protocol, &length);
  if (length == 2 && memcmp(protocol, "h2", 2) == 0)
    return TLS_DONE;
  snprintf(error, error_size, "TLS: the client did not offer h2 (ALPN)");
  return TLS_FAILED;
  /* END SOLUTION */
}

/* --- Given: lab 5's server -------------------------------------------------------------------- */

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

/* A ping that waits for its answer. */
struct pong {
  uv_timer_t timer;
  struct stream *stream;
};

static void free_pong(uv_handle_t *timer) {
  free(timer->data);
}

static void on_pong_time(uv_timer_t *timer) {
  struct pong *pong = timer->data;
  stream_set_events(pong->stream, NULL, NULL);
  if (!stream_is_closed(pong->stream))
    respond(pong->stream, 200, NULL, 0, "pong");
  uv_close((uv_handle_t *)timer, free_pong);
}

static void on_ping_close(struct stream *stream, uint32_t error_code, void *user) {
  struct pong *pong = user;
  (void)stream;
  (void)error_code;
  printf("stream closed\n");
  fflush(stdout);
  uv_close((uv_handle_t *)&pong->timer, free_pong);
}

static void ping(struct stream *stream, const struct settings *settings) {
  static const struct stream_events events = {.on_close = on_ping_close};
  struct pong *pong = malloc(sizeof *pong);
  if (!pong) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  pong->stream = stream;
  uv_timer_init(uv_default_loop(), &pong->timer);
  pong->timer.data = pong;
  uv_timer_start(&pong->timer, on_pong_time, (uint64_t)settings->delay, 0);
  stream_set_events(stream, &events, pong);
}

static void on_stream(struct stream *stream, void *user) {
  const char *path = stream_path(stream);
  if (strcmp(stream_method(stream), "GET") == 0 && strcmp(path, "/ping") == 0) {
    ping(stream, user);
  } else if (strcmp(stream_method(stream), "GET") == 0 && strcmp(path, "/hello-world") == 0) {
    respond(stream, 200, NULL, 0, "Hello World");
  } else {
    const nghttp2_nv fields[] = {field_make("content-type", "text/plain; charset=utf-8")};
    respond(stream, 404, fields, 1, "path not found");
  }
}

/* Serve until SIGINT or SIGTERM. Returns 0; or says what failed, and returns -1. */
static int serve(struct settings *settings, SSL_CTX *context) {
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  const struct server_config config = {.host = "localhost",
                                       .port = (int)settings->port,
                                       .tls = context,
                                       .handshake = handshake,
                                       .on_stream = on_stream,
                                       .user = settings};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server) {
    fprintf(stderr, "server: %s\n", error);
    return -1;
  }
  if (server_close_on_signals(server) != 0) {
    server_free(server);
    return complain("signals", "they cannot be waited for");
  }
  printf("listening on https://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop) == 0 ? 0 : complain("/ping", "a timer was not closed");
}

static int usage(void) {
  fprintf(stderr, "usage: server [--port N] [--key FILE] [--cert FILE] [--delay MS]\n");
  return 2;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                          {"key", required_argument, NULL, 'k'},
                                          {"cert", required_argument, NULL, 'c'},
                                          {"delay", required_argument, NULL, 'd'},
                                          {0}};
  struct settings settings = {.port = 8443, .delay = 750, .key = "key.pem", .cert = "cert.pem"};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'p': settings.port = number_parse(optarg, 65535); break;
    case 'k': settings.key = optarg; break;
    case 'c': settings.cert = optarg; break;
    case 'd': settings.delay = number_parse(optarg, 86400000); break;
    default: return usage();
    }
  }
  if (settings.port < 0 || settings.delay < 0 || optind != argc)
    return usage();
  SSL_CTX *context = make_context(&settings);
  int result = context ? serve(&settings, context) : -1;
  SSL_CTX_free(context);
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
