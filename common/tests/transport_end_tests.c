/* The end of a transport: by the peer, politely, or at once, in every state. */
#include "common/transport.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tests/support.h"

TestSuite(transport_end, .init = support_begin, .fini = support_end, .timeout = 60);

static void write_text(struct support_probe *probe, const char *text) {
  cr_assert_eq(transport_write(probe->transport, text, strlen(text)), 0, "no memory");
}

static void end(struct support_probe *probe) {
  support_probe_free(probe);
  close(probe->peer);
}

/* --- By the peer ------------------------------------------------------------------------------ */

Test(transport_end, peer_closes) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  support_send(probe.peer, "bye", 3);
  close(probe.peer);
  support_probe_expect_close(&probe, "closed by the peer");
  cr_assert_str_eq(probe.data.bytes, "bye", "the last bytes are lost");
  support_probe_free(&probe);
}

Test(transport_end, peer_resets) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  support_reset(probe.peer);
  support_probe_expect_close(&probe, "read: Connection reset by peer");
  support_probe_free(&probe);
}

/* The last bytes of the peer may explain its end. */
Test(transport_end, last_words_before_a_reset) {
  enum { LENGTH = 20000 }; /* less than the window: all bytes leave before the RST */
  uint8_t bytes[LENGTH];
  support_fill(bytes, 0, LENGTH);
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  ssize_t sent = send(probe.peer, bytes, LENGTH, 0);
  cr_assert_gt(sent, 0, "send: %s", strerror(errno));
  support_reset(probe.peer);
  support_probe_expect_close(&probe, "read: Connection reset by peer");
  cr_assert_eq(probe.received, (size_t)sent, "%zu bytes, not %zd", probe.received, sent);
  support_expect_filled(probe.data.bytes, 0, (size_t)sent);
  support_probe_free(&probe);
}

/* The peer could still read, but HTTP/2 has no half-closed connections. */
Test(transport_end, peer_closes_its_half) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  shutdown(probe.peer, SHUT_WR);
  support_probe_expect_close(&probe, "closed by the peer");
  support_expect_end(probe.peer);
  end(&probe);
}

/* A socket that takes nothing more would have room for ever. */
static void write_without_end(struct support_probe *probe) {
  if (probe->peer >= 0)
    support_reset(probe->peer);
  probe->peer = -1;
  static const char bytes[10000];
  while (transport_room(probe->transport) > 0)
    cr_assert_eq(transport_write(probe->transport, bytes, sizeof bytes), 0, "no memory");
}

Test(transport_end, peer_is_gone_while_written) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  probe.at_data = write_without_end;
  probe.at_writable = write_without_end;
  support_send(probe.peer, "x", 1);
  support_wait(&probe.closed);
  cr_assert_neq(probe.error[0], '\0', "ended without an error");
  support_probe_free(&probe);
}

/* --- Politely --------------------------------------------------------------------------------- */

Test(transport_end, close) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  write_text(&probe, "last words");
  support_probe_close(&probe);
  transport_close(probe.transport); /* allowed twice */
  cr_assert_eq(transport_write(probe.transport, "dropped", 7), 0, "refused");
  transport_wake(probe.transport);
  support_expect(probe.peer, "last words", 10);
  support_expect_end(probe.peer);
  transport_close(probe.transport);
  cr_assert_not(probe.closed, "it did not wait for the peer");
  support_send(probe.peer, "too late", 8);
  close(probe.peer);
  support_probe_expect_close(&probe, NULL);
  cr_assert_eq(probe.received, 0, "on_data after transport_close");
  support_probe_free(&probe);
}

static void write_and_close(struct support_probe *probe) {
  write_text(probe, "last words");
  support_probe_close(probe);
  support_probe_close(probe);
}

static void expect_last_words(struct support_probe *probe) {
  support_expect(probe->peer, "last words", 10);
  support_expect_end(probe->peer);
  cr_assert_not(probe->closed, "it did not wait for the peer");
  close(probe->peer);
  support_probe_expect_close(probe, NULL);
  support_probe_free(probe);
}

Test(transport_end, close_in_on_open) {
  struct support_probe probe = {.at_open = write_and_close};
  support_probe_begin(&probe);
  expect_last_words(&probe);
}

