/*
 * grpc: a gRPC service, without a gRPC library: messages over HTTP/2 streams.
 *
 *   grpc [--port N]
 *
 *   /example.Echo/Say    unary: one message, and the same message back
 *   /example.Echo/Talk   streaming both ways: each message comes back as soon as it is complete
 *
 * What to see here: how to cut messages out of DATA frames as they come, a response that begins
 * before the request has ended, and trailers, which carry the outcome. The transport does not know
 * what the bytes of a message mean (Protocol Buffers); this server sends them back as they came.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/field.h"
#include "common/number.h"
#include "common/server.h"

enum {
  PREFIX = 5,                    /* before each message: whether it is compressed, and its length */
  LARGEST_MESSAGE = 1024 * 1024, /* that one call may keep waiting in our memory */
};

/* The outcomes that we know: https://grpc.io/docs/guides/status-codes */
static const char OK[] = "0", INVALID_ARGUMENT[] = "3", RESOURCE_EXHAUSTED[] = "8",
                  UNIMPLEMENTED[] = "12";

struct call {
  struct buffer received; /* the beginning of a message, until it is complete */
  size_t messages;
  bool is_unary;
  bool has_ended; /* we have sent the outcome */
};

static const char GRPC[] = "application/grpc";

/* --- The response ----------------------------------------------------------------------------- */

/* End the call with an outcome in the trailers, and refuse the rest of the request. */
static void end_call(struct stream *stream, struct call *call, const char *status,
                     const char *message) {
  const nghttp2_nv outcome[] = {field_make("grpc-status", status),
                                field_make("grpc-message", message)};
  call->has_ended = true;
  if (stream_trailers(stream, outcome, *message ? 2 : 1) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  stream_refuse(stream);
}

/* Send only an outcome: gRPC calls this "Trailers-Only", though it is a header section. */
static void refuse_call(struct stream *stream, const char *status, const char *message) {
  const nghttp2_nv fields[] = {field_make("content-type", GRPC), field_make("grpc-status", status),
                               field_make("grpc-message", message)};
  stream_refuse(stream);
  if (stream_respond(stream, 200, fields, 3, 0) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
}

/* --- The request ------------------------------------------------------------------------------ */

/* Send `prefix` and the message after it. Do not read from a client that reads less than it
 * sends. */
static void echo(struct stream *stream, struct call *call, const uint8_t *prefix, size_t length) {
  call->messages++;
  if (call->is_unary && call->messages > 1)
    end_call(stream, call, INVALID_ARGUMENT, "more than one message");
  else if (prefix[0] != 0)
    end_call(stream, call, UNIMPLEMENTED, "this server cannot decompress messages");
  else if (stream_write(stream, prefix, PREFIX + length) == 0)
    stream_pause(stream);
}

/* Cut off all complete messages. */
static void take_messages(struct stream *stream, struct call *call) {
  const uint8_t *bytes = (const uint8_t *)call->received.bytes;
  size_t left = call->received.length;
  while (left >= PREFIX && !call->has_ended) {
    size_t length =
        (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | bytes[4];
    if (length > LARGEST_MESSAGE)
      end_call(stream, call, RESOURCE_EXHAUSTED, "the message is too long");
    if (length > left - PREFIX || call->has_ended)
      break;
    echo(stream, call, bytes, length);
    bytes += PREFIX + length;
    left -= PREFIX + length;
  }
  struct buffer rest = {0};
  if (left > 0 && !call->has_ended && buffer_append(&rest, bytes, left) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  buffer_free(&call->received);
  call->received = rest;
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct call *call = user;
  if (buffer_append(&call->received, data, length) != 0)
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
  else
    take_messages(stream, call);
}

static void on_end(struct stream *stream, void *user) {
  struct call *call = user;
  if (call->received.length > 0)
    end_call(stream, call, INVALID_ARGUMENT, "half a message");
  else if (call->is_unary && call->messages != 1)
    end_call(stream, call, INVALID_ARGUMENT, "no message");
  else
    end_call(stream, call, OK, "");
}

static void on_drain(struct stream *stream, void *user) {
  (void)user;
  stream_resume(stream);
}

static void on_close(struct stream *stream, uint32_t error_code, void *user) {
  struct call *call = user;
  (void)stream, (void)error_code;
  buffer_free(&call->received);
  free(call);
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events events = {
      .on_data = on_data, .on_end = on_end, .on_drain = on_drain, .on_close = on_close};
  const char *type = stream_header(stream, "content-type");
  const char *path = stream_path(stream);
  const nghttp2_nv field = field_make("content-type", GRPC);
  (void)user;
  if (!type || strncmp(type, GRPC, strlen(GRPC)) != 0) {
    stream_respond(stream, 415, NULL, 0, 0);
    return;
  }
  bool is_unary = strcmp(path, "/example.Echo/Say") == 0;
  if (!is_unary && strcmp(path, "/example.Echo/Talk") != 0) {
    refuse_call(stream, UNIMPLEMENTED, "no such method");
    return;
  }
  struct call *call = calloc(1, sizeof *call);
  if (!call || stream_respond(stream, 200, &field, 1, STREAM_LENGTH_UNKNOWN) != 0) {
    free(call);
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  call->is_unary = is_unary;
  stream_set_events(stream, &events, call);
}

int main(int argc, char **argv) {
  long port = argc == 3 && strcmp(argv[1], "--port") == 0 ? number_parse(argv[2], 65535) : 8000;
  if (port < 0 || (argc != 1 && argc != 3)) {
    fprintf(stderr, "usage: grpc [--port N]\n");
    return 2;
  }
  char error[256];
  uv_loop_t *loop = uv_default_loop();
  const struct server_config config = {.port = (int)port, .on_stream = on_stream};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server || server_close_on_signals(server) != 0) {
    fprintf(stderr, "grpc: %s\n", server ? "no signals" : error);
    return EXIT_FAILURE;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
