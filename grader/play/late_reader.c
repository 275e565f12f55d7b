/* late_reader: see late_reader.h. */
#include "grader/play/late_reader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/field.h"
#include "common/inner/channel.h"
#include "common/tls.h"
#include "grader/play/trail.h"

enum {
  LITTLE = 2048, /* what the socket takes at first */
  MUCH = 1 << 20,
  SEGMENT = 536, /* the smaller a segment, the less the kernel keeps for the sender */
};

static const double STUCK_SECONDS = 0.03;

struct late_reader {
  struct exchange *exchange;
  struct channel channel;
  nghttp2_session *session;
  struct buffer body;
  char error[160]; /* "" as long as all is well */
};

/* A socket that takes little, connected to the program. Returns -1 on failure. */
static int connect_little(int port) {
  struct sockaddr_in name = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return -1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_MAXSEG, &(int){SEGMENT}, sizeof(int));
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &(int){LITTLE}, sizeof(int));
  if (connect(descriptor, (struct sockaddr *)&name, sizeof name) == 0 &&
      fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
    return descriptor;
  int number = errno;
  close(descriptor);
  errno = number;
  return -1;
}

/* Take the next step. Returns whether there is nothing more to wait for. */
static bool shake_hands(void *argument) {
  struct late_reader *reader = argument;
  ERR_clear_error();
  errno = 0;
  int result = SSL_do_handshake(reader->channel.ssl);
  int code = SSL_get_error(reader->channel.ssl, result);
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
    return false;
  if (code != SSL_ERROR_NONE)
    tls_explain(reader->channel.ssl, code, reader->error, sizeof reader->error);
  return true;
}

/* The server has said something, and sleeps. */
static bool is_stuck(void *argument) {
  const struct late_reader *reader = argument;
  int waiting = 0;
  return ioctl(reader->channel.descriptor, FIONREAD, &waiting) == 0 && waiting > 0 &&
         program_idle(reader->exchange->program) >= STUCK_SECONDS;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t length, void *user) {
  struct late_reader *reader = user;
  (void)session;
  (void)flags;
  (void)id;
  return buffer_append(&reader->body, data, length) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static ssize_t send_bytes(nghttp2_session *session, const uint8_t *data, size_t length, int flags,
                          void *user) {
  struct late_reader *reader = user;
  (void)session;
  (void)flags;
  ssize_t sent = channel_write(&reader->channel, data, length);
  if (sent >= 0)
    return sent;
  return sent == CHANNEL_AGAIN ? NGHTTP2_ERR_WOULDBLOCK : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* A session with one GET in it. Returns 0 or -1. */
static int ask(struct late_reader *reader, const char *path) {
  nghttp2_session_callbacks *callbacks;
  const nghttp2_nv fields[] = {field_make(":method", "GET"), field_make(":scheme", "https"),
                               field_make(":authority", "localhost"), field_make(":path", path)};
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    return -1;
  nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  int error = nghttp2_session_client_new(&reader->session, callbacks, reader);
  nghttp2_session_callbacks_del(callbacks);
  return error == 0 && nghttp2_submit_settings(reader->session, NGHTTP2_FLAG_NONE, NULL, 0) == 0 &&
                 nghttp2_submit_request(reader->session, NULL, fields, 4, NULL, NULL) > 0
             ? 0
             : -1;
}

struct answer {
  struct late_reader *reader;
  const char *body;
};

static bool has_answer(void *argument) {
  const struct answer *answer = argument;
  struct late_reader *reader = answer->reader;
  uint8_t bytes[CHANNEL_RECORD];
  ssize_t length;
  while ((length = channel_read(&reader->channel, bytes, sizeof bytes, reader->error,
                                sizeof reader->error)) > 0)
    if (nghttp2_session_mem_recv(reader->session, bytes, (size_t)length) < 0)
      break;
  nghttp2_session_send(reader->session);
  if (length != CHANNEL_AGAIN)
    return true;
  return reader->body.bytes && strcmp(reader->body.bytes, answer->body) == 0;
}

static void end(struct late_reader *reader) {
  nghttp2_session_del(reader->session);
  channel_close(&reader->channel);
  buffer_free(&reader->body);
}

static _Noreturn void fail(struct late_reader *reader, const char *what) {
  char seen[sizeof reader->error];
  snprintf(seen, sizeof seen, "%s",
           *reader->error ? reader->error : "the server does not go on, though it can write again");
  struct exchange *exchange = reader->exchange;
  end(reader);
  trail_blame_handshake(exchange, seen);
  exchange_fail_at(exchange, -1, "the rest of the handshake", seen, "%s", what);
}

void late_reader_run(struct exchange *exchange, const char *path, const char *body) {
  struct late_reader reader = {.exchange = exchange, .channel.descriptor = -1};
  struct answer answer = {&reader, body};
  int descriptor = connect_little(exchange->port);
  if (descriptor < 0 && errno == ECONNREFUSED)
    exchange_fail(exchange, "late-connection-refused| Your server does not accept a connection.");
  if (descriptor < 0 || channel_use_tls(&reader.channel, exchange->tls, "localhost") != 0 ||
      channel_open(&reader.channel, descriptor) != 0)
    exchange_fault(exchange, "no socket, or no memory");
  exchange_touch(exchange);
  shake_hands(&reader); /* ClientHello */
  exchange_await(exchange, is_stuck, &reader);
  setsockopt(reader.channel.descriptor, SOL_SOCKET, SO_RCVBUF, &(int){MUCH}, sizeof(int));
  exchange_touch(exchange);
  if (!exchange_await(exchange, shake_hands, &reader) || *reader.error)
    fail(&reader, "not-finish-handshake-client-reads| Your server does not finish the handshake "
                  "with a client that reads late.");
  if (ask(&reader, path) != 0)
    exchange_fault(exchange, "out of memory");
  if (!exchange_await(exchange, has_answer, &answer) || *reader.error)
    fail(&reader,
         "not-answer-client-reads-late| Your server does not answer a client that reads late.");
  end(&reader);
}
