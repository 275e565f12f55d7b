/*
 * mutual: check a server and a client that show each other certificates and resume sessions.
 *
 *   mutual PROGRAM
 *
 * Starts PROGRAM as a server, comes to it as several clients, and ends it with SIGTERM; then is the
 * server to which PROGRAM comes as a client. Prints a line for each rule of
 * lab06-tls/bonus/mutual.md, as subject.h says. The status is 0 if there could be checks.
 */
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "common/certificate.h"
#include "common/client.h"
#include "common/server.h"
#include "grader/bonus/subject.h"

enum { DEADLINE_MS = 5000, ALERT_UNKNOWN_CA = 48, ALERT_CERTIFICATE_REQUIRED = 116 };
enum { LIFETIME = 600, VISITS = 3, NAME_SIZE = 16, PATH_SIZE = 64 };

/* --- Certificates ----------------------------------------------------------------------------- */

/* A folder with the files of the server and of three clients, NAME.key and NAME.pem: each has
 * signed its own. clients.pem has the certificates that the server trusts: the first two clients'.
 */
struct files {
  char folder[PATH_SIZE];
  char names[VISITS][NAME_SIZE]; /* random, as they stand in the certificates */
};

static const char *const clients[VISITS] = {"one", "two", "stranger"};

/* Write the path of a file into `path`, and return it. */
static const char *path_of(const struct files *files, const char *name, const char *kind,
                           char path[2 * PATH_SIZE]) {
  snprintf(path, 2 * PATH_SIZE, "%s/%s.%s", files->folder, name, kind);
  return path;
}

static int write_certificate(const struct files *files, const char *name, const char *subject) {
  char key[2 * PATH_SIZE], cert[2 * PATH_SIZE];
  const struct certificate wanted = {.names = "DNS:localhost", .subject = subject};
  return certificate_write(&wanted, path_of(files, name, "key", key),
                           path_of(files, name, "pem", cert));
}

/* Append the certificate of this client to clients.pem. Returns 0 or -1. */
static int trust(const struct files *files, const char *name) {
  char path[2 * PATH_SIZE], text[8192];
  FILE *from = fopen(path_of(files, name, "pem", path), "re");
  FILE *into = fopen(path_of(files, "clients", "pem", path), "ae");
  size_t length = from ? fread(text, 1, sizeof text, from) : 0;
  bool written = into && length > 0 && fwrite(text, 1, length, into) == length;
  if (from)
    fclose(from);
  return into && fclose(into) == 0 && written ? 0 : -1;
}

/* Returns 0 or -1. */
static int make_files(struct files *files) {
  snprintf(files->folder, sizeof files->folder, "/tmp/mutual-XXXXXX");
  if (!mkdtemp(files->folder) || write_certificate(files, "server", NULL) != 0)
    return -1;
  for (int i = 0; i < VISITS; i++) {
    snprintf(files->names[i], NAME_SIZE, "client-%06x", (unsigned)rand() & 0xffffff);
    if (write_certificate(files, clients[i], files->names[i]) != 0)
      return -1;
  }
  return trust(files, clients[0]) | trust(files, clients[1]);
}

static void remove_files(const struct files *files) {
  static const char *const names[] = {"server", "one", "two", "stranger", "clients"};
  static const char *const kinds[] = {"key", "pem"};
  char path[2 * PATH_SIZE];
  for (size_t i = 0; i < 5; i++)
    for (size_t j = 0; j < 2; j++)
      unlink(path_of(files, names[i], kinds[j], path));
  rmdir(files->folder);
}

/* --- The server: visits ----------------------------------------------------------------------- */

/* Several clients, whose connections are all open before the first of them asks. */
struct meeting {
  uv_loop_t loop;
  uv_timer_t deadline;
  int count, open, left;
  struct visit *visits;
};

/* One client, and what came back. */
struct visit {
  const char *who;      /* whose files it shows; NULL: none */
  SSL_SESSION *session; /* to be resumed; then the newest */
  struct meeting *meeting;
  SSL_CTX *tls;
  struct client *client;
  struct buffer body;
  bool resumed;
  int alert; /* that the server has sent */
  bool answered;
};

static void on_alert(const SSL *ssl, int where, int code) {
  struct visit *visit = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  if (where == SSL_CB_READ_ALERT && code >> 8 == SSL3_AL_FATAL)
    visit->alert = code & 0xff;
}

