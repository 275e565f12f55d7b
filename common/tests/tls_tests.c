/* Contexts and handshakes: who gets in, who does not, and with which error. */
#include "common/tls.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/tests/certificates.h"
#include "common/tests/failing.h"
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

TestSuite(tls, .init = begin, .fini = end, .timeout = 60);

/* Two ends that will connect. */
struct meeting {
  struct support_probe client;
  struct support_probe server;
  SSL_SESSION *session; /* the client's ticket; NULL for none */
};

/* Let them connect; the client asks for `host`. Neither is open yet. */
static void start(struct meeting *meeting, const char *host, SSL_CTX *client, SSL_CTX *server) {
  static const char *const here[] = {"127.0.0.1", NULL};
  int port;
  int listening = support_listen(&port);
  failing_resolve(here);
  meeting->client.tls = client;
  meeting->client.host = host;
  meeting->server.tls = server;
  support_probe_connect(&meeting->client, port);
  if (meeting->session)
    SSL_set_session(transport_tls(meeting->client.transport), meeting->session);
  support_probe_start(&meeting->server, support_accept(listening));
  close(listening);
}

static void free_both(struct meeting *meeting) {
  support_probe_free(&meeting->client);
  support_probe_free(&meeting->server);
}

/* Both must open, and a byte must pass each way. */
static void expect_meeting(struct meeting *meeting) {
  while (!meeting->client.open || !meeting->server.open) {
    support_turn();
    cr_assert(!meeting->client.closed && !meeting->server.closed, "client: '%s', server: '%s'",
              meeting->client.error, meeting->server.error);
  }
  transport_write(meeting->client.transport, "c", 1);
  transport_write(meeting->server.transport, "s", 1);
  while (meeting->client.received < 1 || meeting->server.received < 1)
    support_turn();
}

/* Client and server must end with these errors, and neither may open.
 * NULL: any error. */
static void expect_refusal(struct meeting *meeting, const char *client, const char *server) {
  support_wait(&meeting->client.closed);
  support_wait(&meeting->server.closed);
  if (client)
    cr_assert_str_eq(meeting->client.error, client, "client: '%s'", meeting->client.error);
  if (server)
    cr_assert_str_eq(meeting->server.error, server, "server: '%s'", meeting->server.error);
  cr_assert_not(meeting->server.received > 0, "the server got bytes");
}

static const char *version(const struct support_probe *probe) {
  return SSL_get_version(transport_tls(probe->transport));
}

/* --- Accepted handshakes ---------------------------------------------------------------------- */

Test(tls, version_1_3) {
  struct meeting meeting = {0};
  start(&meeting, "localhost", certificates_client("one", "localhost"), certificates_server("one"));
  expect_meeting(&meeting);
  cr_assert_str_eq(version(&meeting.client), "TLSv1.3", "%s", version(&meeting.client));
  cr_assert_str_eq(
      SSL_get_servername(transport_tls(meeting.server.transport), TLSEXT_NAMETYPE_host_name),
      "localhost", "no SNI");
  free_both(&meeting);
}

Test(tls, version_1_2) {
  struct meeting meeting = {0};
  SSL_CTX *client = certificates_client("one", "localhost");
  SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
  start(&meeting, "localhost", client, certificates_server("one"));
  expect_meeting(&meeting);
  cr_assert_str_eq(version(&meeting.server), "TLSv1.2", "%s", version(&meeting.server));
  const SSL_CIPHER *cipher = SSL_get_current_cipher(transport_tls(meeting.server.transport));
  cr_assert(SSL_CIPHER_is_aead(cipher), "%s", SSL_CIPHER_get_name(cipher));
  free_both(&meeting);
}

/* The cipher suite that every HTTP/2 over TLS 1.2 must know (RFC 9113, section 9.2.2), with an RSA
 * key in the RFC; here with the same on an elliptic curve. */
