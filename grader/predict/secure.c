/* secure: the scenarios of lab 6. Clients that differ in one thing connect to the reference server,
 * one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/certificate.h"
#include "common/tls.h"
#include "grader/predict/live.h"
#include "grader/predict/scenarios.h"

/* --- Identities ------------------------------------------------------------------------------- */

/* A key and its certificate, in files. */
struct identity {
  char folder[64], key[80], cert[80];
};

static void fail(struct play *play, const char *what, const char *why) {
  fprintf(stderr, "predict: %s: %s\n", what, why);
  play->failed = true;
}

static void make_identity(struct play *play, struct identity *identity,
                          const struct certificate *wanted) {
  snprintf(identity->folder, sizeof identity->folder, "/tmp/predict-XXXXXX");
  if (!mkdtemp(identity->folder)) {
    fail(play, "/tmp", "no folder can be made there");
    return;
  }
  snprintf(identity->key, sizeof identity->key, "%s/key.pem", identity->folder);
  snprintf(identity->cert, sizeof identity->cert, "%s/cert.pem", identity->folder);
  if (certificate_write(wanted, identity->key, identity->cert) != 0)
    fail(play, identity->cert, "no certificate can be made");
}

static void remove_identity(const struct identity *identity) {
  unlink(identity->key);
  unlink(identity->cert);
  rmdir(identity->folder);
}

/* --- Clients ---------------------------------------------------------------------------------- */

/* What all clients of a scenario meet. */
struct meeting {
  struct play *play;
  struct draw *draw;
  struct identity server; /* whose certificate it shows, */
  struct identity other;  /* and one that nobody shows */
};

static const struct certificate good = {.names = "DNS:localhost,IP:127.0.0.1"};

static void begin(struct meeting *meeting, struct play *play, struct draw *draw) {
  *meeting = (struct meeting){.play = play, .draw = draw};
  make_identity(play, &meeting->server, &good);
  make_identity(play, &meeting->other, &good);
}

static void end(struct meeting *meeting) {
  remove_identity(&meeting->server);
  remove_identity(&meeting->other);
}

/* A path that no route has. */
static void draw_path(struct draw *draw, char *path) {
  unsigned length = draw_between(draw, 4, 24);
  *path++ = '/';
  for (unsigned i = 0; i < length; i++)
    *path++ = (char)draw_between(draw, 'a', 'z');
  *path = '\0';
}

/* Client `number` tries a server with this identity. */
static void meet(struct meeting *meeting, unsigned number, const struct identity *identity,
                 SSL_CTX *client) {
  struct play *play = meeting->play;
  char error[512] = "";
  char path[32];
  struct live live;
  SSL_CTX *server = tls_server_context(identity->key, identity->cert, error, sizeof error);
  if (!server || !client)
    fail(play, "TLS", server ? "no memory" : error);
  play->number = number;
  draw_path(meeting->draw, path);
  live_begin(&live, play, server);
  live_connect(&live, client, draw_between(meeting->draw, 1000, 60000));
  if (!play->failed)
    play_ask(play, "GET", path);
  live_wait(&live, false);
  live_end(&live);
  SSL_CTX_free(server);
  SSL_CTX_free(client);
}

/* Lab 6's client, which trusts this certificate. */
static SSL_CTX *make_client(const char *trusted) {
  char error[512];
  return tls_client_context(trusted, "localhost", error, sizeof error);
}

/* --- Scenarios -------------------------------------------------------------------------------- */

static void run_alpn(struct play *play, struct draw *draw, struct buffer *text) {
  static const struct {
    const char *says, *list;
    unsigned length;
  } offers[] = {{"h2", "\2h2", 3},
                {"http/1.1, h2", "\10http/1.1\2h2", 12},
                {"http/1.1", "\10http/1.1", 9},
                {"h2c", "\3h2c", 4},
                {"nothing: it sends no ALPN", NULL, 0}};
  enum { OFFERS = sizeof offers / sizeof offers[0] };
  unsigned order[OFFERS];
  struct meeting meeting;
  begin(&meeting, play, draw);
  draw_order(draw, order, OFFERS);
  scenario_say(text,
               "Five clients, one after the other, to lab 6's server. Each asks by GET for a path "
               "that no route has (404,\n"
               "14 bytes). In place of the stream, write the number of the client: c HEADERS 2 "
               "END_STREAM. Write HEADERS and\n"
               "DATA, and the alerts of TLS by their names: s ALERT 3 access_denied. RFC 8446, "
               "section 6.2, says what each alert\n"
               "means. A client that has neither gets no line. They offer by ALPN:\n");
  for (unsigned i = 0; i < OFFERS; i++) {
    SSL_CTX *client = make_client(meeting.server.cert);
    scenario_say(text, "  client %u: %s\n", i + 1, offers[order[i]].says);
    if (client)
      SSL_CTX_set_alpn_protos(client, (const unsigned char *)offers[order[i]].list,
                              offers[order[i]].length);
    meet(&meeting, i + 1, &meeting.server, client);
  }
  end(&meeting);
}