static enum tls_step step(SSL *ssl, char *error, size_t error_size) {
  struct visit *visit = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  if (visit->session && SSL_in_before(ssl))
    SSL_set_session(ssl, visit->session);
  enum tls_step result = tls_handshake(ssl, error, error_size);
  visit->resumed = SSL_session_reused(ssl);
  return result;
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct visit *visit = user;
  (void)stream;
  buffer_append(&visit->body, data, length);
}

/* By now the tickets have arrived, which TLS 1.3 sends after the handshake. */
static void on_end(struct stream *stream, void *user) {
  struct visit *visit = user;
  SSL *ssl = transport_tls(connection_transport(client_connection(visit->client)));
  visit->answered = stream_status(stream) == 200;
  SSL_SESSION_free(visit->session);
  visit->session = SSL_get1_session(ssl);
}

/* Ask, and leave. */
static void ask(struct visit *visit) {
  static const struct stream_events events = {.on_data = on_data, .on_end = on_end};
  struct stream *stream = client_request(visit->client, "GET", "/", NULL, 0, 0);
  if (stream)
    stream_set_events(stream, &events, visit);
  client_close(visit->client);
}

static void ask_if_all_are_there(struct meeting *meeting) {
  if (meeting->open < meeting->left)
    return;
  for (int i = 0; i < meeting->count; i++)
    if (meeting->visits[i].client)
      ask(&meeting->visits[i]);
}

static void on_open(struct client *client, void *user) {
  struct visit *visit = user;
  (void)client;
  visit->meeting->open++;
  ask_if_all_are_there(visit->meeting);
}

static void on_gone(struct client *client, const char *error, void *user) {
  struct visit *visit = user;
  (void)client;
  (void)error;
  visit->client = NULL;
  if (--visit->meeting->left == 0)
    uv_close((uv_handle_t *)&visit->meeting->deadline, NULL);
}

static void on_deadline(uv_timer_t *timer) {
  struct meeting *meeting = timer->data;
  for (int i = 0; i < meeting->count; i++) {
    client_free(meeting->visits[i].client);
    meeting->visits[i].client = NULL;
  }
  uv_close((uv_handle_t *)timer, NULL);
}

/* Load what this side shows and whom it trusts; `who` may be NULL. */
static SSL_CTX *client_context(const struct files *files, const char *who) {
  char path[2 * PATH_SIZE], error[256];
  SSL_CTX *tls =
      tls_client_context(path_of(files, "server", "pem", path), "localhost", error, sizeof error);
  if (tls && who) {
    SSL_CTX_use_PrivateKey_file(tls, path_of(files, who, "key", path), SSL_FILETYPE_PEM);
    SSL_CTX_use_certificate_chain_file(tls, path_of(files, who, "pem", path));
  }
  return tls;
}

static void begin_visit(struct meeting *meeting, const struct files *files, const struct url *url,
                        struct visit *visit) {
  const struct client_config config = {.handshake = step,
                                       .tls = client_context(files, visit->who),
                                       .on_open = on_open,
                                       .on_close = on_gone,
                                       .user = visit};
  visit->meeting = meeting;
  visit->tls = config.tls;
  visit->alert = 0;
  visit->answered = false;
  buffer_clear(&visit->body);
  SSL_CTX_set_app_data(config.tls, visit);
  SSL_CTX_set_info_callback(config.tls, on_alert);
  visit->client = client_connect(&meeting->loop, url, &config);
  meeting->left += visit->client != NULL;
}

/* Come to `address` as all of these clients at once. */
static void meet(const struct files *files, const char *address, struct visit *visits, int count) {
  struct meeting meeting = {.count = count, .visits = visits};
  struct url url;
  if (url_parse(&url, address) != 0)
    return;
  uv_loop_init(&meeting.loop);
  uv_timer_init(&meeting.loop, &meeting.deadline);
  meeting.deadline.data = &meeting;
  uv_timer_start(&meeting.deadline, on_deadline, DEADLINE_MS, 0);
  for (int i = 0; i < count; i++)
    begin_visit(&meeting, files, &url, &visits[i]);
  uv_run(&meeting.loop, UV_RUN_DEFAULT);
  uv_loop_close(&meeting.loop);
  for (int i = 0; i < count; i++)
    SSL_CTX_free(visits[i].tls);
  url_free(&url);
}

static void forget(struct visit *visit) {
  SSL_SESSION_free(visit->session);
  buffer_free(&visit->body);
}

/* --- The rules of the server ------------------------------------------------------------------ */