Test(tls, cipher_of_1_2) {
  struct meeting meeting = {0};
  SSL_CTX *client = certificates_client("one", "localhost");
  SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
  cr_assert_eq(SSL_CTX_set_cipher_list(client, "ECDHE-ECDSA-AES128-GCM-SHA256"), 1, "no cipher");
  start(&meeting, "localhost", client, certificates_server("one"));
  expect_meeting(&meeting);
  free_both(&meeting);
}

/* RFC 9113, appendix A. */
Test(tls, prohibited_cipher_of_1_2) {
  struct meeting meeting = {0};
  SSL_CTX *client = certificates_client("one", "localhost");
  SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
  cr_assert_eq(SSL_CTX_set_cipher_list(client, "ECDHE-ECDSA-AES128-SHA256"), 1, "no cipher");
  start(&meeting, "localhost", client, certificates_server("one"));
  expect_refusal(&meeting, "TLS: the peer sent an alert: handshake failure",
                 "TLS: no shared cipher");
}

Test(tls, by_address) {
  struct meeting meeting = {0};
  start(&meeting, "127.0.0.1", certificates_client("one", "127.0.0.1"), certificates_server("one"));
  expect_meeting(&meeting);
  cr_assert_null(
      SSL_get_servername(transport_tls(meeting.server.transport), TLSEXT_NAMETYPE_host_name),
      "SNI with an address");
  free_both(&meeting);
}

/* A client that comes again shows its ticket. */
Test(tls, session_tickets) {
  SSL_CTX *server = certificates_server("one");
  for (int max = TLS1_2_VERSION; max <= TLS1_3_VERSION; max++) {
    struct meeting first = {0};
    struct meeting second = {0};
    SSL_CTX *client = certificates_client("one", "localhost");
    SSL_CTX_set_max_proto_version(client, max);
    start(&first, "localhost", client, server);
    expect_meeting(&first);
    second.session = SSL_get1_session(transport_tls(first.client.transport));
    support_probe_close(&first.client); /* politely: another end prevents resumption */
    support_wait(&first.client.closed);
    free_both(&first);
    cr_assert(SSL_SESSION_has_ticket(second.session), "no ticket");
    start(&second, "localhost", client, server);
    SSL_SESSION_free(second.session);
    expect_meeting(&second);
    cr_assert(SSL_session_reused(transport_tls(second.server.transport)), "not resumed: %x", max);
    free_both(&second);
  }
}

/* --- Refused by the server -------------------------------------------------------------------- */

/* A client that accepts anything, and offers `alpn`, in ALPN's own
 * format; NULL: no ALPN. */
static SSL_CTX *easy_client(const char *alpn) {
  SSL_CTX *context = certificates_client("one", "localhost");
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_alpn_protos(context, (const unsigned char *)alpn,
                          alpn ? (unsigned int)strlen(alpn) : 0);
  return context;
}

/* The client accepts any protocol. */
static enum tls_step easy_handshake(SSL *ssl, char *error, size_t error_size) {
  int result = SSL_do_handshake(ssl);
  if (result == 1)
    return TLS_DONE;
  int code = SSL_get_error(ssl, result);
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
    return code == SSL_ERROR_WANT_READ ? TLS_WANT_READ : TLS_WANT_WRITE;
  tls_explain(ssl, code, error, error_size);
  return TLS_FAILED;
}

static struct transport_events easy_events(void) {
  struct transport_events events = support_events;
  events.handshake = easy_handshake;
  return events;
}

Test(tls, version_1_1_refused) {
  struct meeting meeting = {0};
  SSL_CTX *client = easy_client("\2h2");
  SSL_CTX_set_security_level(client, 0);
  SSL_CTX_set_cipher_list(client, "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(client, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client, TLS1_1_VERSION);
  start(&meeting, "localhost", client, certificates_server("one"));
  expect_refusal(&meeting, "TLS: the peer sent an alert: protocol version",
                 "TLS: unsupported protocol");
}

Test(tls, other_protocol_refused) {
  static const char *const offers[] = {"\10http/1.1", "\2h3", "\3h2c", "\1h", "\10http/1.1\3H2\n"};
  struct transport_events events = easy_events();
  for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
    struct meeting meeting = {.client.events = &events};
    start(&meeting, "localhost", easy_client(offers[i]), certificates_server("one"));
    expect_refusal(&meeting, "TLS: the peer sent an alert: no application protocol", NULL);
    support_probe_free(&meeting.client);
  }
}

