/* transport: see transport.h. The states of a transport, in their order; it may go from each to CLOSED. */
#include "common/transport.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/trace.h"

enum state {
  CONNECTING, /* the name is looked up, or an address is tried */
  ACCEPTED,   /* waits for transport_start */
  OPEN,
  CLOSING, /* transport_close: sends the rest, FIN, and waits for the peer's */
  CLOSED, /* on_close was called, or transport_free; memory goes when libuv lets go of the handle */
};

enum {
  READ_SIZE = 64 * 1024,   /* the most that one read takes */
  WRITE_SIZE = 64 * 1024,  /* the room that transport_room speaks of */
  WRITE_SLACK = 17 * 1024, /* the last frame may go over it */
  WRITE_ROUNDS = 16,       /* full buffers in one turn of the loop, then the others get theirs */
  LINGER_MS = 500,
};

/* What only a transport that is being connected needs. It belongs to the look-up, which cannot always
 * be cancelled: `transport` is NULL once nobody waits for it any more. */
struct lookup {
  uv_getaddrinfo_t request;
  struct transport *transport;
  bool running;                /* libuv has the request */
  int failure;                 /* why libuv did not even take it; else 0 */
  const struct addrinfo *next; /* the address to try next */
  char *host;
  char *port;
};

struct transport {
  uv_loop_t *loop;
  uv_poll_t *poll;   /* NULL while there is no socket */
  uv_timer_t *timer; /* NULL but while it lingers, or for a refused look-up */
  int descriptor;
  enum state state;
  bool is_server;
  bool in_event;       /* an event is being handled: what is written leaves when it returns */
  bool write_failed;   /* the peer takes nothing more; what it has sent is still read */
  bool shut_down;      /* FIN was sent */
  bool peer_shut_down; /* FIN was received, but there is still something to send */
  int polled;          /* the events that poll waits for */
  uint8_t *output;     /* NULL unless something waits to be sent */
  size_t output_size;  /* allocated */
  size_t output_start;
  size_t output_end;
  struct lookup *lookup; /* NULL but while CONNECTING */
  struct trace *trace;
  void (*observer)(bool sent, const void *data, size_t length, void *user);
  void *observer_user;
  const struct transport_events *events;
  void *user;
};

static void try_next_address(struct transport *transport, int last_error);

/* --- The end -------------------------------------------------------------------------------------- */

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

static void free_handle_and_transport(uv_handle_t *handle) {
  free(handle->data);
  free(handle);
}

/* Let go of the socket. With `last`, the transport itself goes too, once libuv is done with the handle: so it
 * can still be looked at by whoever called the event that ended it. */
static void close_socket(struct transport *transport, bool last) {
  uv_poll_t *poll = transport->poll;
  transport->poll = NULL;
  transport->polled = 0;
  if (poll) {
    poll->data = transport;
    uv_close((uv_handle_t *)poll, last ? free_handle_and_transport : free_handle);
  }
  if (transport->descriptor >= 0)
    close(transport->descriptor);
  transport->descriptor = -1;
  if (!poll && last)
    free(transport);
}

static void free_lookup(struct lookup *lookup) {
  uv_freeaddrinfo(lookup->request.addrinfo);
  free(lookup->host);
  free(lookup->port);
  free(lookup);
}

static void leave_lookup(struct transport *transport) {
  struct lookup *lookup = transport->lookup;
  transport->lookup = NULL;
  if (!lookup)
    return;
  lookup->transport = NULL;
  if (lookup->running)
    uv_cancel((uv_req_t *)&lookup->request); /* on_lookup frees it, cancelled or not */
  else
    free_lookup(lookup);
}

/* Take everything apart. The one destructor, for every state. */
void transport_free(struct transport *transport) {
  if (!transport || transport->state == CLOSED)
    return;
  transport->state = CLOSED;
  leave_lookup(transport);
  trace_close(transport->trace);
  transport->trace = NULL;
  free(transport->output);
  transport->output = NULL;
  transport->output_start = transport->output_end = 0;
  if (transport->timer)
    uv_close((uv_handle_t *)transport->timer, free_handle);
  transport->timer = NULL;
  close_socket(transport, true);
}

