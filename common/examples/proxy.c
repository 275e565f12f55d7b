/*
 * proxy: pass requests on to another server, and its responses back:  proxy URL [PORT]
 *
 * What to see here: two streams that are one exchange. Bodies go both ways as they come; when one
 * stream takes no more, it pauses the other. Trailers, 1xx and resets pass too: gRPC works.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/client.h"
#include "common/field.h"
#include "common/number.h"
#include "common/server.h"

struct proxy {
  struct url url;
  struct client *client; /* NULL while there is no connection: the next request makes one */
};

/* One of the two streams of an exchange. */
struct end {
  struct stream *stream; /* NULL once it is closed */
  struct end *other;
};

/* One exchange. It is over when both streams are closed. */
struct exchange {
  struct end down; /* the stream to the client, for which we are the server */
  struct end up;   /* the stream to the server, for which we are the client */
  bool responded;
};

/* --- Both ways -------------------------------------------------------------------------------- */

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct end *end = user;
  if (end->other->stream && stream_write(end->other->stream, data, length) == 0)
    stream_pause(stream); /* until on_drain of the other */
}

static void on_drain(struct stream *stream, void *user) {
  struct end *end = user;
  (void)stream;
  if (end->other->stream)
    stream_resume(end->other->stream);
}

static void on_end(struct stream *stream, void *user) {
  struct end *end = user;
  nghttp2_nv fields[STREAM_FIELDS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < stream_trailer_count(stream) && count < STREAM_FIELDS_MAX; i++)
    fields[count++] = field_make(stream_trailer_name(stream, i), stream_trailer_value(stream, i));
  if (end->other->stream && count > 0)
    stream_trailers(end->other->stream, fields, count);
  else if (end->other->stream)
    stream_end(end->other->stream, NULL, 0);
}

/* The header fields to pass on: all but the pseudo-header fields. Returns how many. */
static size_t copy_fields(struct stream *from, nghttp2_nv fields[static STREAM_FIELDS_MAX]) {
  size_t count = 0;
  for (size_t i = 0; i < stream_header_count(from) && count < STREAM_FIELDS_MAX; i++)
    if (stream_header_name(from, i)[0] != ':')
      fields[count++] = field_make(stream_header_name(from, i), stream_header_value(from, i));
  return count;
}

/* --- Up: the server --------------------------------------------------------------------------- */
/* `down` is its first member. */
static struct exchange *exchange_of(struct end *up) {
  return (struct exchange *)up->other;
}

static void on_inform(struct stream *up, void *user) {
  struct stream *down = exchange_of(user)->down.stream;
  nghttp2_nv fields[STREAM_FIELDS_MAX];
  if (down)
    stream_inform(down, stream_status(up), fields, copy_fields(up, fields));
}

static void on_headers(struct stream *up, void *user) {
  struct exchange *exchange = exchange_of(user);
  struct stream *down = exchange->down.stream;
  nghttp2_nv fields[STREAM_FIELDS_MAX];
  size_t count = copy_fields(up, fields);
  int64_t length = stream_received_all(up) ? 0 : STREAM_LENGTH_UNKNOWN;
  exchange->responded = true;
  if (down && stream_respond(down, stream_status(up), fields, count, length) != 0)
    stream_close(down, NGHTTP2_INTERNAL_ERROR);
}

/* NO_ERROR: the response is complete, though the server may not have wanted all of the request. */
static void on_up_close(struct stream *up, uint32_t error_code, void *user) {
  struct exchange *exchange = exchange_of(user);
  struct stream *down = exchange->down.stream;
  (void)up;
  exchange->up.stream = NULL;
  if (!down)
    free(exchange);
  else if (!exchange->responded)
    stream_respond(down, 502, NULL, 0, 0); /* no connection, a lost one, or a reset */
  else if (error_code != NGHTTP2_NO_ERROR)
    stream_close(down, error_code);
  if (down)
    stream_refuse(down);
}

static void on_client_close(struct client *client, const char *error, void *user) {
  struct proxy *proxy = user;
  if (error)
    fprintf(stderr, "proxy: %s\n", error);
  if (proxy->client == client)
    proxy->client = NULL;
}

/* Ask the server. If it has sent GOAWAY, the connection takes no more requests, and ends when its
 * last one is done: make another. Returns NULL if even the new one takes none. */
static struct stream *ask(struct proxy *proxy, struct stream *down) {
  uv_loop_t *loop = transport_loop(connection_transport(stream_connection(down)));
  const struct client_config config = {
      .on_close = on_client_close, .user = proxy, .connect_timeout = 5000};
  nghttp2_nv fields[STREAM_FIELDS_MAX];
  size_t count = copy_fields(down, fields);
  int64_t length = stream_received_all(down) ? 0 : STREAM_LENGTH_UNKNOWN;
  struct stream *up = NULL;
  for (int try = 0; try < 2 && !up; try++) {
    if (!proxy->client)
      proxy->client = client_connect(loop, &proxy->url, &config);
    if (proxy->client)
      up = client_request(proxy->client, stream_method(down), stream_path(down), fields, count,
                          length);
    if (!up)
      proxy->client = NULL;
  }
  return up;
}

/* --- Down: the client ------------------------------------------------------------------------- */

/* The client is gone: the server need not go on. */
static void on_down_close(struct stream *down, uint32_t error_code, void *user) {
  struct exchange *exchange = user;
  (void)down;
  exchange->down.stream = NULL;
  if (exchange->up.stream)
    stream_close(exchange->up.stream, error_code ? error_code : NGHTTP2_CANCEL);
  else
    free(exchange);
}

static void on_stream(struct stream *down, void *user) {
  static const struct stream_events down_events = {
      .on_data = on_data, .on_end = on_end, .on_drain = on_drain, .on_close = on_down_close};
  static const struct stream_events up_events = {.on_inform = on_inform,
                                                 .on_headers = on_headers,
                                                 .on_data = on_data,
                                                 .on_end = on_end,
                                                 .on_drain = on_drain,
                                                 .on_close = on_up_close};
  struct exchange *exchange = calloc(1, sizeof *exchange);
  struct stream *up = exchange ? ask(user, down) : NULL;
  if (!up) {
    free(exchange);
    stream_respond(down, 502, NULL, 0, 0);
    return;
  }
  *exchange = (struct exchange){{down, &exchange->up}, {up, &exchange->down}, false};
  stream_set_events(down, &down_events, &exchange->down);
  stream_set_events(up, &up_events, &exchange->up);
}

static void on_server_close(void *user) {
  struct proxy *proxy = user;
  if (proxy->client)
    client_close(proxy->client);
}

int main(int argc, char **argv) {
  long port = argc == 3 ? number_parse(argv[2], 65535) : 8000;
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  struct proxy proxy = {0};
  if (argc < 2 || argc > 3 || port < 0 || url_parse(&proxy.url, argv[1]) != 0 || proxy.url.tls) {
    fprintf(stderr, "usage: proxy http://HOST:PORT [PORT]\n");
    return 2;
  }
  const struct server_config config = {
      .port = (int)port, .on_stream = on_stream, .on_close = on_server_close, .user = &proxy};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server || server_close_on_signals(server) != 0) {
    fprintf(stderr, "proxy: %s\n", server ? "no signals" : error);
    return EXIT_FAILURE;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  url_free(&proxy.url);
  return uv_loop_close(loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
