/* listener: see listener.h. */
#include "common/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/inner/handle.h"

enum {
  ADDRESSES = 8,      /* more addresses than any host name to listen on has */
  PORT_TRIES = 16,    /* a port that is free for one address may be taken for the next */
  ACCEPT_ROUNDS = 64, /* clients accepted in one turn of the loop, before other events */
  PAUSE_MS = 100,     /* pause before accepting again, when descriptors or memory ran out */
};

/* One listening socket. Its memory belongs to libuv's handle and goes with it. */
struct socket {
  uv_poll_t poll; /* poll.data is the listener, or NULL once that is gone */
  int descriptor;
};

struct listener {
  uv_loop_t *loop;
  struct socket *sockets[ADDRESSES];
  size_t socket_count;
  uv_timer_t *pause;
  SSL_CTX *tls;
  int port;
  listener_callback callback;
  void *user;
};

static void close_sockets(struct listener *listener) {
  for (size_t i = 0; i < listener->socket_count; i++) {
    struct socket *socket = listener->sockets[i];
    socket->poll.data = NULL;
    handle_close((uv_handle_t *)socket); /* which begins with its handle */
    close(socket->descriptor);
  }
  listener->socket_count = 0;
}

void listener_free(struct listener *listener) {
  if (!listener)
    return;
  close_sockets(listener);
  handle_close((uv_handle_t *)listener->pause);
  SSL_CTX_free(listener->tls);
  free(listener);
}

int listener_port(const struct listener *listener) {
  return listener->port;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void resume(uv_timer_t *timer) {
  struct listener *listener = timer->data;
  for (size_t i = 0; i < listener->socket_count; i++)
    uv_poll_start(&listener->sockets[i]->poll, UV_READABLE, on_poll);
}

/* A socket that cannot be accepted stays readable: without a pause the loop would spin on it. */
static void pause_accepting(struct listener *listener) {
  for (size_t i = 0; i < listener->socket_count; i++)
    uv_poll_stop(&listener->sockets[i]->poll);
  uv_timer_start(listener->pause, resume, PAUSE_MS, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  (void)status; /* an error of the socket shows in accept */
  (void)events;
  int listening = ((struct socket *)poll)->descriptor;
  for (int round = 0; round < ACCEPT_ROUNDS && poll->data; round++) {
    struct listener *listener = poll->data;
    int descriptor = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
      if (errno == EINTR || errno == ECONNABORTED)
        continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK)
        pause_accepting(listener);
      return;
    }
    struct transport *transport = transport_accept(listener->loop, descriptor, listener->tls);
    if (!transport) {
      pause_accepting(listener);
      return;
    }
    listener->callback(transport, listener->user);
  }
}

/* Returns the descriptor, or -1 with errno set. */
static int bind_address(const struct addrinfo *address, int port) {
  int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return -1;
  struct sockaddr_storage name = {0};
  memcpy(&name, address->ai_addr, address->ai_addrlen);
  if (address->ai_family == AF_INET6)
    ((struct sockaddr_in6 *)&name)->sin6_port = htons((uint16_t)port);
  else
    ((struct sockaddr_in *)&name)->sin_port = htons((uint16_t)port);
  /* SO_REUSEADDR: a server that was just stopped can be started again. IPV6_V6ONLY: ::1 and
   * 127.0.0.1 are two sockets, whatever the system's default is. */
  if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0 &&
      (address->ai_family != AF_INET6 ||
       setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int)) == 0) &&
      bind(descriptor, (struct sockaddr *)&name, address->ai_addrlen) == 0 &&
      listen(descriptor, SOMAXCONN) == 0)
    return descriptor;
  int error = errno;
  close(descriptor);
  errno = error;
  return -1;
}

/* The port that `descriptor` is bound to, or -1. */
static int bound_port(int descriptor) {
  union {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
  } name = {.ipv6 = {0}};
  socklen_t size = sizeof name;
  if (getsockname(descriptor, &name.any, &size) != 0)
    return -1;
  return ntohs(name.any.sa_family == AF_INET6 ? name.ipv6.sin6_port : name.ipv4.sin_port);
}

/* Wait for clients on `descriptor`. Returns 0; or a (positive) error number, and the descriptor is
 * closed. */
static int add_socket(struct listener *listener, int descriptor) {
  struct socket *socket = malloc(sizeof *socket);
  int error = socket ? uv_poll_init(listener->loop, &socket->poll, descriptor) : UV_ENOMEM;
  if (error != 0) {
    free(socket);
    close(descriptor);
    return -error;
  }
  socket->descriptor = descriptor;
  socket->poll.data = listener;
  listener->sockets[listener->socket_count++] = socket;
  return -uv_poll_start(&socket->poll, UV_READABLE, on_poll);
}