static void end(struct transport *transport, const char *error) {
  assert(transport->state != CLOSED);
  trace_note(transport->trace, error ? error : "closed");
  transport->state = CLOSING; /* so that on_close may call transport_close */
  transport->in_event = true;
  if (transport->events) /* NULL before transport_start: there is nobody to be told */
    transport->events->on_close(transport, error, transport->user);
  transport_free(transport);
}

/* `operation` failed with the (positive) error number `number`. */
static void end_with_error(struct transport *transport, const char *operation, int number) {
  char error[256];
  snprintf(error, sizeof error, "%s: %s", operation, strerror(number));
  end(transport, transport->state == CLOSING ? NULL : error);
}

/* --- Reading and writing -------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

/* Wait for `events` from now on. */
static void poll_for(struct transport *transport, int events) {
  if (transport->polled == events)
    return;
  transport->polled = events;
  int error = uv_poll_start(transport->poll, events, on_poll);
  assert(error == 0); /* it only fails for a handle that is being closed */
  (void)error;
}

static size_t pending_output(const struct transport *transport) {
  return transport->output_end - transport->output_start;
}

/* Make room behind it of what was sent before it. */
static void move_output(struct transport *transport) {
  size_t pending = pending_output(transport);
  if (transport->output_start == 0)
    return;
  memmove(transport->output, transport->output + transport->output_start, pending);
  transport->output_start = 0;
  transport->output_end = pending;
}

static void drop_output(struct transport *transport) {
  free(transport->output);
  transport->output = NULL;
  transport->output_size = transport->output_start = transport->output_end = 0;
}

static void show(struct transport *transport, bool sent, const void *data, size_t length) {
  enum frame_sender sender = sent == transport->is_server ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
  trace_bytes(transport->trace, sender, data, length);
  if (transport->observer)
    transport->observer(sent, data, length, transport->observer_user);
}

/* Hand to the socket what it takes. If the peer takes nothing more, the rest is dropped, and the end
 * is left to the reading side: what the peer said before it went may explain why. */
static void flush(struct transport *transport) {
  while (pending_output(transport) > 0) {
    const uint8_t *start = transport->output + transport->output_start;
    ssize_t sent = send(transport->descriptor, start, pending_output(transport), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return;
    if (sent < 0) {
      transport->write_failed = true;
      break;
    }
    show(transport, true, start, (size_t)sent);
    transport->output_start += (size_t)sent;
  }
  drop_output(transport);
}

/* One timer at most runs for a transport; it ends with it. Returns 0, or -1 when there is no memory. */
static int start_timer(struct transport *transport, uv_timer_cb callback, uint64_t milliseconds) {
  uv_timer_t *timer = malloc(sizeof *timer);
  if (!timer)
    return -1;
  uv_timer_init(transport->loop, timer); /* these two cannot fail */
  uv_timer_start(timer, callback, milliseconds, 0);
  timer->data = transport;
  transport->timer = timer;
  return 0;
}

static void on_linger_over(uv_timer_t *timer) {
  end(timer->data, NULL);
}

/* The last byte is sent: say so to the peer, once, and wait for it to say so too. */
static void send_fin(struct transport *transport) {
  if (transport->shut_down)
    return;
  transport->shut_down = true;
  shutdown(transport->descriptor, SHUT_WR); /* if it fails, the peer is gone: reading will tell */
  /* If there is no memory for a timer, the peer decides how long it takes. */
  start_timer(transport, on_linger_over, LINGER_MS);
}

/* Send what there is, and ask for more while the socket takes it; wait for it where it does not. */
static void send_all(struct transport *transport) {
  for (int round = 0; round < WRITE_ROUNDS; round++) {
    if (transport->state == OPEN && transport->events->on_writable &&
        transport_room(transport) > 0) {
      transport->in_event = true;
      transport->events->on_writable(transport, transport->user);
      if (transport->state == CLOSED)
        return;
      transport->in_event = false;
    }
    if (pending_output(transport) == 0) {
      if (transport->state == CLOSING)
        send_fin(transport);
      poll_for(transport, UV_READABLE);
      return;
    }
    flush(transport);
    if (pending_output(transport) > 0)
      break;
  }
  /* The peer's FIN stays readable: to wait for that would be to spin. */
  poll_for(transport, UV_WRITABLE | (transport->peer_shut_down ? 0 : UV_READABLE));
}

/* Read once. Returns whether something came, so that a caller may try again. */
static bool receive(struct transport *transport) {
  uint8_t buffer[READ_SIZE];
  ssize_t length = read(transport->descriptor, buffer, sizeof buffer);
  if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
    return false;
  if (length < 0) {
    end_with_error(transport, "read", errno);
    return false;
  }
  if (length == 0 && transport->state == CLOSING && pending_output(transport) > 0) {
    transport->peer_shut_down = true; /* it may still read, and that is why all is sent first */
    return false;
  }
  if (length == 0) {
    end(transport, transport->state == CLOSING ? NULL : "closed by the peer");
    return false;
  }
  show(transport, false, buffer, (size_t)length);
  if (transport->state == OPEN) {
    transport->in_event = true;
    transport->events->on_data(transport, buffer, (size_t)length, transport->user);
    transport->in_event = false;
  }
  return true;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct transport *transport = poll->data;
  if (status < 0) { /* libuv stopped to poll because of an error: reading up to it tells which */
    transport->polled = 0;
    while (transport->state != CLOSED && receive(transport))
      ;
  } else if (events & UV_READABLE) {
    receive(transport);
  }
  /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): its memory goes with `poll`, later */
  if (transport->state != CLOSED)
    send_all(transport);
}

