/* The checks of lab 6: TLS. Whom a server must accept and refuse, and whom a client must not trust.
 * 20 points.
 *
 * The peers leave the handshake to OpenSSL and accept everything that it accepts: so the program
 * itself has to be careful. */
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls.h"
#include "grader/play/check_run.h"
#include "grader/play/identity.h"
#include "grader/play/late_reader.h"
#include "grader/play/peer_expect.h"
#include "grader/play/peer_receive.h"
#include "grader/play/peer_send.h"

enum {
  MUCH = 4 << 20,
  SOME = 65521 /* of it is random; no power of two, to be seen where it is misplaced */
};

/* --- The server ------------------------------------------------------------------------------- */

/* Start the server with this identity, and let all peers use TLS. */
static void start_server_as(struct exchange *exchange, const struct identity *identity,
                            const char *delay) {
  exchange_use_tls(exchange, identity_client(exchange));
  exchange_start_server(exchange, "server", "--key", identity->key, "--cert", identity->cert,
                        "--delay", delay, NULL);
}

static void start_server(struct exchange *exchange) {
  struct identity identity;
  identity_make(exchange, &identity, "server", NULL);
  start_server_as(exchange, &identity, "0");
}

/* One GET is answered as in lab 4. */
static void expect_service(struct peer *peer, int32_t stream_id) {
  peer_send_request(peer, stream_id, true, "GET", "/hello-world");
  peer_expect_answer(peer, stream_id, "200", "Hello World");
}

/* A new client, through TLS, is served. */
static struct peer *expect_client_served(struct exchange *exchange) {
  exchange_use_tls(exchange, identity_client(exchange));
  struct peer *peer = peer_connect(exchange);
  peer_send_preface(peer, NULL, 0);
  expect_service(peer, 1);
  return peer;
}

/* The TLS of a connection, which the program may have closed by now. */
static SSL *tls_of(const struct peer *peer) {
  if (!peer->transport)
    exchange_fail(
        peer->exchange,
        "closed-after-handshake| Your program closes the connection after the handshake.");
  return transport_tls(peer->transport);
}

/* The protocol that ALPN has chosen; "" if none. */
static const char *protocol_of(const struct peer *peer, char *text, size_t size) {
  const unsigned char *protocol;
  unsigned int length;
  SSL_get0_alpn_selected(tls_of(peer), &protocol, &length);
  snprintf(text, size, "%.*s", (int)length, (const char *)protocol);
  return text;
}

CHECK(lab06, serves, .points = 1, .todo = 3, .section = NULL,
      .sentence = "lab 5's routes, over TLS: /hello-world, /ping, 404") {
  start_server(exchange);
  struct peer *peer = expect_client_served(exchange);
  peer_send_request(peer, 3, true, "GET", "/ping");
  peer_expect_answer(peer, 3, "200", "pong");
  peer_send_request(peer, 5, true, "GET", "/nothing");
  peer_expect_answer(peer, 5, "404", "path not found");
  peer_send_request(peer, 7, true, "POST", "/ping");
  peer_expect_answer(peer, 7, "404", "path not found");
  exchange_end_server(exchange);
}

CHECK(lab06, alpn, .points = 1, .todo = 2, .section = "3.2",
      .sentence = "the server chooses h2, wherever it is in the client's list") {
  static const char *const offers[] = {"\2h2", "\2h2\10http/1.1", "\10http/1.1\3foo\2h2\3h2c"};
  start_server(exchange);
  for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
    char chosen[256];
    SSL_CTX *tls = identity_client(exchange);
    SSL_CTX_set_alpn_protos(tls, (const unsigned char *)offers[i], (unsigned)strlen(offers[i]));
    exchange_use_tls(exchange, tls);
    struct peer *peer = peer_connect(exchange);
    if (strcmp(protocol_of(peer, chosen, sizeof chosen), "h2") != 0)
      exchange_fail_at(exchange, -1, "ALPN: h2", *chosen ? chosen : "no protocol",
                       "not-choose-h2-alpn| Your server does not choose h2 by ALPN.");
    peer_send_preface(peer, NULL, 0);
    expect_service(peer, 1);
  }
  exchange_end_server(exchange);
}

