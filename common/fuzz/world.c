/* world: see world.h. peer.c makes the bytes that the peer sends. */
#include "common/fuzz/world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/fuzz/peer.h"
#include "common/inner/connector.h"
#include "common/listener.h"

enum {
  MOST_TURNS = 5000, /* by then, the loop should have come to rest */
  LARGEST_MEMORY = 4 * 1024 * 1024,
};

static struct {
  uv_loop_t loop;
  bool is_ready;
  uint64_t now; /* milliseconds */
  unsigned events;
  struct peer peer;
  int program; /* its end of the pair until it takes it; else -1 */
  listener_callback on_accept;
  connector_callback on_connect;
  void *user;
} world;

/* --- The clock, in place of the C library's --------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)
    return (int)syscall(SYS_clock_gettime, clock, time);
  *time = (struct timespec){(time_t)(world.now / 1000), (long)(world.now % 1000) * 1000000};
  return 0;
}

time_t time(time_t *second) {
  time_t now = (time_t)(1700000000 + world.now / 1000);
  if (second)
    *second = now;
  return now;
}

/* In place of libuv's wait for its descriptors: how many are ready. */
int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout,
                const sigset_t *mask) {
  int count = (int)syscall(SYS_epoll_pwait, epoll, events, most, timeout, mask, _NSIG / 8);
  world.events += count > 0 ? (unsigned)count : 0;
  return count;
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
  return epoll_pwait(epoll, events, most, timeout, NULL);
}

/* --- The program's end of the pair, in place of listener.c and connector.c -------------------- */

struct listener *listener_open(uv_loop_t *loop, const char *host, int port, SSL_CTX *tls,
                               listener_callback callback, void *user, char *error,
                               size_t error_size) {
  (void)loop, (void)host, (void)port, (void)tls, (void)error, (void)error_size;
  world.on_accept = callback;
  world.user = user;
  return (struct listener *)&world;
}

struct listener *listener_take(uv_loop_t *loop, const int *sockets, size_t count, SSL_CTX *tls,
                               listener_callback callback, void *user, char *error,
                               size_t error_size) {
  (void)sockets, (void)count;
  return listener_open(loop, "", 0, tls, callback, user, error, error_size);
}

int listener_port(const struct listener *listener) {
  (void)listener;
  return 8000;
}

void listener_free(struct listener *listener) {
  if (listener)
    world.on_accept = NULL;
}

struct connector *connector_start(uv_loop_t *loop, const char *host, const char *port,
                                  connector_callback callback, void *user) {
  (void)loop, (void)host, (void)port;
  world.on_connect = callback;
  world.user = user;
  return (struct connector *)&world;
}

void connector_free(struct connector *connector) {
  if (connector)
    world.on_connect = NULL;
}

void world_connect(void) {
  int descriptor = world.program;
  if (descriptor < 0 || (!world.on_accept && !world.on_connect))
    return;
  world.program = -1;
  fuzz_run(true);
  if (world.on_connect) {
    connector_callback callback = world.on_connect;
    world.on_connect = NULL; /* the listener is gone */
    callback(descriptor, NULL, world.user);
  } else {
    struct transport *transport = transport_accept(&world.loop, descriptor, NULL);
    if (transport)
      world.on_accept(transport, world.user);
  }
  fuzz_run(false);
  world_turn();
}

/* --- The loop --------------------------------------------------------------------------------- */

void world_turn(void) {
  for (unsigned turn = 0; turn < MOST_TURNS; turn++) {
    peer_send(&world.peer);
    world.events = 0;
    fuzz_run(true);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    fuzz_run(false);
    peer_receive(&world.peer);
    bool is_due = uv_loop_alive(&world.loop) && uv_backend_timeout(&world.loop) == 0;
    if (world.events == 0 && !is_due)
      return;
  }
  fuzz_must(false, "the loop comes to rest");
}

void world_wait(unsigned milliseconds) {
  uint64_t end = world.now + milliseconds;
  world_turn(); /* run what is due now */
  while (world.now < end) {
    int next = uv_backend_timeout(&world.loop);
    uint64_t step = next > 0 ? (uint64_t)next : end - world.now;
    world.now += step < end - world.now ? step : end - world.now;
    world_turn();
  }
}

/* --- Beginning and end ------------------------------------------------------------------------ */

/* A loop that knows a high descriptor: for higher ones libuv would need memory, and would abort
 * without it. */
static void make_loop(void) {
  enum { HIGH = 100 };
  uv_poll_t poll;
  int pair[2];
  fuzz_must(uv_loop_init(&world.loop) == 0, "there is a loop");
  fuzz_must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "there are descriptors");
  fuzz_must(dup2(pair[0], HIGH) == HIGH, "there is a high descriptor");
  uv_poll_init(&world.loop, &poll, HIGH);
  uv_poll_start(&poll, UV_READABLE, NULL);
  uv_run(&world.loop, UV_RUN_NOWAIT);
  uv_close((uv_handle_t *)&poll, NULL);
  uv_run(&world.loop, UV_RUN_NOWAIT);
  close(pair[0]);
  close(pair[1]);
  close(HIGH);
  world.is_ready = true;
}

uv_loop_t *world_begin(bool is_client) {
  int pair[2];
  if (!world.is_ready)
    make_loop();
  fuzz_fail(0, 0);
  fuzz_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0,
            "there are descriptors");
  world.program = pair[0];
  peer_begin(&world.peer, pair[1], is_client);
  uv_update_time(&world.loop);
  fuzz_measure();
  return &world.loop;
}

void world_hang_up(void) {
  peer_close(&world.peer);
  world_turn();
}

void world_end(void) {
  fuzz_must(!uv_loop_alive(&world.loop), "nothing is left on the loop");
  fuzz_must(fuzz_peak() < LARGEST_MEMORY, "memory is bounded");
  peer_end(&world.peer);
  if (world.program >= 0)
    close(world.program);
  world.on_accept = NULL;
  world.on_connect = NULL;
}

/* --- Steps ------------------------------------------------------------------------------------ */

bool world_step(struct tape *tape, uint8_t *choice) {
  static const unsigned waits[] = {0, 1, 10, 100, 500, 1000, 5000, 10000, 30000, 60000, 120000};
  uint8_t step = tape_octet(tape);
  uint8_t argument = step >> 4;
  bool goes_on = argument & 8; /* send these bytes together with the next ones */
  switch (step & 15) {
  case 0: *choice = tape_octet(tape); return false;
  case 1: world_wait(waits[tape_octet(tape) % (sizeof waits / sizeof *waits)]); return true;
  case 2: fuzz_fail(tape_octet(tape), argument); return true;
  case 3: world_connect(); return true;
  default: peer_step(&world.peer, step & 15, argument, tape);
  }
  if (!goes_on)
    world_turn();
  return true;
}
