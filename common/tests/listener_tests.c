/* Waiting for clients: ports, addresses, and more clients than there are descriptors. */
#include "common/listener.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tests/failing.h"
#include "common/tests/support.h"

TestSuite(listener, .init = support_begin, .fini = support_end, .timeout = 60);

enum { MOST = 256 };

/* The clients that a listener has accepted. */
struct clients {
  struct listener *listener;
  struct transport *transports[MOST];
  struct support_probe probes[MOST];
  size_t count;
};

static struct clients clients;

static void on_accept(struct transport *transport, void *user) {
  cr_assert_eq(user, &clients, "another user");
  cr_assert_lt(clients.count, MOST, "too many clients");
  cr_assert_eq(transport_loop(transport), support_loop(), "another loop");
  clients.transports[clients.count] = transport;
  clients.probes[clients.count].transport = transport;
  transport_start(transport, &support_events, &clients.probes[clients.count++]);
}

static void listen_on(const char *host, int port, listener_callback callback) {
  char error[256] = "";
  clients.listener =
      listener_open(support_loop(), host, port, NULL, callback, &clients, error, sizeof error);
  cr_assert_not_null(clients.listener, "%s", error);
}

static void expect_failure(const char *host, int port, const char *expected) {
  char error[256] = "";
  struct listener *listener =
      listener_open(support_loop(), host, port, NULL, on_accept, &clients, error, sizeof error);
  cr_assert_null(listener, "it listens on %s", host);
  cr_assert_eq(strncmp(error, expected, strlen(expected)), 0, "'%s', not '%s'", error, expected);
}

static void await_clients(size_t count) {
  while (clients.count < count)
    support_turn();
}

static void end(void) {
  listener_free(clients.listener);
  for (size_t i = 0; i < clients.count; i++)
    support_probe_free(&clients.probes[i]);
}

/* --- Ports ------------------------------------------------------------------------------------ */

Test(listener, any_port) {
  listen_on("localhost", 0, on_accept);
  int port = listener_port(clients.listener);
  cr_assert(port > 0 && port < 65536, "port %d", port);
  int client = support_connect(port);
  await_clients(1);
  support_send(client, "x", 1);
  while (clients.probes[0].received == 0)
    support_turn();
  close(client);
  end();
}

Test(listener, given_port) {
  int port;
  close(support_refuse(&port)); /* it was free a moment ago */
  listen_on("127.0.0.1", port, on_accept);
  cr_assert_eq(listener_port(clients.listener), port, "another port");
  int client = support_connect(port);
  await_clients(1);
  close(client);
  end();
}

Test(listener, port_taken) {
  int port;
  int listening = support_listen(&port);
  char error[64];
  snprintf(error, sizeof error, "listen on 127.0.0.1:%d: Address already in use", port);
  expect_failure("127.0.0.1", port, error);
  listen_on("127.0.0.1", 0, on_accept);
  port = listener_port(clients.listener);
  snprintf(error, sizeof error, "listen on localhost:%d: Address already in use", port);
  expect_failure("localhost", port, error);
  end();
  close(listening);
}

/* A server that has just stopped can start again, though the kernel still remembers its
 * connections. */
Test(listener, port_again) {
  listen_on("127.0.0.1", 0, on_accept);
  int port = listener_port(clients.listener);
  int client = support_connect(port);
  await_clients(1);
  support_probe_drop(&clients.probes[0]); /* this side closes first: the port stays in TIME_WAIT */
  support_expect_end(client);
  close(client);
  listener_free(clients.listener);
  support_drain();
  listen_on("127.0.0.1", port, on_accept);
  client = support_connect(port);
  await_clients(2);
  close(client);
  end();
}

/* --- Addresses -------------------------------------------------------------------------------- */

/* Connect to this port of a numeric address. */
static int connect_to(const char *address, int port) {
  struct support_probe probe = {0};
  char text[8];
  snprintf(text, sizeof text, "%d", port);
  probe.transport = transport_connect(support_loop(), address, text, NULL, &support_events, &probe);
  while (!probe.open && !probe.closed)
    support_turn();
  bool open = probe.open;
  support_probe_free(&probe);
  return open ? 0 : -1;
}

static bool has_ipv6(void) {
  struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool has = descriptor >= 0 && bind(descriptor, (struct sockaddr *)&name, sizeof name) == 0;
  if (descriptor >= 0)
    close(descriptor);
  return has;
}