int transport_write(struct transport *transport, const void *data, size_t length) {
  if (transport->state != OPEN || transport->write_failed || length == 0)
    return 0;
  if (length > transport->output_size - transport->output_end)
    move_output(transport);
  if (length > transport->output_size - transport->output_end) {
    size_t size = transport->output_end + length + WRITE_SLACK;
    if (size < WRITE_SIZE + WRITE_SLACK)
      size = WRITE_SIZE + WRITE_SLACK;
    uint8_t *output = realloc(transport->output, size);
    if (!output)
      return -1;
    transport->output = output;
    transport->output_size = size;
  }
  memcpy(transport->output + transport->output_end, data, length);
  transport->output_end += length;
  transport_wake(transport);
  return 0;
}

size_t transport_room(const struct transport *transport) {
  size_t pending = pending_output(transport);
  if (transport->state != OPEN || transport->write_failed || pending >= WRITE_SIZE)
    return 0;
  return WRITE_SIZE - pending;
}

void transport_wake(struct transport *transport) {
  if (transport->in_event) /* on_writable comes next anyway */
    return;
  if (transport->state == OPEN || transport->state == CLOSING)
    poll_for(transport, UV_READABLE | UV_WRITABLE);
}

void transport_close(struct transport *transport) {
  if (transport->state == CLOSING || transport->state == CLOSED)
    return;
  if (transport->state != OPEN) {
    end(transport, NULL);
    return;
  }
  transport->state = CLOSING;
  transport_wake(transport);
}

void transport_observe(struct transport *transport,
                       void (*observer)(bool sent, const void *data, size_t length, void *user),
                       void *user) {
  transport->observer = observer;
  transport->observer_user = user;
}

int transport_descriptor(const struct transport *transport) {
  return transport->descriptor;
}

uv_loop_t *transport_loop(const struct transport *transport) {
  return transport->loop;
}

/* --- The beginning -------------------------------------------------------------------------------- */

static struct transport *transport_new(uv_loop_t *loop, enum state state) {
  struct transport *transport = calloc(1, sizeof *transport);
  if (!transport)
    return NULL;
  transport->loop = loop;
  transport->state = state;
  transport->is_server = state == ACCEPTED;
  transport->descriptor = -1;
  return transport;
}

/* Take over `descriptor`. On failure it is closed, and the (positive) error number returned. */
static int use_socket(struct transport *transport, int descriptor) {
  transport->descriptor = descriptor;
  transport->poll = malloc(sizeof *transport->poll);
  int error =
      transport->poll ? uv_poll_init(transport->loop, transport->poll, descriptor) : UV_ENOMEM;
  if (error != 0) {
    free(transport->poll);
    transport->poll = NULL;
    close_socket(transport, false);
    return -error;
  }
  transport->poll->data = transport;
  /* Frames are gathered before they are sent: the kernel need not wait for more. Only slower if it fails. */
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return 0;
}

void transport_start(struct transport *transport, const struct transport_events *events,
                     void *user) {
  assert(transport->state == ACCEPTED || transport->state == CONNECTING);
  transport->events = events;
  transport->user = user;
  transport->state = OPEN;
  transport->trace = trace_open();
  transport->in_event = true;
  events->on_open(transport, user);
  if (transport->state == CLOSED)
    return;
  transport->in_event = false;
  send_all(transport);
}

