/*
 * Bonus of lab 6: both sides show a certificate, and who comes back resumes the session.
 *
 *   mutual [--key FILE] [--cert FILE] [--ca FILE] [--port N]   a server; 8443 by default
 *   mutual [--key FILE] [--cert FILE] [--ca FILE] URL...       a client: a GET for each URL, one
 *                                                              after the other, each on a
 *                                                              connection of its own
 *
 * key.pem, cert.pem and ca.pem by default. The server greets each client by the name in its
 * certificate, and says whether the session is new.
 */
#include <getopt.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/client.h"
#include "common/number.h"
#include "common/octets.h"
#include "common/server.h"
#include "common/todo.h"

/* A session counts for ten minutes: nobody looks at the certificate again while it does. */
enum { SESSION_SECONDS = 600, NAME_SIZE = 65 };

struct settings {
  const char *key, *cert, *ca;
  long port;
};

/* Say that `what`, usually a file, is unusable. Returns -1. */
static int complain(const char *what, const char *why) {
  fprintf(stderr, "mutual: %s: %s\n", what, why);
  return -1;
}

/* Why OpenSSL has failed. */
static const char *reason(void) {
  unsigned long code = ERR_peek_error();
  const char *text =
      ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
  return text ? text : "OpenSSL does not say why";
}

/* --- TODO 1: the server asks for a certificate ------------------------------------------------ */

/* Returns 0; or says what is wrong, and returns -1. */
static int ask_for_certificate(SSL_CTX *context, const char *ca) {
  // Trust the certificates in the file `ca` (SSL_CTX_load_verify_file returns 1 if it has read
  // them; otherwise return complain(ca, reason())). Ask every client for its certificate, and end
  // the handshake of one that has none: SSL_CTX_set_verify, with two flags. A session lasts
  // SESSION_SECONDS: SSL_CTX_set_timeout.
  (void)context;
  (void)reason;
  todo(1, ca ? "ask each client for its certificate" : "");
}

/* --- TODO 2: who is it? ----------------------------------------------------------------------- */

/* Put the common name of the client's certificate into `name`. Returns whether there is one. */
static bool find_name(const SSL *ssl, char name[NAME_SIZE]) {
  // SSL_get0_peer_certificate has the certificate, in a resumed session too; X509_get_subject_name
  // its owner; X509_NAME_get_text_by_NID, with NID_commonName, writes the name, and returns -1 if
  // there is none.
  (void)ssl;
  (void)name;
  todo(2, "find the name of the client");
}

/* --- TODO 3: the client shows its certificate ------------------------------------------------- */

/* Returns 0; or says which file is wrong, and returns -1. */
static int show_certificate(SSL_CTX *context, const struct settings *settings) {
  // As lab 6's server does: load the key and the certificate.
  (void)context;
  (void)settings;
  todo(3, "show a certificate");
}

/* --- TODO 4: keep the session ----------------------------------------------------------------- */

/* What the client remembers from one connection to the next. */
struct memory {
  const struct url *here; /* where the connection goes */
  SSL_SESSION *session;   /* NULL: none */
  const struct url *from; /* where the session comes from */
};

/* The client's memory, which make_client_context has put into the SSL_CTX. */
static struct memory *memory_of(const SSL *ssl) {
  return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* OpenSSL calls this for each session that the server gives us. With TLS 1.3 that is after the
 * handshake, and there may be several. Returns 1 if the session is ours from now on. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  struct memory *memory = memory_of(ssl);
  // Keep the newest session, because each counts once; and where it comes from: memory->here. Who
  // frees the one before?
  (void)memory;
  (void)session;
  todo_later(4, "keep the session");
  return 0;
}

/* --- TODO 5: resume it ------------------------------------------------------------------------ */

/* A connection to memory->here begins: offer the session that we have, if it is for this server. */
static void offer_session(SSL *ssl, struct memory *memory) {
  // If there is a session, and it comes from this host and this port: SSL_set_session.
  (void)ssl;
  if (memory->session)
    todo_later(5, "offer the session to the server that it comes from");
}

/* --- Given: the server ------------------------------------------------------------------------ */

static void on_stream(struct stream *stream, void *user) {
  const SSL *ssl = transport_tls(connection_transport(stream_connection(stream)));
  char name[NAME_SIZE] = "";
  char text[128];
  (void)user;
  if (!find_name(ssl, name)) {
    stream_respond(stream, 403, NULL, 0, 0);
    return;
  }
  const char *kind = SSL_session_reused(ssl) ? "resumed" : "new";
  octets_print(stdout, name); /* whoever signs certificates may write anything into them */
  printf(": %s session\n", kind);
  fflush(stdout);
  int length = snprintf(text, sizeof text, "Hello %s, your session is %s\n", name, kind);
  stream_respond(stream, 200, NULL, 0, length);
  stream_end(stream, text, (size_t)length);
}

