/* transport: see transport.h. The states of a transport, in order; from each it may go to
 * CLOSED. */
#include "common/transport.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/inner/channel.h"
#include "common/inner/connector.h"
#include "common/inner/gate.h"
#include "common/inner/handle.h"
#include "common/trace.h"

enum state {
  CONNECTING, /* looks up the name, or tries an address */
  ACCEPTED,   /* waits for transport_start */
  HANDSHAKE,  /* of TLS; a plain transport skips it */
  OPEN,
  CLOSING, /* transport_close: sends the rest, FIN, and waits for the peer's */
  CLOSED, /* after on_close or transport_free; memory is freed when libuv is done with the handle */
};

enum {
  READ_SIZE = 64 * 1024,   /* the most that is read in one turn of the loop */
  WRITE_SIZE = 64 * 1024,  /* the room that transport_room counts */
  WRITE_SLACK = 17 * 1024, /* the last frame may go over it */
  WRITE_ROUNDS = 16,       /* full buffers in one turn of the loop, before other events */
  HANDSHAKE_MS = 10000,
  STUCK_MS = 5000, /* how long transport_close waits for a peer that takes nothing */
  LINGER_MS = 500, /* and for one that has taken everything, but does not close */
};

struct transport {
  uv_loop_t *loop;
  uv_poll_t *poll;   /* NULL while there is no socket */
  uv_timer_t *timer; /* NULL except in a handshake and at the end */
  struct channel channel;
  enum state state;
  bool is_server;
  bool in_event;       /* inside an event: output leaves when it returns */
  bool write_failed;   /* the peer takes nothing more; still read what it has sent */
  bool shut_down;      /* FIN was sent */
  bool peer_shut_down; /* FIN was received, but there is still something to send */
  int polled;          /* the events that poll waits for */
  uint8_t *output;     /* NULL unless something waits to be sent */
  size_t output_size;  /* allocated */
  size_t output_start;
  size_t output_end;
  uint64_t sent;               /* bytes, so far */
  struct connector *connector; /* NULL except while CONNECTING */
  struct trace *trace;
  struct gate *gate; /* NULL unless `make live` may hold the frames */
  void (*observer)(bool sent, const void *data, size_t length, void *user);
  void *observer_user;
  const struct transport_events *events;
  void *user;
};

/* --- The end ---------------------------------------------------------------------------------- */

static void free_handle_and_transport(uv_handle_t *handle) {
  free(handle->data);
  free(handle);
}

/* Close the socket, and free the transport once libuv is done with the handle: so the caller of the
 * event that ended it can still look at it. */
static void close_socket(struct transport *transport) {
  uv_poll_t *poll = transport->poll;
  transport->poll = NULL;
  transport->polled = 0;
  if (poll) {
    poll->data = transport;
    uv_close((uv_handle_t *)poll, free_handle_and_transport);
  }
  channel_close(&transport->channel);
  if (!poll)
    free(transport);
}

static void stop_timer(struct transport *transport) {
  handle_close((uv_handle_t *)transport->timer);
  transport->timer = NULL;
}

/* Take everything apart. The one destructor, for every state. */
void transport_free(struct transport *transport) {
  if (!transport || transport->state == CLOSED)
    return;
  transport->state = CLOSED;
  connector_free(transport->connector);
  transport->connector = NULL;
  gate_close(transport->gate);
  transport->gate = NULL;
  trace_close(transport->trace);
  transport->trace = NULL;
  free(transport->output);
  transport->output = NULL;
  transport->output_start = transport->output_end = 0;
  stop_timer(transport);
  close_socket(transport);
}

/* A ladder has two sides: say which of them has closed the connection. */
static void end_trace(const struct transport *transport, const char *error) {
  static const char peer[] = "closed by the peer";
  const size_t length = sizeof peer - 1;
  char text[80];
  if (error && strncmp(error, peer, length) == 0) {
    const char *name = transport->is_server ? "client" : "server";
    snprintf(text, sizeof text, "closed by the %s%s", name, error + length);
    error = text;
  }
  trace_end(transport->trace, error ? error : "closed");
}

static void end(struct transport *transport, const char *error) {
  assert(transport->state != CLOSED);
  end_trace(transport, error);
  transport->state = CLOSING; /* so that on_close may call transport_close */
  transport->in_event = true;
  if (transport->events) /* NULL before transport_start: nobody to tell */
    transport->events->on_close(transport, error, transport->user);
  transport_free(transport);
}

/* At most one timer runs for a transport, and ends with it. Returns 0, or -1 when there is no
 * memory. */
static int make_timer(struct transport *transport) {
  if (transport->timer)
    return 0;
  transport->timer = malloc(sizeof *transport->timer);
  if (!transport->timer)
    return -1;
  uv_timer_init(transport->loop, transport->timer); /* it cannot fail */
  transport->timer->data = transport;
  return 0;
}

