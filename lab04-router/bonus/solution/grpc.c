/*
 * Bonus of lab 4: a gRPC server by hand.
 *
 *   grpc [--port N]        8000 by default; 0 takes any free port
 *
 * It has one method, POST /hello.Greeter/Hello: a request with the message "NAME" gets the message
 * "Hello NAME".
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/buffer.h"
#include "common/field.h"
#include "common/number.h"
#include "common/server.h"
#include "common/todo.h"

/* gRPC's status codes, and the bytes before each message. */
enum { GRPC_OK = 0, GRPC_UNIMPLEMENTED = 12, GRPC_INTERNAL = 13, PREFIX_LENGTH = 5 };

/* One request, while its body arrives. */
struct call {
  struct buffer body;
};

/* --- TODO 1: an error ------------------------------------------------------------------------- */

/* Answer with an error: one HEADERS frame, which ends the stream. */
static void refuse(struct stream *stream, int grpc_status) {
  char text[16];
  snprintf(text, sizeof text, "%d", grpc_status);
  /* BEGIN SOLUTION */
  /* STARTER
  // stream_respond: HTTP status 200, content-type application/grpc, and grpc-status among the
  // fields. Which body_length makes HEADERS the last frame?
  (void)stream;
  todo(1, "answer with an error in one frame");
  */
  const nghttp2_nv fields[] = {field_make("content-type", "application/grpc"),
                               field_make("grpc-status", text)};
  stream_respond(stream, 200, fields, 2, 0);
  /* END SOLUTION */
}

/* --- TODO 2: which requests are calls --------------------------------------------------------- */

/* A request that no call can be made from gets its answer at once. Returns whether it did. */
static bool turn_away(struct stream *stream) {
  const char *type = stream_header(stream, "content-type");
  /* BEGIN SOLUTION */
  /* STARTER
  // No content-type that begins with "application/grpc": this is not gRPC, so HTTP status 415, and
  // no body. Not POST, or another path than /hello.Greeter/Hello: GRPC_UNIMPLEMENTED.
  (void)type;
  todo(2, "turn away what is no call");
  */
  if (!type || strncmp(type, "application/grpc", strlen("application/grpc")) != 0) {
    stream_respond(stream, 415, NULL, 0, 0);
    return true;
  }
  if (strcmp(stream_method(stream), "POST") == 0 &&
      strcmp(stream_path(stream), "/hello.Greeter/Hello") == 0)
    return false;
  refuse(stream, GRPC_UNIMPLEMENTED);
  return true;
  /* END SOLUTION */
}

/* --- TODO 3: the message in a body ------------------------------------------------------------ */

/* The body must be one message: returns GRPC_OK, and where it is; or the status of the error. */
static int find_message(const struct buffer *body, const char **message, size_t *length) {
  /* BEGIN SOLUTION */
  /* STARTER
  // body->bytes has body->length bytes: first the prefix, then the message. The first byte is 0, or
  // 1 if the message is compressed (GRPC_UNIMPLEMENTED). Four bytes have its length, the most
  // significant first. A body that is not exactly one message is GRPC_INTERNAL.
  (void)body;
  (void)message;
  (void)length;
  todo(3, "find the message in the body");
  */
  const unsigned char *bytes = (const unsigned char *)body->bytes;
  if (body->length < PREFIX_LENGTH)
    return GRPC_INTERNAL;
  if (bytes[0] != 0)
    return GRPC_UNIMPLEMENTED;
  *length = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | bytes[4];
  *message = body->bytes + PREFIX_LENGTH;
  return *length == body->length - PREFIX_LENGTH ? GRPC_OK : GRPC_INTERNAL;
  /* END SOLUTION */
}

/* --- TODO 4: a reply -------------------------------------------------------------------------- */

/* Answer with one message, and GRPC_OK. */
static void reply(struct stream *stream, const char *message, size_t length) {
  /* BEGIN SOLUTION */
  /* STARTER
  // HEADERS with status 200 and the content-type; DATA with the prefix and the message, without
  // END_STREAM; trailers with grpc-status 0, with END_STREAM.
  (void)stream;
  (void)message;
  (void)length;
  todo(4, "answer with a message and trailers");
  */
  const unsigned char prefix[PREFIX_LENGTH] = {0, (unsigned char)(length >> 24),
                                               (unsigned char)(length >> 16),
                                               (unsigned char)(length >> 8), (unsigned char)length};
  const nghttp2_nv fields[] = {field_make("content-type", "application/grpc")};
  const nghttp2_nv trailers[] = {field_make("grpc-status", "0")};
  stream_respond(stream, 200, fields, 1, STREAM_LENGTH_UNKNOWN);
  stream_write(stream, prefix, sizeof prefix);
  stream_write(stream, message, length);
  stream_trailers(stream, trailers, 1);
  /* END SOLUTION */
}

/* --- Given ------------------------------------------------------------------------------------ */

static void on_call_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct call *call = user;
  if (buffer_append(&call->body, data, length) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
}

static void on_call_end(struct stream *stream, void *user) {
  struct call *call = user;
  struct buffer text = {0};
  const char *name = NULL;
  size_t length = 0;
  int status = find_message(&call->body, &name, &length);
  if (status != GRPC_OK)
    refuse(stream, status);
  else if (buffer_append_text(&text, "Hello ") != 0 || buffer_append(&text, name, length) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  else
    reply(stream, text.bytes, text.length);
  buffer_free(&text);
}

static void on_call_close(struct stream *stream, uint32_t error_code, void *user) {
  struct call *call = user;
  (void)stream;
  (void)error_code;
  buffer_free(&call->body);
  free(call);
}

static const struct stream_events call_events = {
    .on_data = on_call_data, .on_end = on_call_end, .on_close = on_call_close};

static void on_stream(struct stream *stream, void *user) {
  (void)user;
  if (turn_away(stream))
    return;
  struct call *call = calloc(1, sizeof *call);
  if (!call) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  stream_set_events(stream, &call_events, call);
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'}, {0}};
  char error[256] = "cannot wait for signals";
  long port = 8000;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
    port = option == 'p' ? number_parse(optarg, 65535) : -1;
  if (port < 0 || optind != argc) {
    fprintf(stderr, "usage: grpc [--port N]\n");
    return 2;
  }
  uv_loop_t *loop = uv_default_loop();
  const struct server_config config = {
      .host = "localhost", .port = (int)port, .on_stream = on_stream};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server || server_close_on_signals(server) != 0) {
    fprintf(stderr, "grpc: %s\n", error);
    server_free(server);
    return EXIT_FAILURE;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
  return EXIT_SUCCESS;
}
