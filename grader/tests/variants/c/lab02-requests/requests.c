/*
 * Lab 2 in another way: plain sockets, padding in every frame, request bodies without a copy
 * (NO_COPY) in DATA frames of at most 1000 bytes and an empty one at the end, windows opened by
 * hand after every piece, and extra fields, in another order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../wire.h"

enum { REQUESTS = 256, PIECE = 1000 };

/* A growing text. */
struct text {
  char *bytes;
  size_t length;
  size_t size;
};

struct request {
  const char *path;
  struct text head;
  struct text body;
  bool final;    /* the header section of the final response has come */
  bool trailing; /* header sections that come now are trailers */
  bool whole;
};

struct requests {
  struct wire wire;
  const char *url;
  char authority[256];
  struct request all[REQUESTS];
  size_t count;
  size_t open;
  struct text data; /* the body to post ... */
  size_t sent;      /* ... and how much of it we have sent */
  bool posts;
  bool failed;
};

static void add(struct text *text, const void *bytes, size_t length) {
  if (length == 0)
    return;
  if (text->length + length > text->size) {
    text->size = 2 * (text->length + length);
    text->bytes = realloc(text->bytes, text->size);
    if (!text->bytes)
      abort();
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static void print(const struct text *text) {
  if (text->length > 0)
    fwrite(text->bytes, 1, text->length, stdout);
}

/* Print the body, and a newline if it does not end in one. */
static void print_line(const struct text *text) {
  print(text);
  if (text->length > 0 && text->bytes[text->length - 1] != '\n')
    putchar('\n');
}

static void fail(struct requests *requests, const char *what, const char *why) {
  fprintf(stderr, "requests: %s: %s\n", what, why);
  requests->failed = true;
}

/* --- The body of a request -------------------------------------------------------------------- */

static ssize_t on_read(nghttp2_session *session, int32_t stream, uint8_t *bytes, size_t size,
                       uint32_t *flags, nghttp2_data_source *source, void *user) {
  const struct requests *requests = user;
  (void)session;
  (void)stream;
  (void)bytes;
  (void)source;
  size_t left = requests->data.length - requests->sent;
  if (size > PIECE)
    size = PIECE;
  *flags = NGHTTP2_DATA_FLAG_NO_COPY | (left == 0 ? NGHTTP2_DATA_FLAG_EOF : 0);
  return (ssize_t)(left < size ? left : size);
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                        size_t length, nghttp2_data_source *source, void *user) {
  struct requests *requests = user;
  (void)session;
  (void)source;
  const char *bytes = requests->data.length > 0 ? requests->data.bytes + requests->sent : "";
  requests->sent += length;
  return wire_put_data(&requests->wire, frame, header, bytes, length);
}

/* --- The responses ---------------------------------------------------------------------------- */

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  (void)user;
  request->trailing = request->final;
  if (!request->trailing)
    request->head.length = 0;
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user) {
  struct request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  nghttp2_vec key = nghttp2_rcbuf_get_buf(name);
  nghttp2_vec text = nghttp2_rcbuf_get_buf(value);
  (void)flags;
  (void)user;
  if (request->trailing)
    return 0;
  if (key.len == 7 && memcmp(key.base, ":status", 7) == 0)
    request->final = text.base[0] != '1';
  add(&request->head, key.base, key.len);
  add(&request->head, ": ", 2);
  add(&request->head, text.base, text.len);
  add(&request->head, "\n", 1);
  return 0;
}

/* Open the stream's window again piece by piece, and the connection's window as soon as there is
 * anything to give back. */
static int on_chunk(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                    size_t length, void *user) {
  struct request *request = nghttp2_session_get_stream_user_data(session, stream);
  (void)flags;
  (void)user;
  add(&request->body, bytes, length);
  if (nghttp2_session_consume(session, stream, length) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return nghttp2_submit_window_update(session, 0, 0, 1);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  (void)user;
  if (request && frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
      (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
    request->whole = true;
  return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user) {
  struct requests *requests = user;
  struct request *request = nghttp2_session_get_stream_user_data(session, stream);
  if (request->whole && error == NGHTTP2_NO_ERROR) {
    print(&request->head);
    putchar('\n');
    print_line(&request->body);
    fflush(stdout); /* now, not after the last one */
  } else {
    fail(requests, request->path, nghttp2_http2_strerror(error));
  }
  return --requests->open == 0 ? nghttp2_session_terminate_session(session, NGHTTP2_NO_ERROR) : 0;
}

/* --- The requests ----------------------------------------------------------------------------- */

static nghttp2_nv field(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
                      NGHTTP2_NV_FLAG_NONE};
}

static void submit(struct requests *requests, struct request *request) {
  const nghttp2_nv fields[] = {
      field(":path", request->path),
      field(":authority", requests->authority),
      field(":method", requests->posts ? "POST" : "GET"),
      field(":scheme", "http"),
      field("user-agent", "variant"),
      field("accept", "*/*"),
  };
  const nghttp2_data_provider body = {.read_callback = on_read};
  if (nghttp2_submit_request(requests->wire.session, NULL, fields, 6,
                             requests->posts ? &body : NULL, request) < 0)
    fail(requests, request->path, "cannot be submitted");
  requests->open++;
}

static void open_session(struct requests *requests) {
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
                                             {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  nghttp2_session_callbacks *callbacks;
  nghttp2_option *option;
  if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
    abort();
  nghttp2_option_set_no_auto_window_update(option, 1);
  wire_set_callbacks(callbacks);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
  nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_chunk);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  if (nghttp2_session_client_new2(&requests->wire.session, callbacks, requests, option) != 0 ||
      nghttp2_submit_settings(requests->wire.session, 0, settings, 2) != 0)
    abort();
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
}

/* Fill in the requests, and `port`. Returns false for wrong usage. */
static bool parse(struct requests *requests, int argc, char **argv, char port[8]) {
  static const char scheme[] = "http://";
  int option;
  while ((option = getopt(argc, argv, "d:")) == 'd') {
    requests->posts = true;
    add(&requests->data, optarg, strlen(optarg));
  }
  if (option != -1 || optind == argc || strncmp(argv[optind], scheme, strlen(scheme)) != 0 ||
      (requests->posts && argc - optind > 1) || argc - optind > REQUESTS)
    return false;
  for (int i = optind + 1; i < argc; i++)
    if (*argv[i] != '/')
      return false;
  requests->url = argv[optind];
  const char *host = argv[optind] + strlen(scheme);
  size_t length = strcspn(host, "/");
  snprintf(requests->authority, sizeof requests->authority, "%.*s", (int)length, host);
  requests->all[requests->count++].path = host[length] ? host + length : "/";
  for (int i = optind + 1; i < argc; i++)
    requests->all[requests->count++].path = argv[i];
  /* an IPv6 address has colons of its own, in brackets */
  const char *bracket = strchr(requests->authority, ']');
  const char *colon = strchr(bracket ? bracket : requests->authority, ':');
  snprintf(port, 8, "%s", colon ? colon + 1 : "80");
  return true;
}

int main(int argc, char **argv) {
  static struct requests requests;
  char port[8];
  char host[256];
  const char *error = NULL;
  if (!parse(&requests, argc, argv, port)) {
    fprintf(stderr, "usage: requests [-d DATA]... URL [PATH]...\n");
    return 2;
  }
  bool bracketed = *requests.authority == '[';
  snprintf(host, sizeof host, "%s", requests.authority + bracketed);
  host[strcspn(host, bracketed ? "]" : ":")] = '\0';
  requests.wire.socket = wire_connect(host, port, &error);
  if (requests.wire.socket >= 0) {
    open_session(&requests);
    for (size_t i = requests.count; i > 0; i--) /* the last one first */
      submit(&requests, &requests.all[i - 1]);
    wire_run(&requests.wire);
    error = requests.wire.error;
  }
  if (error)
    fail(&requests, requests.url, error);
  for (size_t i = 0; i < requests.count; i++) {
    free(requests.all[i].head.bytes);
    free(requests.all[i].body.bytes);
  }
  free(requests.data.bytes);
  return requests.failed;
}