/* Skip an address that this machine does not have (::1 without IPv6). */
static bool is_missing(int error) {
  return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

/* Whether the list has `address` before: a name may be in /etc/hosts twice. */
static bool is_repeated(const struct addrinfo *addresses, const struct addrinfo *address) {
  for (; addresses != address; addresses = addresses->ai_next)
    if (addresses->ai_addrlen == address->ai_addrlen &&
        memcmp(addresses->ai_addr, address->ai_addr, address->ai_addrlen) == 0)
      return true;
  return false;
}

/* Bind all addresses to one port. Returns 0 or a (positive) error number. */
static int bind_all(struct listener *listener, const struct addrinfo *addresses, int port) {
  int error = EADDRNOTAVAIL;
  for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
    if (listener->socket_count == ADDRESSES)
      break;
    if (address->ai_family != AF_INET && address->ai_family != AF_INET6)
      continue;
    if (is_repeated(addresses, address))
      continue;
    int descriptor = bind_address(address, port);
    if (descriptor < 0 && is_missing(errno))
      continue;
    error = descriptor < 0 ? errno : add_socket(listener, descriptor);
    if (error != 0)
      break;
    if (port == 0)
      port = bound_port(descriptor);
  }
  if (listener->socket_count > 0 && is_missing(error))
    error = 0;
  if (error != 0)
    close_sockets(listener);
  listener->port = port;
  return error;
}

/* Returns 0, or puts into `error` what went wrong and returns -1. */
static int open_sockets(struct listener *listener, const char *host, int port, char *error,
                        size_t error_size) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  struct addrinfo *addresses;
  int status = strcmp(host, "*") == 0 ? getaddrinfo(NULL, "0", &hints, &addresses)
                                      : getaddrinfo(host, NULL, &hints, &addresses);
  if (status != 0) {
    snprintf(error, error_size, "look up %s: %s", host, gai_strerror(status));
    return -1;
  }
  int number = 0;
  for (int try = 0; try < (port == 0 ? PORT_TRIES : 1); try++) {
    number = bind_all(listener, addresses, port);
    if (number != EADDRINUSE)
      break;
  }
  freeaddrinfo(addresses);
  if (number == 0)
    return 0;
  snprintf(error, error_size, "listen on %s:%d: %s", host, port, strerror(number));
  return -1;
}

/* Without a socket yet. Returns NULL when there is no memory. */
static struct listener *listener_new(uv_loop_t *loop, SSL_CTX *tls, listener_callback callback,
                                     void *user) {
  struct listener *listener = malloc(sizeof *listener);
  uv_timer_t *timer = malloc(sizeof *timer);
  if (!listener || !timer) {
    free(listener);
    free(timer);
    return NULL;
  }
  uv_timer_init(loop, timer);
  timer->data = listener;
  *listener = (struct listener){
      .loop = loop, .pause = timer, .tls = tls, .callback = callback, .user = user};
  if (tls)
    SSL_CTX_up_ref(tls);
  return listener;
}

struct listener *listener_open(uv_loop_t *loop, const char *host, int port, SSL_CTX *tls,
                               listener_callback callback, void *user, char *error,
                               size_t error_size) {
  struct listener *listener = listener_new(loop, tls, callback, user);
  if (!listener) {
    snprintf(error, error_size, "listen on %s:%d: %s", host, port, strerror(ENOMEM));
    return NULL;
  }
  if (open_sockets(listener, host, port, error, error_size) != 0) {
    listener_free(listener);
    return NULL;
  }
  return listener;
}

/* A poll of a socket that does not listen would wait for ever. Returns 0; or a (positive) error
 * number after closing it. */
static int take_socket(struct listener *listener, int descriptor) {
  int listens = 0;
  socklen_t size = sizeof listens;
  int error = 0;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
      fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) != 0 ||
      fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
    error = errno;
  else if (!listens)
    error = EINVAL;
  else if (listener->socket_count == ADDRESSES)
    error = EMFILE;
  if (error == 0)
    return add_socket(listener, descriptor);
  close(descriptor);
  return error;
}

struct listener *listener_take(uv_loop_t *loop, const int *sockets, size_t count, SSL_CTX *tls,
                               listener_callback callback, void *user, char *error,
                               size_t error_size) {
  struct listener *listener = listener_new(loop, tls, callback, user);
  int number = listener ? 0 : ENOMEM;
  if (!listener)
    snprintf(error, error_size, "listen: %s", strerror(number));
  for (size_t i = 0; i < count; i++) {
    if (number != 0) {
      close(sockets[i]);
      continue;
    }
    number = take_socket(listener, sockets[i]);
    if (number != 0)
      snprintf(error, error_size, "listen on descriptor %d: %s", sockets[i], strerror(number));
    else if (i == 0)
      listener->port = bound_port(sockets[i]);
  }
  if (number == 0)
    return listener;
  listener_free(listener);
  return NULL;
}