/* This client must be refused, with this alert. */
static void check_refused(const struct files *files, const char *address, const char *name,
                          const char *who, int alert, const char *meaning) {
  struct visit visit = {.who = who};
  meet(files, address, &visit, 1);
  if (visit.answered)
    subject_say(name, "your server answers this client, and should end its handshake");
  else if (visit.alert == 0)
    subject_say(name, "expected: alert %d (%s); seen: no alert", alert, meaning);
  else if (visit.alert != alert)
    subject_say(name, "expected: alert %d (%s); seen: alert %d", alert, meaning, visit.alert);
  else
    subject_say(name, NULL);
  forget(&visit);
}

/* Whether the visit got this greeting. If not, say why. */
static bool is_greeted(const char *rule, const struct visit *visit, const char *name,
                       const char *kind) {
  char expected[128];
  snprintf(expected, sizeof expected, "Hello %s, your session is %s\n", name, kind);
  const char *seen = visit->body.bytes ? visit->body.bytes : "";
  if (visit->answered && strcmp(seen, expected) == 0)
    return true;
  subject_say(rule, "expected: \"%.*s\"; seen: %s%.*s%s", (int)strcspn(expected, "\n"), expected,
              visit->answered ? "\"" : "no response", (int)strcspn(seen, "\n"), seen,
              visit->answered ? "\"" : "");
  return false;
}

static void check_lifetime(const struct visit *visit) {
  long lifetime = visit->session ? (long)SSL_SESSION_get_ticket_lifetime_hint(visit->session) : -1;
  if (!visit->answered)
    subject_say("lifetime", "your server does not answer");
  else if (lifetime > 0 && lifetime <= LIFETIME)
    subject_say("lifetime", NULL);
  else if (lifetime <= 0)
    subject_say("lifetime", "your server gives the client no session");
  else
    subject_say("lifetime", "a session lasts %ld s, and should last %d s", lifetime, LIFETIME);
}

static void check_server(const struct files *files, const char *address) {
  struct visit visits[] = {{.who = clients[0]}, {.who = clients[1]}};
  check_refused(files, address, "required", NULL, ALERT_CERTIFICATE_REQUIRED,
                "certificate_required");
  check_refused(files, address, "stranger", clients[2], ALERT_UNKNOWN_CA, "unknown_ca");
  meet(files, address, visits, 2);
  check_lifetime(&visits[0]);
  if (is_greeted("name", &visits[0], files->names[0], "new") &&
      is_greeted("name", &visits[1], files->names[1], "new"))
    subject_say("name", NULL);
  meet(files, address, visits, 2);
  if (!visits[0].resumed || !visits[1].resumed)
    subject_say("return", "the session of the client was not resumed");
  else if (is_greeted("return", &visits[0], files->names[0], "resumed") &&
           is_greeted("return", &visits[1], files->names[1], "resumed"))
    subject_say("return", NULL);
  forget(&visits[0]);
  forget(&visits[1]);
}

/* --- The client: the server that it comes to -------------------------------------------------- */

/* What our server has seen. */
struct host {
  const char *name; /* of the client */
  int requests, resumed, named;
};

static void on_stream(struct stream *stream, void *user) {
  struct host *host = user;
  const SSL *ssl = transport_tls(connection_transport(stream_connection(stream)));
  X509 *certificate = SSL_get0_peer_certificate(ssl);
  char name[NAME_SIZE + 1] = "";
  if (certificate)
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
  host->requests++;
  host->named += strcmp(name, host->name) == 0;
  host->resumed += SSL_session_reused(ssl);
  stream_respond(stream, 200, NULL, 0, 3);
  stream_end(stream, "hi\n", 3);
}

static SSL_CTX *host_context(const struct files *files) {
  char key[2 * PATH_SIZE], cert[2 * PATH_SIZE], ca[2 * PATH_SIZE], error[256];
  SSL_CTX *tls = tls_server_context(path_of(files, "server", "key", key),
                                    path_of(files, "server", "pem", cert), error, sizeof error);
  if (!tls)
    return NULL;
  SSL_CTX_load_verify_file(tls, path_of(files, "clients", "pem", ca));
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  return tls;
}

/* Let PROGRAM get this path of each of the hosts, one after the other, up to a NULL. */
static struct subject_run visit_host(const struct files *files, const char *program,
                                     const char *const names[], struct host *host) {
  char key[2 * PATH_SIZE], cert[2 * PATH_SIZE], ca[2 * PATH_SIZE], error[256];
  char urls[VISITS][PATH_SIZE] = {""};
  uv_loop_t loop;
  SSL_CTX *tls = host_context(files);
  const struct server_config config = {
      .host = "*", .tls = tls, .on_stream = on_stream, .user = host};
  const char *arguments[8 + VISITS] = {program,
                                       "--key",
                                       path_of(files, clients[0], "key", key),
                                       "--cert",
                                       path_of(files, clients[0], "pem", cert),
                                       "--ca",
                                       path_of(files, "server", "pem", ca)};
  host->name = files->names[0];
  uv_loop_init(&loop);
  struct server *server = server_listen(&loop, &config, error, sizeof error);
  for (int i = 0; server && i < VISITS && names[i]; i++) {
    snprintf(urls[i], sizeof urls[i], "https://%s:%d/", names[i], server_port(server));
    arguments[7 + i] = urls[i];
  }
  struct subject_run run = subject_run(&loop, arguments);
  server_free(server);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  SSL_CTX_free(tls);
  return run;
}