/* What is wrong with a server, as lab 6's client sees it. */
static const struct {
  const char *says;
  struct certificate certificate;
  bool unknown; /* the client trusts another */
} servers[] = {
    {"the certificate that the client trusts", {.names = "DNS:localhost"}, false},
    {"a certificate for localhost that the client does not know", {.names = "DNS:localhost"}, true},
    {"the certificate that the client trusts; it is no longer valid",
     {.names = "DNS:localhost", .from = -200000, .until = -100000},
     false},
    {"the certificate that the client trusts; it is for example.com",
     {.names = "DNS:example.com"},
     false}};

static void run_trust(struct play *play, struct draw *draw, struct buffer *text) {
  enum { SERVERS = sizeof servers / sizeof servers[0] };
  unsigned order[SERVERS];
  struct meeting meeting;
  begin(&meeting, play, draw);
  draw_order(draw, order, SERVERS);
  scenario_say(
      text, "Requests, answers (404, 14 bytes) and lines as in alpn (RFC 8446, section 6.2). All "
            "offer h2. For a certificate of\n"
            "another host, OpenSSL sends the alert that means a corrupt certificate. Four clients "
            "like lab 6's want\n"
            "https://localhost. Each meets another server, which shows:\n");
  for (unsigned i = 0; i < SERVERS && !play->failed; i++) {
    struct identity identity;
    scenario_say(text, "  client %u: %s\n", i + 1, servers[order[i]].says);
    make_identity(play, &identity, &servers[order[i]].certificate);
    meet(&meeting, i + 1, &identity,
         make_client(servers[order[i]].unknown ? meeting.other.cert : identity.cert));
    remove_identity(&identity);
  }
  end(&meeting);
}

static void run_versions(struct play *play, struct draw *draw, struct buffer *text) {
  static const struct {
    const char *says;
    int version;
    const char *ciphers; /* of TLS 1.2; NULL: all */
  } kinds[] = {{"TLS 1.0", TLS1_VERSION, NULL},
               {"TLS 1.1", TLS1_1_VERSION, NULL},
               {"TLS 1.2", TLS1_2_VERSION, NULL},
               {"TLS 1.2, only with AES in CBC mode", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"},
               {"TLS 1.3", TLS1_3_VERSION, NULL}};
  enum { KINDS = sizeof kinds / sizeof kinds[0] };
  unsigned order[KINDS];
  struct meeting meeting;
  begin(&meeting, play, draw);
  draw_order(draw, order, KINDS);
  scenario_say(text, "Requests, answers (404, 14 bytes) and lines as in alpn (RFC 8446, section "
                     "6.2). Five clients to lab 6's\n"
                     "server. All offer h2. Each speaks only:\n");
  for (unsigned i = 0; i < KINDS; i++) {
    SSL_CTX *client = make_client(meeting.server.cert);
    const char *ciphers = kinds[order[i]].ciphers;
    scenario_say(text, "  client %u: %s\n", i + 1, kinds[order[i]].says);
    if (client) {
      SSL_CTX_set_security_level(client, 0);
      SSL_CTX_set_cipher_list(client, ciphers ? ciphers : "ALL:@SECLEVEL=0");
      SSL_CTX_set_min_proto_version(client, kinds[order[i]].version);
      SSL_CTX_set_max_proto_version(client, kinds[order[i]].version);
    }
    meet(&meeting, i + 1, &meeting.server, client);
  }
  end(&meeting);
}

const struct scenario secure_scenarios[] = {
    {"lab06", "alpn", "cs", "3.2", run_alpn, NULL},
    {"lab06", "trust", "cs", "4.3.4", run_trust, "9110"},
    {"lab06", "versions", "cs", "9.2", run_versions, NULL},
    {0},
};
