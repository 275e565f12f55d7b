/*
 * Lab 2: requests and responses, all on one connection.
 *
 *   requests URL [PATH]...             one GET for the URL and one for each PATH, all at once
 *   requests -d DATA [-d DATA]... URL  one POST, whose body is every DATA, one after the other
 *
 * common/connection.h now does what you wrote in lab 1: it feeds and flushes the session, and says
 * goodbye. Requests are plain nghttp2. Each request is a stream. nghttp2 keeps one pointer of yours
 * for each stream, so a callback knows which request a header field or a piece of body belongs to.
 */
#include <getopt.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/buffer.h"
#include "common/connection.h"
#include "common/field.h"
#include "common/todo.h"
#include "common/url.h"

struct client {
  const char *name; /* the URL as the user typed it, for messages */
  struct url url;
  char **data; /* what to POST, piece by piece */
  size_t data_count;
  size_t data_index;  /* the piece to send now ... */
  size_t data_offset; /* ... and how much of it is sent */
  struct request *requests;
  size_t request_count;
  size_t finished; /* how many of them are closed, for whatever reason */
  struct connection *connection;
  bool failed;
};

/* One request, and the part of its response that has arrived. */
struct request {
  const char *path;
  int status;            /* of the last header block that had one; 0 before */
  bool in_trailers;      /* this header block comes after the body */
  bool ended;            /* END_STREAM has arrived */
  struct buffer headers; /* "name: value" lines */
  struct buffer body;
};

static void fail(struct client *client, const char *what, const char *why) {
  fprintf(stderr, "requests: %s: %s\n", what, why);
  client->failed = true;
}

/* --- TODO 1: a request ------------------------------------------------------------------------ */

static ssize_t read_data(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user);

/* Submit `request`: a POST with read_data as its data source if there is data, else a GET. Returns
 * an nghttp2 error code below 0, or the stream's id. */
static int32_t submit_request(struct client *client, struct request *request) {
  nghttp2_session *session = connection_session(client->connection);
  /* BEGIN SOLUTION */
  /* STARTER
  // The four pseudo-header fields of RFC 9113, section 8.3.1, in an array of field_make(...); then
  // nghttp2_submit_request with `request` as the stream's user data.
  (void)session;
  (void)request;
  (void)read_data;
  todo(1, "submit the request with its four pseudo-header fields");
  */
  bool has_body = client->data_count > 0;
  const nghttp2_nv fields[] = {
      field_make(":method", has_body ? "POST" : "GET"),
      field_make(":scheme", client->url.scheme),
      field_make(":authority", client->url.authority),
      field_make(":path", request->path),
  };
  nghttp2_data_provider body = {.source.ptr = client, .read_callback = read_data};
  return nghttp2_submit_request(session, NULL, fields, sizeof fields / sizeof fields[0],
                                has_body ? &body : NULL, request);
  /* END SOLUTION */
}

/* --- TODO 2: its body ------------------------------------------------------------------------- */

/* nghttp2 asks for the next piece of the body, for a DATA frame: put at most `size` bytes into
 * `bytes` and return how many; with the last bytes, set NGHTTP2_DATA_FLAG_EOF in `flags`. Until
 * then nghttp2 asks again, but only when the flow-control windows let it send. */
static ssize_t read_data(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  struct client *client = source->ptr;
  (void)session;
  (void)stream_id;
  (void)user;
  /* BEGIN SOLUTION */
  /* STARTER
  (void)bytes;
  (void)size;
  (void)flags;
  (void)client;
  todo(2, "copy the next piece of client->data, and say when it was the last");
  */
  while (client->data_index < client->data_count) {
    const char *piece = client->data[client->data_index] + client->data_offset;
    size_t length = strlen(piece);
    if (length > size)
      length = size;
    memcpy(bytes, piece, length);
    client->data_offset += length;
    if (piece[length] == '\0') {
      client->data_index++;
      client->data_offset = 0;
    }
    if (client->data_index == client->data_count)
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (length > 0)
      return (ssize_t)length;
  }
  *flags |= NGHTTP2_DATA_FLAG_EOF; /* all pieces were empty */
  return 0;
  /* END SOLUTION */
}

/* --- TODO 3: header fields -------------------------------------------------------------------- */

/* A header block begins. RFC 9113, section 8.1: any number of informational blocks (status 1xx) may
 * come, then the final one, and perhaps trailers after the body. */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  (void)user;
  /* BEGIN SOLUTION */
  /* STARTER
  // If the final response has already come, these are trailers; otherwise the blocks before were
  // only informational.
  (void)request;
  todo(3, "note whether these are trailers, and forget informational blocks");
  */
  request->in_trailers = request->status >= 200;
  if (!request->in_trailers)
    buffer_clear(&request->headers);
  return 0;
  /* END SOLUTION */
}

/* One header field of the block that began last. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user) {
  struct request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  (void)flags;
  (void)user;
  /* BEGIN SOLUTION */
  /* STARTER
  // Add "name: value\n" to request->headers, but not for trailers, and note the value of :status.
  (void)request;
  (void)name;
  (void)name_length;
  (void)value;
  (void)value_length;
  todo(3, "keep the header field");
  */
  if (request->in_trailers)
    return 0;
  if (field_is(name, name_length, ":status"))
    request->status = atoi((const char *)value); /* three digits; nghttp2 has checked that */
  if (buffer_append(&request->headers, name, name_length) != 0 ||
      buffer_append_text(&request->headers, ": ") != 0 ||
      buffer_append(&request->headers, value, value_length) != 0 ||
      buffer_append_text(&request->headers, "\n") != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return 0;
  /* END SOLUTION */
}