static int serve(const struct settings *settings) {
  char error[256] = "cannot wait for signals";
  SSL_CTX *context = tls_server_context(settings->key, settings->cert, error, sizeof error);
  if (!context)
    return complain("TLS", error);
  const struct server_config config = {
      .host = "localhost", .port = (int)settings->port, .tls = context, .on_stream = on_stream};
  struct server *server = NULL;
  int result = ask_for_certificate(context, settings->ca);
  if (result == 0) {
    server = server_listen(uv_default_loop(), &config, error, sizeof error);
    if (!server || server_close_on_signals(server) != 0)
      result = complain("listen", error);
  }
  if (result == 0)
    printf("listening on https://localhost:%d\n", server_port(server));
  else
    server_free(server);
  fflush(stdout);
  SSL_CTX_free(context);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return result;
}

/* --- Given: the client ------------------------------------------------------------------------ */

/* One GET. */
struct visit {
  const char *name; /* the URL as the user typed it */
  bool answered, failed;
};

static enum tls_step handshake(SSL *ssl, char *error, size_t error_size) {
  if (SSL_in_before(ssl)) /* the first step */
    offer_session(ssl, memory_of(ssl));
  return tls_handshake(ssl, error, error_size);
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  (void)stream;
  (void)user;
  fwrite(data, 1, length, stdout);
}

static void on_end(struct stream *stream, void *user) {
  struct visit *visit = user;
  visit->answered = stream_status(stream) == 200;
}

static void on_close(struct client *client, const char *error, void *user) {
  struct visit *visit = user;
  (void)client;
  visit->failed = !visit->answered;
  if (visit->failed)
    complain(visit->name, error ? error : "the server does not say hello");
}

/* Returns NULL after saying what is wrong. */
static SSL_CTX *make_client_context(const struct settings *settings, struct memory *memory) {
  char error[256];
  SSL_CTX *context = tls_client_context(settings->ca, memory->here->host, error, sizeof error);
  if (!context) {
    complain("TLS", error);
    return NULL;
  }
  SSL_CTX_set_app_data(context, memory);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
  if (show_certificate(context, settings) == 0)
    return context;
  SSL_CTX_free(context);
  return NULL;
}

static int get(const struct settings *settings, struct memory *memory, const char *name) {
  static const struct stream_events events = {.on_data = on_data, .on_end = on_end};
  struct visit visit = {.name = name};
  SSL_CTX *context = make_client_context(settings, memory);
  if (!context)
    return -1;
  const struct client_config config = {
      .tls = context, .handshake = handshake, .on_close = on_close, .user = &visit};
  struct client *client = client_connect(uv_default_loop(), memory->here, &config);
  struct stream *stream =
      client ? client_request(client, "GET", memory->here->path, NULL, 0, 0) : NULL;
  if (stream)
    stream_set_events(stream, &events, &visit);
  if (client)
    client_close(client);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  SSL_CTX_free(context);
  return visit.answered && !visit.failed ? 0 : -1;
}

/* Get the URLs until one fails. Returns 0 or -1. */
static int get_all(const struct settings *settings, char **names, size_t count) {
  struct url *urls = calloc(count, sizeof *urls);
  struct memory memory = {0};
  int result = urls ? 0 : complain("URL", "out of memory");
  for (size_t i = 0; result == 0 && i < count; i++) {
    memory.here = &urls[i];
    if (url_parse(&urls[i], names[i]) != 0 || !urls[i].tls)
      result = complain(names[i], "not a URL that begins with https://");
    else
      result = get(settings, &memory, names[i]);
  }
  SSL_SESSION_free(memory.session);
  for (size_t i = 0; urls && i < count; i++)
    url_free(&urls[i]);
  free(urls);
  return result;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"key", required_argument, NULL, 'k'},
                                          {"cert", required_argument, NULL, 'c'},
                                          {"ca", required_argument, NULL, 'a'},
                                          {"port", required_argument, NULL, 'p'},
                                          {0}};
  struct settings settings = {.key = "key.pem", .cert = "cert.pem", .ca = "ca.pem", .port = 8443};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'k': settings.key = optarg; break;
    case 'c': settings.cert = optarg; break;
    case 'a': settings.ca = optarg; break;
    case 'p': settings.port = number_parse(optarg, 65535); break;
    default: settings.port = -1;
    }
  }
  if (settings.port < 0) {
    fprintf(stderr, "usage: mutual [--key FILE] [--cert FILE] [--ca FILE] [--port N | URL...]\n");
    return 2;
  }
  int result =
      optind < argc ? get_all(&settings, argv + optind, (size_t)(argc - optind)) : serve(&settings);
  result |= uv_loop_close(uv_default_loop());
  return result == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
