/* connector: see connector.h. */
#include "common/inner/connector.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/inner/handle.h"

struct connector {
  uv_loop_t *loop;
  uv_getaddrinfo_t request;
  bool running;                /* libuv has the request, which cannot always be cancelled */
  uv_timer_t *timer;           /* NULL unless libuv did not even take the request: */
  int failure;                 /* why */
  const struct addrinfo *next; /* the address to try next */
  uv_poll_t *poll;             /* of the current address; NULL if there is none */
  int descriptor;              /* or -1 */
  char *host;
  char *port;
  connector_callback callback; /* NULL once nobody waits for it any more */
  void *user;
};

/* --- The end ---------------------------------------------------------------------------------- */

static void free_memory(struct connector *connector) {
  uv_freeaddrinfo(connector->request.addrinfo);
  free(connector->host);
  free(connector->port);
  free(connector);
}

/* Stop to poll. The descriptor stays. */
static void stop_poll(struct connector *connector) {
  handle_close((uv_handle_t *)connector->poll);
  connector->poll = NULL;
}

static void close_descriptor(struct connector *connector) {
  stop_poll(connector);
  if (connector->descriptor >= 0)
    close(connector->descriptor);
  connector->descriptor = -1;
}

void connector_free(struct connector *connector) {
  if (!connector)
    return;
  close_descriptor(connector);
  handle_close((uv_handle_t *)connector->timer);
  connector->callback = NULL;
  if (connector->running)
    uv_cancel((uv_req_t *)&connector->request); /* on_lookup frees it, cancelled or not */
  else
    free_memory(connector);
}

/* Report the result. `error` must not be the connector's, which is gone when the callback runs. */
static void finish(struct connector *connector, const char *error) {
  connector_callback callback = connector->callback;
  void *user = connector->user;
  stop_poll(connector); /* before somebody else polls the same descriptor */
  int descriptor = connector->descriptor;
  connector->descriptor = -1;
  connector_free(connector);
  callback(descriptor, error, user);
}

/* --- Connecting ------------------------------------------------------------------------------- */

static void try_next_address(struct connector *connector, int last_error);

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct connector *connector = poll->data;
  (void)status; /* the socket knows more about its error than libuv does */
  (void)events;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(connector->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
    error = errno;
  if (error != 0) {
    close_descriptor(connector);
    try_next_address(connector, error);
  } else {
    finish(connector, NULL);
  }
}

/* Wait until the descriptor is connected. Returns 0, or a (positive) error number. */
static int start_poll(struct connector *connector) {
  uv_poll_t *poll = malloc(sizeof *poll);
  int error = poll ? uv_poll_init(connector->loop, poll, connector->descriptor) : UV_ENOMEM;
  if (error != 0) {
    free(poll);
    return -error;
  }
  poll->data = connector;
  connector->poll = poll;
  return -uv_poll_start(poll, UV_WRITABLE, on_poll);
}

/* Start to connect to `address`. Returns 0, or a (positive) error number. */
static int try_address(struct connector *connector, const struct addrinfo *address) {
  int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return errno;
  connector->descriptor = descriptor;
  bool started =
      connect(descriptor, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS;
  int error = started ? start_poll(connector) : errno;
  if (error != 0)
    close_descriptor(connector);
  return error;
}

static void try_next_address(struct connector *connector, int last_error) {
  while (connector->next) {
    const struct addrinfo *address = connector->next;
    connector->next = address->ai_next;
    last_error = try_address(connector, address);
    if (last_error == 0)
      return;
  }
  char error[256];
  bool is_ipv6 = strchr(connector->host, ':') != NULL; /* it has colons of its own */
  snprintf(error, sizeof error,
           is_ipv6 ? "connect to [%.100s]:%.20s: %s" : "connect to %.100s:%.20s: %s",
           connector->host, connector->port, strerror(last_error));
  finish(connector, error);
}

/* --- Looking up ------------------------------------------------------------------------------- */

static void end_lookup(struct connector *connector, int status) {
  if (status == 0) {
    connector->next = connector->request.addrinfo;
    try_next_address(connector, 0);
    return;
  }
  char error[512];
  snprintf(error, sizeof error, "look up %.255s: %s", connector->host, uv_strerror(status));
  finish(connector, error);
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses) {
  struct connector *connector = request->data;
  (void)addresses; /* request->addrinfo */
  connector->running = false;
  if (connector->callback)
    end_lookup(connector, status);
  else /* connector_free came first */
    free_memory(connector);
}

static void on_lookup_refused(uv_timer_t *timer) {
  struct connector *connector = timer->data;
  end_lookup(connector, connector->failure);
}

/* libuv does not even try this name: report that from the loop, like every other failure. Returns
 * 0, or -1 when there is no memory. */
static int refuse_lookup(struct connector *connector) {
  connector->request.addrinfo = NULL;
  connector->timer = malloc(sizeof *connector->timer);
  if (!connector->timer)
    return -1;
  uv_timer_init(connector->loop, connector->timer); /* these two cannot fail */
  uv_timer_start(connector->timer, on_lookup_refused, 0, 0);
  connector->timer->data = connector;
  return 0;
}

static int start_lookup(struct connector *connector, const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  connector->host = strdup(host);
  connector->port = strdup(port);
  if (!connector->host || !connector->port)
    return -1;
  connector->request.data = connector;
  connector->failure =
      uv_getaddrinfo(connector->loop, &connector->request, on_lookup, host, port, &hints);
  connector->running = connector->failure == 0;
  return connector->running ? 0 : refuse_lookup(connector);
}

struct connector *connector_start(uv_loop_t *loop, const char *host, const char *port,
                                  connector_callback callback, void *user) {
  struct connector *connector = calloc(1, sizeof *connector);
  if (!connector)
    return NULL;
  connector->loop = loop;
  connector->descriptor = -1;
  connector->callback = callback;
  connector->user = user;
  if (start_lookup(connector, host, port) != 0) {
    connector_free(connector);
    return NULL;
  }
  return connector;
}
