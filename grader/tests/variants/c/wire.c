/* wire: see wire.h. */
#include "wire.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- Sending ---------------------------------------------------------------------------------------- */

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
  size_t padding = frame->data.padlen; /* the octet that tells its length counts too */
  uint8_t count = padding > 0 ? (uint8_t)(padding - 1) : 0;
  if (wire_put(wire, header, 9) != 0 || wire_put(wire, &count, padding > 0) != 0 ||
      wire_put(wire, bytes, length) != 0 || wire_put(wire, zeros, count) != 0)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  return 0;
}

/* Up to 7 octets of padding; nobody may care. */
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

/* --- Sockets ---------------------------------------------------------------------------------------- */

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

/* --- One connection ----------------------------------------------------------------------------------- */

short wire_events(const struct wire *wire) {
  return wire->length > 0 ? POLLIN | POLLOUT : POLLIN;
}

/* Returns false when there is nothing more to come, or something is wrong. */
static bool receive(struct wire *wire) {
  uint8_t bytes[4096];
  ssize_t length = recv(wire->socket, bytes, sizeof bytes, MSG_DONTWAIT);
  if (length < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (length <= 0) {
    wire->error = length == 0 ? "closed by the peer" : strerror(errno);
    return false;
  }
  ssize_t taken = nghttp2_session_mem_recv(wire->session, bytes, (size_t)length);
  if (taken < 0)
    wire->error = nghttp2_strerror((int)taken);
  return taken >= 0;
}

static bool transmit(struct wire *wire) {
  int failure = nghttp2_session_send(wire->session);
  if (failure != 0) {
    wire->error = nghttp2_strerror(failure);
    return false;
  }
  if (wire->length == 0)
    return true;
  ssize_t sent = send(wire->socket, wire->out, wire->length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    wire->error = strerror(errno);
    return false;
  }
  if (sent > 0) {
    memmove(wire->out, wire->out + sent, wire->length - (size_t)sent);
    wire->length -= (size_t)sent;
  }
  return true;
}

static void finish(struct wire *wire) {
  uint8_t rest[4096];
  shutdown(wire->socket, SHUT_WR);
  while (recv(wire->socket, rest, sizeof rest, MSG_DONTWAIT) > 0)
    ;
  close(wire->socket);
  nghttp2_session_del(wire->session);
  free(wire->out);
  wire->session = NULL;
  wire->out = NULL;
  wire->length = wire->size = 0;
  wire->socket = -1;
}

bool wire_step(struct wire *wire, short events) {
  bool goes_on = !(events & (POLLIN | POLLHUP | POLLERR)) || receive(wire);
  /* Also what is to be said to a peer that is wrong. */
  goes_on = transmit(wire) && goes_on;
  bool wanted =
      nghttp2_session_want_read(wire->session) || nghttp2_session_want_write(wire->session);
  if (goes_on && (wanted || wire->length > 0))
    return true;
  if (!wanted && wire->length == 0)
    wire->error = NULL; /* both sides had finished */
  finish(wire);
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