/* Listen on both, on the same port. */
Test(listener, ipv4_and_ipv6) {
  static const char *const both[] = {"::1", "127.0.0.1", NULL};
  if (!has_ipv6())
    cr_skip_test("this machine has no ::1");
  failing_resolve(both);
  listen_on("both", 0, on_accept);
  failing_resolve(NULL);
  int port = listener_port(clients.listener);
  cr_assert_eq(connect_to("127.0.0.1", port), 0, "cannot connect by IPv4");
  cr_assert_eq(connect_to("::1", port), 0, "cannot connect by IPv6");
  await_clients(2);
  end();
}

Test(listener, every_address) {
  static const char *const three[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3", NULL};
  failing_resolve(three);
  listen_on("three", 0, on_accept);
  failing_resolve(NULL);
  int port = listener_port(clients.listener);
  for (size_t i = 0; three[i]; i++)
    cr_assert_eq(connect_to(three[i], port), 0, "not on %s", three[i]);
  cr_assert_eq(connect_to("127.0.0.4", port), -1, "it listens on another address");
  await_clients(3);
  end();
}

/* 192.0.2.1 is nobody's (RFC 5737). */
Test(listener, missing_address) {
  static const char *const first[] = {"192.0.2.1", "127.0.0.1", NULL};
  static const char *const last[] = {"127.0.0.1", "192.0.2.1", NULL};
  static const char *const only[] = {"192.0.2.1", NULL};
  failing_resolve(first);
  listen_on("first", 0, on_accept);
  listener_free(clients.listener);
  failing_resolve(last);
  listen_on("last", 0, on_accept);
  listener_free(clients.listener);
  clients.listener = NULL;
  failing_resolve(only);
  expect_failure("only", 0, "listen on only:0: Cannot assign requested address");
  end();
}

/* As if a name stood twice in /etc/hosts. */
Test(listener, address_twice) {
  static const char *const twice[] = {"127.0.0.1", "127.0.0.2", "127.0.0.1", NULL};
  failing_resolve(twice);
  listen_on("twice", 0, on_accept);
  failing_resolve(NULL);
  cr_assert_eq(connect_to("127.0.0.2", listener_port(clients.listener)), 0, "not connected");
  await_clients(1);
  end();
}

/* The port is taken at the second address: the listener does not listen at the first either. */
Test(listener, one_address_taken) {
  static const char *const two[] = {"127.0.0.2", "127.0.0.1", NULL};
  int port;
  int listening = support_listen(&port);
  char error[64];
  snprintf(error, sizeof error, "listen on two:%d: Address already in use", port);
  failing_resolve(two);
  expect_failure("two", port, error);
  failing_resolve(NULL);
  cr_assert_eq(connect_to("127.0.0.2", port), -1, "it listens");
  close(listening);
}

/* A label of more than 63 bytes: the look-up asks no server for it. */
Test(listener, unknown_host) {
  char host[80] = {0};
  memset(host, 'a', 70);
  char error[128];
  snprintf(error, sizeof error, "look up %s: ", host);
  expect_failure(host, 0, error);
}

/* --- Clients ---------------------------------------------------------------------------------- */

/* More clients than the listener takes in one turn of the loop. */
Test(listener, many_at_once) {
  enum { COUNT = 200 };
  int sockets[COUNT];
  listen_on("127.0.0.1", 0, on_accept);
  for (size_t i = 0; i < COUNT; i++)
    sockets[i] = support_connect(listener_port(clients.listener));
  await_clients(COUNT);
  for (size_t i = 0; i < COUNT; i++)
    close(sockets[i]);
  for (size_t i = 0; i < COUNT; i++)
    support_probe_expect_close(&clients.probes[i], "closed by the peer");
  end();
}

static void refuse(struct transport *transport, void *user) {
  size_t *refused = &((struct clients *)user)->count;
  (*refused)++;
  transport_free(transport);
}

Test(listener, free_transport_in_callback) {
  listen_on("127.0.0.1", 0, refuse);
  for (int i = 0; i < 3; i++) {
    int client = support_connect(listener_port(clients.listener));
    support_expect_end(client);
    close(client);
  }
  cr_assert_eq(clients.count, 3, "%zu clients", clients.count);
  listener_free(clients.listener);
}

static void accept_and_stop(struct transport *transport, void *user) {
  on_accept(transport, user);
  listener_free(clients.listener);
  clients.listener = NULL;
}

/* The listener takes no more of the waiting clients; the one that it took stays open. */
Test(listener, free_in_callback) {
  static const char *const two[] = {"127.0.0.1", "127.0.0.2", NULL};
  failing_resolve(two);
  listen_on("two", 0, accept_and_stop);
  failing_resolve(NULL);
  int port = listener_port(clients.listener);
  int sockets[3];
  for (size_t i = 0; i < 3; i++)
    sockets[i] = support_connect(port);
  await_clients(1);
  uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert_eq(clients.count, 1, "%zu clients", clients.count);
  cr_assert_eq(connect_to("127.0.0.1", port), -1, "it still listens");
  support_send(sockets[0], "x", 1);
  while (clients.probes[0].received == 0)
    support_turn();
  for (size_t i = 0; i < 3; i++)
    close(sockets[i]);
  end();
}

Test(listener, accepted_stay_open) {
  listen_on("127.0.0.1", 0, on_accept);
  int client = support_connect(listener_port(clients.listener));
  await_clients(1);
  listener_free(clients.listener);
  clients.listener = NULL;
  support_send(client, "x", 1);
  while (clients.probes[0].received == 0)
    support_turn();
  transport_write(clients.probes[0].transport, "y", 1);
  support_expect(client, "y", 1);
  close(client);
  end();
}

Test(listener, free_nothing) {
  listener_free(NULL);
}

/* --- When something runs out ------------------------------------------------------------------ */

enum { DESCRIPTORS = 128 };

/* Descriptors, until there are no more. */
static int spent[DESCRIPTORS];
static size_t spent_count;

static void spend_descriptors(void) {
  struct rlimit limit;
  cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0, "getrlimit: %s", strerror(errno));
  limit.rlim_cur = DESCRIPTORS;
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0, "setrlimit: %s", strerror(errno));
  int descriptor;
  while ((descriptor = dup(STDIN_FILENO)) >= 0)
    spent[spent_count++] = descriptor;
  cr_assert_eq(errno, EMFILE, "dup: %s", strerror(errno));
}

