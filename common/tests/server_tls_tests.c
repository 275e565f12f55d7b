/* Requests over TLS: client.h and server.h together, and clients that never complete
 * the handshake. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/client.h"
#include "common/server.h"
#include "common/tests/certificates.h"
#include "common/tests/support.h"

static void begin(void) {
  support_begin();
  certificates_begin();
  certificates_write("one", NULL);
}

static void end(void) {
  support_end();
  certificates_end();
}

TestSuite(server_tls, .init = begin, .fini = end, .timeout = 60);

/* The events so far. */
struct story {
  size_t steps; /* of handshakes, on both sides */
  size_t connections;
  char body[64];
  bool client_closed;
  char client_error[256];
  bool server_closed;
};

static struct story story;

static enum tls_step count_steps(SSL *ssl, char *error, size_t error_size) {
  story.steps++;
  return tls_handshake(ssl, error, error_size);
}

static void on_stream(struct stream *stream, void *user) {
  (void)user;
  stream_respond(stream, 200, NULL, 0, 6);
  stream_end(stream, "secret", 6);
}

static void on_connection(struct connection *connection, void *user) {
  (void)user;
  story.connections++;
  cr_assert_not_null(transport_tls(connection_transport(connection)), "not through TLS");
}

static void on_server_close(void *user) {
  (void)user;
  story.server_closed = true;
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  (void)stream;
  (void)user;
  strncat(story.body, (const char *)data, length);
}

static void on_client_close(struct client *client, const char *error, void *user) {
  (void)client;
  (void)user;
  story.client_closed = true;
  snprintf(story.client_error, sizeof story.client_error, "%s", error ? error : "");
}

/* The context is freed at once: the server has a reference of its own. */
static struct server *open_server(void) {
  char error[256];
  char key[128];
  snprintf(key, sizeof key, "%s", certificates_path("one.key"));
  SSL_CTX *tls = tls_server_context(key, certificates_path("one.cert"), error, sizeof error);
  cr_assert_not_null(tls, "%s", error);
  const struct server_config config = {.tls = tls,
                                       .handshake = count_steps,
                                       .on_stream = on_stream,
                                       .on_connection = on_connection,
                                       .on_close = on_server_close};
  struct server *server = server_listen(support_loop(), &config, error, sizeof error);
  cr_assert_not_null(server, "%s", error);
  SSL_CTX_free(tls);
  return server;
}

static void get(struct server *server, const char *ca) {
  static const struct stream_events events = {.on_data = on_data};
  char text[64];
  struct url url;
  snprintf(text, sizeof text, "https://localhost:%d/", server_port(server));
  cr_assert_eq(url_parse(&url, text), 0, "no URL");
  const struct client_config config = {.tls = certificates_client(ca, url.host),
                                       .handshake = count_steps,
                                       .on_close = on_client_close};
  struct client *client = client_connect(support_loop(), &url, &config);
  cr_assert_not_null(client, "no memory");
  struct stream *stream = client_request(client, "GET", "/", NULL, 0, 0);
  cr_assert_not_null(stream, "no request");
  stream_set_events(stream, &events, NULL);
  client_close(client);
  url_free(&url);
  support_wait(&story.client_closed);
}

Test(server_tls, request) {
  struct server *server = open_server();
  get(server, "one");
  cr_assert_str_eq(story.client_error, "", "'%s'", story.client_error);
  cr_assert_str_eq(story.body, "secret", "'%s'", story.body);
  cr_assert_geq(story.steps, 4, "%zu steps of handshakes", story.steps);
  server_close(server);
  support_wait(&story.server_closed);
}

/* Before the request leaves. */
Test(server_tls, server_is_not_trusted) {
  struct server *server = open_server();
  certificates_write("other", NULL);
  get(server, "other");
  cr_assert_str_eq(story.client_error, "TLS: certificate verify failed: self-signed certificate",
                   "'%s'", story.client_error);
  cr_assert_str_eq(story.body, "", "'%s'", story.body);
  server_free(server);
}