Test(tls, h2_among_others) {
  struct meeting meeting = {0};
  start(&meeting, "localhost", easy_client("\10http/1.1\3foo\2h2"), certificates_server("one"));
  expect_meeting(&meeting);
  free_both(&meeting);
}

/* OpenSSL does not even call the server's callback. */
Test(tls, no_protocol_refused) {
  struct transport_events events = easy_events();
  struct meeting meeting = {.client.events = &events};
  start(&meeting, "localhost", easy_client(NULL), certificates_server("one"));
  expect_refusal(&meeting, "closed by the peer", "TLS: the client did not offer h2 (ALPN)");
}

Test(tls, plain_client) {
  static const char *const words[] = {"GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};
  for (size_t i = 0; i < 2; i++) {
    struct support_probe server = {.tls = certificates_server("one")};
    support_probe_begin(&server);
    support_send(server.peer, words[i], strlen(words[i]));
    support_probe_expect_close(&server, "TLS: the peer does not speak TLS");
    cr_assert_not(server.open, "on_open");
    close(server.peer);
  }
}

Test(tls, client_vanishes) {
  struct support_probe server = {.tls = certificates_server("one")};
  support_probe_begin(&server);
  support_send(server.peer, "\26\3\1\2\0\1", 6); /* the beginning of a ClientHello */
  close(server.peer);
  support_probe_expect_close(&server, "TLS: closed by the peer");
  cr_assert_not(server.open, "on_open");
}

Test(tls, client_resets) {
  struct support_probe server = {.tls = certificates_server("one")};
  support_probe_begin(&server);
  support_reset(server.peer);
  support_probe_expect_close(&server, "TLS: Connection reset by peer");
  cr_assert_not(server.open, "on_open");
}

/* --- Refused by the client -------------------------------------------------------------------- */

Test(tls, unknown_ca) {
  struct meeting meeting = {0};
  certificates_write("other", NULL);
  start(&meeting, "localhost", certificates_client("other", "localhost"),
        certificates_server("one"));
  support_wait(&meeting.client.closed);
  cr_assert_str_eq(meeting.client.error, "TLS: certificate verify failed: self-signed certificate",
                   "'%s'", meeting.client.error);
  cr_assert_not(meeting.client.open, "on_open");
  support_wait(&meeting.server.closed);
  cr_assert_str_eq(meeting.server.error, "TLS: the peer sent an alert: unknown CA", "'%s'",
                   meeting.server.error);
  free_both(&meeting);
}

static void expect_client_refusal(const struct certificate *certificate, const char *host,
                                  const char *error) {
  struct meeting meeting = {0};
  certificates_write("bad", certificate);
  start(&meeting, host, certificates_client("bad", host), certificates_server("bad"));
  support_wait(&meeting.client.closed);
  /* Newer releases of OpenSSL say more. */
  cr_assert_eq(strncmp(meeting.client.error, error, strlen(error)), 0, "'%s'",
               meeting.client.error);
  cr_assert_not(meeting.client.open, "on_open");
  support_wait(&meeting.server.closed);
  cr_assert_eq(meeting.server.received, 0, "the client has sent something");
  free_both(&meeting);
}

Test(tls, wrong_host) {
  const struct certificate of_example = {.names = "DNS:example.test,DNS:*.example.test"};
  expect_client_refusal(&of_example, "localhost",
                        "TLS: certificate verify failed: hostname mismatch");
  expect_client_refusal(&of_example, "a.b.example.test",
                        "TLS: certificate verify failed: hostname mismatch");
  expect_client_refusal(&of_example, "127.0.0.1",
                        "TLS: certificate verify failed: IP address mismatch");
  const struct certificate no_names = {.subject = "localhost"};
  expect_client_refusal(&no_names, "localhost",
                        "TLS: certificate verify failed: hostname mismatch");
  const struct certificate of_address = {.names = "IP:127.0.0.2", .subject = "localhost"};
  expect_client_refusal(&of_address, "localhost",
                        "TLS: certificate verify failed: hostname mismatch");
  expect_client_refusal(&of_address, "127.0.0.1",
                        "TLS: certificate verify failed: IP address mismatch");
  const struct certificate address_as_name = {.names = "DNS:127.0.0.1"};
  expect_client_refusal(&address_as_name, "127.0.0.1",
                        "TLS: certificate verify failed: IP address mismatch");
}

Test(tls, wildcard) {
  const struct certificate of_example = {.names = "DNS:*.example.test"};
  struct meeting meeting = {0};
  certificates_write("wild", &of_example);
  start(&meeting, "a.example.test", certificates_client("wild", "a.example.test"),
        certificates_server("wild"));
  expect_meeting(&meeting);
  free_both(&meeting);
}

Test(tls, expired) {
  const struct certificate past = {.names = "DNS:localhost", .from = -7200, .until = -3600};
  expect_client_refusal(&past, "localhost",
                        "TLS: certificate verify failed: certificate has expired");
  const struct certificate future = {.names = "DNS:localhost", .from = 3600, .until = 7200};
  expect_client_refusal(&future, "localhost",
                        "TLS: certificate verify failed: certificate is not yet valid");
}

/* The server's certificate has this signer, whose signer the client trusts. */
static void meet_by_chain(struct meeting *meeting, const struct certificate *signer) {
  char authority[128];
  snprintf(authority, sizeof authority, "%s", certificates_path("authority.cert"));
  const struct certificate certificate = {
      .names = "DNS:localhost", .signer = signer, .authority = authority};
  certificates_write("chain", &certificate);
  start(meeting, "localhost", certificates_client("authority", "localhost"),
        certificates_server("chain"));
}

static const struct certificate root = {.subject = "root"};

Test(tls, signer_is_no_authority) {
  static const struct certificate other = {
      .subject = "other", .constraints = "critical,CA:FALSE", .signer = &root};
  struct meeting meeting = {0};
  meet_by_chain(&meeting, &other);
  support_wait(&meeting.client.closed);
  cr_assert_str_eq(meeting.client.error, "TLS: certificate verify failed: invalid CA certificate",
                   "'%s'", meeting.client.error);
  support_wait(&meeting.server.closed);
  free_both(&meeting);
}

Test(tls, chain) {
  static const struct certificate between = {.subject = "between", .signer = &root};
  struct meeting meeting = {0};
  meet_by_chain(&meeting, &between);
  expect_meeting(&meeting);
  free_both(&meeting);
}

/* RFC 7301 forbids this, and OpenSSL itself notices it. */
static int choose_other(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                        const unsigned char *offered, unsigned int offered_length, void *user) {
  (void)ssl;
  (void)offered;
  (void)offered_length;
  *chosen = user;
  *length = (unsigned char)strlen(user);
  return SSL_TLSEXT_ERR_OK;
}

static void expect_no_h2(SSL_CTX *server, const char *error) {
  struct transport_events events = easy_events();
  struct meeting meeting = {.server.events = &events};
  start(&meeting, "localhost", certificates_client("one", "localhost"), server);
  expect_refusal(&meeting, error, NULL);
  cr_assert_not(meeting.client.open, "on_open");
  free_both(&meeting);
}

Test(tls, server_without_alpn) {
  SSL_CTX *server = certificates_server("one");
  SSL_CTX_set_alpn_select_cb(server, NULL, NULL);
  expect_no_h2(server, "TLS: the server did not choose h2 (ALPN)");
}

Test(tls, server_chooses_another) {
  static char choices[][16] = {"http/1.1", "h3", "h", "h2c"};
  for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
    SSL_CTX *server = certificates_server("one");
    SSL_CTX_set_alpn_select_cb(server, choose_other, choices[i]);
    expect_no_h2(server, NULL);
  }
}

