/* The beginning of a transport: connecting, with all its errors, and accepting. */
#include "common/transport.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tests/failing.h"
#include "common/tests/support.h"

TestSuite(transport, .init = support_begin, .fini = support_end, .timeout = 30);

/* --- Connecting ------------------------------------------------------------------------------- */

Test(transport, connects) {
  int port;
  int listening = support_listen(&port);
  struct support_probe probe = {0};
  support_probe_connect(&probe, port);
  support_wait(&probe.open);
  cr_assert_eq(transport_loop(probe.transport), support_loop(), "another loop");
  int peer = support_accept(listening);
  support_send(peer, "hello", 5);
  while (probe.received < 5)
    support_turn();
  transport_write(probe.transport, "you too", 7);
  support_expect(peer, "you too", 7);
  support_probe_free(&probe);
  close(peer);
  close(listening);
}

/* Connecting to `host` must end with this error, without an event before it. */
static void expect_failure(const char *host, const char *port, const char *error) {
  struct support_probe probe = {0};
  probe.transport = transport_connect(support_loop(), host, port, NULL, &support_events, &probe);
  cr_assert_not_null(probe.transport, "no memory");
  cr_assert_not(probe.closed, "on_close before transport_connect returned");
  support_wait(&probe.closed);
  cr_assert_not(probe.open, "on_open");
  cr_assert_eq(strncmp(probe.error, error, strlen(error)), 0, "'%s' and not '%s'", probe.error,
               error);
  cr_assert_gt(strlen(probe.error), strlen(error), "no reason after '%s'", error);
}

Test(transport, refused) {
  int port;
  int bound = support_refuse(&port);
  struct support_probe probe = {0};
  support_probe_connect(&probe, port);
  char error[64];
  snprintf(error, sizeof error, "connect to 127.0.0.1:%d: Connection refused", port);
  support_probe_expect_close(&probe, error);
  cr_assert_not(probe.open, "on_open");
  close(bound);
}

/* With IPv6 or without, the address is in brackets. */
Test(transport, refused_by_ipv6) {
  expect_failure("::1", "1", "connect to [::1]:1: ");
}

/* A label of more than 63 bytes: the look-up asks no server for it. */
Test(transport, unknown_host) {
  char host[80] = {0};
  memset(host, 'a', 70);
  char error[128];
  snprintf(error, sizeof error, "look up %s: ", host);
  expect_failure(host, "80", error);
}

Test(transport, unknown_port) {
  expect_failure("127.0.0.1", "no-such-service", "look up 127.0.0.1: ");
}

Test(transport, empty_host) {
  expect_failure("", "80", "look up : ");
}

/* libuv does not even try these. The error must have its reason however long the name is. */
Test(transport, host_too_long) {
  static const size_t lengths[] = {255, 256, 257, 480, 512, 600, 5000};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    char *host = calloc(1, lengths[i] + 1);
    cr_assert_not_null(host, "no memory");
    memset(host, 'a', lengths[i]);
    struct support_probe probe = {0};
    probe.transport = transport_connect(support_loop(), host, "80", NULL, &support_events, &probe);
    cr_assert_not_null(probe.transport, "no memory");
    support_wait(&probe.closed);
    cr_assert_not_null(strstr(probe.error, "a: "), "no reason: '%s'", probe.error);
    free(host);
  }
}

/* --- Several addresses ------------------------------------------------------------------------ */

static const char *text_of(int port) {
  static char text[8];
  snprintf(text, sizeof text, "%d", port);
  return text;
}

/* 127.0.0.2 and .3 are this machine too, but nobody listens there; and to the
 * broadcast address nobody can connect. */
Test(transport, addresses_in_turn) {
  static const char *const addresses[] = {"127.0.0.2", "255.255.255.255", "127.0.0.3", "127.0.0.1",
                                          NULL};
  int port;
  int listening = support_listen(&port);
  failing_resolve(addresses);
  struct support_probe probe = {0};
  probe.transport =
      transport_connect(support_loop(), "many", text_of(port), NULL, &support_events, &probe);
  support_wait(&probe.open);
  int peer = support_accept(listening);
  support_send(peer, "x", 1);
  while (probe.received < 1)
    support_turn();
  support_probe_free(&probe);
  close(peer);
  close(listening);
}