static void on_connect_poll(uv_poll_t *poll, int status, int events) {
  struct transport *transport = poll->data;
  (void)status; /* the socket knows more about its error than libuv does */
  (void)events;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(transport->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
    error = errno;
  if (error != 0) {
    close_socket(transport, false);
    try_next_address(transport, error);
    return;
  }
  uv_poll_stop(poll);
  leave_lookup(transport);
  transport_start(transport, transport->events, transport->user);
}

/* Start to connect to `address`. Returns 0, or a (positive) error number. */
static int try_address(struct transport *transport, const struct addrinfo *address) {
  int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return errno;
  int error = use_socket(transport, descriptor);
  if (error != 0)
    return error;
  if (connect(descriptor, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
    error = errno;
    close_socket(transport, false);
    return error;
  }
  return -uv_poll_start(transport->poll, UV_WRITABLE, on_connect_poll);
}

/* The way a host and a port are written together: an IPv6 address has colons of its own. */
static const char *address_format(const char *host) {
  return strchr(host, ':') ? "%s [%s]:%s" : "%s %s:%s";
}

static void try_next_address(struct transport *transport, int last_error) {
  struct lookup *lookup = transport->lookup;
  while (lookup->next) {
    const struct addrinfo *address = lookup->next;
    lookup->next = address->ai_next;
    last_error = try_address(transport, address);
    if (last_error == 0)
      return;
  }
  char operation[192];
  snprintf(operation, sizeof operation, address_format(lookup->host), "connect to", lookup->host,
           lookup->port);
  end_with_error(transport, operation, last_error);
}

static void end_lookup(struct transport *transport, int status) {
  if (status == 0) {
    transport->lookup->next = transport->lookup->request.addrinfo;
    try_next_address(transport, 0);
    return;
  }
  char error[512];
  snprintf(error, sizeof error, "look up %.255s: %s", transport->lookup->host, uv_strerror(status));
  end(transport, error);
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses) {
  struct lookup *lookup = request->data;
  (void)addresses; /* request->addrinfo */
  lookup->running = false;
  if (lookup->transport)
    end_lookup(lookup->transport, status);
  else /* transport_free came first */
    free_lookup(lookup);
}

static void on_lookup_refused(uv_timer_t *timer) {
  struct transport *transport = timer->data;
  end_lookup(transport, transport->lookup->failure);
}

/* Have `host` looked up. A name that libuv does not even try is told from the loop like every other
 * failure. Returns 0, or -1 when there is no memory. */
static int start_lookup(struct transport *transport, const char *host, const char *port) {
  struct lookup *lookup = calloc(1, sizeof *lookup);
  if (!lookup)
    return -1;
  transport->lookup = lookup;
  lookup->transport = transport;
  lookup->request.data = lookup;
  lookup->host = strdup(host);
  lookup->port = strdup(port);
  if (!lookup->host || !lookup->port)
    return -1;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  lookup->failure =
      uv_getaddrinfo(transport->loop, &lookup->request, on_lookup, host, port, &hints);
  lookup->running = lookup->failure == 0;
  if (lookup->running)
    return 0;
  lookup->request.addrinfo = NULL;
  return start_timer(transport, on_lookup_refused, 0);
}

struct transport *transport_connect(uv_loop_t *loop, const char *host, const char *port,
                                    SSL_CTX *tls, const struct transport_events *events,
                                    void *user) {
  assert(tls == NULL);
  (void)tls;
  struct transport *transport = transport_new(loop, CONNECTING);
  if (!transport)
    return NULL;
  transport->events = events;
  transport->user = user;
  if (start_lookup(transport, host, port) != 0) {
    transport_free(transport);
    return NULL;
  }
  return transport;
}

struct transport *transport_accept(uv_loop_t *loop, int descriptor, SSL_CTX *tls) {
  assert(tls == NULL);
  (void)tls;
  struct transport *transport = transport_new(loop, ACCEPTED);
  if (!transport) {
    close(descriptor);
    return NULL;
  }
  int error = use_socket(transport, descriptor);
  if (error != 0) {
    transport_free(transport);
    errno = error;
    return NULL;
  }
  return transport;
}