static bool is_refused_or_open(void *argument) {
  const struct peer *peer = argument;
  return peer->connected || peer->closed_by_program;
}

static bool is_closed(void *argument) {
  const struct peer *peer = argument;
  return peer->closed_by_program;
}

/* A client with this context must get an alert with one of these names, and nothing else. */
static void expect_alert(struct exchange *exchange, SSL_CTX *tls, const char *const *alerts,
                         const char *what) {
  static const char begin[] = "TLS: the peer sent an alert: ";
  char expected[128];
  exchange_use_tls(exchange, tls);
  struct peer *peer = peer_begin_to_connect(exchange);
  exchange_await(exchange, is_refused_or_open, peer);
  for (size_t i = 0; alerts[i]; i++)
    if (strncmp(peer->error, begin, strlen(begin)) == 0 &&
        strcmp(peer->error + strlen(begin), alerts[i]) == 0)
      return;
  snprintf(expected, sizeof expected, "the alert: %s", alerts[0]);
  exchange_fail_at(exchange, -1, expected,
                   peer->connected ? "the handshake is completed"
                   : *peer->error  ? peer->error
                                   : "the server does not go on with the handshake",
                   "%s", what);
}

CHECK(lab06, no_h2, .of_errors = true, .points = 1, .todo = 2, .section = "RFC 7301, section 3.2",
      .by_hand = "--http1.1",
      .sentence = "a client that does not offer h2 gets no_application_protocol") {
  static const char *const alerts[] = {"no application protocol", NULL};
  static const char *const offers[] = {"\10http/1.1", "\2h3", "\3h2c\2hq\1h"};
  start_server(exchange);
  for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
    SSL_CTX *tls = identity_client(exchange);
    SSL_CTX_set_alpn_protos(tls, (const unsigned char *)offers[i], (unsigned)strlen(offers[i]));
    expect_alert(exchange, tls, alerts,
                 "client-not-offer-h2-not| Your server does not refuse a client that does not "
                 "offer h2 as the contract says.");
  }
  expect_client_served(exchange);
  exchange_end_server(exchange);
}

CHECK(lab06, no_alpn, .of_errors = true, .points = 1, .todo = 3, .section = "3.2",
      .by_hand = "--no-alpn", .sentence = "a client that sends no ALPN at all is not served") {
  start_server(exchange);
  SSL_CTX *tls = identity_client(exchange);
  SSL_CTX_set_alpn_protos(tls, NULL, 0);
  exchange_use_tls(exchange, tls);
  struct peer *peer = peer_begin_to_connect(exchange);
  exchange_await(exchange, is_refused_or_open, peer);
  if (peer->connected) {
    peer_send_preface(peer, NULL, 0);
    peer_send_request(peer, 1, true, "GET", "/hello-world");
    exchange_await(exchange, is_closed, peer);
  }
  if (peer->frames_received > 0)
    exchange_fail_at(
        exchange, -1, "the connection is closed", "HTTP/2 frames",
        "client-without-h2-served| Your server serves a client that has not agreed to h2 by ALPN.");
  if (!peer->closed_by_program)
    exchange_fail_at(exchange, -1, "the connection is closed", NULL,
                     "client-without-h2-kept-waiting| Your server keeps a client waiting that has "
                     "not agreed to h2 by ALPN.");
  expect_client_served(exchange);
  exchange_end_server(exchange);
}

