/* server: see server.h. */
#include "server.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum { CLIENTS = 100, PIECE = 2 };

/* One client, with its requests. */
struct client {
  struct wire wire; /* first: nghttp2's callbacks get this */
  struct exchange_of_variant *first;
};

static void (*answer_request)(struct exchange_of_variant *exchange);

long variant_delay = 750;

SSL_CTX *(*variant_context)(const char *key, const char *cert);

/* In milliseconds. */
static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* --- One request ------------------------------------------------------------------------------ */

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct client *client = user;
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
    return 0;
  struct exchange_of_variant *exchange = calloc(1, sizeof *exchange);
  if (!exchange)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  exchange->next = client->first;
  client->first = exchange;
  return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, exchange);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user) {
  struct exchange_of_variant *exchange =
      nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  (void)flags;
  (void)user;
  if (name_length == 7 && memcmp(name, ":method", 7) == 0)
    snprintf(exchange->method, sizeof exchange->method, "%.*s", (int)value_length, value);
  if (name_length == 5 && memcmp(name, ":path", 5) == 0)
    snprintf(exchange->path, sizeof exchange->path, "%.*s", (int)value_length, value);
  return 0;
}

static ssize_t on_read(nghttp2_session *session, int32_t stream, uint8_t *bytes, size_t size,
                       uint32_t *flags, nghttp2_data_source *source, void *user) {
  const struct exchange_of_variant *exchange = source->ptr;
  (void)session;
  (void)stream;
  (void)bytes;
  (void)user;
  size_t left = strlen(exchange->body) - exchange->sent;
  if (size > PIECE)
    size = PIECE;
  *flags = NGHTTP2_DATA_FLAG_NO_COPY | (left == 0 ? NGHTTP2_DATA_FLAG_EOF : 0);
  return (ssize_t)(left < size ? left : size);
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                        size_t length, nghttp2_data_source *source, void *user) {
  struct exchange_of_variant *exchange = source->ptr;
  (void)session;
  const char *bytes = exchange->body + exchange->sent;
  exchange->sent += length;
  return wire_put_data(user, frame, header, bytes, length);
}

static nghttp2_nv field(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
                      NGHTTP2_NV_FLAG_NONE};
}

static int respond(nghttp2_session *session, struct exchange_of_variant *exchange) {
  char date[64];
  time_t seconds = time(NULL);
  struct tm tm;
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &tm));
  exchange->due = 0;
  const nghttp2_nv fields[] = {
      field(":status", exchange->status),
      field("server", "variant"),
      field("date", date),
      field("x-padding", "for everybody"),
      field("content-type", exchange->content_type ? exchange->content_type : "text/plain"),
  };
  const nghttp2_data_provider body = {.source.ptr = exchange, .read_callback = on_read};
  bool head = strcmp(exchange->method, "HEAD") == 0;
  return nghttp2_submit_response(session, exchange->stream, fields, 5, head ? NULL : &body);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  (void)user;
  if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
      (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
    return 0;
  struct exchange_of_variant *exchange =
      nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  exchange->stream = frame->hd.stream_id;
  answer_request(exchange);
  if (exchange->delay == 0)
    return respond(session, exchange);
  exchange->due = now() + (double)exchange->delay;
  return 0;
}

/* The stream is closed, perhaps before the answer. */
static void free_exchange(struct exchange_of_variant *exchange) {
  if (exchange->due > 0) {
    printf("stream closed\n");
    fflush(stdout);
  }
  free(exchange);
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user) {
  struct client *client = user;
  struct exchange_of_variant *gone = nghttp2_session_get_stream_user_data(session, stream);
  (void)error;
  for (struct exchange_of_variant **next = &client->first; *next; next = &(*next)->next) {
    if (*next != gone)
      continue;
    *next = gone->next;
    free_exchange(gone);
    break;
  }
  return 0;
}

/* --- Clients ---------------------------------------------------------------------------------- */

static void open_session(struct client *client) {
  static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 65536},
                                                    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 200}};
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    abort();
  wire_set_callbacks(callbacks);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  if (nghttp2_session_server_new(&client->wire.session, callbacks, client) != 0 ||
      nghttp2_submit_settings(client->wire.session, 0, settings, 2) != 0 ||
      nghttp2_submit_window_update(client->wire.session, 0, 0, 1 << 20) != 0)
    abort();
  nghttp2_session_callbacks_del(callbacks);
}

struct clients {
  struct client all[CLIENTS];
  SSL_CTX *tls; /* NULL: plain TCP */
  size_t count;
  bool ending;
};

/* Remove a client that is gone, and its requests. */
static void forget(struct client *client) {
  while (client->first) {
    struct exchange_of_variant *next = client->first->next;
    free_exchange(client->first);
    client->first = next;
  }
  client->wire.socket = -1;
}

/* Let one client go on. */
static void step(struct clients *clients, size_t index, short events) {
  if (!wire_step(&clients->all[index].wire, events))
    forget(&clients->all[index]);
}

/* Clients never move: nghttp2 keeps pointers to them. */
static struct client *find_place(struct clients *clients) {
  for (size_t i = 0; i < clients->count; i++)
    if (clients->all[i].wire.socket < 0)
      return &clients->all[i];
  return clients->count < CLIENTS ? &clients->all[clients->count++] : NULL;
}

static void on_accept(struct clients *clients, int listening) {
  int socket = accept(listening, NULL, NULL);
  struct client *client = socket < 0 ? NULL : find_place(clients);
  if (!client) {
    if (socket >= 0)
      close(socket);
    return;
  }
  *client = (struct client){.wire.socket = socket};
  open_session(client);
  SSL *ssl = clients->tls ? SSL_new(clients->tls) : NULL;
  if (ssl)
    SSL_set_accept_state(ssl);
  if (clients->tls && wire_use_tls(&client->wire, ssl) != 0)
    wire_drop(&client->wire);
  else
    step(clients, (size_t)(client - clients->all), 0); /* SETTINGS come at once */
}

