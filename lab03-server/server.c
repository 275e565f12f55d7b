/*
 * Lab 3: a server that answers every request with 200 and "Hello World!".
 *
 *   server [--port N]        8000 by default; 0 takes any free port
 *
 * The connection (common/connection.h) moves frames in and out of an nghttp2 session. The server
 * does the rest: it remembers something about each stream from its first frame to its last, sees
 * when a request is complete, and submits the response.
 */
#include <getopt.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/connection.h"
#include "common/date.h"
#include "common/field.h"
#include "common/list.h"
#include "common/listener.h"
#include "common/number.h"
#include "common/signals.h"
#include "common/todo.h"

static const char body[] = "Hello World!";

/* One open stream: a request, and how far its response has got. */
struct stream {
  struct list link; /* in client->streams */
  bool is_head;     /* the method is HEAD: the response has no body */
  size_t sent;      /* how much of the body nghttp2 has taken */
};

/* One connected client. nghttp2's callbacks get it as their last argument, `user`. */
struct client {
  struct list link; /* in server->clients */
  struct server *server;
  struct connection *connection;
  struct list streams;
};

struct server {
  struct connection_config config;
  struct listener *listener;
  struct signals *signals;
  struct list clients;
  struct date date;
};

/* --- TODO 1: a stream begins ------------------------------------------------------------------ */

/* The header block of a request begins (or its trailers: then the stream already exists). */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct client *client = user;
  // If frame->headers.cat is NGHTTP2_HCAT_REQUEST: allocate a struct stream, add it to the client's
  // list, and give it to nghttp2 as the user data of stream frame->hd.stream_id.
  (void)session;
  (void)frame;
  (void)client;
  todo(1, "make a struct stream for each request");
}

/* --- TODO 2: what the request says ------------------------------------------------------------ */

/* One header field of the request. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user) {
  struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  (void)flags;
  (void)user;
  // Only one thing matters here: whether :method is HEAD. field_is compares bytes with a text.
  (void)stream;
  (void)name;
  (void)name_length;
  (void)value;
  (void)value_length;
  todo(2, "note whether the method is HEAD");
}

/* --- TODO 3: the body of a response ----------------------------------------------------------- */

/* nghttp2 asks for the next piece of the body, for a DATA frame: at most `size` bytes, which may be
 * as few as the client's flow-control window allows. Returns how many; sets NGHTTP2_DATA_FLAG_EOF
 * with the last bytes. */
static ssize_t read_body(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  struct stream *stream = source->ptr;
  (void)session;
  (void)stream_id;
  (void)user;
  (void)bytes;
  (void)size;
  (void)flags;
  (void)stream;
  (void)body;
  todo(3, "copy the next piece of the body, and say when it was the last");
}

/* --- TODO 4: the response --------------------------------------------------------------------- */

/* Submit the response to a request. Returns 0, or an nghttp2 error code. */
static int respond(struct client *client, int32_t stream_id, struct stream *stream) {
  nghttp2_session *session = connection_session(client->connection);
  const char *date = date_now(&client->server->date);
  // The fields :status, date and content-length; then nghttp2_submit_response, with read_body as
  // the data source, or without any if the method is HEAD.
  (void)session;
  (void)date;
  (void)stream_id;
  (void)stream;
  (void)read_body;
  todo(4, "submit the response");
}

/* --- TODO 5: a request is complete ------------------------------------------------------------ */

/* A whole frame has arrived. */
static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct client *client = user;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
    return 0; /* only these two can end a request */
  // If the frame's flags have END_STREAM, the request is complete: respond.
  (void)session;
  (void)client;
  (void)respond;
  todo(5, "respond when the request has ended");
}

/* --- TODO 6: the end of a stream, and of a client --------------------------------------------- */

static void free_stream(struct stream *stream) {
  list_remove(&stream->link);
  free(stream);
}

/* The stream is over: the response has been sent, or one side has reset it. */
static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user) {
  (void)error_code;
  (void)user;
  (void)session;
  (void)stream_id;
  (void)free_stream;
  todo_later(6, "free the struct stream");
  return 0;
}

/* The client is gone. nghttp2 does not call on_stream_close for streams that were still open. */
static void on_close(struct connection *connection, const char *error, void *user) {
  struct client *client = user;
  (void)connection;
  (void)error; /* clients come and go: that is no failure */
  todo(6, "free the streams that were still open");
  list_remove(&client->link);
  free(client);
}

/* --- Given ------------------------------------------------------------------------------------ */

/* A client has connected. */
static void on_accept(struct transport *transport, void *user) {
  struct server *server = user;
  struct client *client = calloc(1, sizeof *client);
  if (!client) {
    transport_free(transport);
    return;
  }
  client->server = server;
  list_init(&client->streams);
  list_add(&server->clients, &client->link);
  client->connection = connection_accept(transport, &server->config, client);
  if (!client->connection) { /* out of memory: the others are still served */
    list_remove(&client->link);
    free(client);
  }
}

/* Ctrl-C: accept no new clients, say goodbye to the others. The loop ends when the last client is
 * gone. */
static void on_signal(void *user) {
  struct server *server = user;
  listener_free(server->listener);
  signals_free(server->signals);
  struct client *client = list_first(&server->clients);
  for (; client; client = list_next(&server->clients, &client->link))
    connection_close(client->connection);
}

/* Serve on this port until a signal arrives. Returns 0, or -1 when it cannot begin. */
static int serve(struct server *server, int port) {
  char error[256] = "cannot wait for signals";
  uv_loop_t *loop = uv_default_loop();
  server->signals = signals_open(loop, on_signal, server);
  if (server->signals)
    server->listener =
        listener_open(loop, "localhost", port, NULL, on_accept, server, error, sizeof error);
  if (server->listener) {
    printf("listening on http://localhost:%d\n", listener_port(server->listener));
    fflush(stdout);
  } else {
    fprintf(stderr, "server: %s\n", error);
    signals_free(server->signals);
  }
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
  return server->listener ? 0 : -1;
}

static nghttp2_session_callbacks *create_callbacks(void) {
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    return NULL;
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  return callbacks;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'}, {0}};
  static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
  long port = 8000;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
    port = option == 'p' ? number_parse(optarg, 65535) : -1;
  if (port < 0 || optind != argc) {
    fprintf(stderr, "usage: server [--port N]\n");
    return 2;
  }
  nghttp2_session_callbacks *callbacks = create_callbacks();
  if (!callbacks) {
    fprintf(stderr, "server: out of memory\n");
    return EXIT_FAILURE;
  }
  struct server server = {
      .config = {
          .callbacks = callbacks, .settings = settings, .setting_count = 1, .on_close = on_close}};
  list_init(&server.clients);
  int result = serve(&server, (int)port);
  nghttp2_session_callbacks_del(callbacks);
  return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
