/* The checks of lab 6: TLS. Whom a server must accept and refuse, and whom a client must not trust.
 * 20 points.
 *
 * The peers leave the handshake to OpenSSL and accept everything that it accepts: so the program
 * itself has to be careful. */
#include <arpa/inet.h>
#include <netdb.h>
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
#include "grader/play/port.h"
#include "grader/play/server_rules.h"
#include "grader/play/trail.h"

enum {
  EARLY = 5, /* milliseconds that clocks and their rounding may differ by */
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
  identity_make(exchange, &identity, NULL);
  start_server_as(exchange, &identity, "0");
}

/* One GET is answered as in lab 4. */
static void expect_service(struct peer *peer, int32_t stream_id) {
  peer_send_request(peer, stream_id, true, "GET", "/hello-world");
  peer_expect_answer(peer, stream_id, "200", "Hello World");
}

/* Connect through TLS. By SNI the client names localhost, another host, or none, such as one that
 * has only an address. */
static struct peer *connect_with_any_name(struct exchange *exchange) {
  char name[24];
  exchange_random_text(exchange, name, 1 + exchange_random(exchange, 20));
  const char *const hosts[] = {"localhost", name, NULL};
  exchange_use_tls(exchange, identity_client(exchange));
  struct peer *peer = peer_begin_to_connect(exchange);
  SSL_set_tlsext_host_name(transport_tls(peer->transport), hosts[exchange_random(exchange, 3)]);
  peer_expect_open(peer);
  return peer;
}

/* A new client, through TLS, is served. */
static struct peer *expect_client_served(struct exchange *exchange) {
  struct peer *peer = connect_with_any_name(exchange);
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

/* When the response on that stream began: recording_clock(). */
static double answered_at(struct peer *peer, int32_t stream_id) {
  return recording_time(&peer->exchange->recording, peer_stream(peer, stream_id)->frame);
}

/* "pong", not earlier than `delay` milliseconds after `asked`. */
static void expect_pong(struct peer *peer, int32_t stream_id, double asked, double delay) {
  peer_expect_answer(peer, stream_id, "200", "pong");
  if (answered_at(peer, stream_id) - asked < delay - EARLY)
    exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame,
                     "HEADERS, when the delay is over", NULL,
                     "ping-answered-too-early| Your server answers the ping too early.");
}

enum { PINGS = 24, OTHERS = 100 };

/* Many requests on a connection: first all the pings, then others, which are answered at once.
 * Returns the stream after them. */
static int32_t ask_much(struct peer *peer, int32_t stream_id, int pings) {
  struct exchange *exchange = peer->exchange;
  for (; pings > 0; pings--, stream_id += 2)
    peer_send_request(peer, stream_id, true, "GET", "/ping");
  for (int others = OTHERS / 2 + (int)exchange_random(exchange, OTHERS / 2); others > 0; others--) {
    expect_service(peer, stream_id);
    stream_id += 2;
  }
  return stream_id;
}

CHECK(lab06, serves, .points = 1, .todo = 3, .section = NULL,
      .sentence = "lab 5's routes, over TLS: /hello-world, /ping, 404") {
  enum { DEFAULT = 750 };
  struct identity identity;
  identity_make(exchange, &identity, NULL);
  exchange_use_tls(exchange, identity_client(exchange));
  exchange_start_server_at_port(exchange, "server", "--key", identity.key, "--cert", identity.cert,
                                NULL);
  struct peer *peer = expect_client_served(exchange);
  double asked = recording_clock();
  int pings = PINGS / 2 + (int)exchange_random(exchange, PINGS / 2);
  server_rules_expect_not_found(peer, ask_much(peer, 3, pings));
  for (int clients = 3 + (int)exchange_random(exchange, 5); clients > 0; clients--)
    expect_client_served(exchange);
  for (int i = 0; i < pings; i++)
    expect_pong(peer, 3 + 2 * i, asked, DEFAULT);
  exchange_end_server(exchange);
  exchange_expect_silence(exchange);
}

enum { OFFER_SIZE = 128, OFFERS = 4 };

/* A list of protocols in ALPN's form that nobody knows beforehand. "h2" is somewhere in it; or it
 * is not, and all that is almost h2 is. */
static void make_offer(struct exchange *exchange, char offer[OFFER_SIZE], bool with_h2) {
  const char before[] = {(char)('a' + exchange_random(exchange, 'h' - 'a')), '2', '\0'};
  const char behind[] = {'h', (char)('a' + exchange_random(exchange, 26)), '\0'};
  const char *const known[] = {"http/1.1", "h3",  "h",   "H2",   "h2c",
                               "h2-14",    "hh2", "h2 ", before, behind};
  enum { KNOWN = sizeof known / sizeof *known, NAMES = KNOWN + 4 };
  size_t order[NAMES];
  exchange_shuffle(exchange, order, NAMES);
  const size_t count = with_h2 ? 1 + exchange_random(exchange, NAMES) : NAMES;
  const size_t place = exchange_random(exchange, (uint32_t)count);
  char *next = offer;
  for (size_t i = 0; i < count; i++) {
    char name[16];
    exchange_random_text(exchange, name, 3 + exchange_random(exchange, 6));
    if (with_h2 && i == place)
      strcpy(name, "h2");
    else if (order[i] < KNOWN)
      strcpy(name, known[order[i]]);
    next += sprintf(next, "%c%s", (char)strlen(name), name);
  }
}

/* A client that offers this. */
static SSL_CTX *offering(struct exchange *exchange, const char *offer) {
  SSL_CTX *tls = identity_client(exchange);
  SSL_CTX_set_alpn_protos(tls, (const unsigned char *)offer, (unsigned)strlen(offer));
  return tls;
}

