/*
 * Lab 6: lab 5's client, over TLS.
 *
 *   client [--ca FILE] [--timeout MS] URL        cert.pem, 100 ms by default
 *
 * A client has to require more of TLS than a server: nobody may listen, and the other side must be
 * the right server. So the client's SSL_CTX says whom to trust, and whose certificate it must be.
 * The client sends not one byte of HTTP/2 before the server has proved all that.
 */
#include <getopt.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
  const char *ca;   /* the file with the certificate to trust */
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

/* Say that `what`, the URL or a file, is unusable. Returns -1. */
static int complain(const char *what, const char *why) {
  fprintf(stderr, "client: %s: %s\n", what, why);
  return -1;
}

/* Why OpenSSL has failed. The first error in its queue is the cause; the later ones follow from it.
 * The queue is empty if only the connection is lost. */
static const char *reason(void) {
  unsigned long code = ERR_peek_error();
  if (ERR_SYSTEM_ERROR(code))
    return strerror(ERR_GET_REASON(code));
  const char *text = ERR_reason_error_string(code);
  return text ? text : "OpenSSL does not say why";
}

/* --- TODO 4: whom to trust -------------------------------------------------------------------- */

/* Returns 0; or says what is wrong, and returns -1. */
static int set_up(SSL_CTX *context, const struct request *request) {
  /* BEGIN SOLUTION */
  /* STARTER
  // Require TLS 1.2 at least. Trust the certificates in the file request->ca, and no others. Verify
  // the peer's certificate, which is not the default; and check that it is the certificate of
  // request->url.host, which may be an IP address or a name; never look at its subject. Offer "h2"
  // by ALPN: mind what SSL_CTX_set_alpn_protos returns. If a call fails: return complain(FILE,
  // reason()).
  (void)context;
  (void)complain;
  todo(4, request->ca ? "say whom to trust, and whose certificate it must be" : "");
  */
  static const unsigned char h2[] = {2, 'h', '2'}; /* the length, and the name */
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (SSL_CTX_load_verify_locations(context, request->ca, NULL) != 1)
    return complain(request->ca, reason());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const char *host = request->url.host;
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) != 1 &&
      X509_VERIFY_PARAM_set1_host(parameters, host, 0) != 1)
    return complain(host, "neither a name nor an address");
  if (SSL_CTX_set_alpn_protos(context, h2, sizeof h2) != 0)
    return complain("ALPN", reason());
  return 0;
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
static SSL_CTX *make_context(const struct request *request) {
  ERR_clear_error();
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (!context) {
    complain("TLS", reason());
    return NULL;
  }
  if (keep_to_http2(context) == 0 && set_up(context, request) == 0)
    return context;
  SSL_CTX_free(context);
  return NULL;
}

/* --- TODO 5: the handshake -------------------------------------------------------------------- */

/* Take the next step; see the server's handshake. */
static enum tls_step handshake(SSL *ssl, char *error, size_t error_size) {
  /* BEGIN SOLUTION */
  /* STARTER
  // Do as in the server. If the handshake fails and SSL_get_verify_result is not X509_V_OK, say
  // what is wrong with the certificate (X509_verify_cert_error_string). And refuse a server that
  // has not chosen "h2": it will not understand HTTP/2.
  (void)ssl;
  (void)error;
  (void)error_size;
  todo(5, "take the next step of the handshake, and see that h2 was chosen");
  */
  ERR_clear_error();
  int result = SSL_do_handshake(ssl);
  long verified = SSL_get_verify_result(ssl);
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_NONE: break;
  case SSL_ERROR_WANT_READ: return TLS_WANT_READ;
  case SSL_ERROR_WANT_WRITE: return TLS_WANT_WRITE;
  case SSL_ERROR_SYSCALL:
    snprintf(error, error_size, "TLS: the connection is lost");
    return TLS_FAILED;
  default:
    snprintf(error, error_size, "TLS: %s%s", verified == X509_V_OK ? "" : "certificate: ",
             verified == X509_V_OK ? reason() : X509_verify_cert_error_string(verified));
    return TLS_FAILED;
  }
  const unsigned char *protocol;
  unsigned int length;
  SSL_get0_alpn_selected(ssl, &protocol, &length);
  if (length == 2 && memcmp(protocol, "h2", 2) == 0)
    return TLS_DONE;
  snprintf(error, error_size, "TLS: the server did not choose h2 (ALPN)");
  return TLS_FAILED;
  /* END SOLUTION */
}

/* --- Given: lab 5's client -------------------------------------------------------------------- */

static void fail(struct request *request, const char *why) {
  complain(request->name, why);
  request->failed = true;
}

static void on_timeout(uv_timer_t *timer) {
  struct request *request = timer->data;
  printf("request timed out\n");
  fflush(stdout);
  request->timed_out = true;
  stream_close(request->stream, NGHTTP2_CANCEL);
  client_close(request->client);
}

static void restart_timer(struct request *request) {
  uv_timer_start(&request->timer, on_timeout, request->timeout, 0);
}

/* A header block has arrived: of the response, or of an informational one before it. */
static void on_headers(struct stream *stream, void *user) {
  (void)stream;
  restart_timer(user);
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct request *request = user;
  restart_timer(request);
  if (buffer_append(&request->body, data, length) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR); /* no memory */
}

static void on_end(struct stream *stream, void *user) {
  struct request *request = user;
  (void)stream;
  request->ended = true;
}

static void print_response(const struct request *request, const struct stream *stream) {
  for (size_t i = 0; i < stream_header_count(stream); i++)
    printf("%s: %s\n", stream_header_name(stream, i), stream_header_value(stream, i));
  putchar('\n');
  buffer_print_line(&request->body, stdout);
  fflush(stdout);
}

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct request *request = user;
  request->error_code = error_code;
  uv_close((uv_handle_t *)&request->timer, NULL);
  if (request->ended && !request->timed_out)
    print_response(request, stream);
  client_close(request->client);
}

static const struct stream_events events = {.on_inform = on_headers,
                                            .on_headers = on_headers,
                                            .on_data = on_data,
                                            .on_end = on_end,
                                            .on_close = on_stream_close};

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
static void run(struct request *request, SSL_CTX *context) {
  const struct client_config config = {
      .tls = context, .handshake = handshake, .on_close = on_close, .user = request};
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
  static const struct option options[] = {
      {"ca", required_argument, NULL, 'c'}, {"timeout", required_argument, NULL, 't'}, {0}};
  long timeout = 100;
  int option;
  request->ca = "cert.pem";
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'c')
      request->ca = optarg;
    else
      timeout = option == 't' ? number_parse(optarg, 86400000) : -1;
  }
  if (timeout < 0 || optind + 1 != argc) {
    fprintf(stderr, "usage: client [--ca FILE] [--timeout MS] URL\n");
    return -1;
  }
  request->timeout = (uint64_t)timeout;
  request->name = argv[optind];
  if (url_parse(&request->url, request->name) == 0 && request->url.tls)
    return 0;
  return complain(request->name, "not a URL that begins with https://");
}

int main(int argc, char **argv) {
  struct request request = {0};
  int status = 2;
  if (parse_arguments(&request, argc, argv) == 0) {
    SSL_CTX *context = make_context(&request);
    request.failed = !context;
    if (context)
      run(&request, context);
    if (ferror(stdout))
      fail(&request, "standard output cannot be written");
    status = request.failed ? EXIT_FAILURE : EXIT_SUCCESS;
    SSL_CTX_free(context);
  }
  buffer_free(&request.body);
  url_free(&request.url);
  return status;
}