/* One that speaks these versions only, however weak. */
static void limit_versions(SSL_CTX *tls, int least, int most) {
  SSL_CTX_set_security_level(tls, 0);
  SSL_CTX_set_cipher_list(tls, "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(tls, least);
  SSL_CTX_set_max_proto_version(tls, most);
}

CHECK(lab06, versions, .of_errors = true, .points = 1, .todo = 1, .section = "9.2",
      .sentence = "TLS 1.2 and 1.3 are spoken, TLS 1.1 gets the alert protocol_version") {
  static const char *const alerts[] = {"protocol version", NULL};
  start_server(exchange);
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    SSL_CTX *tls = identity_client(exchange);
    SSL_CTX_set_min_proto_version(tls, version);
    SSL_CTX_set_max_proto_version(tls, version);
    exchange_use_tls(exchange, tls);
    struct peer *peer = peer_connect(exchange);
    peer_send_preface(peer, NULL, 0);
    expect_service(peer, 1);
  }
  SSL_CTX *old = identity_client(exchange);
  limit_versions(old, TLS1_VERSION, TLS1_1_VERSION);
  expect_alert(exchange, old, alerts,
               "client-speaks-nothing-better-tls| Your server does not refuse a client that speaks "
               "only TLS 1.1 or older.");
  exchange_end_server(exchange);
}

/* All the certificates of its file are shown. */
static void expect_chain(struct exchange *exchange) {
  const struct certificate chain = {.names = "DNS:localhost", .repetitions = 2};
  struct identity identity;
  char seen[16];
  identity_make(exchange, &identity, "chain", &chain);
  start_server_as(exchange, &identity, "0");
  struct peer *peer = peer_connect(exchange);
  int count = sk_X509_num(SSL_get_peer_cert_chain(tls_of(peer)));
  snprintf(seen, sizeof seen, "%d", count);
  if (count != 3)
    exchange_fail_at(exchange, -1, "3 certificates", seen,
                     "not-show-all-certificates-file| Your server does not send all the "
                     "certificates in its file.");
  peer_send_preface(peer, NULL, 0);
  expect_service(peer, 1);
  exchange_end_server(exchange);
}

static bool has_started(void *argument) {
  const struct exchange *exchange = argument;
  return program_ended(exchange->program) ||
         strstr(program_stdout(exchange->program, NULL), "listening");
}

CHECK(lab06, files, .of_errors = true, .points = 1, .todo = 1, .section = NULL,
      .sentence = "unusable or missing files: one line, status 1; the whole chain is shown") {
  struct identity one;
  struct identity other;
  identity_make(exchange, &one, "one", NULL);
  identity_make(exchange, &other, "other", NULL);
  char none[IDENTITY_PATH + 8];
  snprintf(none, sizeof none, "%s.none", one.key);
  const struct {
    const char *key;
    const char *cert;
    const char *what;
    const char *named; /* in the error; NULL: either of them */
  } files[] = {
      {none, one.cert, "a key file that does not exist", none},
      {one.key, none, "a certificate file that does not exist", none},
      {one.cert, one.cert, "a key file without a key in it", one.cert},
      {"/", one.cert, "a key file that cannot be read, because it is a folder", "/"},
      {other.key, one.cert, "a key that does not belong to the certificate", NULL},
  };
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    exchange_start(exchange, "server", "--port", "0", "--key", files[i].key, "--cert",
                   files[i].cert, NULL);
    if (exchange_await(exchange, has_started, exchange) && !program_ended(exchange->program))
      exchange_fail_at(exchange, -1, "one line on standard error, and status 1",
                       "listening on https://localhost:...",
                       "server-starts-with-bad-file| Your server starts with %s.", files[i].what);
    if (files[i].named)
      exchange_expect_error_about(exchange, files[i].named);
    else
      exchange_expect_error(exchange, 0);
  }
  exchange_start(exchange, "server", "--port", "http", "--key", one.key, "--cert", one.cert, NULL);
  exchange_expect_error(exchange, 2); /* wrong usage */
  expect_chain(exchange);
}

/* A client that has connected and sent `length` bytes, without TLS. */
static struct peer *send_plain(struct exchange *exchange, const void *bytes, size_t length) {
  exchange_use_tls(exchange, NULL);
  struct peer *peer = peer_connect(exchange);
  peer_send_bytes(peer, bytes, length);
  return peer;
}

/* The beginning of a ClientHello: a record of 512 bytes, of which these have come. */
static const char HELLO[] = "\26\3\1\2\0\1\0\1\374\3\3";