/* Start the timer, or start it again. Without memory for it, the peer decides how long it takes. */
static void start_timer(struct transport *transport, uv_timer_cb callback, uint64_t milliseconds) {
  if (make_timer(transport) == 0)
    uv_timer_start(transport->timer, callback, milliseconds, 0);
}

/* The owner has closed the transport, but the peer does not finish: end it from this side. */
static void on_closing_over(uv_timer_t *timer) {
  struct transport *transport = timer->data;
  if (transport_is_held(transport))
    uv_timer_start(timer, on_closing_over, LINGER_MS, 0);
  else
    end(transport, NULL);
}

/* --- Reading and writing ---------------------------------------------------------------------- */

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

static enum frame_sender own_side(const struct transport *transport) {
  return transport->is_server ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
}

static enum frame_sender peer_side(const struct transport *transport) {
  return transport->is_server ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER;
}

/* Wait until the socket can be read, or written, or both; but not for what the gate holds: it calls
 * on_gate. */
static void wait_for(struct transport *transport, bool read, bool write) {
  if (transport->gate) {
    read = read && gate_wants_to_read(transport->gate);
    write = write && !gate_holds(transport->gate, own_side(transport));
  }
  poll_for(transport, channel_events(&transport->channel, read, write));
}

static size_t pending_output(const struct transport *transport) {
  return transport->output_end - transport->output_start;
}

bool transport_is_stuck(const struct transport *transport) {
  return transport->polled & UV_WRITABLE;
}

bool transport_is_held(const struct transport *transport) {
  return gate_is_patient(transport->gate);
}

bool transport_holds_input(const struct transport *transport) {
  return transport->gate && gate_holds(transport->gate, peer_side(transport));
}

uint64_t transport_sent(const struct transport *transport) {
  return transport->sent;
}

/* A gate shows the trace what passes, and what waits. */
static void show_bytes(struct transport *transport, bool sent, const void *data, size_t length) {
  if (!transport->gate)
    trace_bytes(transport->trace, sent ? own_side(transport) : peer_side(transport), data, length);
  if (transport->observer)
    transport->observer(sent, data, length, transport->observer_user);
}

static inline void show(struct transport *transport, bool sent, const void *data, size_t length) {
  if (transport->trace || transport->observer)
    show_bytes(transport, sent, data, length);
}

/* As channel_write, for what may pass. */
static ssize_t write_some(struct transport *transport, const void *data, size_t length) {
  struct gate *gate = transport->gate;
  size_t passing = gate ? gate_write(gate, data, length) : length;
  ssize_t sent = passing > 0 ? channel_write(&transport->channel, data, passing) : CHANNEL_AGAIN;
  if (gate && sent > 0)
    gate_written(gate, data, (size_t)sent);
  return sent;
}

/* As channel_read, for what may pass. */
static ssize_t read_some(struct transport *transport, void *data, size_t size, char *error,
                         size_t error_size) {
  struct gate *gate = transport->gate;
  ssize_t length = CHANNEL_AGAIN;
  if (!gate || gate_wants_to_read(gate))
    length = channel_read(&transport->channel, data, size, error, error_size);
  return gate ? gate_read(gate, data, length, size, error, error_size) : length;
}

/* Write to the socket what it takes. If the peer takes nothing more, drop the rest, and leave the
 * end to the reading side: what the peer sent before may explain why. */
static void flush(struct transport *transport) {
  while (pending_output(transport) > 0) {
    const uint8_t *start = transport->output + transport->output_start;
    ssize_t sent = write_some(transport, start, pending_output(transport));
    if (sent == CHANNEL_AGAIN)
      return;
    if (sent < 0) {
      transport->write_failed = true;
      break;
    }
    show(transport, true, start, (size_t)sent);
    transport->output_start += (size_t)sent;
    transport->sent += (uint64_t)sent;
    if (transport->state == CLOSING)
      start_timer(transport, on_closing_over, STUCK_MS);
  }
  free(transport->output);
  transport->output = NULL;
  transport->output_size = transport->output_start = transport->output_end = 0;
}

/* The last byte is sent: tell the peer, once, and wait for the same from it. */
static void send_end(struct transport *transport) {
  if (transport->shut_down || channel_shut_down(&transport->channel) == CHANNEL_AGAIN)
    return;
  transport->shut_down = true;
  start_timer(transport, on_closing_over, LINGER_MS);
}

/* Send what waits, and ask for more while the socket takes it; when it does not, wait for it. */
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
        send_end(transport);
      wait_for(transport, true, transport->state == CLOSING && !transport->shut_down);
      return;
    }
    flush(transport);
    if (pending_output(transport) > 0)
      break;
  }
  /* The peer's FIN stays readable: waiting for that would spin. */
  wait_for(transport, !transport->peer_shut_down, true);
}