/* It takes the first address that answers, and tries no other. */
Test(transport, first_address_first) {
  static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", NULL};
  int port;
  int listening = support_listen(&port);
  failing_resolve(addresses);
  struct support_probe probe = {0};
  probe.transport =
      transport_connect(support_loop(), "many", text_of(port), NULL, &support_events, &probe);
  support_wait(&probe.open);
  close(support_accept(listening));
  support_probe_expect_close(&probe, "closed by the peer");
  close(listening);
}

/* The error is the last one. */
Test(transport, all_addresses_refused) {
  static const char *const refused[] = {"255.255.255.255", "127.0.0.2", "127.0.0.1", NULL};
  static const char *const unreachable[] = {"127.0.0.1", "255.255.255.255", NULL};
  int port;
  int bound = support_refuse(&port);
  char error[64];
  snprintf(error, sizeof error, "connect to many:%d: Connection refused", port);
  failing_resolve(refused);
  struct support_probe probe = {0};
  probe.transport =
      transport_connect(support_loop(), "many", text_of(port), NULL, &support_events, &probe);
  support_probe_expect_close(&probe, error);
  failing_resolve(unreachable);
  snprintf(error, sizeof error, "connect to many:%d: Network", port);
  expect_failure("many", text_of(port), error);
  close(bound);
}

/* --- Giving up before it is open -------------------------------------------------------------- */

/* At most two look-ups run at once: nobody can cancel these any more, but the third one. */
static void start_lookups(struct support_probe *probes, size_t count) {
  failing_hold_lookups();
  for (size_t i = 0; i < count; i++)
    support_probe_connect(&probes[i], 1);
  failing_await_lookups(2);
}

Test(transport, free_while_looked_up) {
  struct support_probe probes[3] = {0};
  start_lookups(probes, 3);
  for (size_t i = 0; i < 3; i++)
    support_probe_drop(&probes[i]);
  failing_release_lookups();
  support_drain();
  for (size_t i = 0; i < 3; i++)
    cr_assert(!probes[i].open && !probes[i].closed, "an event after transport_free");
}

Test(transport, close_while_looked_up) {
  struct support_probe probes[3] = {0};
  start_lookups(probes, 3);
  for (size_t i = 0; i < 3; i++) {
    support_probe_close(&probes[i]);
    cr_assert(probes[i].closed, "on_close did not come before transport_close returned");
    support_probe_expect_close(&probes[i], NULL);
  }
  failing_release_lookups();
  support_drain();
}

/* The loop reports a look-up that libuv has refused: until then, the program can give it
 * up like others. */
Test(transport, free_refused_lookup) {
  char host[1000] = {0};
  memset(host, 'a', sizeof host - 1);
  struct support_probe freed = {0};
  struct support_probe closed = {0};
  freed.transport = transport_connect(support_loop(), host, "1", NULL, &support_events, &freed);
  closed.transport = transport_connect(support_loop(), host, "1", NULL, &support_events, &closed);
  support_probe_drop(&freed);
  support_probe_close(&closed);
  cr_assert(closed.closed, "on_close did not come before transport_close returned");
  support_drain();
  cr_assert_not(freed.closed, "an event after transport_free");
}

static void note_poll(uv_handle_t *handle, void *found) {
  if (uv_handle_get_type(handle) == UV_POLL)
    *(bool *)found = true;
}

/* Connect to a port whose queue of clients is full: the kernel drops the SYN, and stays so for a
 * second. */
static void stall(struct support_probe *probe, int *listening, int *client) {
  int port;
  *listening = support_refuse(&port);
  cr_assert_eq(listen(*listening, 0), 0, "listen: %s", strerror(errno));
  *client = support_connect(port);
  support_probe_connect(probe, port);
  for (bool connecting = false; !connecting;) {
    support_turn();
    uv_walk(support_loop(), note_poll, &connecting);
  }
  cr_assert_not(probe->open, "on_open");
}

Test(transport, free_while_connecting) {
  struct support_probe probe = {0};
  int listening;
  int client;
  stall(&probe, &listening, &client);
  support_probe_drop(&probe);
  support_drain();
  cr_assert(!probe.open && !probe.closed, "an event after transport_free");
  close(client);
  close(listening);
}

