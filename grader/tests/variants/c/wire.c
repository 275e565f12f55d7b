/* wire: see wire.h. */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- Sending ---------------------------------------------------------------------------------- */

int wire_put(struct wire *wire, const void *bytes, size_t length) {
  if (length == 0)
    return 0;
  if (wire->length + length > wire->size) {
    size_t size = 2 * (wire->length + length);
    uint8_t *grown = realloc(wire->out, size);
    if (!grown)
      return -1;
    wire->out = grown;
    wire->size = size;
  }
  memcpy(wire->out + wire->length, bytes, length);
  wire->length += length;
  return 0;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *bytes, size_t length, int flags,
                       void *user) {
  (void)session;
  (void)flags;
  return wire_put(user, bytes, length) == 0 ? (ssize_t)length : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int wire_put_data(struct wire *wire, const nghttp2_frame *frame, const uint8_t *header,
                  const void *bytes, size_t length) {
  static const uint8_t zeros[256];
  size_t padding = frame->data.padlen; /* includes the byte of its length */
  uint8_t count = padding > 0 ? (uint8_t)(padding - 1) : 0;
  if (wire_put(wire, header, 9) != 0 || wire_put(wire, &count, padding > 0) != 0 ||
      wire_put(wire, bytes, length) != 0 || wire_put(wire, zeros, count) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return 0;
}

/* Up to 7 bytes of padding: no peer may mind. */
static ssize_t on_padding(nghttp2_session *session, const nghttp2_frame *frame, size_t largest,
                          void *user) {
  (void)session;
  (void)user;
  size_t padded = frame->hd.length + 1 + (size_t)frame->hd.stream_id % 7;
  return (ssize_t)(padded < largest ? padded : largest);
}

void wire_set_callbacks(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
  nghttp2_session_callbacks_set_select_padding_callback(callbacks, on_padding);
}

/* --- Sockets ---------------------------------------------------------------------------------- */

int wire_connect(const char *host, const char *port, const char **error) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *addresses = NULL;
  int found = getaddrinfo(host, port, &hints, &addresses);
  int result = -1;
  *error = found != 0 ? gai_strerror(found) : NULL;
  for (struct addrinfo *next = addresses; next && result < 0; next = next->ai_next) {
    result = socket(next->ai_family, next->ai_socktype, next->ai_protocol);
    if (result >= 0 && connect(result, next->ai_addr, next->ai_addrlen) != 0) {
      *error = strerror(errno);
      close(result);
      result = -1;
    }
  }
  if (addresses)
    freeaddrinfo(addresses);
  return result;
}

int wire_listen(int *port, const char **error) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  struct addrinfo *address = NULL;
  struct sockaddr_storage name = {0};
  socklen_t size = sizeof name;
  char service[16];
  char number[16];
  int on = 1;
  int result = -1;
  snprintf(service, sizeof service, "%d", *port);
  if (getaddrinfo("localhost", service, &hints, &address) == 0)
    result = socket(address->ai_family, address->ai_socktype, 0);
  if (result >= 0 &&
      (setsockopt(result, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
       bind(result, address->ai_addr, address->ai_addrlen) != 0 || listen(result, 128) != 0)) {
    *error = strerror(errno);
    close(result);
    result = -1;
  }
  if (result >= 0 && getsockname(result, (struct sockaddr *)&name, &size) == 0 &&
      getnameinfo((struct sockaddr *)&name, size, NULL, 0, number, sizeof number, NI_NUMERICSERV) ==
          0)
    *port = atoi(number);
  if (address)
    freeaddrinfo(address);
  return result;
}

/* --- TLS -------------------------------------------------------------------------------------- */

int wire_use_tls(struct wire *wire, SSL *ssl) {
  int flags = fcntl(wire->socket, F_GETFL);
  wire->ssl = ssl;
  wire->greeting = POLLIN;
  if (!ssl || flags < 0 || fcntl(wire->socket, F_SETFL, flags | O_NONBLOCK) != 0 ||
      SSL_set_fd(ssl, wire->socket) != 1)
    return -1;
  SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return 0;
}

/* A call on the SSL did nothing: find out why. Returns 0 at the end of the stream; else -1, with
 * EAGAIN in errno if the call must wait, or with the reason in the wire. */
static ssize_t explain(struct wire *wire, int result) {
  int number = errno;
  int code = SSL_get_error(wire->ssl, result);
  long verified = SSL_get_verify_result(wire->ssl);
  wire->greeting = code == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
  errno = EAGAIN;
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
    return -1;
  if (code == SSL_ERROR_ZERO_RETURN)
    return 0;
  errno = number == EAGAIN || number == EINTR || number == 0 ? EPROTO : number;
  if (verified != X509_V_OK)
    wire->error = X509_verify_cert_error_string(verified);
  else if (code == SSL_ERROR_SSL)
    wire->error = ERR_reason_error_string(ERR_peek_last_error());
  return -1;
}

/* The handshake may just be complete: then the other side must have agreed to HTTP/2. */
static bool greet(struct wire *wire) {
  const unsigned char *protocol;
  unsigned length;
  if (wire->greeted || !SSL_is_init_finished(wire->ssl))
    return true;
  SSL_get0_alpn_selected(wire->ssl, &protocol, &length);
  wire->greeted = length == 2 && memcmp(protocol, "h2", 2) == 0;
  if (!wire->greeted)
    wire->error = "ALPN did not choose HTTP/2";
  errno = EPROTO;
  return wire->greeted;
}

/* --- One connection --------------------------------------------------------------------------- */

static ssize_t take(struct wire *wire, uint8_t *bytes, size_t size) {
  if (!wire->ssl)
    return recv(wire->socket, bytes, size, MSG_DONTWAIT);
  ERR_clear_error();
  errno = 0;
  int length = SSL_read(wire->ssl, bytes, (int)size);
  ssize_t result = length > 0 ? length : explain(wire, length);
  int number = errno;
  if (!greet(wire))
    return -1;
  errno = number;
  return result;
}

static ssize_t give(struct wire *wire) {
  if (!wire->ssl)
    return send(wire->socket, wire->out, wire->length, MSG_DONTWAIT | MSG_NOSIGNAL);
  ERR_clear_error();
  errno = 0;
  int length = SSL_write(wire->ssl, wire->out, (int)wire->length);
  return length > 0 ? length : explain(wire, length);
}

/* Whether HTTP/2 cannot begin yet. */
static bool shakes_hands(const struct wire *wire) {
  return wire->ssl && !wire->greeted;
}

short wire_events(const struct wire *wire) {
  if (shakes_hands(wire))
    return wire->greeting;
  return wire->length > 0 ? POLLIN | POLLOUT : POLLIN;
}

/* Returns false when nothing more will come, or something is wrong. */
static bool receive(struct wire *wire) {
  uint8_t bytes[4096];
  do { /* TLS may hold more than the socket: read all of it */
    ssize_t length = take(wire, bytes, sizeof bytes);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
      return true;
    if (length <= 0) {
      if (!wire->error)
        wire->error = length == 0 ? "closed by the peer" : strerror(errno);
      return false;
    }
    ssize_t taken = nghttp2_session_mem_recv(wire->session, bytes, (size_t)length);
    if (taken < 0) {
      wire->error = nghttp2_strerror((int)taken);
      return false;
    }
  } while (wire->ssl);
  return true;
}

static bool transmit(struct wire *wire) {
  if (shakes_hands(wire))
    return true;
  int failure = nghttp2_session_send(wire->session);
  if (failure != 0) {
    wire->error = nghttp2_strerror(failure);
    return false;
  }
  if (wire->length == 0)
    return true;
  ssize_t sent = give(wire);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    if (!wire->error)
      wire->error = strerror(errno);
    return false;
  }
  if (sent > 0) {
    memmove(wire->out, wire->out + sent, wire->length - (size_t)sent);
    wire->length -= (size_t)sent;
  }
  return true;
}

