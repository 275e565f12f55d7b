/* support: see support.h. */
#include "common/tests/support.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEADLINE_MS = 10000, LAST_DEADLINE_MS = 3000 };

/* --- The loop --------------------------------------------------------------------------------- */

static uv_loop_t the_loop;
static uv_timer_t deadline;
static bool handles_left;

static void on_deadline(uv_timer_t *timer) {
  (void)timer;
  cr_assert_fail("waited in vain");
}

/* Criterion does not count failures in a .fini; but leaks.c looks at the status of
 * the process. */
static void end_badly(void) {
  _exit(EXIT_FAILURE);
}

static void on_last_deadline(uv_timer_t *timer) {
  (void)timer;
  handles_left = true;
}

void support_begin(void) {
  cr_assert_eq(uv_loop_init(&the_loop), 0, "no loop");
  uv_timer_init(&the_loop, &deadline);
  uv_timer_start(&deadline, on_deadline, DEADLINE_MS, 0);
}

/* The deadline ends the wait for a forgotten handle, but does not keep the loop alive. */
void support_drain(void) {
  uv_unref((uv_handle_t *)&deadline);
  while (uv_loop_alive(&the_loop) && !handles_left)
    support_turn();
  uv_ref((uv_handle_t *)&deadline);
}

void support_end(void) {
  uv_timer_start(&deadline, on_last_deadline, LAST_DEADLINE_MS, 0);
  support_drain();
  uv_close((uv_handle_t *)&deadline, NULL);
  uv_run(&the_loop, UV_RUN_NOWAIT);
  if (uv_loop_close(&the_loop) != 0) { /* an active handle, or one that is stopped but not closed */
    fprintf(stderr, "a handle is left on the loop after the test\n");
    atexit(end_badly);
  }
}

uv_loop_t *support_loop(void) {
  return &the_loop;
}

void support_turn(void) {
  uv_run(&the_loop, UV_RUN_ONCE);
}

void support_wait(const bool *flag) {
  while (!*flag)
    support_turn();
}

uint64_t support_now(void) {
  return uv_hrtime() / 1000000;
}

/* --- Sockets ---------------------------------------------------------------------------------- */

int support_refuse(int *port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  cr_assert_geq(descriptor, 0, "socket: %s", strerror(errno));
  cr_assert_eq(bind(descriptor, (struct sockaddr *)&name, sizeof name), 0, "bind: %s",
               strerror(errno));
  socklen_t size = sizeof name;
  cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&name, &size), 0, "getsockname");
  *port = ntohs(name.sin_port);
  return descriptor;
}

int support_listen(int *port) {
  int descriptor = support_refuse(port);
  cr_assert_eq(listen(descriptor, SOMAXCONN), 0, "listen: %s", strerror(errno));
  return descriptor;
}

/* A handle on the loop during a wait for a descriptor. */
struct wait {
  uv_poll_t poll;
  bool *ready;
};

static void free_wait(uv_handle_t *handle) {
  free(handle); /* the struct wait begins with it */
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  (void)status; /* the next call on the descriptor reports an error */
  (void)events;
  *((struct wait *)poll)->ready = true;
  uv_close((uv_handle_t *)poll, free_wait);
}

static void wait_for(int descriptor, int events) {
  bool ready = false;
  struct wait *wait = malloc(sizeof *wait);
  cr_assert_not_null(wait, "no memory");
  wait->ready = &ready;
  int error = uv_poll_init(&the_loop, &wait->poll, descriptor);
  cr_assert_eq(error, 0, "uv_poll_init: %s", uv_strerror(error));
  uv_poll_start(&wait->poll, events, on_ready);
  support_wait(&ready);
}