Test(tls, plain_server) {
  int port;
  int listening = support_listen(&port);
  struct support_probe client = {.tls = certificates_client("one", "127.0.0.1")};
  support_probe_connect(&client, port);
  int server = support_accept(listening);
  support_send(server, "\0\0\0\4\0\0\0\0\0", 9); /* SETTINGS */
  support_probe_expect_close(&client, "TLS: the peer does not speak TLS");
  cr_assert_not(client.open, "on_open");
  close(server);
  close(listening);
}

/* --- Time ------------------------------------------------------------------------------------- */

/* Neither side waits for the other for ever. */
Test(tls, stalled_handshake) {
  struct transport_events events = support_events;
  events.handshake_timeout = 50;
  uint64_t began = uv_now(support_loop());
  struct support_probe server = {.tls = certificates_server("one"), .events = &events};
  support_probe_begin(&server);
  support_send(server.peer, "\26\3\1\2\0\1", 6);
  support_probe_expect_close(&server, "TLS: the peer does not finish the handshake");
  cr_assert_geq(uv_now(support_loop()) - began, 50, "too early");
  support_expect_end(server.peer);
  close(server.peer);

  int port;
  int listening = support_listen(&port);
  struct support_probe client = {.tls = certificates_client("one", "127.0.0.1"), .events = &events};
  support_probe_connect(&client, port);
  int peer = support_accept(listening);
  support_probe_expect_close(&client, "TLS: the peer does not finish the handshake");
  close(peer);
  close(listening);
}