static void give_descriptors_back(void) {
  while (spent_count > 0)
    close(spent[--spent_count]);
}

/* Without descriptors, the listening socket stays readable: a listener that goes on polling it has
 * a turn of the loop every few microseconds. */
Test(listener, no_descriptors) {
  enum { COUNT = 5, TURNS = 8 };
  int sockets[COUNT];
  listen_on("127.0.0.1", 0, on_accept);
  for (size_t i = 0; i < COUNT; i++)
    sockets[i] = support_connect(listener_port(clients.listener));
  spend_descriptors();
  uint64_t start = support_now();
  for (int turn = 0; turn < TURNS; turn++)
    support_turn();
  uint64_t took = support_now() - start;
  give_descriptors_back();
  cr_assert_eq(clients.count, 0, "it accepted without a descriptor");
  cr_assert_geq(took, 200, "%d turns of the loop took %d ms", TURNS, (int)took);
  await_clients(COUNT);
  for (size_t i = 0; i < COUNT; i++)
    close(sockets[i]);
  end();
}

Test(listener, free_while_it_pauses) {
  listen_on("127.0.0.1", 0, on_accept);
  int client = support_connect(listener_port(clients.listener));
  spend_descriptors();
  support_turn();
  listener_free(clients.listener);
  clients.listener = NULL;
  give_descriptors_back();
  support_drain();
  cr_assert_eq(clients.count, 0, "it accepted after listener_free");
  close(client);
}

/* Without memory, a client may be lost, but not those that come after it. */
Test(listener, no_memory_for_a_client) {
  listen_on("127.0.0.1", 0, on_accept);
  int lost = support_connect(listener_port(clients.listener));
  failing_start(1);
  while (!failing_happened())
    support_turn();
  int served = support_connect(listener_port(clients.listener));
  await_clients(1);
  support_send(served, "x", 1);
  while (clients.probes[clients.count - 1].received == 0)
    support_turn();
  close(lost);
  close(served);
  end();
}

/* Each allocation fails in turn. */
Test(listener, open_without_memory) {
  /* Fill libuv's table of descriptors: libuv aborts if it has no memory to grow the table. */
  int high = fcntl(support_refuse(&(int){0}), F_DUPFD_CLOEXEC, 200);
  uv_poll_t poll;
  uv_poll_init(support_loop(), &poll, high);
  uv_poll_start(&poll, UV_READABLE, (uv_poll_cb)abort);
  uv_close((uv_handle_t *)&poll, NULL);
  support_drain();
  close(high);
  listen_on("localhost", 0, on_accept); /* getaddrinfo allocates once */
  end();

  size_t refused = 0;
  for (bool failed = true; failed; refused += failed) {
    char error[256] = "";
    failing_start(refused + 1);
    struct listener *listener = listener_open(support_loop(), "localhost", 0, NULL, on_accept,
                                              &clients, error, sizeof error);
    failed = failing_stop();
    if (!listener)
      cr_assert(failed && error[0] != '\0', "it refused without a reason");
    listener_free(listener);
    support_drain();
  }
  cr_assert_geq(refused, 3, "only %zu allocations", refused);
}