int support_accept(int listening) {
  int descriptor;
  while ((descriptor = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) {
    cr_assert_eq(errno, EAGAIN, "accept: %s", strerror(errno));
    wait_for(listening, UV_READABLE);
  }
  return descriptor;
}

/* The kernel accepts for a listening socket: this need not wait for its owner. */
int support_connect(int port) {
  struct sockaddr_in name = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_geq(descriptor, 0, "socket: %s", strerror(errno));
  cr_assert_eq(connect(descriptor, (struct sockaddr *)&name, sizeof name), 0, "connect: %s",
               strerror(errno));
  cr_assert_eq(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0, "fcntl: %s", strerror(errno));
  return descriptor;
}

void support_pair(int pair[2]) {
  int port;
  int listening = support_listen(&port);
  pair[0] = support_connect(port);
  pair[1] = support_accept(listening);
  close(listening);
}

void support_send(int descriptor, const void *data, size_t length) {
  const char *rest = data;
  while (length > 0) {
    ssize_t sent = send(descriptor, rest, length, MSG_NOSIGNAL);
    if (sent < 0) {
      cr_assert_eq(errno, EAGAIN, "send: %s", strerror(errno));
      wait_for(descriptor, UV_WRITABLE);
      continue;
    }
    rest += sent;
    length -= (size_t)sent;
  }
}

ssize_t support_receive(int descriptor, void *data, size_t size) {
  ssize_t length;
  while ((length = recv(descriptor, data, size, 0)) < 0 && errno == EAGAIN)
    wait_for(descriptor, UV_READABLE);
  return length;
}

void support_expect(int descriptor, const void *data, size_t length) {
  const char *rest = data;
  while (length > 0) {
    char bytes[64 * 1024];
    size_t most = length < sizeof bytes ? length : sizeof bytes;
    ssize_t received = support_receive(descriptor, bytes, most);
    cr_assert_gt(received, 0, "%zu bytes are missing: %s", length,
                 received == 0 ? "closed" : strerror(errno));
    cr_assert_arr_eq(bytes, rest, (size_t)received, "other bytes, %zu before the end", length);
    rest += received;
    length -= (size_t)received;
  }
}

void support_expect_end(int descriptor) {
  char byte;
  ssize_t received = support_receive(descriptor, &byte, 1);
  cr_assert_eq(received, 0, "no end, but %s", received > 0 ? "more bytes" : strerror(errno));
}

void support_reset(int descriptor) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  cr_assert_eq(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0,
               "setsockopt");
  close(descriptor);
}

/* --- Probes ----------------------------------------------------------------------------------- */

static void call(support_hook hook, struct support_probe *probe) {
  if (hook)
    hook(probe);
}

static void on_open(struct transport *transport, void *user) {
  struct support_probe *probe = user;
  cr_assert(!probe->open && !probe->closed, "on_open comes once, and first");
  probe->open = true;
  probe->transport = transport;
  call(probe->at_open, probe);
}

/* Events come only between on_open and on_close, and not after transport_close. */
static struct support_probe *expect_open(const struct transport *transport, void *user) {
  struct support_probe *probe = user;
  cr_assert(probe->open, "an event before on_open");
  cr_assert_not(probe->closing, "an event after transport_close");
  cr_assert_not(probe->closed, "an event after on_close");
  cr_assert_eq(transport, probe->transport, "another transport");
  return probe;
}

static void on_data(struct transport *transport, const uint8_t *data, size_t length, void *user) {
  struct support_probe *probe = expect_open(transport, user);
  cr_assert_gt(length, 0, "on_data without data");
  if (!probe->discard)
    cr_assert_eq(buffer_append(&probe->data, data, length), 0, "no memory");
  probe->piece = data;
  probe->piece_length = length;
  call(probe->at_data, probe);
  probe->piece = NULL;
  probe->received += length;
}

static void on_writable(struct transport *transport, void *user) {
  struct support_probe *probe = expect_open(transport, user);
  cr_assert_gt(transport_room(transport), 0, "on_writable, but there is no room");
  probe->writable++;
  call(probe->at_writable, probe);
}

static void on_close(struct transport *transport, const char *error, void *user) {
  struct support_probe *probe = user;
  (void)transport;
  cr_assert_not(probe->closed, "on_close comes once");
  probe->closed = true;
  if (error) {
    cr_assert(error[0] != '\0' && !strchr(error, '\n'), "not one line: '%s'", error);
    snprintf(probe->error, sizeof probe->error, "%s", error);
  }
  call(probe->at_close, probe);
  probe->transport = NULL;
}