CHECK(lab06, plain_text, .of_errors = true, .points = 1, .todo = 3, .section = NULL,
      .sentence = "a client that speaks plain text is dropped, others are served") {
  start_server(exchange);
  struct peer *steady = expect_client_served(exchange);
  static const char http1[] = "GET /hello-world HTTP/1.1\r\nHost: localhost\r\n\r\n";
  struct peer *old = send_plain(exchange, http1, strlen(http1));
  peer_expect_close(old);
  /* Before anybody connects: a server that has ended may still seem to accept. */
  expect_service(steady, 3);
  struct peer *plain = send_plain(exchange, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  peer_expect_close(plain);
  expect_service(steady, 5);
  expect_client_served(exchange);
  exchange_end_server(exchange);
}

static bool sleeps(void *argument) {
  const struct exchange *exchange = argument;
  return program_idle(exchange->program) > 0;
}

CHECK(lab06, handshake, .points = 1, .todo = 3, .section = NULL,
      .sentence = "a handshake that stalls or breaks off keeps nobody else waiting") {
  start_server(exchange);
  struct peer *steady = expect_client_served(exchange);
  for (int i = 0; i < 10; i++)
    send_plain(exchange, HELLO, (size_t)i);
  struct peer *leaves = send_plain(exchange, HELLO, sizeof HELLO - 1);
  struct peer *vanishes = send_plain(exchange, HELLO, sizeof HELLO - 1);
  expect_service(steady, 3);
  if (!exchange_await(exchange, sleeps, exchange))
    exchange_fail_at(exchange, -1, "the server sleeps until something comes", "it computes",
                     "not-wait-handshake-stalls-tries| Your server does not wait for a stalled "
                     "handshake: it tries again all the time.");
  peer_close(leaves);
  peer_abort(vanishes);
  expect_client_served(exchange);
  expect_service(steady, 5);
  exchange_end_server(exchange);
}

CHECK(lab06, late_reader, .points = 1, .todo = 3, .section = NULL,
      .sentence = "a handshake that has to wait for the socket is finished later") {
  const struct certificate large = {
      .names = "DNS:localhost", .comment = 32 * 1024, .repetitions = 7};
  struct identity identity;
  identity_make(exchange, &identity, "large", &large);
  start_server(exchange); /* there it has to wait until it can read, */
  late_reader_run(exchange, "/hello-world", "Hello World");
  exchange_end_server(exchange);
  start_server_as(exchange, &identity, "0"); /* and here, until it can write */
  late_reader_run(exchange, "/hello-world", "Hello World");
  exchange_end_server(exchange);
}

CHECK(lab06, upload, .points = 1, .todo = 3, .section = NULL,
      .sentence = "a request with 4 MiB is read to its end, through TLS") {
  start_server(exchange);
  struct peer *peer = expect_client_served(exchange);
  char *body = calloc(1, MUCH);
  if (!body)
    exchange_fault(exchange, "out of memory");
  peer_send_request(peer, 3, false, "POST", "/upload");
  peer_send_body(peer, 3, body, MUCH);
  free(body);
  peer_expect_answer(peer, 3, "404", "path not found");
  expect_service(peer, 5);
  exchange_end_server(exchange);
}

CHECK(lab06, graceful_end, .points = 1, .todo = 3, .section = "6.8",
      .sentence = "SIGTERM: a waiting ping is answered, a stalled handshake delays nothing") {
  struct identity identity;
  identity_make(exchange, &identity, "server", NULL);
  start_server_as(exchange, &identity, "200");
  struct peer *peer = expect_client_served(exchange);
  send_plain(exchange, HELLO, sizeof HELLO - 1);
  const uint8_t octets[8] = "settled";
  peer_send_request(peer, 3, true, "GET", "/ping");
  peer_send_ping(peer, octets);
  peer_expect_ping_ack(peer, octets); /* so the request has come */
  exchange_touch(exchange);
  program_signal(exchange->program, SIGTERM);
  peer_expect_goaway(peer);
  peer_expect_answer(peer, 3, "200", "pong");
  peer_expect_close(peer);
  exchange_expect_status(exchange, 0);
}

/* --- The client ------------------------------------------------------------------------------- */

static bool has_connected_or_ended(void *argument) {
  const struct exchange *exchange = argument;
  return exchange->held || exchange->peer_count > exchange->peers_accepted ||
         program_ended(exchange->program);
}

/* The client must connect. If it ends before, it took something in set_up for a failure: TODO 4,
 * whatever the check is about. */
static struct peer *accept_client(struct exchange *exchange) {
  exchange_await(exchange, has_connected_or_ended, exchange);
  bool connected = exchange->held || exchange->peer_count > exchange->peers_accepted;
  if (!connected && program_ended(exchange->program)) {
    exchange->finding.todo_of_place = 4;
    exchange_fail_at(
        exchange, -1, "a TCP connection to the server", NULL,
        "client-gives-up-before-connected| Your client gives up before it has connected.");
  }
  return exchange->holds ? peer_accept_late(exchange) : peer_accept(exchange);
}

/* Be a server with this context. */
static void be_server(struct exchange *exchange, SSL_CTX *tls) {
  exchange_use_tls(exchange, tls);
  peer_listen(exchange);
}

/* Start the client against it, with the certificate `ca` to trust. */
static void have_it_ask(struct exchange *exchange, const char *ca, const char *timeout) {
  char url[128];
  snprintf(url, sizeof url, "%s/hello-world", exchange->url);
  exchange_start(exchange, "client", "--ca", ca, "--timeout", timeout, url, NULL);
}

/* Both. */
static struct peer *start_client(struct exchange *exchange, SSL_CTX *tls, const char *ca,
                                 const char *timeout) {
  be_server(exchange, tls);
  have_it_ask(exchange, ca, timeout);
  return accept_client(exchange);
}

#define PATIENCE "20000" /* milliseconds */

static struct peer *start_good_client(struct exchange *exchange, const char *timeout) {
  struct identity identity;
  identity_make(exchange, &identity, "server", NULL);
  return start_client(exchange, identity_server(exchange, &identity), identity.cert, timeout);
}

/* The same with a server whose certificate is signed by the one that the client trusts. */
static struct peer *start_client_of_authority(struct exchange *exchange) {
  char trusted[IDENTITY_PATH];
  const struct certificate certificate = {.names = "DNS:localhost", .authority = trusted};
  struct identity identity;
  identity_path(exchange, trusted, "authority", "cert.pem");
  identity_make(exchange, &identity, "server", &certificate);
  return start_client(exchange, identity_server(exchange, &identity), trusted, PATIENCE);
}

/* Answer the request with `body`, and expect the program to print it. */
static void expect_printed(struct peer *peer, const char *body, size_t length) {
  struct exchange *exchange = peer->exchange;
  struct buffer output = {0};
  peer_handshake(peer);
  int32_t stream_id = peer_expect_request(peer);
  const char *seen = peer_field(peer, stream_id, ":scheme");
  if (!seen || strcmp(seen, "https") != 0)
    exchange_fail_at(exchange, peer_stream(peer, stream_id)->frame, ":scheme: https", seen,
                     "scheme-request-not-https| The :scheme of the request is not https.");
  peer_send_headers(peer, stream_id, false, ":status", "200", NULL);
  peer_send_body(peer, stream_id, body, length);
  peer_expect_goodbye(peer);
  buffer_append_text(&output, ":status: 200\n\n");
  exchange_append_body(&output, body, length);
  exchange_expect_output(
      exchange, "response-not-printed-came| Your program does not print the response as it came.",
      output.bytes, output.length);
  buffer_free(&output);
  exchange_expect_status(exchange, 0);
}

CHECK(lab06, get, .points = 1, .todo = 5, .program = "client", .section = "3.2",
      .sentence = "a GET over TLS: ALPN offers h2, SNI names the host, the response is printed") {
  char text[32];
  char chosen[256];
  exchange_random_text(exchange, text, 20);
  exchange->holds = true; /* so that it has to wait in the handshake */
  struct peer *peer = start_good_client(exchange, PATIENCE);
  peer_expect_open(peer);
  if (strcmp(protocol_of(peer, chosen, sizeof chosen), "h2") != 0)
    exchange_fail_at(exchange, -1, "ALPN: h2", "no ALPN",
                     "client-not-offer-h2-alpn| Your client does not offer h2 by ALPN.");
  const char *name = SSL_get_servername(tls_of(peer), TLSEXT_NAMETYPE_host_name);
  if (!name || strcmp(name, "localhost") != 0)
    exchange_fail_at(
        exchange, -1, "server name: localhost", name ? name : "none",
        "client-not-say-host-asks| Your client does not send the name of the host (SNI).");
  expect_printed(peer, text, strlen(text));
}

static bool has_spoken_or_ended(void *argument) {
  const struct peer *peer = argument;
  return peer->bytes_received > 0 || program_ended(peer->exchange->program);
}

/* Whether the line has one of these words. */
static bool names(const char *line, const char *const *words) {
  for (; *words; words++)
    if (strcasestr(line, *words))
      return true;
  return false;
}

/* What the line says behind the URL, whose words ("https", "localhost") are no reason. */
static const char *reason_of(const struct exchange *exchange, const char *line) {
  const char *url = exchange->arguments[exchange->argument_count - 1];
  const char *found = strstr(line, url);
  const char *rest = strncmp(line, "client: ", 8) == 0 ? line + 8 : line;
  return found ? found + strlen(url) : rest;
}

/* How many different causes it names: whoever names several says none. */
static int count_causes(const char *reason) {
  static const char *const causes[][4] = {{"expired", NULL},
                                          {"mismatch", "altname", "host", NULL},
                                          {"issuer", "self-signed", "self signed", NULL},
                                          {"alpn", NULL},
                                          {"version", "unsupported protocol", NULL}};
  int count = 0;
  for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
    count += names(reason, causes[i]);
  return count;
}

/* The client must send no byte of HTTP/2 to this server, and end with one line that has one of
 * these words. */
static void expect_refusal(struct peer *peer, const char *const *words, const char *server) {
  struct exchange *exchange = peer->exchange;
  exchange_await(exchange, has_spoken_or_ended, peer);
  if (peer->bytes_received > 0)
    exchange_fail_at(exchange, -1, "the connection is closed before a byte of HTTP/2", NULL,
                     "client-trusts-wrong-server| Your client speaks HTTP/2 to %s.", server);
  exchange_expect_error(exchange, 0);
  const char *line = program_stderr(exchange->program, NULL);
  const char *reason = reason_of(exchange, line);
  char expected[64];
  snprintf(expected, sizeof expected, "a reason with the word \"%s\"", words[0]);
  if (count_causes(reason) > 1)
    exchange_fail_at(exchange, -1, "the one cause", line,
                     "refusal-with-several-causes| Your client names several causes why it refuses "
                     "the server, so nobody knows which.");
  if (names(reason, words))
    return;
  if (strcasestr(line, "connection is lost") || strcasestr(line, "does not say why"))
    exchange_fail_at(exchange, -1, expected, line,
                     "refusal-error-queue-empty| Your client does not say why it refuses %s: it "
                     "read OpenSSL's error queue when it was empty.",
                     server);
  exchange_fail_at(
      exchange, -1, expected, line,
      "refusal-without-reason| Your client does not say why it refuses the server: it is %s.",
      server);
}

/* The server has such a certificate, and the client trusts this certificate itself. */
static void expect_certificate_refused(struct exchange *exchange,
                                       const struct certificate *certificate,
                                       const char *const *words, const char *server) {
  struct identity identity;
  identity_make(exchange, &identity, "bad", certificate);
  struct peer *peer =
      start_client(exchange, identity_server(exchange, &identity), identity.cert, PATIENCE);
  expect_refusal(peer, words, server);
}

/* A missing file names nobody to trust: the client must say so, and connect to nobody. */
static void expect_missing_ca_refused(struct exchange *exchange, const char *cert) {
  char none[IDENTITY_PATH + 8];
  snprintf(none, sizeof none, "%s.none", cert);
  exchange_start(exchange, "client", "--ca", none, "--timeout", PATIENCE, exchange->url, NULL);
  exchange_expect_error_about(exchange, none);
}

CHECK(lab06, unknown_ca, .of_errors = true, .points = 1, .todo = 4, .program = "client",
      .section = NULL, .by_hand = "TLS=unknown",
      .sentence = "a certificate from an untrusted signer is refused, with the reason") {
  static const char *const words[] = {"certificate", "issuer", "unknown ca", NULL};
  struct identity trusted;
  struct identity server;
  identity_make(exchange, &trusted, "trusted", NULL);
  identity_make(exchange, &server, "server", NULL);
  struct peer *peer =
      start_client(exchange, identity_server(exchange, &server), trusted.cert, PATIENCE);
  expect_refusal(peer, words, "a server whose certificate nobody has vouched for");
  expect_missing_ca_refused(exchange, trusted.cert);
  exchange_start(exchange, "client", "--ca", trusted.cert, NULL);
  exchange_expect_error(exchange, 2); /* wrong usage: no URL */
}

CHECK(lab06, wrong_host, .of_errors = true, .points = 1, .todo = 4, .program = "client",
      .section = "9.1.1", .by_hand = "TLS=other-host",
      .sentence = "a certificate for another host is refused, with the reason") {
  static const struct certificate other = {.names = "DNS:example.test,IP:127.0.0.1"};
  static const char *const words[] = {"host", "altname", NULL};
  expect_certificate_refused(exchange, &other, words,
                             "a server whose certificate is for another host");
}

CHECK(lab06, expired, .of_errors = true, .points = 1, .todo = 5, .program = "client",
      .section = NULL, .by_hand = "TLS=expired",
      .sentence = "a certificate that has expired, or is not valid yet, is refused: why") {
  static const struct certificate past = {.names = "DNS:localhost", .from = -7200, .until = -3600};
  static const struct certificate future = {.names = "DNS:localhost", .from = 3600, .until = 7200};
  static const char *const expired[] = {"expired", NULL};
  static const char *const too_early[] = {"not yet valid", "future", NULL};
  expect_certificate_refused(exchange, &past, expired, "a server whose certificate has expired");
  expect_certificate_refused(exchange, &future, too_early,
                             "a server whose certificate is not valid yet");
}

/* A URL with an address, and a certificate for `names`. */
static struct peer *start_by_address(struct exchange *exchange, const char *names_of_server) {
  const struct certificate certificate = {.names = names_of_server};
  struct identity identity;
  char url[64];
  identity_make(exchange, &identity, "address", &certificate);
  exchange_use_tls(exchange, identity_server(exchange, &identity));
  peer_listen(exchange);
  snprintf(url, sizeof url, "https://127.0.0.1%s/", strrchr(exchange->url, ':'));
  exchange_start(exchange, "client", "--ca", identity.cert, "--timeout", PATIENCE, url, NULL);
  return accept_client(exchange);
}

CHECK(lab06, address, .points = 1, .todo = 4, .program = "client", .section = NULL,
      .sentence = "an IP address in the URL: only with a certificate for that address") {
  static const char *const words[] = {"IP", "address", "host", NULL};
  expect_printed(start_by_address(exchange, "IP:127.0.0.1"), "by address", 10);
  expect_refusal(start_by_address(exchange, "DNS:localhost,DNS:127.0.0.1,IP:127.0.0.2"), words,
                 "a server whose certificate is for another address");
}

/* A server that agrees on `user`, whatever the client offers. */
static int choose(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                  const unsigned char *offered, unsigned int offered_length, void *user) {
  (void)ssl;
  (void)offered;
  (void)offered_length;
  *chosen = user;
  *length = (unsigned char)strlen(user);
  return SSL_TLSEXT_ERR_OK;
}

CHECK(lab06, without_h2, .of_errors = true, .points = 1, .todo = 5, .program = "client",
      .section = "3.2", .by_hand = "TLS=no-alpn",
      .sentence = "a server that does not choose h2 by ALPN is refused, with the reason") {
  static const char *const words[] = {"ALPN", "h2", "protocol", NULL};
  static const char *const words_of_http1[] = {"ALPN",     "h2",        "protocol",
                                               "http/1.1", "extension", NULL};
  static char http1[] = "http/1.1";
  struct identity identity;
  identity_make(exchange, &identity, "server", NULL);
  SSL_CTX *without = identity_server(exchange, &identity);
  SSL_CTX_set_alpn_select_cb(without, NULL, NULL);
  expect_refusal(start_client(exchange, without, identity.cert, PATIENCE), words,
                 "a server that has not agreed to h2 by ALPN");
  SSL_CTX *other = identity_server(exchange, &identity);
  SSL_CTX_set_alpn_select_cb(other, choose, http1);
  expect_refusal(start_client(exchange, other, identity.cert, PATIENCE), words_of_http1,
                 "a server that has chosen http/1.1 by ALPN");
}

CHECK(lab06, old_version, .of_errors = true, .points = 1, .todo = 4, .program = "client",
      .section = "9.2", .by_hand = "TLS=old",
      .sentence = "a server that speaks only TLS 1.1 or older is refused") {
  static const char *const words[] = {"version", "protocol", "alert", "handshake", "TLS", NULL};
  struct identity identity;
  identity_make(exchange, &identity, "server", NULL);
  SSL_CTX *tls = identity_server(exchange, &identity);
  limit_versions(tls, TLS1_VERSION, TLS1_1_VERSION);
  struct peer *peer = start_client(exchange, tls, identity.cert, PATIENCE);
  expect_refusal(peer, words, "a server that speaks only TLS 1.1 or older");
}

CHECK(lab06, download, .points = 1, .todo = 5, .program = "client", .section = NULL,
      .sentence = "a response with 4 MiB is read to its end, through TLS") {
  char *body = malloc(MUCH + 1);
  if (!body)
    exchange_fault(exchange, "out of memory");
  exchange_random_text(exchange, body, SOME);
  for (size_t i = SOME; i < MUCH; i++)
    body[i] = body[i - SOME];
  expect_printed(start_client_of_authority(exchange), body, MUCH);
  free(body);
}

/* A client that gives up after some time, which is longer than the grader waits for one that
 * sleeps. */
struct impatience {
  struct peer *peer;
  double end; /* recording_clock() when it must have given up */
};

static bool has_given_up_or_is_late(void *argument) {
  const struct impatience *impatience = argument;
  exchange_touch(impatience->peer->exchange); /* its sleep is right */
  return impatience->peer->closed_by_program || recording_clock() > impatience->end;
}

/* As in lab 5: if the machine is so busy that the time is over before the request arrives, try
 * again with more time. Fills in how much it was, in milliseconds. */
static struct peer *start_impatient_client(struct exchange *exchange, long *milliseconds) {
  static const char *const times[] = {"200", "2000", "6000"};
  struct identity identity;
  identity_make(exchange, &identity, "server", NULL);
  be_server(exchange, identity_server(exchange, &identity));
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    exchange->peers_accepted = exchange->peer_count;
    exchange_extend(exchange);
    have_it_ask(exchange, identity.cert, times[i]);
    *milliseconds = strtol(times[i], NULL, 10);
    if (peer_await_request(exchange) || !program_ended(exchange->program))
      break;
  }
  return accept_client(exchange);
}

CHECK(lab06, timed_out, .points = 1, .todo = 5, .program = "client", .section = "6.4",
      .by_hand = "MISBEHAVE=never",
      .sentence = "no answer: RST_STREAM CANCEL, GOAWAY, status 1, as in lab 5") {
  static const char output[] = "request timed out\n";
  long milliseconds = 0;
  struct peer *peer = start_impatient_client(exchange, &milliseconds);
  peer_handshake(peer);
  int32_t stream_id = peer_expect_request(peer);
  struct impatience impatience = {peer, recording_clock() + (double)milliseconds};
  exchange_await(exchange, has_given_up_or_is_late, &impatience);
  peer_expect_reset(peer, stream_id, NGHTTP2_CANCEL);
  peer_expect_goodbye(peer);
  exchange_expect_output(
      exchange,
      "request-timed-out-not-told| Your client does not report the time-out as the contract says.",
      output, strlen(output));
  exchange_expect_status(exchange, 1);
}