Test(transport_end, close_in_on_data) {
  struct support_probe probe = {.at_data = write_and_close};
  support_probe_begin(&probe);
  support_send(probe.peer, "x", 1);
  expect_last_words(&probe);
}

Test(transport_end, close_in_on_writable) {
  struct support_probe probe = {.at_writable = write_and_close};
  support_probe_begin(&probe);
  expect_last_words(&probe);
}

static void close_again(struct support_probe *probe) {
  transport_close(probe->transport);
  cr_assert_eq(transport_write(probe->transport, "x", 1), 0, "refused");
}

Test(transport_end, close_in_on_close) {
  struct support_probe probe = {.at_close = close_again};
  support_probe_begin(&probe);
  close(probe.peer);
  support_probe_expect_close(&probe, "closed by the peer");
  support_probe_free(&probe);
}

/* If we closed the socket with unread bytes in it, the kernel would send RST, and the
 * peer would lose the bytes that it has not read yet. */
Test(transport_end, last_bytes_though_the_peer_has_sent_too) {
  enum { LENGTH = 2000000 };
  uint8_t *bytes = malloc(LENGTH);
  cr_assert_not_null(bytes, "no memory");
  support_fill(bytes, 0, LENGTH);
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  for (int i = 0; i < 10; i++)
    cr_assert_gt(send(probe.peer, bytes, 20000, 0), 0, "send: %s", strerror(errno));
  transport_write(probe.transport, bytes, LENGTH);
  support_probe_close(&probe);
  support_expect(probe.peer, bytes, LENGTH / 2);
  cr_assert_gt(send(probe.peer, bytes, 20000, 0), 0, "send: %s", strerror(errno));
  support_expect(probe.peer, bytes + LENGTH / 2, LENGTH / 2);
  support_expect_end(probe.peer);
  close(probe.peer);
  support_probe_expect_close(&probe, NULL);
  free(bytes);
  support_probe_free(&probe);
}

static void note_time(uv_timer_t *timer) {
  *(bool *)timer->data = true;
  uv_close((uv_handle_t *)timer, NULL);
}

/* Let this many milliseconds pass on the loop. Returns in how many turns. */
static size_t pass_time(uint64_t milliseconds) {
  static uv_timer_t timer;
  bool over = false;
  size_t turns = 0;
  uv_timer_init(support_loop(), &timer);
  timer.data = &over;
  uv_timer_start(&timer, note_time, milliseconds, 0);
  while (!over) {
    support_turn();
    turns++;
  }
  return turns;
}

/* A peer that has nothing more to send may still read. Its FIN stays readable: a transport that
 * goes on polling for it has a turn of the loop every few microseconds. */
Test(transport_end, last_bytes_though_the_peer_has_closed_its_half) {
  enum { LENGTH = 8000000 };
  uint8_t *bytes = malloc(LENGTH);
  cr_assert_not_null(bytes, "no memory");
  support_fill(bytes, 0, LENGTH);
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  transport_write(probe.transport, bytes, LENGTH);
  support_probe_close(&probe);
  shutdown(probe.peer, SHUT_WR);
  size_t turns = pass_time(100);
  cr_assert_lt(turns, 100, "%zu turns of the loop in 100 ms", turns);
  support_expect(probe.peer, bytes, LENGTH);
  support_expect_end(probe.peer);
  support_probe_expect_close(&probe, NULL);
  free(bytes);
  end(&probe);
}

/* The half second is for the peer's FIN, not for the bytes before it. */
Test(transport_end, last_bytes_to_a_slow_peer) {
  enum { LENGTH = 8000000 };
  uint8_t *bytes = malloc(LENGTH);
  cr_assert_not_null(bytes, "no memory");
  support_fill(bytes, 0, LENGTH);
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  transport_write(probe.transport, bytes, LENGTH);
  support_probe_close(&probe);
  pass_time(700);
  cr_assert_not(probe.closed, "it gave up after half a second");
  support_expect(probe.peer, bytes, LENGTH);
  support_expect_end(probe.peer);
  close(probe.peer);
  support_probe_expect_close(&probe, NULL);
  free(bytes);
  support_probe_free(&probe);
}