CHECK(lab06, alpn, .points = 1, .todo = 2, .section = "3.2",
      .sentence = "the server chooses h2, wherever it is in the client's list") {
  char offer[OFFER_SIZE] = "\2h2";
  start_server(exchange);
  for (int i = 0; i < OFFERS; i++) {
    char chosen[256];
    SSL_CTX *tls = offering(exchange, offer);
    const bool is_x25519 = i % 2 == 1 && SSL_CTX_set1_groups_list(tls, "X25519") == 1;
    exchange->handshake = is_x25519 ? "by X25519" : NULL;
    exchange_use_tls(exchange, tls);
    make_offer(exchange, offer, true); /* the next one */
    struct peer *peer = peer_connect(exchange);
    exchange->handshake = NULL;
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
  trail_blame_handshake(exchange, peer->error);
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
  char offer[OFFER_SIZE] = "\5"; /* the bytes of "\2h2", but in a longer name */
  exchange_random_text(exchange, offer + 1, 2);
  strcat(offer, "\2h2");
  start_server(exchange);
  for (int i = 0; i < OFFERS; i++) {
    SSL_CTX *tls = offering(exchange, i == 1 ? "\x08http/1.1" : offer);
    make_offer(exchange, offer, false); /* the next one */
    expect_alert(exchange, tls, alerts,
                 i == 1 ? "server-agrees-to-http1| Your server does not refuse a client that "
                          "offers only http/1.1: choose from a list that has h2 and nothing else."
                        : "client-not-offer-h2-not| Your server does not refuse a client that does "
                          "not offer h2 as the contract says.");
    if (i == 0)
      expect_client_served(exchange);
  }
  expect_client_served(exchange);
  exchange_end_server(exchange);
}

/* A client that sends no ALPN is not served. */
static void expect_no_service_without_alpn(struct exchange *exchange) {
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
}

CHECK(lab06, no_alpn, .of_errors = true, .points = 1, .todo = 3, .section = "3.2",
      .by_hand = "--no-alpn", .sentence = "a client that sends no ALPN at all is not served") {
  start_server(exchange);
  expect_no_service_without_alpn(exchange); /* before any other client, and after one */
  expect_client_served(exchange);
  expect_no_service_without_alpn(exchange);
  expect_client_served(exchange);
  exchange_end_server(exchange);
}

/* A second handshake on a connection, which HTTP/2 prohibits: RFC 9113, section 9.2.1. */
struct renegotiation {
  struct peer *peer;
  char finished[64]; /* the program's last message of the first one */
};

static bool has_renegotiated(const struct renegotiation *renegotiation) {
  char finished[sizeof renegotiation->finished] = {0};
  const struct peer *peer = renegotiation->peer;
  if (!peer->transport)
    return false;
  SSL_get_peer_finished(transport_tls(peer->transport), finished, sizeof finished);
  return memcmp(finished, renegotiation->finished, sizeof finished) != 0;
}

static bool has_renegotiated_or_closed(void *argument) {
  const struct renegotiation *renegotiation = argument;
  return !renegotiation->peer->transport || renegotiation->peer->closed_by_program ||
         has_renegotiated(renegotiation);
}

/* With TLS 1.2: whether the program refuses or closes is all the same. */
static void expect_no_renegotiation(struct peer *peer) {
  struct renegotiation renegotiation = {.peer = peer};
  SSL *ssl = tls_of(peer);
  SSL_get_peer_finished(ssl, renegotiation.finished, sizeof renegotiation.finished);
  SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
  SSL_renegotiate(ssl);
  SSL_do_handshake(ssl);
  exchange_await(peer->exchange, has_renegotiated_or_closed, &renegotiation);
  peer->exchange->finding.section = "9.2.1";
  if (has_renegotiated(&renegotiation))
    exchange_fail_at(peer->exchange, -1, "no second handshake", "it is complete",
                     "renegotiates| Your program agrees to a second handshake on its connection "
                     "(renegotiation), which HTTP/2 prohibits: keep_to_http2 must stay as it was.");
  peer->exchange->finding.section = NULL;
}

/* The handout's kind of key. */
static const struct certificate of_rsa_key = {.names = "DNS:localhost", .key = identity_rsa_key};

/* One that speaks only this version, and only what everybody has to know (RFC 9113, section 9.2.2,
 * and RFC 8446, section 9.1). The other side's key must be an RSA key. */
static void limit_handshake(struct exchange *exchange, SSL_CTX *tls, int version) {
  SSL_CTX_set_min_proto_version(tls, version);
  SSL_CTX_set_max_proto_version(tls, version);
  SSL_CTX_set_cipher_list(tls, "ECDHE-RSA-AES128-GCM-SHA256");
  SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set1_groups_list(tls, "P-256");
  exchange->handshake = version == TLS1_2_VERSION
                            ? "by ECDHE-RSA-AES128-GCM-SHA256 and P-256, with an RSA key"
                            : "by TLS_AES_128_GCM_SHA256 and P-256, with an RSA key";
}

/* One that speaks these versions only, however weak. */
static void limit_versions(SSL_CTX *tls, int least, int most) {
  SSL_CTX_set_security_level(tls, 0);
  SSL_CTX_set_cipher_list(tls, "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(tls, least);
  SSL_CTX_set_max_proto_version(tls, most);
}

/* A client that allows no encryption, or no certificate, but nothing better; it offers both. */
static void expect_weak_client_refused(struct exchange *exchange) {
  static const char *const alerts[] = {"handshake failure", "insufficient security", NULL};
  SSL_CTX *weak = identity_client(exchange);
  SSL_CTX_set_max_proto_version(weak, TLS1_2_VERSION);
  if (SSL_CTX_set_cipher_list(weak, "aNULL:eNULL:@SECLEVEL=0") == 1) /* OpenSSL may be without */
    expect_alert(exchange, weak, alerts,
                 "server-agrees-to-no-security| Your server agrees to a cipher suite without a "
                 "certificate, or without encryption.");
  else
    SSL_CTX_free(weak);
}

/* The sentence for a server that does not refuse an old version. */
static const char *fault_of_version(const struct exchange *exchange) {
  struct probe probe;
  const bool known = program_probe(exchange->program, &probe) && probe.least_version > 0;
  switch (known ? probe.least_version : 0) {
  case 0:
    return "client-speaks-nothing-better-tls| Your server does not refuse a client that speaks "
           "only TLS 1.1 or older: does it set the lowest version?";
  case TLS1_1_VERSION:
    return "lowest-version-tls-1-1| Your server does not refuse a client that speaks only TLS 1.1: "
           "TLS 1.1 is the lowest version that it sets.";
  default:
    return "lowest-version-wrong| Your server does not refuse a client that speaks only TLS 1.1 or "
           "older: look at the lowest version that it sets.";
  }
}

CHECK(lab06, versions, .of_errors = true, .points = 1, .todo = 1, .section = "9.2",
      .sentence = "TLS 1.2 and 1.3 are spoken, TLS 1.1 gets the alert protocol_version") {
  static const char *const alerts[] = {"protocol version", NULL};
  struct identity identity;
  identity_make(exchange, &identity, &of_rsa_key);
  start_server_as(exchange, &identity, "0");
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    SSL_CTX *tls = identity_client(exchange);
    limit_handshake(exchange, tls, version);
    exchange_use_tls(exchange, tls);
    struct peer *peer = peer_connect(exchange);
    exchange->handshake = NULL;
    peer_send_preface(peer, NULL, 0);
    expect_service(peer, 1);
    if (version == TLS1_2_VERSION)
      expect_no_renegotiation(peer);
  }
  SSL_CTX *old = identity_client(exchange);
  limit_versions(old, TLS1_VERSION, TLS1_1_VERSION);
  expect_alert(exchange, old, alerts, fault_of_version(exchange));
  exchange->finding.section = "9.2.2";
  expect_weak_client_refused(exchange);
  exchange->finding.section = NULL;
  exchange_end_server(exchange);
}

/* All the certificates of its file are shown. */
static void expect_chain(struct exchange *exchange) {
  const struct certificate chain = {.names = "DNS:localhost", .repetitions = 2};
  struct identity identity;
  char seen[16];
  identity_make(exchange, &identity, &chain);
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

/* A file that the server needs, and cannot use. */
struct bad_file {
  const char *key;
  const char *cert;
  const char *what;
  const char *named; /* in the error; NULL: either of them */
  bool missing;
};

/* The error names the file that is right. */
static void fail_if_other_named(struct exchange *exchange, const struct bad_file *file) {
  const bool is_key = strcmp(file->named, file->key) == 0;
  const char *other = is_key ? file->cert : file->key;
  const char *line = program_stderr(exchange->program, NULL);
  exchange_await_end(exchange);
  if (strcmp(file->key, file->cert) == 0 || strstr(line, file->named) || !strstr(line, other))
    return;
  exchange_fail_at(exchange, -1, is_key ? "the file of --key" : "the file of --cert",
                   is_key ? "the file of --cert" : "the file of --key",
                   is_key ? "error-of-key-names-cert| The problem is %s, but your server's error "
                            "names the file of the certificate."
                          : "error-of-cert-names-key| The problem is %s, but your server's error "
                            "names the file of the key.",
                   file->what);
}

static void expect_bad_file_told(struct exchange *exchange, const struct bad_file *file) {
  exchange_extend(exchange); /* to start a program takes time */
  exchange_start(exchange, "server", "--port", "0", "--key", file->key, "--cert", file->cert, NULL);
  if (exchange_await(exchange, has_started, exchange) && !program_ended(exchange->program))
    exchange_fail_at(exchange, -1, "one line on standard error, and status 1",
                     "listening on https://localhost:...",
                     "server-starts-with-bad-file| Your server starts with %s.", file->what);
  if (file->named)
    fail_if_other_named(exchange, file);
  if (file->named)
    exchange_expect_error_about(exchange, file->named);
  else
    exchange_expect_error(exchange, 0);
  const char *line = program_stderr(exchange->program, NULL);
  if (!file->missing && strcasestr(line, "no such file"))
    exchange_fail_at(exchange, -1, "the reason why it is unusable", line,
                     "file-called-missing| Your server says that a file does not exist, but it "
                     "does: it is %s.",
                     file->what);
  if (file->missing && strcasestr(line, "not the key of"))
    exchange_fail_at(exchange, -1, "the reason why it is unusable", line,
                     "file-called-other-key| Your server says that a key does not belong to the "
                     "certificate, but the problem is %s.",
                     file->what);
}

/* Without an option, the files are key.pem and cert.pem: here they are missing. */
static void expect_default_files(struct exchange *exchange, const struct identity *identity) {
  exchange_start(exchange, "server", "--port", "0", "--cert", identity->cert, NULL);
  exchange_expect_error_about(exchange, "key.pem");
  exchange_start(exchange, "server", "--port", "0", "--key", identity->key, NULL);
  exchange_expect_error_about(exchange, "cert.pem");
}

CHECK(lab06, files, .of_errors = true, .points = 1, .todo = 1, .section = NULL,
      .sentence = "unusable or missing files: one line, status 1; the whole chain is shown") {
  struct identity one;
  struct identity other;
  identity_make(exchange, &one, NULL);
  identity_make(exchange, &other, NULL);
  char none[IDENTITY_PATH + 8];
  snprintf(none, sizeof none, "%s.none", one.key);
  const struct bad_file files[] = {
      {none, one.cert, "a key file that does not exist", none, true},
      {one.key, none, "a certificate file that does not exist", none, true},
      {one.cert, one.cert, "a key file without a key in it", one.cert, false},
      {one.key, one.key, "a certificate file without a certificate in it", one.key, false},
      {"/", one.cert, "a key file that cannot be read, because it is a folder", "/", false},
      {other.key, one.cert, "a key that does not belong to the certificate", NULL, false},
  };
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
    expect_bad_file_told(exchange, &files[i]);
  expect_default_files(exchange, &one);
  exchange_expect_port_taken(exchange, "server", "--key", one.key, "--cert", one.cert, NULL);
  server_rules_expect_usage(exchange, "server", "--delay");
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

/* A client whose ClientHello is right, and who goes on in plain text. */
static struct peer *send_hello_and_plain(struct exchange *exchange, const char *text) {
  const char *hello;
  SSL_CTX *context = identity_client(exchange);
  SSL *ssl = SSL_new(context);
  BIO *written = BIO_new(BIO_s_mem());
  BIO *nothing = BIO_new(BIO_s_mem());
  if (!ssl || !written || !nothing)
    exchange_fault(exchange, "out of memory");
  SSL_set_bio(ssl, nothing, written);
  SSL_connect(ssl);
  long length = BIO_get_mem_data(written, (char **)&hello);
  struct peer *peer = send_plain(exchange, hello, (size_t)length);
  peer_send_bytes(peer, text, strlen(text));
  SSL_free(ssl);
  SSL_CTX_free(context);
  return peer;
}

CHECK(lab06, plain_text, .of_errors = true, .points = 1, .todo = 3, .section = NULL,
      .sentence = "a client that speaks plain text is dropped, others are served") {
  start_server(exchange);
  struct peer *steady = expect_client_served(exchange);
  static const char http1[] = "GET /hello-world HTTP/1.1\r\nHost: localhost\r\n\r\n";
  struct peer *old = send_plain(exchange, http1, strlen(http1));
  peer_expect_close(old);
  /* Before anybody connects: a server that has ended may still seem to accept. */
  expect_service(steady, 3);
  struct peer *short_one = send_plain(exchange, http1, 5); /* the header of a record: all is read */
  peer_expect_close(short_one);
  struct peer *turns_plain = send_hello_and_plain(exchange, "plain");
  peer_expect_close(turns_plain);
  struct peer *plain = send_plain(exchange, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
  peer_expect_close(plain);
  expect_service(steady, 5);
  expect_client_served(exchange);
  exchange_end_server(exchange);
  exchange_expect_silence(exchange);
}

/* A server that spins sleeps too, once it has dropped the client that stalls. */
static bool sleeps_or_has_dropped(void *argument) {
  const struct peer *stalled = argument;
  return exchange_idle(stalled->exchange) > 0 || stalled->closed_by_program;
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
  if (!exchange_await(exchange, sleeps_or_has_dropped, leaves) || leaves->closed_by_program)
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
  identity_make(exchange, &identity, &large);
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

static bool has_said_closed(void *argument) {
  const struct exchange *exchange = argument;
  return strstr(program_stdout(exchange->program, NULL), "stream closed\n") != NULL;
}

/* A ping that its client gives up, as in lab 5, whatever its reason. */
static void expect_closed_told(struct peer *peer, int32_t stream_id) {
  peer_send_request(peer, stream_id, true, "GET", "/ping");
  peer_send_reset(peer, stream_id, exchange_random(peer->exchange, NGHTTP2_HTTP_1_1_REQUIRED + 1));
  if (!exchange_await(peer->exchange, has_said_closed, peer->exchange))
    exchange_fail_at(peer->exchange, -1, "the line: stream closed",
                     program_stdout(peer->exchange->program, NULL),
                     "stream-closed-before-answer-not| Your server does not log that a stream was "
                     "closed before its answer.");
}

/* Two clients wait for a ping, and one stalls in its handshake, when that signal comes. */
static void end_gracefully(struct exchange *exchange, const struct identity *identity, int signal) {
  const int delay = 120 + (int)exchange_random(exchange, 100);
  char number[16];
  struct peer *peers[2];
  snprintf(number, sizeof number, "%d", delay);
  start_server_as(exchange, identity, number);
  for (int i = 0; i < 2; i++)
    peers[i] = expect_client_served(exchange);
  expect_closed_told(peers[0], 3);
  peer_expect_settled(
      peers[0]); /* a new turn of its loop: a timer counts from when its turn began */
  send_plain(exchange, HELLO, sizeof HELLO - 1);
  double asked = recording_clock();
  for (int i = 0; i < 2; i++)
    peer_send_request(peers[i], 5, true, "GET", "/ping");
  for (int i = 0; i < 2; i++)
    peer_expect_settled(peers[i]);
  exchange_signal(exchange, signal);
  for (int i = 0; i < 2; i++)
    peer_expect_goaway(peers[i]);
  for (int i = 0; i < 2; i++) {
    expect_pong(peers[i], 5, asked, delay);
    peer_expect_close(peers[i]);
  }
  exchange_expect_status(exchange, 0);
}

CHECK(lab06, graceful_end, .points = 1, .todo = 3, .section = "6.8",
      .sentence = "a signal: waiting pings are answered, a stalled handshake delays nothing") {
  struct identity identity;
  identity_make(exchange, &identity, NULL);
  end_gracefully(exchange, &identity, SIGTERM);
  end_gracefully(exchange, &identity, SIGINT);
}

/* --- The client ------------------------------------------------------------------------------- */

static bool has_connected_or_ended(void *argument) {
  const struct exchange *exchange = argument;
  return exchange->held || exchange->peer_count > exchange->peers_accepted ||
         program_ended(exchange->program);
}

enum { SET_UP_TODO = 4, HANDSHAKE_TODO = 5 };

/* What the client has given to SSL_CTX_set_alpn_protos, as far as we know. */
static int64_t alpn_of_client(const struct exchange *exchange) {
  struct probe probe;
  return program_probe(exchange->program, &probe) ? probe.alpn : PROBE_ALPN_NONE;
}

/* The sentence for a client that ends before it connects. */
static const char *fault_before_connected(const struct exchange *exchange) {
  switch (alpn_of_client(exchange)) {
  case PROBE_ALPN_NUL:
    return "alpn-list-with-nul| Your client gives up before it has connected: its ALPN list ends "
           "in a NUL, as a text in quotes does, and the NUL counts as part of the list.";
  case PROBE_ALPN_BAD:
    return "alpn-list-malformed| Your client gives up before it has connected: in its ALPN list, "
           "each name must come after its length.";
  default: return "client-gives-up-before-connected| Your client gives up before it has connected.";
  }
}

/* The client must connect. If it ends before, it took something in set_up for a failure: TODO 4,
 * whatever the check is about. */
static struct peer *accept_client(struct exchange *exchange) {
  exchange_await(exchange, has_connected_or_ended, exchange);
  bool connected = exchange->held || exchange->peer_count > exchange->peers_accepted;
  if (!connected && program_ended(exchange->program)) {
    exchange->finding.todo_of_place = SET_UP_TODO;
    exchange_fail_at(exchange, -1, "a TCP connection to the server", NULL, "%s",
                     fault_before_connected(exchange));
  }
  return exchange->holds ? peer_accept_late(exchange) : peer_accept(exchange);
}

/* Often too few on a busy machine; NULL: without --timeout, 100. */
static const char *short_time(struct exchange *exchange) {
  static char text[8];
  snprintf(text, sizeof text, "%u", 500 + exchange_random(exchange, 2500));
  return exchange_random(exchange, 2) == 0 ? NULL : text;
}

/* --- Where the client asks --- */

/* What the certificate of a right server names: the host of the next URL. */
static char names_of_host[160] = "DNS:localhost";

/* Not as the first, and a name in any case: neither matters (RFC 5280, section 7.2). */
static void name_host(struct exchange *exchange, const char *kind, const char *host) {
  char name[64];
  char other[16];
  snprintf(name, sizeof name, "%s", host);
  if (strcmp(kind, "DNS") == 0)
    server_rules_mix_case(exchange, name);
  exchange_random_text(exchange, other, 1 + exchange_random(exchange, 14));
  snprintf(names_of_host, sizeof names_of_host, "DNS:%s.test,%s:%s,IP:10.0.0.%u", other, kind, name,
           exchange_random(exchange, 256));
}

/* Whether whoever asks for this name, which is in the file of hosts, stays on this machine. */
static bool is_of_this_machine(const char *name) {
  const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  if (getaddrinfo(name, NULL, &hints, &found) != 0)
    return false;
  bool is_local = true;
  for (const struct addrinfo *one = found; one; one = one->ai_next) {
    const struct sockaddr_in *address = (const struct sockaddr_in *)one->ai_addr;
    is_local = is_local && ntohl(address->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  freeaddrinfo(found);
  return is_local;
}

/* Another name than localhost of this machine, from its file of hosts; NULL if it has none. */
static const char *other_name(void) {
  static char name[64];
  const struct hostent *host;
  sethostent(0);
  while (!*name && (host = gethostent()))
    if (strncmp(host->h_name, "localhost", 9) != 0 && strlen(host->h_name) < sizeof name &&
        is_of_this_machine(host->h_name))
      strcpy(name, host->h_name);
  endhostent();
  return *name ? name : NULL;
}

static void ask_at_name(struct exchange *exchange, const char *name) {
  exchange->host = name;
  name_host(exchange, "DNS", name ? name : "localhost");
}

/* At localhost, at another name, or at an address, in turn: a client has no reason to trust one
 * more than the other. */
static void ask_anywhere(struct exchange *exchange) {
  enum { LOCALHOST, OTHER_NAME, ADDRESS, KINDS };
  static char address[16];
  static uint32_t turn = KINDS; /* a check is a process of its own */
  turn = turn == KINDS ? exchange_random(exchange, KINDS) : (turn + 1) % KINDS;
  snprintf(address, sizeof address, "127.%u.%u.%u", exchange_random(exchange, 250),
           exchange_random(exchange, 250), 2 + exchange_random(exchange, 250));
  if (turn != ADDRESS) {
    ask_at_name(exchange, turn == OTHER_NAME ? other_name() : NULL);
    return;
  }
  exchange->host = address;
  name_host(exchange, "IP", address);
}

static const char NO_NAMES[] = "";

/* Make such an identity, NULL: one like others, for that host unless it has names. */
static void make_identity(struct exchange *exchange, struct identity *identity,
                          const struct certificate *wanted) {
  struct certificate certificate = wanted ? *wanted : (struct certificate){0};
  if (!certificate.names)
    certificate.names = names_of_host;
  else if (certificate.names == NO_NAMES)
    certificate.names = NULL;
  identity_make(exchange, identity, &certificate);
}

/* Be a server with this context. */
static void be_server(struct exchange *exchange, SSL_CTX *tls) {
  exchange_use_tls(exchange, tls);
  peer_listen(exchange);
}

/* Start the client against it, with the certificate `ca` to trust. `timeout` may be NULL: without
 * that option. */
static void have_it_ask(struct exchange *exchange, const char *ca, const char *timeout) {
  char path[16];
  char url[128];
  exchange_random_text(exchange, path, 12);
  snprintf(url, sizeof url, "%s/%s", exchange->url, path);
  if (timeout)
    exchange_start(exchange, "client", "--ca", ca, "--timeout", timeout, url, NULL);
  else
    exchange_start(exchange, "client", "--ca", ca, url, NULL);
}

/* Both. */
static struct peer *start_client(struct exchange *exchange, SSL_CTX *tls, const char *ca,
                                 const char *timeout) {
  be_server(exchange, tls);
  have_it_ask(exchange, ca, timeout);
  return accept_client(exchange);
}

static const char TIMED_OUT[] = "request timed out\n";

/* Enough milliseconds, as a text. No client knows from it which check this is. */
static const char *patience(struct exchange *exchange) {
  static char text[8];
  snprintf(text, sizeof text, "%u", 5000 + exchange_random(exchange, 25000));
  return text;
}

/* A server that agrees on keys by X25519 only, if OpenSSL has it. */
static struct peer *start_good_client(struct exchange *exchange, const char *timeout) {
  struct identity identity;
  ask_at_name(exchange, other_name());
  make_identity(exchange, &identity, NULL);
  SSL_CTX *tls = identity_server(exchange, &identity);
  if (SSL_CTX_set1_groups_list(tls, "X25519") == 1)
    exchange->handshake = "by X25519";
  return start_client(exchange, tls, identity.cert, timeout);
}

/* The client must not take the server's authority for an unknown one. */
static void expect_trust(struct peer *peer) {
  struct exchange *exchange = peer->exchange;
  exchange_await(exchange, is_refused_or_open, peer);
  if (!peer->connected && strstr(peer->error, "unknown CA")) {
    exchange->finding.todo_of_place = SET_UP_TODO;
    exchange_fail_at(exchange, -1, "a complete TLS handshake", peer->error,
                     "refuses-authority-of-ca| Your client refuses a server whose certificate is "
                     "signed, through an authority between them, by one of the certificates in the "
                     "file of --ca. The file has several.");
  }
  peer_expect_open(peer);
}

/* The authority that the client trusts, one that it has allowed to sign, and another that this one
 * has allowed. */
static const struct certificate trusted_authority = {.subject = "trusted"};
static const struct certificate authority_between = {.subject = "between",
                                                     .signer = &trusted_authority};
static const struct certificate authority_below = {.subject = "below",
                                                   .signer = &authority_between};

/* The same with a server whose certificate leads to one of those in the file of --ca, which is not
 * the first of them. */
static struct peer *start_client_of_authority(struct exchange *exchange) {
  char trusted[IDENTITY_PATH];
  char bundle[IDENTITY_PATH];
  const struct certificate certificate = {.authority = trusted, .signer = &authority_below};
  struct identity identity;
  struct identity others[2];
  ask_anywhere(exchange);
  identity_path(exchange, trusted, "cert.pem");
  make_identity(exchange, &identity, &certificate);
  for (int i = 0; i < 2; i++)
    identity_make(exchange, &others[i], NULL);
  const char *const certs[] = {trusted, others[0].cert, others[1].cert};
  identity_bundle(exchange, bundle, certs, 3);
  struct peer *peer =
      start_client(exchange, identity_server(exchange, &identity), bundle, patience(exchange));
  expect_trust(peer);
  return peer;
}

/* The URL that the client was started with: its last argument. */
static const char *url_of(const struct exchange *exchange) {
  return exchange->arguments[exchange->argument_count - 1];
}

/* The request asks for what the URL has. Returns its stream. */
static int32_t expect_request(struct peer *peer) {
  int32_t stream_id = peer_expect_request(peer);
  const char *host = url_of(peer->exchange) + strlen("https://");
  char authority[64];
  snprintf(authority, sizeof authority, "%.*s", (int)strcspn(host, "/"), host);
  const char *const fields[][2] = {{":scheme", "https"},
                                   {":method", "GET"},
                                   {":authority", authority},
                                   {":path", host + strlen(authority)}};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    const char *seen = peer_field(peer, stream_id, fields[i][0]);
    if (!seen || strcmp(seen, fields[i][1]) != 0)
      exchange_fail_at(peer->exchange, peer_stream(peer, stream_id)->frame, fields[i][1], seen,
                       "request-not-as-url-says| The %s of your client's request is wrong.",
                       fields[i][0]);
  }
  return stream_id;
}

/* What the client prints of a field. */
static void append_field(struct buffer *output, const char *name, const char *value) {
  buffer_append_text(output, name);
  buffer_append_text(output, ": ");
  buffer_append_text(output, value);
  buffer_append_text(output, "\n");
}

/* Send the header section of a response, with fields that nobody knows beforehand, and append what
 * the client has to print of it. */
static void send_head(struct peer *peer, int32_t stream_id, struct buffer *output) {
  enum { FIELDS = 4, NAME = 24, VALUE = 80 };
  struct exchange *exchange = peer->exchange;
  char status[4];
  char names[FIELDS][NAME];
  char values[FIELDS][VALUE];
  snprintf(status, sizeof status, "%u", 400 + exchange_random(exchange, 200));
  append_field(output, ":status", status);
  for (int i = 0; i < FIELDS; i++) {
    exchange_random_text(exchange, names[i], 8 + exchange_random(exchange, NAME - 8));
    exchange_random_text(exchange, values[i], 1 + exchange_random(exchange, VALUE - 1));
    append_field(output, names[i], values[i]);
  }
  buffer_append_text(output, "\n");
  peer_send_headers(peer, stream_id, false, ":status", status, names[0], values[0], names[1],
                    values[1], names[2], values[2], names[3], values[3], NULL);
}

/* The response is complete: the client prints it, and ends. */
static void expect_output(struct peer *peer, struct buffer *output) {
  peer_expect_goodbye(peer);
  exchange_expect_output(
      peer->exchange,
      "response-not-printed-came| Your program does not print the response as it came.",
      output->bytes, output->length);
  buffer_free(output);
  exchange_expect_status(peer->exchange, 0);
}

/* Answer the request with `body`, and expect the program to print it. */
static void expect_printed(struct peer *peer, const char *body, size_t length) {
  struct buffer output = {0};
  peer_handshake(peer);
  int32_t stream_id = expect_request(peer);
  send_head(peer, stream_id, &output);
  peer_send_body(peer, stream_id, body, length);
  exchange_append_body(&output, body, length);
  expect_output(peer, &output);
}

CHECK(lab06, get, .points = 1, .todo = 5, .program = "client", .section = "3.2",
      .sentence = "a GET over TLS: ALPN offers h2, SNI names the host, the response is printed") {
  char text[32];
  char chosen[256];
  exchange_random_text(exchange, text, 20);
  exchange->holds = true; /* so that it has to wait in the handshake */
  struct peer *peer = start_good_client(exchange, patience(exchange));
  peer_expect_open(peer);
  exchange->handshake = NULL;
  if (strcmp(protocol_of(peer, chosen, sizeof chosen), "h2") != 0)
    exchange_fail_at(exchange, -1, "ALPN: h2", "no ALPN",
                     "client-not-offer-h2-alpn| Your client does not offer h2 by ALPN.");
  const char *host = exchange_host(exchange);
  const char *name = SSL_get_servername(tls_of(peer), TLSEXT_NAMETYPE_host_name);
  char expected[96];
  snprintf(expected, sizeof expected, "server name: %s", host);
  if (!name || strcmp(name, host) != 0)
    exchange_fail_at(
        exchange, -1, expected, name ? name : "none",
        "client-not-say-host-asks| Your client does not send the name of the host (SNI).");
  expect_printed(peer, text, strlen(text));
  exchange_expect_silence(exchange);
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
  const char *url = url_of(exchange);
  const char *found = strstr(line, url);
  const char *rest = strncmp(line, "client: ", 8) == 0 ? line + 8 : line;
  return found ? found + strlen(url) : rest;
}

/* Why a client refuses a server. */
enum cause { EXPIRED, TOO_EARLY, OTHER_HOST, SIGNER, ALPN, VERSION, CAUSES };

/* Words that only this cause has. */
static const char *const causes[CAUSES][5] = {
    [EXPIRED] = {"expired", NULL},
    [TOO_EARLY] = {"not yet valid", "future", NULL},
    [OTHER_HOST] = {"host", "altname", "mismatch", "address", NULL},
    [SIGNER] = {"issuer", "self-signed", "self signed", "unknown ca", NULL},
    [ALPN] = {"alpn", NULL},
    [VERSION] = {"version", "unsupported protocol", NULL},
};

/* Whether it names another cause, too: whoever names several says none. The word "certificate" is
 * one where the cause does not concern the certificate. */
static bool names_other_cause(const char *reason, enum cause cause) {
  for (enum cause other = 0; other < CAUSES; other++)
    if (other != cause && names(reason, causes[other]))
      return true;
  return cause >= ALPN && strcasestr(reason, "certificate");
}

/* The client names another cause than this. If it takes the host for a wrong one, though it is
 * right, it compares the certificate with something else: that is set up. */
static _Noreturn void fail_wrong_cause(struct exchange *exchange, enum cause cause,
                                       const char *reason, const char *expected,
                                       const char *server) {
  const bool is_host = cause != OTHER_HOST && names(reason, causes[OTHER_HOST]);
  exchange->finding.todo_of_place = is_host ? SET_UP_TODO : HANDSHAKE_TODO;
  exchange_fail_at(exchange, -1, expected, program_stderr(exchange->program, NULL),
                   is_host
                       ? "refusal-by-host| To refuse %s is right, but not for its host name: the "
                         "certificate is for this host."
                       : "refusal-with-wrong-cause| Your client names a wrong cause why it "
                         "refuses the server: it is %s.",
                   server);
}

#define NO_HTTP2 "the connection is closed before a byte of HTTP/2"
#define PREFACE  "the connection preface of HTTP/2, or a part of it"

#define OF_SUBJECT "a server whose certificate has the host only in its subject"

/* The sentence for a client that speaks to this server nevertheless. */
static const char *fault_of_trust(const struct exchange *exchange, enum cause cause,
                                  const char *server) {
  if (strcmp(server, OF_SUBJECT) == 0)
    return "client-trusts-subject| Your client speaks HTTP/2 to %s: OpenSSL looks there, unless "
           "you call X509_VERIFY_PARAM_set_hostflags.";
  if (cause == ALPN && alpn_of_client(exchange) == PROBE_ALPN_MORE)
    return "client-offers-more-than-h2| Your client offers more than h2, and speaks HTTP/2 to %s.";
  return "client-trusts-wrong-server| Your client speaks HTTP/2 to %s.";
}

/* The client must send no byte of HTTP/2 to this server. */
static void expect_no_http2(struct peer *peer, enum cause cause, const char *server) {
  struct exchange *exchange = peer->exchange;
  exchange_await(exchange, has_spoken_or_ended, peer);
  exchange->finding.section = cause == ALPN ? "3.2" : cause == VERSION ? "9.2" : NULL;
  if (peer->bytes_received > 0)
    exchange_fail_at(exchange, -1, NO_HTTP2, PREFACE, fault_of_trust(exchange, cause, server),
                     server);
}

/* The client must send no byte of HTTP/2 to this server, and end with one line that has one of
 * these words. */
static void expect_refusal(struct peer *peer, enum cause cause, const char *const *words,
                           const char *server) {
  struct exchange *exchange = peer->exchange;
  expect_no_http2(peer, cause, server);
  exchange_expect_error(exchange, 0);
  const char *line = program_stderr(exchange->program, NULL);
  const char *reason = reason_of(exchange, line);
  char expected[64];
  snprintf(expected, sizeof expected, "a reason with the word \"%s\"", words[0]);
  const bool named = names(reason, words);
  const bool names_other = names_other_cause(reason, cause);
  if (names_other && !names(reason, causes[cause]))
    fail_wrong_cause(exchange, cause, reason, expected, server);
  if (named && names_other) {
    exchange->finding.todo_of_place = HANDSHAKE_TODO; /* where the reason is written */
    exchange_fail_at(exchange, -1, "the one cause", line,
                     "refusal-with-several-causes| Your client names several causes why it refuses "
                     "the server, so nobody knows which.");
  }
  if (named) {
    exchange->finding.section = NULL;
    return;
  }
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

static bool gave_up(const struct exchange *exchange) {
  return program_ended(exchange->program) &&
         strcmp(program_stdout(exchange->program, NULL), TIMED_OUT) == 0;
}

/* Have the client ask once, within that time; NULL: within its default. Returns the connection when
 * it has ended without HTTP/2, or NULL if its time was over before. */
static struct peer *ask_wrong_server(struct exchange *exchange, const char *ca, const char *timeout,
                                     enum cause cause, const char *server) {
  exchange_extend(exchange);
  exchange->peers_accepted = exchange->peer_count;
  have_it_ask(exchange, ca, timeout);
  exchange_await(exchange, has_connected_or_ended, exchange);
  if (exchange->peer_count == exchange->peers_accepted && gave_up(exchange))
    return NULL;
  struct peer *peer = accept_client(exchange);
  expect_no_http2(peer, cause, server);
  return gave_up(exchange) ? NULL : peer;
}

/* The server has such a certificate, and the client trusts `trusted`; NULL: the certificate
 * itself. In a short time a client may not come so far as to refuse it: then again. */
static void expect_refused(struct exchange *exchange, const struct certificate *certificate,
                           const char *trusted, enum cause cause, const char *const *words,
                           const char *server) {
  struct identity identity;
  make_identity(exchange, &identity, certificate);
  be_server(exchange, identity_server(exchange, &identity));
  const char *ca = trusted ? trusted : identity.cert;
  struct peer *peer = ask_wrong_server(exchange, ca, short_time(exchange), cause, server);
  if (!peer)
    peer = ask_wrong_server(exchange, ca, patience(exchange), cause, server);
  if (!peer)
    exchange_fail(exchange,
                  "client-does-not-refuse| Your client does not refuse %s: its time is "
                  "over before.",
                  server);
  expect_refusal(peer, cause, words, server);
}

/* A missing file names nobody to trust: the client must say so, and connect to nobody. */
static void expect_missing_ca_refused(struct exchange *exchange, const char *cert) {
  char none[IDENTITY_PATH + 8];
  snprintf(none, sizeof none, "%s.none", cert);
  exchange_start(exchange, "client", "--ca", none, "--timeout", patience(exchange), exchange->url,
                 NULL);
  exchange_expect_error_about(exchange, none);
  exchange_start(exchange, "client", "--timeout", patience(exchange), exchange->url, NULL);
  exchange_expect_error_about(exchange, "cert.pem"); /* the default, which is missing here */
}

static void expect_client_usage(struct exchange *exchange, const char *ca) {
  const char *url = exchange->url;
  char plain[64];
  exchange_extend(exchange);
  snprintf(plain, sizeof plain, "http%s", url + strlen("https"));
  exchange_expect_usage(exchange, "client", "--ca", ca, NULL);
  exchange_expect_usage(exchange, "client", "--ca", ca, url, url, NULL);
  exchange_expect_usage(exchange, "client", "--ca", ca, "--timeout", "soon", url, NULL);
  exchange_expect_usage(exchange, "client", "--ca", ca, plain, NULL);
}

static const char *const words_of_signer[] = {"certificate", "issuer",    "unknown ca", "signature",
                                              "path length", "extension", "subtree",    NULL};
static const char *const words_of_alpn[] = {"ALPN", "h2", NULL};
static const char *const words_of_other_protocol[] = {"ALPN",     "h2",        "protocol",
                                                      "http/1.1", "extension", NULL};
static const char *const words_of_version[] = {"version",   "protocol", "alert",
                                               "handshake", "TLS",      NULL};

/* The words of a reason, without those that have a digit, such as an address. */
static void reduce(const char *reason, char words[256]) {
  static const char between[] = " \t\n:;,.()\"'";
  size_t length = 0;
  words[0] = '\0';
  for (const char *word = reason; *(word += strspn(word, between));
       word += strcspn(word, between)) {
    size_t size = strcspn(word, between);
    if (length + size + 2 < 256 && strcspn(word, "0123456789") >= size)
      length += (size_t)snprintf(words + length, 256 - length, "%.*s ", (int)size, word);
  }
}

/* The client has just refused one server. This one it must refuse for another cause: so it says
 * something else. */
static void expect_another_reason(struct exchange *exchange, SSL_CTX *tls, const char *ca,
                                  enum cause cause, const char *const *words, const char *server) {
  char reasons[2][256];
  reduce(reason_of(exchange, program_stderr(exchange->program, NULL)), reasons[0]);
  ask_at_name(exchange, NULL);
  exchange_extend(exchange);
  expect_refusal(start_client(exchange, tls, ca, patience(exchange)), cause, words, server);
  const char *line = program_stderr(exchange->program, NULL);
  reduce(reason_of(exchange, line), reasons[1]);
  if (strcasecmp(reasons[0], reasons[1]) == 0)
    exchange_fail_at(exchange, -1, "the cause", line,
                     "refusals-with-one-reason| Your client gives the same reason for different "
                     "causes, so nobody knows which it is.");
}

/* A server that knows no ALPN. */
static SSL_CTX *without_alpn(struct exchange *exchange, const struct identity *identity) {
  SSL_CTX *tls = identity_server(exchange, identity);
  SSL_CTX_set_alpn_select_cb(tls, NULL, NULL);
  return tls;
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

/* A server that has chosen this protocol, which must not go away. */
static SSL_CTX *with_protocol(struct exchange *exchange, const struct identity *identity,
                              char *protocol) {
  SSL_CTX *tls = identity_server(exchange, identity);
  SSL_CTX_set_alpn_select_cb(tls, choose, protocol);
  return tls;
}

#define WITHOUT_H2     "a server that has not agreed to h2 by ALPN"
#define OF_OLD_VERSION "a server that speaks only TLS 1.1 or older"

/* What is wrong with a server's certificate, or with its signers'. */
struct bad_chain {
  struct certificate certificate;
  const char *server;
};

/* Nobody whom the client trusts has signed it, as it is: */
static const struct certificate forged = {
    .subject = "forged", .signer = &trusted_authority, .forged = true};
static const struct certificate for_others = {.subject = "for others",
                                              .signer = &trusted_authority,
                                              .extension = "nameConstraints",
                                              .value = "critical,permitted;DNS:other.test,"
                                                       "permitted;IP:10.0.0.0/255.0.0.0"};
static const struct certificate no_signing = {.subject = "no signing",
                                              .signer = &trusted_authority,
                                              .extension = "keyUsage",
                                              .value = "critical,digitalSignature"};
static const struct bad_chain forged_chains[] = {
    {{.forged = true}, "a server whose certificate has a wrong signature"},
    {{.signer = &forged}, "a server whose authority's certificate has a wrong signature"},
};
static const struct bad_chain unsigned_chains[] = {
    {{.signer = &for_others}, "a server whose authority may sign only for other hosts"},
    {{.signer = &no_signing}, "a server whose signer's key is not for certificates (keyUsage)"},
    {{.extension = "1.3.6.1.4.1.32473.1", .value = "critical,DER:0500"},
     "a server whose certificate has a critical extension that nobody knows"},
};

/* Somebody has signed it who is known, but must not sign: */
static const struct certificate no_authority = {
    .subject = "none", .signer = &trusted_authority, .constraints = "critical,CA:FALSE"};
static const struct certificate last_authority = {
    .subject = "last", .signer = &trusted_authority, .constraints = "critical,CA:TRUE,pathlen:0"};
static const struct certificate one_more = {.subject = "more", .signer = &last_authority};
static const struct bad_chain forbidden_chains[] = {
    {{.signer = &no_authority},
     "a server whose certificate another server has signed, which is no authority"},
    {{.signer = &one_more}, "a server whose chain is longer than its authority allows (pathlen)"},
};

static const struct bad_chain for_clients = {{.purpose = "clientAuth"},
                                             "a server whose certificate is for clients only"};

static void expect_chain_refused(struct exchange *exchange, const struct bad_chain *chain) {
  struct certificate certificate = chain->certificate;
  char authority[IDENTITY_PATH];
  ask_anywhere(exchange);
  identity_path(exchange, authority, "cert.pem");
  certificate.authority = authority;
  expect_refused(exchange, &certificate, authority, SIGNER, words_of_signer, chain->server);
}

/* OpenSSL refuses all of these by itself: so one of each kind is enough. */
static void expect_chains_refused(struct exchange *exchange) {
  enum {
    UNSIGNED = sizeof unsigned_chains / sizeof unsigned_chains[0],
    FORBIDDEN = sizeof forbidden_chains / sizeof forbidden_chains[0]
  };
  expect_chain_refused(exchange, &unsigned_chains[exchange_random(exchange, UNSIGNED)]);
  expect_chain_refused(exchange, &forbidden_chains[exchange_random(exchange, FORBIDDEN)]);
  expect_chain_refused(exchange, &for_clients);
}

/* The system trusts the authority, but --ca does not name it. */
static void expect_systems_authority_refused(struct exchange *exchange, const char *trusted) {
  char authority[IDENTITY_PATH];
  struct identity identity;
  identity_path(exchange, authority, "cert.pem");
  const struct certificate certificate = {.authority = authority};
  ask_anywhere(exchange);
  make_identity(exchange, &identity, &certificate);
  be_server(exchange, identity_server(exchange, &identity));
  exchange->holds = true; /* so that it looks for the authority after this: */
  have_it_ask(exchange, trusted, patience(exchange));
  if (exchange_await(exchange, has_connected_or_ended, exchange) && exchange->held)
    identity_let_system_trust(exchange, authority);
  struct peer *peer = accept_client(exchange);
  /* It has refused other signers before: so it verifies, but trusts too many. */
  finding_blame(&exchange->finding, SET_UP_TODO);
  exchange_await(exchange, has_spoken_or_ended, peer);
  if (peer->bytes_received > 0)
    exchange_fail_at(exchange, -1, NO_HTTP2, PREFACE,
                     "client-trusts-system| Your client speaks HTTP/2 to a server whose authority "
                     "only the system trusts.");
  expect_refusal(peer, SIGNER, words_of_signer, "a server whose authority only the system trusts");
  exchange->finding.todo_of_place = 0;
  exchange->finding.is_sure = false;
}

CHECK(lab06, unknown_ca, .of_errors = true, .points = 1, .todo = 4, .program = "client",
      .section = "RFC 9110, section 4.3.4", .by_hand = "TLS=unknown",
      .sentence = "a certificate from an untrusted signer is refused, with the reason") {
  const struct certificate other = {.names = "DNS:localhost", .subject = "other"};
  struct identity trusted;
  identity_make(exchange, &trusted, &other);
  ask_anywhere(exchange);
  expect_refused(exchange, NULL, trusted.cert, SIGNER, words_of_signer,
                 "a server whose certificate has an unknown signer");
  expect_chains_refused(exchange);
  expect_systems_authority_refused(exchange, trusted.cert);
  expect_another_reason(exchange, without_alpn(exchange, &trusted), trusted.cert, ALPN,
                        words_of_alpn, WITHOUT_H2);
  expect_missing_ca_refused(exchange, trusted.cert);
  expect_client_usage(exchange, trusted.cert);
}

#define OF_ANOTHER_HOST "a server whose certificate is for another host"

static const char *const words_of_host[] = {"host", "altname", NULL};

/* The names of a certificate in DER, since one of them has a NUL in it. */
struct names {
  unsigned char bytes[255];
  size_t length;
};

enum { OF_DNS = 0x82, OF_IP = 0x87 };

static void add_name(struct names *names, unsigned char tag, const void *name, size_t length) {
  names->bytes[names->length++] = tag;
  names->bytes[names->length++] = (unsigned char)length;
  memcpy(names->bytes + names->length, name, length);
  names->length += length;
}

/* As OpenSSL's settings have it. */
enum { OTHER_NAMES = sizeof "DER:3081ff" + 2 * sizeof((struct names *)NULL)->bytes };

static void write_names(const struct names *names, char text[OTHER_NAMES]) {
  text += sprintf(text, names->length < 128 ? "DER:30%02zx" : "DER:3081%02zx", names->length);
  for (size_t i = 0; i < names->length; i++)
    text += sprintf(text, "%02x", names->bytes[i]);
}

/* The names of a server that is not localhost, though they look like it, one of them to those who
 * stop at a NUL; nobody knows them beforehand. */
static void name_another_host(struct exchange *exchange, char names_of_server[OTHER_NAMES]) {
  static const struct {
    const char *before;
    const char *behind;
    size_t zeros; /* between localhost and what is behind it */
  } forms[] = {{"", ".test", 0},
               {"", ".localhost", 0},
               {"", "localhost", 0},
               {"localhost.", "", 0},
               {"localhost", "", 1}};
  enum { FORMS = sizeof forms / sizeof forms[0] };
  struct names names = {.length = 0};
  size_t order[FORMS];
  exchange_shuffle(exchange, order, FORMS);
  for (size_t i = 0; i < FORMS; i++) {
    char word[16];
    char name[40] = {0};
    exchange_random_text(exchange, word, 3 + exchange_random(exchange, 10));
    char *end = stpcpy(name, forms[order[i]].before) + forms[order[i]].zeros;
    end = stpcpy(stpcpy(end, word), forms[order[i]].behind);
    add_name(&names, OF_DNS, name, (size_t)(end - name));
  }
  add_name(&names, OF_IP, "\x7f\0\0\1", 4);
  write_names(&names, names_of_server);
}

/* A client that cannot set the host, or offer h2, must say so and connect to nobody. A client that
 * does without this call refuses the server. */
static void expect_failed_call_told(struct exchange *exchange, const struct identity *identity,
                                    const char *call) {
  exchange_extend(exchange);
  be_server(exchange, identity_server(exchange, identity));
  exchange->fails = call;
  have_it_ask(exchange, identity->cert, patience(exchange));
  exchange->fails = NULL;
  exchange_await(exchange, has_connected_or_ended, exchange);
  if (!exchange_expect_failed_call(exchange)) {
    expect_refusal(accept_client(exchange), OTHER_HOST, words_of_host, OF_ANOTHER_HOST);
    return;
  }
  if (!program_ended(exchange->program))
    exchange_fail_ignored_call(exchange, call, "your program connects");
  exchange_expect_error(exchange, 0);
}

/* For the right host, and in the name of the right authority. */
static void expect_forged_refused(struct exchange *exchange) {
  const struct bad_chain *chain = &forged_chains[exchange_random(exchange, 2)];
  struct certificate certificate = chain->certificate;
  char authority[IDENTITY_PATH];
  struct identity identity;
  identity_path(exchange, authority, "cert.pem");
  certificate.authority = authority;
  make_identity(exchange, &identity, &certificate);
  expect_another_reason(exchange, identity_server(exchange, &identity), authority, SIGNER,
                        words_of_signer, chain->server);
}

CHECK(lab06, wrong_host, .of_errors = true, .points = 1, .todo = 4, .program = "client",
      .section = "RFC 9110, section 4.3.4", .by_hand = "TLS=other-host",
      .sentence = "a certificate for another host is refused, with the reason") {
  char authority[IDENTITY_PATH];
  char names_of_server[OTHER_NAMES];
  struct certificate other = {.names = names_of_server, .subject = "localhost"};
  struct identity identity;
  name_another_host(exchange, names_of_server);
  expect_refused(exchange, &other, NULL, OTHER_HOST, words_of_host, OF_ANOTHER_HOST);
  identity_path(exchange, authority, "cert.pem");
  const bool has_address = exchange_random(exchange, 2) == 0;
  other.names = has_address ? "IP:127.0.0.1" : NO_NAMES;
  other.authority = authority;
  expect_refused(exchange, &other, authority, OTHER_HOST, words_of_host, OF_SUBJECT);
  expect_forged_refused(exchange);
  other.names = names_of_server;
  other.authority = NULL;
  identity_make(exchange, &identity, &other);
  expect_failed_call_told(exchange, &identity, "X509_VERIFY_PARAM_set1_host");
  expect_failed_call_told(exchange, &identity, "SSL_CTX_set_alpn_protos");
}

/* A certificate with such dates that signs itself; and a chain where the server's certificate has
 * them, or that of the authority before it. */
static void expect_dates_refused(struct exchange *exchange, const struct certificate *dates,
                                 bool of_authority, enum cause cause,
                                 const char *const servers[2]) {
  static const struct certificate good = {0};
  char authority[IDENTITY_PATH];
  struct certificate between = authority_between;
  struct certificate chain = of_authority ? good : *dates;
  ask_anywhere(exchange);
  expect_refused(exchange, dates, NULL, cause, causes[cause], servers[0]);
  identity_path(exchange, authority, "cert.pem");
  chain.authority = authority;
  chain.signer = &between;
  if (of_authority) {
    between.from = dates->from;
    between.until = dates->until;
  }
  expect_refused(exchange, &chain, authority, cause, causes[cause], servers[of_authority]);
}

CHECK(lab06, expired, .of_errors = true, .points = 1, .todo = 5, .program = "client",
      .section = "RFC 5280, section 6", .by_hand = "TLS=expired",
      .sentence = "a certificate that has expired, or is not valid yet, is refused: why") {
  static const char *const expired[] = {"a server whose certificate has expired",
                                        "a server whose authority's certificate has expired"};
  static const char *const early[] = {"a server whose certificate is not valid yet",
                                      "a server whose authority's certificate is not valid yet"};
  const long soon = 60 + (long)exchange_random(exchange, 1500); /* some minutes */
  const bool authority_expired = exchange_random(exchange, 2) == 0;
  const struct certificate past = {.from = -3 * soon, .until = -soon};
  const struct certificate future = {.from = soon, .until = 3 * soon};
  expect_dates_refused(exchange, &past, authority_expired, EXPIRED, expired);
  expect_dates_refused(exchange, &future, !authority_expired, TOO_EARLY, early);
}

/* A URL with that address, and a certificate for `names_of_server`. */
static struct peer *start_by_address(struct exchange *exchange, const char *address,
                                     const char *names_of_server) {
  const struct certificate certificate = {.names = names_of_server, .subject = address};
  exchange_extend(exchange);
  struct identity identity;
  char url[sizeof exchange->url + 1];
  identity_make(exchange, &identity, &certificate);
  exchange->host = address;
  be_server(exchange, identity_server(exchange, &identity));
  snprintf(url, sizeof url, "%s/", exchange->url);
  exchange_start(exchange, "client", "--ca", identity.cert, "--timeout", patience(exchange), url,
                 NULL);
  return accept_client(exchange);
}

/* Certificates for this address are taken, others are not. */
static void expect_address(struct exchange *exchange, const char *address, const char *wrong) {
  static const char *const words[] = {"IP", "address", "host", NULL};
  char text[32];
  char names_of_server[64];
  exchange_random_text(exchange, text, 20);
  snprintf(names_of_server, sizeof names_of_server, "IP:%s", address);
  exchange->refusal =
      "refuses-address| Your client refuses a certificate for the IP address in the "
      "URL: it takes the address for a name. X509_VERIFY_PARAM_set1_ip_asc is "
      "for addresses, X509_VERIFY_PARAM_set1_host for names.";
  expect_printed(start_by_address(exchange, address, names_of_server), text, strlen(text));
  exchange->refusal = NULL;
  expect_refusal(start_by_address(exchange, address, wrong), OTHER_HOST, words,
                 "a server whose certificate is for another address");
}

static bool has_ipv6(void) {
  struct port port;
  if (port_hold(&port) != 0)
    return false;
  bool is_there = port.descriptors[1] >= 0;
  port_release(&port);
  return is_there;
}

CHECK(lab06, address, .points = 1, .todo = 4, .program = "client",
      .section = "RFC 9110, section 4.3.4",
      .sentence = "an IP address in the URL: only with a certificate for that address") {
  char address[16];
  char wrong[64];
  unsigned last = 2 + exchange_random(exchange, 250);
  snprintf(address, sizeof address, "127.0.0.%u", last);
  snprintf(wrong, sizeof wrong, "DNS:localhost,DNS:%s,IP:127.0.0.1,IP:127.0.1.%u", address, last);
  expect_address(exchange, address, wrong);
  if (has_ipv6())
    expect_address(exchange, "::1", "DNS:localhost,IP:127.0.0.1,IP:::2");
}

CHECK(lab06, without_h2, .of_errors = true, .points = 1, .todo = 5, .program = "client",
      .section = "3.2", .by_hand = "TLS=no-alpn",
      .sentence = "a server that does not choose h2 by ALPN is refused, with the reason") {
  static char http1[] = "http/1.1";
  struct identity identity;
  identity_make(exchange, &identity, NULL);
  expect_refusal(
      start_client(exchange, without_alpn(exchange, &identity), identity.cert, patience(exchange)),
      ALPN, words_of_alpn, WITHOUT_H2);
  SSL_CTX *other = with_protocol(exchange, &identity, http1);
  expect_refusal(start_client(exchange, other, identity.cert, patience(exchange)), ALPN,
                 words_of_other_protocol, "a server that has chosen http/1.1 by ALPN");
  SSL_CTX *old = identity_server(exchange, &identity);
  limit_versions(old, TLS1_VERSION, TLS1_1_VERSION);
  expect_another_reason(exchange, old, identity.cert, VERSION, words_of_version, OF_OLD_VERSION);
}

/* A client that allows TLS 1.1 lists it. `user`: a bool, whether this one does. */
static int note_old_version(SSL *ssl, int *alert, void *user) {
  const unsigned char *list;
  size_t length;
  (void)alert;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &list, &length) == 1)
    for (size_t i = 1; i + 1 < length; i += 2) /* behind the length of the list */
      if (list[i] == TLS1_VERSION_MAJOR && list[i + 1] < TLS1_2_VERSION_MINOR)
        *(bool *)user = true;
  return SSL_CLIENT_HELLO_SUCCESS;
}

/* A server of that version that with TLS 1.2 prefers suites without a certificate, or without
 * encryption, to a good one. */
static SSL_CTX *preferring_no_security(struct exchange *exchange, const struct identity *identity,
                                       int version) {
  static const char *const lists[] = {"aNULL:eNULL:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
                                      "eNULL:aNULL:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"};
  SSL_CTX *tls = identity_server(exchange, identity);
  limit_handshake(exchange, tls, version);
  SSL_CTX_set_cipher_list(tls, lists[exchange_random(exchange, 2)]);
  SSL_CTX_set_options(tls, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_dh_auto(tls, 1);
  return tls;
}

/* The connection has a suite by which the client knows who the server is, and nobody can read. */
static void expect_security(struct peer *peer) {
  peer_expect_open(peer);
  const SSL_CIPHER *suite = SSL_get_current_cipher(tls_of(peer));
  const bool is_anonymous = SSL_CIPHER_get_auth_nid(suite) == NID_auth_null;
  peer->exchange->finding.section = "9.2.2";
  if (is_anonymous || SSL_CIPHER_get_cipher_nid(suite) == NID_undef)
    exchange_fail_at(peer->exchange, -1, "a suite with a certificate and with encryption",
                     SSL_CIPHER_get_name(suite),
                     is_anonymous
                         ? "client-needs-no-certificate| Your client agrees to a cipher suite "
                           "without a certificate: anybody can be the server."
                         : "client-needs-no-encryption| Your client agrees to a cipher suite "
                           "without encryption: anybody can read what it sends.");
  peer->exchange->finding.section = NULL;
}

CHECK(lab06, old_version, .of_errors = true, .points = 1, .todo = 4, .program = "client",
      .section = "9.2", .by_hand = "TLS=old",
      .sentence = "TLS 1.2 and 1.3 are spoken; a server of TLS 1.1 or older is refused") {
  struct identity identity;
  identity_make(exchange, &identity, &of_rsa_key);
  SSL_CTX *tls = identity_server(exchange, &identity);
  static bool offers_old; /* a check is a process of its own */
  static char longer[8] = "h2";
  limit_versions(tls, TLS1_VERSION, TLS1_1_VERSION);
  SSL_CTX_set_client_hello_cb(tls, note_old_version, &offers_old);
  struct peer *peer = start_client(exchange, tls, identity.cert, patience(exchange));
  expect_refusal(peer, VERSION, words_of_version, OF_OLD_VERSION);
  if (offers_old) /* though no cipher suite that it allows is for such a version */
    exchange_fail_at(exchange, -1, "supported versions: TLS 1.2, TLS 1.3", "TLS 1.1 or older, too",
                     "client-offers-old-version| Your client offers TLS 1.1 or older.");
  exchange_random_text(exchange, longer + 2, 1 + exchange_random(exchange, 4));
  expect_another_reason(exchange, with_protocol(exchange, &identity, longer), identity.cert, ALPN,
                        words_of_other_protocol,
                        "a server that has chosen by ALPN a protocol whose name begins with h2");
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    char text[32];
    exchange_random_text(exchange, text, 20);
    tls = preferring_no_security(exchange, &identity, version);
    peer = start_client(exchange, tls, identity.cert, patience(exchange));
    expect_security(peer);
    exchange->handshake = NULL;
    expect_printed(peer, text, strlen(text));
  }
}

CHECK(lab06, download, .points = 1, .todo = 5, .program = "client", .section = NULL,
      .sentence = "a response with 4 MiB is read to its end, through TLS") {
  const size_t length = MUCH + exchange_random(exchange, MUCH / 2);
  char *body = malloc(length);
  if (!body)
    exchange_fault(exchange, "out of memory");
  exchange_random_text(exchange, body, SOME);
  for (size_t i = SOME; i < length; i++)
    body[i] = body[i - SOME];
  expect_printed(start_client_of_authority(exchange), body, length);
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

/* The client, started then with that time, has given up by itself: it says so, and not early. */
static void expect_timeout_told(struct exchange *exchange, double started, double milliseconds) {
  if (recording_clock() - started < milliseconds - EARLY)
    exchange_fail_at(
        exchange, -1, "nothing, until the time is over", NULL,
        "request-given-up-before-time| Your client gives the request up before its time is over.");
  exchange_expect_output(
      exchange,
      "request-timed-out-not-told| Your client does not report the time-out as the contract says.",
      TIMED_OUT, strlen(TIMED_OUT));
  exchange_expect_status(exchange, 1);
}

/* As in lab 5: if the machine is so busy that the time is over before the request arrives, try
 * again with more time. Fills in how much it was, in milliseconds, and when it began. */
static struct peer *start_impatient_client(struct exchange *exchange, const char *ca,
                                           double *milliseconds, double *started) {
  static const char *const times[] = {"200", "2000", "6000"};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    exchange->peers_accepted = exchange->peer_count;
    exchange_extend(exchange);
    *started = recording_clock();
    have_it_ask(exchange, ca, times[i]);
    *milliseconds = strtod(times[i], NULL);
    if (peer_await_request(exchange) || !program_ended(exchange->program))
      break;
  }
  return accept_client(exchange);
}

/* The server never answers the request. */
static void expect_request_given_up(struct exchange *exchange, const char *ca) {
  double milliseconds = 0;
  double started = 0;
  struct peer *peer = start_impatient_client(exchange, ca, &milliseconds, &started);
  peer_handshake(peer);
  int32_t stream_id = expect_request(peer);
  struct impatience impatience = {peer, recording_clock() + milliseconds};
  exchange_await(exchange, has_given_up_or_is_late, &impatience);
  peer_expect_reset(peer, stream_id, NGHTTP2_CANCEL);
  peer_expect_goodbye(peer);
  expect_timeout_told(exchange, started, milliseconds);
}

struct nap {
  const struct exchange *exchange;
  double seconds;
};

static bool has_ended_or_sleeps_on(void *argument) {
  const struct nap *nap = argument;
  const struct program *program = nap->exchange->program;
  return program_ended(program) || program_idle(program) > nap->seconds;
}

/* The server accepts the connection, and never begins the handshake: the client's default of 100 ms
 * counts all the same. */
static void expect_handshake_given_up(struct exchange *exchange, const char *ca) {
  enum { DEFAULT = 100, GENEROUS = 300 };
  struct nap nap = {exchange, GENEROUS / 1e3};
  const double started = recording_clock();
  exchange_extend(exchange); /* to start a program takes time */
  exchange->holds = true;
  exchange_start(exchange, "client", "--ca", ca, exchange->url, NULL);
  exchange_await(exchange, has_ended_or_sleeps_on, &nap);
  if (!program_ended(exchange->program))
    exchange_fail_at(
        exchange, -1, "the line: request timed out", "the client sleeps",
        "waits-though-nothing-come-longer| Your client goes on waiting, though nothing "
        "has come for longer than %d ms.",
        DEFAULT);
  expect_timeout_told(exchange, started, DEFAULT);
  peer_take_held(exchange);
}

static void send_info(struct peer *peer, int32_t stream_id, struct buffer *output) {
  (void)output; /* the client does not print it */
  peer_send_headers(peer, stream_id, false, ":status", "103", "link", "</style>; rel=preload",
                    NULL);
}

/* Some DATA frames at once. */
static void send_pieces(struct peer *peer, int32_t stream_id, struct buffer *output) {
  char text[8];
  for (int pieces = 2 + (int)exchange_random(peer->exchange, 12); pieces > 0; pieces--) {
    exchange_random_text(peer->exchange, text, 1 + exchange_random(peer->exchange, 7));
    peer_send_data(peer, stream_id, text, strlen(text), false);
    buffer_append_text(output, text);
  }
}

static void send_last(struct peer *peer, int32_t stream_id, struct buffer *output) {
  peer_send_data(peer, stream_id, "end", 3, true);
  buffer_append_text(output, "end\n");
}

/* Whether the client waits for more than half of its time, after which the rest may come. */
static bool waits(struct peer *peer, const char *timeout) {
  struct impatience impatience = {peer, recording_clock() + 0.6 * strtod(timeout, NULL)};
  exchange_await(peer->exchange, has_given_up_or_is_late, &impatience);
  return !peer->closed_by_program;
}

/* A response that takes longer than the client has time, though no pause does. Returns whether the
 * client has waited for its end. */
static bool answer_slowly(struct exchange *exchange, const char *ca, const char *timeout) {
  typedef void send_part(struct peer * peer, int32_t stream_id, struct buffer * output);
  static send_part *const parts[] = {send_info, send_head, send_pieces, send_pieces, send_last};
  struct buffer output = {0};
  exchange->peers_accepted = exchange->peer_count;
  have_it_ask(exchange, ca, timeout);
  if (!peer_await_request(exchange))
    return false;
  struct peer *peer = accept_client(exchange);
  peer_send_settings(peer, NULL, 0);
  int32_t stream_id = expect_request(peer);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    if (!waits(peer, timeout)) {
      exchange_wait_for_end(exchange);
      buffer_free(&output);
      return false;
    }
    parts[i](peer, stream_id, &output);
  }
  expect_output(peer, &output);
  return true;
}

/* A client that has begun, and is about to fail. */
static struct peer *start_to_fail(struct exchange *exchange, SSL_CTX *tls, const char *ca) {
  exchange_extend(exchange);
  exchange->peers_accepted = exchange->peer_count;
  struct peer *peer = start_client(exchange, tls, ca, patience(exchange));
  peer_handshake(peer);
  return peer;
}

/* The stream is reset. */
static void expect_reset_told(struct exchange *exchange, const struct identity *identity) {
  static const uint32_t codes[] = {NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL, NGHTTP2_STREAM_CLOSED,
                                   NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_HTTP_1_1_REQUIRED};
  enum { CODES = sizeof codes / sizeof codes[0] };
  struct peer *peer = start_to_fail(exchange, identity_server(exchange, identity), identity->cert);
  peer_send_reset(peer, expect_request(peer), codes[exchange_random(exchange, CODES)]);
  exchange_expect_error_about(exchange, url_of(exchange));
}

/* The connection is lost: it has to be, where one side wants a second handshake (RFC 9113, section
 * 9.2.1). */
static void expect_loss_told(struct exchange *exchange, const struct identity *identity) {
  SSL_CTX *tls = identity_server(exchange, identity);
  SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION);
  struct peer *peer = start_to_fail(exchange, tls, identity->cert);
  expect_request(peer);
  expect_no_renegotiation(peer);
  peer_abort(peer);
  exchange->finding.section = ""; /* TCP is no matter of RFC 9113 */
  exchange_expect_error_about(exchange, url_of(exchange));
}

static bool waits_in_handshake(void *argument) {
  const struct exchange *exchange = argument;
  return (exchange->held && program_idle(exchange->program) > 0) ||
         program_ended(exchange->program);
}

/* The server resets the connection in the middle of the handshake. */
static void expect_lost_handshake_told(struct exchange *exchange, const char *ca) {
  exchange_extend(exchange);
  exchange->holds = true;
  have_it_ask(exchange, ca, patience(exchange));
  exchange_await(exchange, waits_in_handshake, exchange);
  peer_take_held(exchange);
  peer_abort(exchange->peers[exchange->peer_count - 1]);
  exchange->finding.section = "";
  exchange_expect_error_about(exchange, url_of(exchange));
  const char *line = program_stderr(exchange->program, NULL);
  if (strcasestr(line, "does not say why"))
    exchange_fail_at(exchange, -1, "a reason, such as: the connection is lost", line,
                     "lost-error-queue-empty| Your client does not say that the connection is "
                     "lost: OpenSSL's error queue is empty then.");
}

CHECK(lab06, timed_out, .points = 1, .todo = 5, .program = "client", .section = "6.4",
      .by_hand = "MISBEHAVE=never",
      .sentence = "time-outs and errors as in lab 5: RST_STREAM CANCEL, status 1") {
  struct identity identity;
  identity_make(exchange, &identity, NULL);
  be_server(exchange, identity_server(exchange, &identity));
  expect_request_given_up(exchange, identity.cert);
  expect_handshake_given_up(exchange, identity.cert);
  if (!answer_slowly(exchange, identity.cert, "150") &&
      !answer_slowly(exchange, identity.cert, "2000"))
    exchange_fail_at(exchange, -1, "a timer that starts again with each piece", NULL,
                     "timer-not-start-again-everything| Your client does not restart its timer for "
                     "everything that comes on the stream.");
  expect_reset_told(exchange, &identity);
  expect_loss_told(exchange, &identity);
  expect_lost_handshake_told(exchange, identity.cert);
}