/* Once the transport is open, the time limit of the handshake is over. */
Test(tls, open_in_time) {
  struct transport_events events = support_events;
  events.handshake_timeout = 1000;
  struct meeting meeting = {.client.events = &events, .server.events = &events};
  start(&meeting, "localhost", certificates_client("one", "localhost"), certificates_server("one"));
  expect_meeting(&meeting);
  for (uint64_t until = support_now() + 1500; support_now() < until;) {
    transport_wake(meeting.client.transport);
    support_turn();
    cr_assert(!meeting.client.closed && !meeting.server.closed, "it closed");
  }
  free_both(&meeting);
}

Test(tls, closed_in_handshake) {
  struct support_probe server = {.tls = certificates_server("one")};
  support_probe_begin(&server);
  support_send(server.peer, "\26\3\1\2\0\1", 6);
  uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert_eq(transport_room(server.transport), 0, "room before on_open");
  support_probe_close(&server);
  cr_assert(server.closed, "on_close did not come before transport_close returned");
  close(server.peer);

  struct support_probe dropped = {.tls = server.tls};
  support_probe_begin(&dropped);
  support_probe_drop(&dropped);
  close(dropped.peer);
}

/* --- Contexts --------------------------------------------------------------------------------- */

static void expect_no_server(const char *key, const char *cert, const char *name,
                             const char *reason) {
  char error[256] = "";
  char expected[256];
  snprintf(expected, sizeof expected, "%s: %s", certificates_path(name), reason);
  SSL_CTX *context =
      tls_server_context(certificates_path(key), certificates_path(cert), error, sizeof error);
  cr_assert_null(context, "a context with %s and %s", key, cert);
  cr_assert_eq(strncmp(error, expected, strlen(expected)), 0, "'%s', not '%s'", error, expected);
  cr_assert_null(strchr(error, '\n'), "not one line: '%s'", error);
}

static void write_text(const char *name, const char *text) {
  FILE *file = fopen(certificates_path(name), "w");
  cr_assert_not_null(file, "no file");
  fputs(text, file);
  fclose(file);
}