/* Take no new requests; those in flight finish. */
static void on_signal(struct clients *clients) {
  clients->ending = true;
  for (size_t i = 0; i < clients->count; i++) {
    struct wire *wire = &clients->all[i].wire;
    nghttp2_session *session = wire->session;
    if (session && wire->ssl && !wire->greeted)
      wire_drop(wire);
    if (!wire->session)
      continue;
    nghttp2_submit_goaway(session, 0, nghttp2_session_get_last_proc_stream_id(session),
                          NGHTTP2_NO_ERROR, NULL, 0);
    step(clients, i, 0);
  }
}

/* Give the answers that are due. Returns how long to wait for the next one: -1 if there is none. */
static int give_due_answers(struct clients *clients) {
  double next = 0;
  for (size_t i = 0; i < clients->count; i++) {
    bool any = false;
    for (struct exchange_of_variant *exchange = clients->all[i].first; exchange;
         exchange = exchange->next) {
      if (exchange->due > 0 && exchange->due <= now())
        any = respond(clients->all[i].wire.session, exchange) == 0 || any;
      else if (exchange->due > 0 && (next == 0 || exchange->due < next))
        next = exchange->due;
    }
    if (any)
      step(clients, i, 0);
  }
  if (next == 0)
    return -1;
  double wait = next - now();
  return wait > 0 ? (int)wait + 1 : 0;
}

/* Run until a signal has come and every client is gone. */
static void run(struct clients *clients, int listening, int signals) {
  for (;;) {
    int wait = give_due_answers(clients);
    struct pollfd polls[CLIENTS + 2] = {{.fd = clients->ending ? -1 : listening, .events = POLLIN},
                                        {.fd = signals, .events = POLLIN}};
    size_t open = 0;
    for (size_t i = 0; i < clients->count; i++) {
      struct wire *wire = &clients->all[i].wire;
      polls[i + 2] = (struct pollfd){.fd = wire->socket, .events = wire_events(wire)};
      open += wire->socket >= 0;
    }
    if (clients->ending && open == 0)
      return;
    if (poll(polls, clients->count + 2, wait) < 0)
      continue;
    for (size_t i = 0; i < clients->count; i++)
      if (polls[i + 2].fd >= 0 && polls[i + 2].revents)
        step(clients, i, polls[i + 2].revents);
    struct signalfd_siginfo signal;
    if (polls[1].revents && read(signals, &signal, sizeof signal) > 0)
      on_signal(clients);
    else if (polls[0].revents)
      on_accept(clients, listening);
  }
}

/* The value of an option: a number up to `most`, or -1. */
static long number_of(const char *text, long most) {
  bool digits = text && *text && strspn(text, "0123456789") == strlen(text);
  return digits && strtol(text, NULL, 10) <= most ? strtol(text, NULL, 10) : -1;
}

struct options {
  int port;
  const char *key;
  const char *cert;
};

/* Returns whether the options make sense. Each has a value. */
static bool parse(struct options *options, int argc, char **argv) {
  for (int i = 1; i < argc; i += 2) {
    const char *value = argv[i + 1];
    if (strcmp(argv[i], "--port") == 0)
      options->port = (int)number_of(value, 65535);
    else if (strcmp(argv[i], "--delay") == 0)
      variant_delay = number_of(value, INT_MAX);
    else if (variant_context && value && strcmp(argv[i], "--key") == 0)
      options->key = value;
    else if (variant_context && value && strcmp(argv[i], "--cert") == 0)
      options->cert = value;
    else
      return false;
  }
  return options->port >= 0 && variant_delay >= 0;
}

/* Returns the exit status. */
static int listen_and_run(const char *program, int port, SSL_CTX *tls) {
  static struct clients clients;
  const char *error = "cannot listen";
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets whose peers are gone */
  int signals = signalfd(-1, &set, 0);
  int listening = wire_listen(&port, &error);
  if (signals < 0 || listening < 0) {
    fprintf(stderr, "%s: port %d: %s\n", program, port, error);
    return 1;
  }
  printf("listening on http%s://localhost:%d\n", tls ? "s" : "", port);
  fflush(stdout);
  clients.tls = tls;
  run(&clients, listening, signals);
  close(listening);
  close(signals);
  return 0;
}

void variant_route(struct exchange_of_variant *exchange, long ping_delay) {
  int get = strcmp(exchange->method, "GET") == 0;
  exchange->status = "200";
  if (get && strcmp(exchange->path, "/hello-world") == 0) {
    exchange->body = "Hello World";
  } else if (get && strcmp(exchange->path, "/ping") == 0) {
    exchange->body = "pong";
    exchange->delay = ping_delay;
  } else {
    exchange->status = "404";
    exchange->content_type = "text/plain; charset=utf-8";
    exchange->body = "path not found";
  }
}

int variant_serve(const char *program, int argc, char **argv,
                  void (*answer)(struct exchange_of_variant *exchange)) {
  struct options options = {variant_context ? 8443 : 8000, "key.pem", "cert.pem"};
  if (!parse(&options, argc, argv)) {
    fprintf(stderr, "usage: %s [--port N]%s [--delay MS]\n", program,
            variant_context ? " [--key FILE] [--cert FILE]" : "");
    return 2;
  }
  answer_request = answer;
  SSL_CTX *tls = variant_context ? variant_context(options.key, options.cert) : NULL;
  if (variant_context && !tls)
    return 1;
  int status = listen_and_run(program, options.port, tls);
  SSL_CTX_free(tls);
  return status;
}
