/* client: see client.h. In place of a timer, it keeps the time at which patience ends. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"

#include "wire.h"

enum { ROOM = 8 << 20 };

struct client {
  struct wire wire; /* first: nghttp2's callbacks get this */
  char head[ROOM];
  size_t head_length;
  char body[ROOM];
  size_t body_length;
  bool final;    /* the header section of the final response has come */
  bool trailing; /* header sections that come now are trailers */
  bool whole;
  bool timed_out;
  uint32_t error;
  double timeout;
  double end; /* when patience ends */
};

/* In milliseconds. */
static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void add(char *text, size_t *length, const void *bytes, size_t count) {
  if (*length + count > ROOM)
    abort();
  memcpy(text + *length, bytes, count);
  *length += count;
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct client *client = user;
  (void)session;
  (void)frame;
  client->end = now() + client->timeout;
  client->trailing = client->final;
  if (!client->trailing)
    client->head_length = 0;
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user) {
  struct client *client = user;
  (void)session;
  (void)frame;
  (void)flags;
  if (client->trailing)
    return 0;
  if (name_length == 7 && memcmp(name, ":status", 7) == 0)
    client->final = value[0] != '1';
  add(client->head, &client->head_length, name, name_length);
  add(client->head, &client->head_length, ": ", 2);
  add(client->head, &client->head_length, value, value_length);
  add(client->head, &client->head_length, "\n", 1);
  return 0;
}

static int on_chunk(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                    size_t length, void *user) {
  struct client *client = user;
  (void)session;
  (void)flags;
  (void)stream;
  client->end = now() + client->timeout;
  add(client->body, &client->body_length, bytes, length);
  return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct client *client = user;
  (void)session;
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
      (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
    client->whole = true;
  return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user) {
  struct client *client = user;
  (void)stream;
  client->error = error;
  client->end = 0;
  return nghttp2_session_terminate_session(session, NGHTTP2_NO_ERROR);
}

static void open_session(struct client *client) {
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    abort();
  wire_set_callbacks(callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_chunk);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  if (nghttp2_session_client_new(&client->wire.session, callbacks, client) != 0 ||
      nghttp2_submit_settings(client->wire.session, 0, NULL, 0) != 0)
    abort();
  nghttp2_session_callbacks_del(callbacks);
}

static nghttp2_nv field(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
                      NGHTTP2_NV_FLAG_NONE};
}

/* Nothing has come for too long: give up. */
static void lose_patience(struct client *client) {
  printf("request timed out\n");
  client->timed_out = true;
  client->end = 0;
  nghttp2_submit_rst_stream(client->wire.session, 0, 1, NGHTTP2_CANCEL);
}

/* Run until the connection is over. The request's stream is 1. */
static void run(struct client *client) {
  struct pollfd poll_for = {.fd = client->wire.socket};
  client->end = now() + client->timeout;
  bool goes_on = wire_step(&client->wire, 0);
  while (goes_on) {
    double left = client->end - now();
    poll_for.events = wire_events(&client->wire);
    int ready = poll(&poll_for, 1, client->end == 0 ? -1 : left > 0 ? (int)left + 1 : 0);
    if (ready == 0 && client->end != 0 && now() >= client->end)
      lose_patience(client);
    if (client->timed_out && client->wire.ssl && !client->wire.greeted) {
      wire_drop(&client->wire); /* there is no peer yet to say goodbye to */
      return;
    }
    if (ready <= 0)
      poll_for.revents = 0;
    goes_on = wire_step(&client->wire, poll_for.revents);
  }
}

struct place {
  const char *scheme;
  char authority[256];
  char host[256];
  char port[8];
  const char *path;
};

/* Take the URL apart. Returns whether the lab allows such a URL. */
static bool parse(struct place *place, const char *url) {
  size_t scheme = strlen(place->scheme);
  if (strncmp(url, place->scheme, scheme) != 0 || strncmp(url + scheme, "://", 3) != 0)
    return false;
  const char *authority = url + scheme + 3;
  size_t length = strcspn(authority, "/");
  snprintf(place->authority, sizeof place->authority, "%.*s", (int)length, authority);
  bool bracketed = *place->authority == '['; /* an IPv6 address has colons of its own */
  const char *host = place->authority + bracketed;
  snprintf(place->host, sizeof place->host, "%.*s", (int)strcspn(host, bracketed ? "]" : ":"),
           host);
  const char *colon = strchr(host + strlen(place->host), ':');
  snprintf(place->port, sizeof place->port, "%s",
           colon                       ? colon + 1
           : strlen(place->scheme) > 4 ? "443"
                                       : "80");
  place->path = authority[length] ? authority + length : "/";
  return true;
}

/* Make the request, from the connection to the last byte. Returns NULL, or why it failed. */
static const char *get(struct client *client, const struct place *place, SSL *ssl) {
  const char *error = NULL;
  const nghttp2_nv fields[] = {field(":path", place->path), field(":scheme", place->scheme),
                               field(":authority", place->authority), field(":method", "GET")};
  client->wire.socket = wire_connect(place->host, place->port, &error);
  if (client->wire.socket < 0) {
    SSL_free(ssl);
    return error;
  }
  open_session(client);
  if (nghttp2_submit_request(client->wire.session, NULL, fields, 4, NULL, NULL) != 1 ||
      (ssl && wire_use_tls(&client->wire, ssl) != 0))
    abort();
  run(client);
  if (client->wire.error || client->whole)
    return client->wire.error;
  return nghttp2_http2_strerror(client->error);
}

int variant_client(int argc, char **argv, SSL *(*open_tls)(const char *ca, const char *host)) {
  static struct client client = {.timeout = 100};
  char *end = "";
  struct place place = {.scheme = open_tls ? "https" : "http"};
  const char *ca = "cert.pem";
  int i = 1;
  for (; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--timeout") == 0)
      client.timeout = strtod(argv[i + 1], &end);
    else if (open_tls && strcmp(argv[i], "--ca") == 0)
      ca = argv[i + 1];
    else
      break;
  }
  if (*end || client.timeout < 0 || i + 1 != argc || !parse(&place, argv[i])) {
    fprintf(stderr, "usage: client%s [--timeout MS] URL\n", open_tls ? " [--ca FILE]" : "");
    return 2;
  }
  SSL *ssl = open_tls ? open_tls(ca, place.host) : NULL;
  if (open_tls && !ssl)
    return 1;
  const char *error = get(&client, &place, ssl);
  if (error && !client.timed_out)
    fprintf(stderr, "client: %s: %s\n", argv[i], error);
  if (error || client.timed_out)
    return 1;
  fwrite(client.head, 1, client.head_length, stdout);
  putchar('\n');
  fwrite(client.body, 1, client.body_length, stdout);
  if (client.body_length > 0 && client.body[client.body_length - 1] != '\n')
    putchar('\n');
  return 0;
}