Test(tls, bad_files_of_a_server) {
  certificates_write("two", NULL);
  write_text("garbage", "this is not PEM\n");
  write_text("empty", "");
  char reason[256];
  snprintf(reason, sizeof reason, "not the key of %s", certificates_path("one.cert"));
  expect_no_server("none", "one.cert", "none", "No such file or directory");
  expect_no_server("one.key", "none", "none", "No such file or directory");
  expect_no_server("garbage", "one.cert", "garbage", "no private key in it: ");
  expect_no_server("empty", "one.cert", "empty", "no private key in it: ");
  expect_no_server("one.cert", "one.key", "one.cert", "no private key in it: ");
  expect_no_server("one.key", "garbage", "garbage", "no certificate in it: ");
  expect_no_server(".", "one.cert", ".", "no private key in it: ");
  expect_no_server("two.key", "one.cert", "two.key", reason);
}

static void expect_no_client(const char *ca, const char *host, const char *expected) {
  char error[256] = "";
  SSL_CTX *context = tls_client_context(certificates_path(ca), host, error, sizeof error);
  cr_assert_null(context, "a context with %s", ca);
  cr_assert_not_null(strstr(error, expected), "'%s', not '%s'", error, expected);
}

Test(tls, bad_files_of_a_client) {
  write_text("garbage", "this is not PEM\n");
  expect_no_client("none", "localhost", "/none: No such file or directory");
  expect_no_client("garbage", "localhost", "/garbage: no certificate in it: ");
  expect_no_client("one.key", "localhost", "/one.key: no certificate in it: ");
  /* An empty name does not mean any name. */
  expect_no_client("one.cert", "", "TLS: cannot make an SSL_CTX for the host ''");
}

Test(tls, key_is_its_owners) {
  struct stat status;
  cr_assert_eq(stat(certificates_path("one.key"), &status), 0, "no key");
  cr_assert_eq(status.st_mode & 0777, 0600, "mode %o", status.st_mode & 0777);
}

/* --- SSLKEYLOGFILE ---------------------------------------------------------------------------- */

Test(tls, keys_are_logged) {
  char path[128];
  snprintf(path, sizeof path, "%s", certificates_path("keys"));
  write_text("keys", "# before\n");
  cr_assert_eq(chmod(path, 0600), 0, "chmod");
  setenv("SSLKEYLOGFILE", path, 1);
  struct meeting meeting = {0};
  start(&meeting, "localhost", certificates_client("one", "localhost"), certificates_server("one"));
  expect_meeting(&meeting);
  free_both(&meeting);
  char text[8192];
  FILE *file = fopen(path, "r");
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  cr_assert_eq(strncmp(text, "# before\n", 9), 0, "the text is not appended: %s", text);
  cr_assert_not_null(strstr(text, "\nCLIENT_TRAFFIC_SECRET_0 "), "%s", text);
  cr_assert_eq(text[length - 1], '\n', "half a line");
}

Test(tls, key_log_is_private) {
  struct stat status;
  setenv("SSLKEYLOGFILE", certificates_path("new"), 1);
  struct meeting meeting = {0};
  start(&meeting, "localhost", certificates_client("one", "localhost"), certificates_server("one"));
  expect_meeting(&meeting);
  free_both(&meeting);
  cr_assert_eq(stat(certificates_path("new"), &status), 0, "no file");
  cr_assert_eq(status.st_mode & 0777, 0600, "mode %o", status.st_mode & 0777);
}

/* The file only helps to look closer: nothing fails without it. */
Test(tls, key_log_cannot_be_written) {
  setenv("SSLKEYLOGFILE", certificates_path("no/such/folder"), 1);
  struct meeting meeting = {0};
  start(&meeting, "localhost", certificates_client("one", "localhost"), certificates_server("one"));
  expect_meeting(&meeting);
  free_both(&meeting);
}