/* --- TODO 4: the body ------------------------------------------------------------------------- */

/* The content of a DATA frame, or a part of it, has arrived. nghttp2 opens the windows again by
 * itself. */
static int on_data_chunk_recv(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                              const uint8_t *data, size_t length, void *user) {
  (void)flags;
  (void)user;
  /* BEGIN SOLUTION */
  /* STARTER
  (void)session;
  (void)stream_id;
  (void)data;
  (void)length;
  todo(4, "keep the piece of body with the request that it belongs to");
  */
  struct request *request = nghttp2_session_get_stream_user_data(session, stream_id);
  if (buffer_append(&request->body, data, length) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return 0;
  /* END SOLUTION */
}

/* --- TODO 5: the end of a stream -------------------------------------------------------------- */

/* Headers, an empty line, the body. */
static void print_response(const struct request *request) {
  buffer_print(&request->headers, stdout);
  putchar('\n');
  buffer_print_line(&request->body, stdout);
  fflush(stdout); /* main asks ferror once, at the end */
}

/* A stream is over: both sides have sent END_STREAM, or one has reset it, or the
 * peer's GOAWAY has refused it. */
static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user) {
  struct client *client = user;
  struct request *request = nghttp2_session_get_stream_user_data(session, stream_id);
  /* BEGIN SOLUTION */
  /* STARTER
  // A response is complete if END_STREAM has arrived, and the stream was not closed with an error.
  // Print it; otherwise fail with the request's path and nghttp2_http2_strerror of the error code.
  // When all requests are finished, call connection_close.
  (void)client;
  (void)request;
  (void)error_code;
  (void)print_response;
  todo(5, "print the response or say why there is none; after the last one, close the connection");
  */
  if (request->ended && error_code == NGHTTP2_NO_ERROR)
    print_response(request);
  else
    fail(client, request->path, nghttp2_http2_strerror(error_code));
  client->finished++;
  if (client->finished == client->request_count)
    connection_close(client->connection);
  return 0;
  /* END SOLUTION */
}

/* --- Given ------------------------------------------------------------------------------------ */

/* A frame has arrived. The last one of a response has END_STREAM (RFC 9113, section 8.1). */
static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  bool can_be_last = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  (void)user;
  if (request && can_be_last && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
    request->ended = true;
  return 0;
}

static void on_open(struct connection *connection, void *user) {
  struct client *client = user;
  for (size_t i = 0; i < client->request_count; i++) {
    int32_t stream_id = submit_request(client, &client->requests[i]);
    if (stream_id >= 0)
      continue;
    fail(client, client->requests[i].path, nghttp2_strerror(stream_id));
    connection_close(connection);
    return;
  }
}

static void on_close(struct connection *connection, const char *error, void *user) {
  struct client *client = user;
  (void)connection;
  if (error)
    fail(client, client->name, error);
}

static nghttp2_session_callbacks *create_callbacks(void) {
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    return NULL;
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk_recv);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  return callbacks;
}

/* Connect, and run the loop until the connection is closed. */
static void run(struct client *client) {
  nghttp2_session_callbacks *callbacks = create_callbacks();
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  const struct connection_config config = {.callbacks = callbacks,
                                           .settings = settings,
                                           .setting_count = 1,
                                           .on_open = on_open,
                                           .on_close = on_close};
  uv_loop_t *loop = uv_default_loop();
  if (callbacks)
    client->connection = connection_connect(loop, &client->url, NULL, &config, client);
  if (client->connection)
    uv_run(loop, UV_RUN_DEFAULT);
  else
    fail(client, client->name, "out of memory");
  uv_loop_close(loop);
  nghttp2_session_callbacks_del(callbacks);
}

static int usage(void) {
  fprintf(stderr, "usage: requests [-d DATA]... URL [PATH]...\n");
  return -1;
}

/* Fill in the client. Returns 0; or says what is wrong, and returns -1. */
static int parse_arguments(struct client *client, int argc, char **argv) {
  client->data = calloc((size_t)argc, sizeof *client->data);
  client->requests = calloc((size_t)argc, sizeof *client->requests);
  if (!client->data || !client->requests) {
    fprintf(stderr, "requests: out of memory\n");
    return -1;
  }
  int option;
  while ((option = getopt(argc, argv, "d:")) != -1) {
    if (option != 'd')
      return usage();
    client->data[client->data_count++] = optarg;
  }
  if (optind == argc || (client->data_count > 0 && optind + 1 < argc))
    return usage();
  client->name = argv[optind];
  if (url_parse(&client->url, client->name) != 0 || client->url.tls) {
    fprintf(stderr, "requests: %s: not a URL that begins with http://\n", client->name);
    return -1;
  }
  client->requests[client->request_count++].path = client->url.path;
  for (int i = optind + 1; i < argc; i++) {
    if (argv[i][0] != '/')
      return usage();
    client->requests[client->request_count++].path = argv[i];
  }
  return 0;
}

static void free_client(struct client *client) {
  for (size_t i = 0; i < client->request_count; i++) {
    buffer_free(&client->requests[i].headers);
    buffer_free(&client->requests[i].body);
  }
  free(client->requests);
  free(client->data);
  url_free(&client->url);
}

int main(int argc, char **argv) {
  struct client client = {0};
  int status = 2;
  if (parse_arguments(&client, argc, argv) == 0) {
    run(&client);
    if (ferror(stdout))
      fail(&client, "standard output", "cannot be written");
    status = client.failed ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  free_client(&client);
  return status;
}