Test(transport_end, peer_never_closes) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  write_text(&probe, "bye");
  uint64_t start = support_now();
  support_probe_close(&probe);
  support_probe_expect_close(&probe, NULL);
  uint64_t took = support_now() - start;
  cr_assert(took >= 300 && took < 2000, "it took %d ms", (int)took);
  support_expect(probe.peer, "bye", 3);
  support_expect_end(probe.peer);
  end(&probe);
}

Test(transport_end, peer_never_stops_to_send) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  support_probe_close(&probe);
  uint64_t start = support_now();
  while (!probe.closed) {
    static const char bytes[1000];
    send(probe.peer, bytes, sizeof bytes, MSG_NOSIGNAL);
    support_turn();
  }
  uint64_t took = support_now() - start;
  cr_assert_lt(took, 2000, "it took %d ms", (int)took);
  cr_assert_str_eq(probe.error, "", "ended with '%s'", probe.error);
  end(&probe);
}

Test(transport_end, peer_resets_after_close) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  write_text(&probe, "bye");
  support_probe_close(&probe);
  support_expect(probe.peer, "bye", 3);
  support_reset(probe.peer);
  support_probe_expect_close(&probe, NULL);
  support_probe_free(&probe);
}

/* --- At once ---------------------------------------------------------------------------------- */

static void drop(struct support_probe *probe) {
  write_text(probe, "dropped");
  support_probe_drop(probe);
}

/* The peer sees the end, and the probe sees nothing more (support_probe_drop checks this). */
static void expect_dropped(struct support_probe *probe) {
  support_expect_end(probe->peer);
  support_drain();
  cr_assert(!probe->closed, "an event after transport_free");
  end(probe);
}

Test(transport_end, free) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  drop(&probe);
  expect_dropped(&probe);
}

Test(transport_end, free_in_on_open) {
  struct support_probe probe = {.at_open = drop};
  support_probe_begin(&probe);
  expect_dropped(&probe);
}

Test(transport_end, free_in_on_open_of_a_client) {
  int port;
  int listening = support_listen(&port);
  struct support_probe probe = {.at_open = drop};
  support_probe_connect(&probe, port);
  probe.peer = support_accept(listening);
  expect_dropped(&probe);
  cr_assert(probe.open, "on_open has not come");
  close(listening);
}

Test(transport_end, free_in_on_data) {
  struct support_probe probe = {.at_data = drop};
  support_probe_begin(&probe);
  support_send(probe.peer, "x", 1);
  expect_dropped(&probe);
  cr_assert_eq(probe.received, 1, "on_data has not come");
}

Test(transport_end, free_in_on_writable) {
  struct support_probe probe = {.at_writable = drop};
  support_probe_begin(&probe);
  expect_dropped(&probe);
}

/* The socket has an error, and still has bytes to read. */
Test(transport_end, free_in_on_data_before_a_reset) {
  struct support_probe probe = {.at_data = drop};
  support_probe_begin(&probe);
  support_send(probe.peer, "x", 1);
  support_reset(probe.peer);
  support_drain();
  cr_assert(probe.received == 1 && !probe.closed, "an event after transport_free");
  support_probe_free(&probe);
}

/* Write more than the socket takes. */
static void begin_full(struct support_probe *probe) {
  support_probe_begin(probe);
  static const char bytes[10000000];
  cr_assert_eq(transport_write(probe->transport, bytes, sizeof bytes), 0, "no memory");
  while (probe->sent == 0)
    support_turn();
  cr_assert_lt(probe->sent, sizeof bytes, "the socket has taken all");
}

static void expect_unfinished(struct support_probe *probe) {
  support_drain();
  cr_assert_not(probe->closed, "an event after transport_free");
  end(probe);
}

Test(transport_end, free_with_output) {
  struct support_probe probe = {0};
  begin_full(&probe);
  support_probe_drop(&probe);
  expect_unfinished(&probe);
}

Test(transport_end, free_after_close_with_output) {
  struct support_probe probe = {0};
  begin_full(&probe);
  support_probe_close(&probe);
  support_probe_drop(&probe);
  expect_unfinished(&probe);
}

Test(transport_end, free_after_close) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  support_probe_close(&probe);
  support_probe_drop(&probe);
  expect_unfinished(&probe);
}

Test(transport_end, free_while_it_waits_for_the_peer) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  support_probe_close(&probe);
  support_expect_end(probe.peer);
  support_probe_drop(&probe);
  expect_unfinished(&probe);
}