/* --- The rules of the client ------------------------------------------------------------------ */

static void check_shows(const struct files *files, const char *program) {
  struct host host = {0};
  struct subject_run run =
      visit_host(files, program, (const char *const[]){"localhost", NULL}, &host);
  if (host.requests == 1 && host.named == 1)
    subject_say("shows", NULL);
  else if (host.requests == 1)
    subject_say("shows", "your client shows another certificate than that of --cert");
  else
    subject_say("shows", "no request comes through; your client says: %s", subject_complaint(&run));
  subject_free(&run);
}

static const char *const thrice[VISITS] = {"localhost", "localhost", "localhost"};

/* Three visits. Returns whether the client ended well, and whether it resumes sessions at all. */
static bool check_resumes(const struct files *files, const char *program, bool *resumes) {
  struct host host = {0};
  struct subject_run run = visit_host(files, program, thrice, &host);
  bool ended = run.status == 0 && strcmp(run.output.bytes, "hi\nhi\nhi\n") == 0;
  *resumes = host.resumed > 0;
  if (host.requests == VISITS && host.resumed == VISITS - 1)
    subject_say("resumes", NULL);
  else
    subject_say("resumes", "expected: %d connections, %d resumed; seen: %d, %d resumed; %s", VISITS,
                VISITS - 1, host.requests, host.resumed, subject_complaint(&run));
  subject_free(&run);
  return ended;
}

/* The certificate is not for 127.0.0.1, but the session with localhost would do. */
static void check_host(const struct files *files, const char *program, bool resumes) {
  struct host host = {0};
  static const char *const names[] = {"localhost", "127.0.0.1", NULL};
  struct subject_run run = visit_host(files, program, names, &host);
  if (!resumes)
    subject_say("host", "your client resumes no session at all");
  else if (host.requests == 1 && run.status == 1)
    subject_say("host", NULL);
  else if (host.requests == 2)
    subject_say("host", "your client gets https://127.0.0.1/ in the session of https://localhost/, "
                        "and the certificate is for localhost only");
  else
    subject_say("host", "expected: one request, then an error; seen: %d, status %d; %s",
                host.requests, run.status, subject_complaint(&run));
  subject_free(&run);
}

/* Start it as a server, and check that. Returns whether it ended well. */
static bool try_server(const struct files *files, const char *program) {
  static const char *const rules[] = {"required", "stranger", "lifetime", "name", "return"};
  char key[2 * PATH_SIZE], cert[2 * PATH_SIZE], ca[2 * PATH_SIZE], address[256];
  const char *const arguments[] = {program,
                                   "--port",
                                   "0",
                                   "--key",
                                   path_of(files, "server", "key", key),
                                   "--cert",
                                   path_of(files, "server", "pem", cert),
                                   "--ca",
                                   path_of(files, "clients", "pem", ca),
                                   NULL};
  pid_t server = subject_start(arguments, address, sizeof address);
  for (size_t i = 0; server < 0 && i < sizeof rules / sizeof *rules; i++)
    subject_say(rules[i], "your server does not start");
  if (server < 0)
    return false;
  check_server(files, address);
  return subject_end(server);
}

int main(int argc, char **argv) {
  struct files files = {0};
  bool resumes;
  if (argc != 2) {
    fprintf(stderr, "usage: mutual PROGRAM\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  srand((unsigned)getpid());
  if (make_files(&files) != 0) {
    fprintf(stderr, "mutual: cannot make certificates in %s\n", files.folder);
    return EXIT_FAILURE;
  }
  bool server_ended = try_server(&files, argv[1]);
  check_shows(&files, argv[1]);
  bool client_ended = check_resumes(&files, argv[1], &resumes);
  check_host(&files, argv[1], resumes);
  if (server_ended && client_ended)
    subject_say("end", NULL);
  else
    subject_say("end", "your %s did not end with status 0: see above",
                server_ended ? "client" : "server");
  remove_files(&files);
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