/* Clients that never complete the handshake delay neither other clients nor the end. */
Test(server_tls, stalled_handshakes) {
  enum { COUNT = 20 };
  int sockets[COUNT];
  struct server *server = open_server();
  for (int i = 0; i < COUNT; i++) {
    sockets[i] = support_connect(server_port(server));
    support_send(sockets[i], "\26\3\1\2\0\1", (size_t)i % 7);
  }
  get(server, "one");
  cr_assert_str_eq(story.body, "secret", "'%s'", story.client_error);
  cr_assert_eq(story.connections, 1, "%zu connections", story.connections);
  uint64_t began = support_now();
  server_close(server);
  support_wait(&story.server_closed);
  cr_assert_lt(support_now() - began, 4000, "the server waited for them");
  for (int i = 0; i < COUNT; i++) {
    support_expect_end(sockets[i]);
    close(sockets[i]);
  }
}

Test(server_tls, freed_with_stalled_handshakes) {
  struct server *server = open_server();
  int client = support_connect(server_port(server));
  support_send(client, "\26\3\1\2\0\1", 6);
  while (story.steps == 0)
    support_turn();
  server_free(server);
  close(client);
}

/* --- Both sides with a certificate ------------------------------------------------------------ */

static SSL_SESSION *session; /* of the first connection, for the second */
static bool was_resumed;

static int keep_session(SSL *ssl, SSL_SESSION *made) {
  (void)ssl;
  SSL_SESSION_free(session);
  session = made;
  return 1; /* it is ours now */
}

static enum tls_step resume(SSL *ssl, char *error, size_t error_size) {
  if (session && SSL_in_before(ssl))
    cr_assert_eq(SSL_set_session(ssl, session), 1, "SSL_set_session");
  enum tls_step step = tls_handshake(ssl, error, error_size);
  was_resumed = step == TLS_DONE && SSL_session_reused(ssl);
  return step;
}

/* A context with one.key and one.cert that trusts this certificate. */
static SSL_CTX *with_certificate(SSL_CTX *tls) {
  cr_assert_eq(SSL_CTX_load_verify_file(tls, certificates_path("one.cert")), 1, "trust");
  cr_assert_eq(SSL_CTX_use_certificate_file(tls, certificates_path("one.cert"), SSL_FILETYPE_PEM),
               1, "certificate");
  cr_assert_eq(SSL_CTX_use_PrivateKey_file(tls, certificates_path("one.key"), SSL_FILETYPE_PEM), 1,
               "key");
  return tls;
}

static void get_resuming(const struct url *url, SSL_CTX *tls) {
  static const struct stream_events events = {.on_data = on_data};
  const struct client_config config = {
      .tls = tls, .handshake = resume, .on_close = on_client_close};
  memset(&story, 0, sizeof story);
  struct client *client = client_connect(support_loop(), url, &config);
  struct stream *stream = client_request(client, "GET", "/", NULL, 0, 0);
  stream_set_events(stream, &events, NULL);
  client_close(client);
  support_wait(&story.client_closed);
  cr_assert_str_eq(story.client_error, "", "'%s'", story.client_error);
  cr_assert_str_eq(story.body, "secret", "'%s'", story.body);
}

Test(server_tls, a_session_of_mutual_tls_is_resumed) {
  char error[256];
  char text[64];
  struct url url;
  SSL_CTX *tls = with_certificate(certificates_server("one"));
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  const struct server_config config = {
      .tls = tls, .on_stream = on_stream, .on_close = on_server_close};
  struct server *server = server_listen(support_loop(), &config, error, sizeof error);
  cr_assert_not_null(server, "%s", error);
  snprintf(text, sizeof text, "https://localhost:%d/", server_port(server));
  cr_assert_eq(url_parse(&url, text), 0, "no URL");
  SSL_CTX *client_tls = with_certificate(certificates_client("one", "localhost"));
  SSL_CTX_set_session_cache_mode(client_tls, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client_tls, keep_session);
  get_resuming(&url, client_tls);
  cr_assert_not(was_resumed, "the first session was resumed");
  get_resuming(&url, client_tls);
  cr_assert(was_resumed, "the second session was not resumed");
  SSL_SESSION_free(session);
  url_free(&url);
  server_close(server);
  support_wait(&story.server_closed);
}
