/*
 * Lab 5 in another way: plain sockets and poll; there is no timer, but a moment at which patience ends.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../wire.h"

enum { ROOM = 1 << 20 };

struct client {
  struct wire wire; /* first: nghttp2's callbacks get this */
  char head[ROOM];
  size_t head_length;
  char body[ROOM];
  size_t body_length;
  bool final;    /* the header section of the final response has come */
  bool trailing; /* and what comes now is behind it */
  bool whole;
  bool timed_out;
  uint32_t error;
  double timeout;
  double end; /* of patience */
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
  return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                      strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* Until the connection is over. The stream is 1. */
static void run(struct client *client, const char *authority, const char *path) {
  const nghttp2_nv fields[] = {field(":path", path), field(":scheme", "http"),
                               field(":authority", authority), field(":method", "GET")};
  struct pollfd poll_for = {.fd = client->wire.socket};
  if (nghttp2_submit_request(client->wire.session, NULL, fields, 4, NULL, NULL) != 1)
    abort();
  client->end = now() + client->timeout;
  bool goes_on = wire_step(&client->wire, 0);
  while (goes_on) {
    double left = client->end - now();
    poll_for.events = wire_events(&client->wire);
    int ready = poll(&poll_for, 1, client->end == 0 ? -1 : left > 0 ? (int)left + 1 : 0);
    if (ready == 0 && client->end != 0 && now() >= client->end) {
      printf("request timed out\n");
      client->timed_out = true;
      client->end = 0;
      nghttp2_submit_rst_stream(client->wire.session, 0, 1, NGHTTP2_CANCEL);
    }
    goes_on = wire_step(&client->wire, ready > 0 ? poll_for.revents : 0);
  }
}

/* Take the URL apart. Returns the path, or NULL. */
static const char *parse(const char *url, char authority[256], char host[256], char port[8]) {
  static const char scheme[] = "http://";
  if (strncmp(url, scheme, strlen(scheme)) != 0)
    return NULL;
  size_t length = strcspn(url + strlen(scheme), "/");
  snprintf(authority, 256, "%.*s", (int)length, url + strlen(scheme));
  snprintf(host, 256, "%.*s", (int)strcspn(authority, ":"), authority);
  const char *colon = strchr(authority, ':');
  snprintf(port, 8, "%s", colon ? colon + 1 : "80");
  const char *path = url + strlen(scheme) + length;
  return *path ? path : "/";
}

int main(int argc, char **argv) {
  static struct client client = {.timeout = 100};
  char authority[256];
  char host[256];
  char port[8];
  const char *error = NULL;
  bool has_timeout = argc == 4 && strcmp(argv[1], "--timeout") == 0;
  const char *path = argc == 2 || has_timeout ? parse(argv[argc - 1], authority, host, port) : NULL;
  if (!path) {
    fprintf(stderr, "usage: client [--timeout MS] URL\n");
    return 2;
  }
  if (has_timeout)
    client.timeout = (double)atol(argv[2]);
  client.wire.socket = wire_connect(host, port, &error);
  if (client.wire.socket >= 0) {
    open_session(&client);
    run(&client, authority, path);
    error = client.wire.error;
  }
  if (!error && !client.whole && !client.timed_out)
    error = nghttp2_http2_strerror(client.error);
  if (error && !client.timed_out)
    fprintf(stderr, "client: %s: %s\n", argv[argc - 1], error);
  if (error || client.timed_out)
    return 1;
  fwrite(client.head, 1, client.head_length, stdout);
  putchar('\n');
  fwrite(client.body, 1, client.body_length, stdout);
  return 0;
}