Test(transport, close_while_connecting) {
  struct support_probe probe = {0};
  int listening;
  int client;
  stall(&probe, &listening, &client);
  cr_assert_eq(transport_room(probe.transport), 0, "room before on_open");
  support_probe_close(&probe);
  cr_assert(probe.closed, "on_close did not come before transport_close returned");
  support_probe_expect_close(&probe, NULL);
  cr_assert_not(probe.open, "on_open");
  support_drain();
  close(client);
  close(listening);
}

static void close_again(struct support_probe *probe) {
  transport_close(probe->transport);
}

/* on_close comes once, whatever a test calls in it. */
Test(transport, close_in_on_close) {
  int port;
  int bound = support_refuse(&port);
  struct support_probe refused = {.at_close = close_again};
  support_probe_connect(&refused, port);
  support_wait(&refused.closed);
  struct support_probe given_up = {.at_close = close_again};
  support_probe_connect(&given_up, port);
  support_probe_close(&given_up);
  cr_assert(given_up.closed, "on_close did not come before transport_close returned");
  support_drain();
  close(bound);
}

/* --- Accepting -------------------------------------------------------------------------------- */

Test(transport, accepted_waits_for_start) {
  int pair[2];
  support_pair(pair);
  struct transport *transport = transport_accept(support_loop(), pair[1], NULL);
  cr_assert_not_null(transport, "transport_accept: %s", strerror(errno));
  cr_assert_eq(transport_room(transport), 0, "room before on_open");
  support_send(pair[0], "early", 5);
  support_drain(); /* nothing waits for it */
  struct support_probe probe = {0};
  transport_start(transport, &support_events, &probe);
  cr_assert(probe.open, "on_open did not come before transport_start returned");
  while (probe.received < 5)
    support_turn();
  cr_assert_str_eq(probe.data.bytes, "early", "other bytes");
  support_probe_free(&probe);
  support_expect_end(pair[0]);
  close(pair[0]);
}

Test(transport, accepted_and_not_wanted) {
  int pair[2];
  support_pair(pair);
  transport_free(transport_accept(support_loop(), pair[1], NULL));
  support_expect_end(pair[0]);
  close(pair[0]);
}

/* There is no owner yet to tell. */
Test(transport, accepted_and_closed) {
  int pair[2];
  support_pair(pair);
  transport_close(transport_accept(support_loop(), pair[1], NULL));
  support_expect_end(pair[0]);
  close(pair[0]);
}

/* The loop cannot wait for a file. */
Test(transport, accept_fails) {
  int file = memfd_create("file", MFD_CLOEXEC);
  cr_assert_geq(file, 0, "no file");
  errno = 0;
  cr_assert_null(transport_accept(support_loop(), file, NULL), "taken");
  cr_assert_eq(errno, EPERM, "errno is %d", errno);
  cr_assert_eq(fcntl(file, F_GETFD), -1, "the descriptor is still open");
}

Test(transport, accept_without_memory) {
  for (size_t n = 1;; n++) {
    int pair[2];
    support_pair(pair);
    failing_start(n);
    struct transport *transport = transport_accept(support_loop(), pair[1], NULL);
    int error = errno;
    bool failed = failing_stop();
    cr_assert_eq(transport == NULL, failed, "allocation %zu", n);
    if (failed)
      cr_assert_eq(error, ENOMEM, "errno is %d", error);
    transport_free(transport);
    support_expect_end(pair[0]);
    close(pair[0]);
    if (!failed)
      break;
  }
}

/* The loop reports failures in libuv, like every failure of a look-up. */
Test(transport, connect_without_memory) {
  int port;
  int bound = support_refuse(&port);
  struct support_probe ready = {0}; /* starts libuv's threads */
  support_probe_connect(&ready, port);
  support_wait(&ready.closed);
  size_t refused = 0;
  for (bool failed = true; failed;) {
    struct support_probe probe = {0};
    failing_start(refused + 1);
    probe.transport = transport_connect(support_loop(), "127.0.0.1", text_of(port), NULL,
                                        &support_events, &probe);
    failed = failing_stop();
    refused += failed;
    if (!probe.transport)
      cr_assert(failed, "it refused, though there was memory");
    else
      support_wait(&probe.closed);
  }
  cr_assert_geq(refused, 4, "only %zu allocations", refused);
  close(bound);
}

Test(transport, free_nothing) {
  transport_free(NULL);
}