/* Read once. Returns whether something came, so that a caller may try again. */
static bool receive(struct transport *transport) {
  uint8_t buffer[READ_SIZE];
  char error[256];
  ssize_t length = read_some(transport, buffer, sizeof buffer, error, sizeof error);
  if (length == CHANNEL_AGAIN)
    return false;
  if (length == 0 && transport->state == CLOSING && pending_output(transport) > 0) {
    transport->peer_shut_down = true; /* it may still read, so send everything first */
    return false;
  }
  if (length <= 0) {
    end(transport, transport->state == CLOSING ? NULL : error);
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

/* Read as much as one turn may; TLS gives at most a record at a time. With `all`, read to the
 * end. */
static void receive_some(struct transport *transport, bool all) {
  int rounds = transport->channel.ssl ? READ_SIZE / CHANNEL_RECORD : 1;
  for (int round = 0; round < rounds || all; round++)
    if (!receive(transport) || transport->state == CLOSED)
      return;
}

static void shake_hands(struct transport *transport);

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct transport *transport = poll->data;
  if (status < 0) /* libuv stopped polling because of an error: reading up to it shows which */
    transport->polled = 0;
  if (transport->state == HANDSHAKE) {
    shake_hands(transport);
    return;
  }
  if (status < 0 || events & channel_events(&transport->channel, true, false))
    receive_some(transport, status < 0);
  /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): its memory goes with `poll`, later */
  if (transport->state != CLOSED)
    send_all(transport);
}

/* The gate lets something pass, or holds it from now on. */
static void on_gate(void *user) {
  struct transport *transport = user;
  if (transport->state != OPEN && transport->state != CLOSING)
    return;
  receive_some(transport, false);
  if (transport->state != CLOSED)
    send_all(transport);
}

/* Make room for `length` bytes more. Returns 0, or -1 when there is no memory. Few writes need it,
 * so it is not inlined: a write takes a few instructions, and each response has three. */
static __attribute__((noinline)) int grow_output(struct transport *transport, size_t length) {
  size_t pending = pending_output(transport);
  if (transport->output_start > 0) /* so much has been sent */
    memmove(transport->output, transport->output + transport->output_start, pending);
  transport->output_start = 0;
  transport->output_end = pending;
  if (length <= transport->output_size - transport->output_end)
    return 0;
  size_t size = transport->output_end + length + WRITE_SLACK;
  if (size < WRITE_SIZE + WRITE_SLACK)
    size = WRITE_SIZE + WRITE_SLACK;
  uint8_t *output = realloc(transport->output, size);
  if (!output)
    return -1;
  transport->output = output;
  transport->output_size = size;
  return 0;
}

int transport_write(struct transport *transport, const void *data, size_t length) {
  if (transport->state != OPEN || transport->write_failed || length == 0)
    return 0;
  if (length > transport->output_size - transport->output_end &&
      grow_output(transport, length) != 0)
    return -1;
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
  start_timer(transport, on_closing_over, STUCK_MS);
  transport_wake(transport);
}

void transport_observe(struct transport *transport,
                       void (*observer)(bool sent, const void *data, size_t length, void *user),
                       void *user) {
  transport->observer = observer;
  transport->observer_user = user;
}

int transport_descriptor(const struct transport *transport) {
  return transport->channel.descriptor;
}