const struct transport_events support_events = {
    .on_open = on_open, .on_data = on_data, .on_writable = on_writable, .on_close = on_close};

static void count_system_call(bool sent, const void *data, size_t length, void *user) {
  struct support_probe *probe = user;
  (void)data;
  if (!sent)
    return;
  probe->system_calls++;
  probe->sent += length;
}

static const struct transport_events *events_of(const struct support_probe *probe) {
  return probe->events ? probe->events : &support_events;
}

void support_probe_connect(struct support_probe *probe, int port) {
  char text[8];
  snprintf(text, sizeof text, "%d", port);
  probe->transport = transport_connect(support_loop(), probe->host ? probe->host : "127.0.0.1",
                                       text, probe->tls, events_of(probe), probe);
  cr_assert_not_null(probe->transport, "no memory");
  cr_assert(!probe->open && !probe->closed, "an event before transport_connect returned");
  transport_observe(probe->transport, count_system_call, probe);
}

void support_probe_start(struct support_probe *probe, int descriptor) {
  probe->transport = transport_accept(support_loop(), descriptor, probe->tls);
  cr_assert_not_null(probe->transport, "transport_accept: %s", strerror(errno));
  transport_observe(probe->transport, count_system_call, probe);
  transport_start(probe->transport, events_of(probe), probe);
  cr_assert_eq(probe->open, !probe->tls, "on_open has not come, or too early");
}

void support_probe_begin(struct support_probe *probe) {
  int pair[2];
  support_pair(pair);
  probe->peer = pair[0];
  support_probe_start(probe, pair[1]);
}

void support_probe_close(struct support_probe *probe) {
  probe->closing = true;
  transport_close(probe->transport);
}

void support_probe_drop(struct support_probe *probe) {
  transport_free(probe->transport);
  probe->transport = NULL;
  probe->closing = true; /* so that an event fails the test */
}

void support_probe_expect_close(struct support_probe *probe, const char *error) {
  support_wait(&probe->closed);
  cr_assert_str_eq(probe->error, error ? error : "", "it ended with '%s'", probe->error);
}

void support_probe_expect_sent(struct support_probe *probe, size_t length) {
  while (probe->sent < length && !probe->closed)
    support_turn();
  cr_assert_eq(probe->sent, length, "%zu bytes were sent, not %zu", probe->sent, length);
}

void support_probe_free(struct support_probe *probe) {
  if (probe->transport)
    support_probe_drop(probe);
  buffer_free(&probe->data);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

enum { PERIOD = 65521 }; /* a prime: no buffer has a part or a multiple of that size */

/* The endless text repeats this part: it has a number every 4 bytes, so every place
 * looks different. */
static const uint8_t *period(void) {
  static uint8_t bytes[PERIOD];
  static bool filled;
  for (size_t i = 0; i < PERIOD && !filled; i++)
    bytes[i] = (uint8_t)((i / 4 * 2654435761u) >> (8 * (i % 4)));
  filled = true;
  return bytes;
}

/* How many of `length` bytes from `offset` on come before the text repeats. */
static size_t before_repeat(size_t offset, size_t length) {
  size_t left = PERIOD - offset % PERIOD;
  return left < length ? left : length;
}

void support_fill(void *bytes, size_t offset, size_t length) {
  for (size_t done = 0, part; done < length; done += part) {
    part = before_repeat(offset + done, length - done);
    memcpy((uint8_t *)bytes + done, period() + (offset + done) % PERIOD, part);
  }
}

void support_expect_filled(const void *bytes, size_t offset, size_t length) {
  for (size_t done = 0, part; done < length; done += part) {
    part = before_repeat(offset + done, length - done);
    cr_assert_arr_eq((const uint8_t *)bytes + done, period() + (offset + done) % PERIOD, part,
                     "other bytes between %zu and %zu", offset + done, offset + done + part);
  }
}