void wire_drop(struct wire *wire) {
  uint8_t rest[4096];
  ERR_clear_error();
  if (wire->ssl && SSL_is_init_finished(wire->ssl))
    SSL_shutdown(wire->ssl);
  SSL_free(wire->ssl);
  shutdown(wire->socket, SHUT_WR);
  while (recv(wire->socket, rest, sizeof rest, MSG_DONTWAIT) > 0)
    ;
  close(wire->socket);
  nghttp2_session_del(wire->session);
  free(wire->out);
  wire->ssl = NULL;
  wire->session = NULL;
  wire->out = NULL;
  wire->length = wire->size = 0;
  wire->socket = -1;
}

bool wire_step(struct wire *wire, short events) {
  bool comes = shakes_hands(wire) || (events & (POLLIN | POLLHUP | POLLERR));
  bool goes_on = !comes || receive(wire);
  /* Send also what tells a wrong peer so. */
  goes_on = transmit(wire) && goes_on;
  bool wanted =
      nghttp2_session_want_read(wire->session) || nghttp2_session_want_write(wire->session);
  if (goes_on && (wanted || wire->length > 0))
    return true;
  if (!wanted && wire->length == 0)
    wire->error = NULL; /* both sides had finished */
  wire_drop(wire);
  return false;
}

void wire_run(struct wire *wire) {
  struct pollfd poll_for = {.fd = wire->socket};
  bool goes_on = wire_step(wire, 0);
  while (goes_on) {
    poll_for.events = wire_events(wire);
    if (poll(&poll_for, 1, -1) < 0)
      poll_for.revents = 0;
    goes_on = wire_step(wire, poll_for.revents);
  }
}