/* The address that `ask` says: getpeername, getsockname. */
static int print_address(const struct transport *transport,
                         int (*ask)(int descriptor, struct sockaddr *name, socklen_t *size),
                         char *text, size_t size) {
  struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
  socklen_t name_size = sizeof name;
  char host[46];
  char port[8];
  snprintf(text, size, "%s", "");
  if (ask(transport->channel.descriptor, (struct sockaddr *)&name, &name_size) != 0 ||
      getnameinfo((struct sockaddr *)&name, name_size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return -1;
  snprintf(text, size, name.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
  return 0;
}

int transport_peer(const struct transport *transport, char *text, size_t size) {
  return print_address(transport, getpeername, text, size);
}

SSL *transport_tls(const struct transport *transport) {
  return transport->channel.ssl;
}

uv_loop_t *transport_loop(const struct transport *transport) {
  return transport->loop;
}

/* --- The beginning ---------------------------------------------------------------------------- */

/* Returns NULL when there is no memory. */
static struct transport *transport_new(uv_loop_t *loop, enum state state, SSL_CTX *tls,
                                       const char *host) {
  struct transport *transport = calloc(1, sizeof *transport);
  if (!transport)
    return NULL;
  transport->loop = loop;
  transport->state = state;
  transport->is_server = state == ACCEPTED;
  transport->channel.descriptor = -1;
  if (!tls || (channel_use_tls(&transport->channel, tls, host) == 0 && make_timer(transport) == 0))
    return transport; /* with the timer of the handshake: later it would be too late to fail */
  transport_free(transport);
  return NULL;
}

/* Take over `descriptor`. On failure, close it, and return the (positive) error number. */
static int use_socket(struct transport *transport, int descriptor) {
  if (channel_open(&transport->channel, descriptor) != 0)
    return ENOMEM;
  uv_poll_t *poll = malloc(sizeof *poll);
  int error = poll ? uv_poll_init(transport->loop, poll, descriptor) : UV_ENOMEM;
  if (error != 0) {
    free(poll);
    channel_close(&transport->channel);
    return -error;
  }
  poll->data = transport;
  transport->poll = poll;
  return 0;
}

static void open_transport(struct transport *transport) {
  transport->state = OPEN;
  transport->in_event = true;
  transport->events->on_open(transport, transport->user);
  if (transport->state == CLOSED)
    return;
  transport->in_event = false;
  send_all(transport);
}

static void on_handshake_over(uv_timer_t *timer) {
  struct transport *transport = timer->data;
  channel_give_up(&transport->channel);
  end(transport, "TLS: the peer does not finish the handshake");
}

/* "TLS 1.3, h2, TLS_AES_256_GCM_SHA384" */
static void note_tls(const struct transport *transport) {
  const SSL *ssl = transport->channel.ssl;
  const char *version = SSL_get_version(ssl); /* "TLSv1.3" */
  const unsigned char *protocol;
  unsigned int length;
  char text[128];
  SSL_get0_alpn_selected(ssl, &protocol, &length);
  snprintf(text, sizeof text, "TLS %s, %.*s, %s", version + strlen("TLSv"), (int)length,
           (const char *)protocol, SSL_get_cipher_name(ssl));
  trace_note(transport->trace, text);
}

static void shake_hands(struct transport *transport) {
  enum tls_step (*handshake)(SSL * ssl, char *error, size_t error_size) =
      transport->events->handshake;
  char error[256] = "TLS: the handshake failed";
  switch ((handshake ? handshake : tls_handshake)(transport->channel.ssl, error, sizeof error)) {
  case TLS_WANT_READ: poll_for(transport, UV_READABLE); break;
  case TLS_WANT_WRITE: poll_for(transport, UV_WRITABLE); break;
  case TLS_FAILED:
    channel_give_up(&transport->channel);
    end(transport, error);
    break;
  case TLS_DONE:
    stop_timer(transport);
    note_tls(transport);
    open_transport(transport);
    break;
  }
}

/* `make live` knows a connection by its addresses, and may hold its frames. */
static void join_live(struct transport *transport) {
  char own[56];
  char peer[56];
  if (trace_live_number(transport->trace) == 0 ||
      print_address(transport, getsockname, own, sizeof own) != 0 ||
      print_address(transport, getpeername, peer, sizeof peer) != 0)
    return;
  trace_addresses(transport->trace, own_side(transport), own, peer);
  transport->gate =
      gate_open(transport->loop, transport->trace, own_side(transport), on_gate, transport);
}

void transport_start(struct transport *transport, const struct transport_events *events,
                     void *user) {
  assert(transport->state == ACCEPTED || transport->state == CONNECTING);
  transport->events = events;
  transport->user = user;
  transport->trace = trace_open();
  join_live(transport);
  if (!transport->channel.ssl) {
    open_transport(transport);
    return;
  }
  transport->state = HANDSHAKE;
  start_timer(transport, on_handshake_over,
              events->handshake_timeout ? events->handshake_timeout : HANDSHAKE_MS);
  /* The loop takes the first step: the client speaks first. */
  poll_for(transport, transport->is_server ? UV_READABLE : UV_WRITABLE);
}

static void on_connect(int descriptor, const char *error, void *user) {
  struct transport *transport = user;
  transport->connector = NULL; /* it is gone */
  int number = descriptor < 0 ? 0 : use_socket(transport, descriptor);
  if (!error && number != 0)
    error = strerror(number);
  if (error)
    end(transport, error);
  else
    transport_start(transport, transport->events, transport->user);
}

struct transport *transport_connect(uv_loop_t *loop, const char *host, const char *port,
                                    SSL_CTX *tls, const struct transport_events *events,
                                    void *user) {
  struct transport *transport = transport_new(loop, CONNECTING, tls, host);
  if (!transport)
    return NULL;
  transport->events = events;
  transport->user = user;
  transport->connector = connector_start(loop, host, port, on_connect, transport);
  if (transport->connector)
    return transport;
  transport_free(transport);
  return NULL;
}

struct transport *transport_accept(uv_loop_t *loop, int descriptor, SSL_CTX *tls) {
  struct transport *transport = transport_new(loop, ACCEPTED, tls, NULL);
  if (!transport) {
    close(descriptor);
    errno = ENOMEM;
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
