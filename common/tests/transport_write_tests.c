/* The traffic of a transport: all bytes, both ways, with few system calls and in little memory. */
#include "common/transport.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tests/failing.h"
#include "common/tests/frames.h"
#include "common/tests/support.h"

TestSuite(transport_write, .init = support_begin, .fini = support_end, .timeout = 60);

static void write_text(struct support_probe *probe, const char *text) {
  cr_assert_eq(transport_write(probe->transport, text, strlen(text)), 0, "no memory");
}

/* Wait until this much has arrived. */
static void await_data(struct support_probe *probe, size_t length) {
  while (probe->received < length && !probe->closed)
    support_turn();
  cr_assert_eq(probe->received, length, "%zu bytes, not %zu", probe->received, length);
}

static void end(struct support_probe *probe) {
  support_probe_free(probe);
  close(probe->peer);
}

/* --- All bytes -------------------------------------------------------------------------------- */

Test(transport_write, every_size) {
  static const size_t sizes[] = {1,     2,     1000,  16383,  16384,   65535,
                                 65536, 65537, 82944, 200000, 1 << 20, 3000001};
  enum { MOST = 3000001 };
  uint8_t *bytes = malloc(MOST);
  cr_assert_not_null(bytes, "no memory");
  support_fill(bytes, 0, MOST);
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    cr_assert_eq(transport_write(probe.transport, bytes, sizes[i]), 0, "no memory");
    support_expect(probe.peer, bytes, sizes[i]);
    probe.received = 0;
    buffer_clear(&probe.data);
    support_send(probe.peer, bytes, sizes[i]);
    await_data(&probe, sizes[i]);
    support_expect_filled(probe.data.bytes, 0, sizes[i]);
  }
  free(bytes);
  end(&probe);
}

Test(transport_write, nothing) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  cr_assert_eq(transport_write(probe.transport, "", 0), 0, "refused");
  cr_assert_eq(transport_write(probe.transport, NULL, 0), 0, "refused");
  write_text(&probe, "x");
  cr_assert_eq(transport_write(probe.transport, NULL, 0), 0, "refused");
  support_expect(probe.peer, "x", 1);
  end(&probe);
}

Test(transport_write, bytes_are_copied) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  char text[] = "first ";
  write_text(&probe, text);
  memcpy(text, "second", 6);
  write_text(&probe, text);
  memset(text, 'x', 6);
  support_expect(probe.peer, "first second", 12);
  end(&probe);
}

/* A program need not use on_writable. */
Test(transport_write, without_on_writable) {
  struct transport_events events = support_events;
  events.on_writable = NULL;
  struct support_probe probe = {0};
  int pair[2];
  support_pair(pair);
  probe.transport = transport_accept(support_loop(), pair[1], NULL);
  cr_assert_not_null(probe.transport, "transport_accept: %s", strerror(errno));
  transport_start(probe.transport, &events, &probe);
  uint8_t bytes[300000];
  support_fill(bytes, 0, sizeof bytes);
  cr_assert_eq(transport_write(probe.transport, bytes, sizeof bytes), 0, "no memory");
  support_expect(pair[0], bytes, sizeof bytes);
  transport_wake(probe.transport);
  support_send(pair[0], "x", 1);
  await_data(&probe, 1);
  support_probe_free(&probe);
  close(pair[0]);
}

Test(transport_write, without_memory) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  failing_start(1);
  int result = transport_write(probe.transport, "lost", 4);
  cr_assert(failing_stop(), "nothing was allocated");
  cr_assert_eq(result, -1, "taken without memory");

  write_text(&probe, "one ");
  static const char much[1000000];
  failing_start(1);
  result = transport_write(probe.transport, much, sizeof much);
  cr_assert(failing_stop(), "nothing was allocated");
  cr_assert_eq(result, -1, "taken without memory");

  write_text(&probe, "two");
  support_probe_close(&probe);
  support_expect(probe.peer, "one two", 7);
  support_expect_end(probe.peer);
  end(&probe);
}

/* --- Room ------------------------------------------------------------------------------------- */

static void fill_room(struct support_probe *probe) {
  static const char bytes[1 << 20];
  size_t room = transport_room(probe->transport);
  cr_assert(room > 1000 && room < sizeof bytes, "room for %zu", room);
  transport_write(probe->transport, bytes, 1000);
  size_t left = transport_room(probe->transport);
  cr_assert_eq(left, room - 1000, "room for %zu, not %zu", left, room - 1000);
  transport_write(probe->transport, bytes, left);
  cr_assert_eq(transport_room(probe->transport), 0, "room in a full buffer");
  cr_assert_eq(transport_write(probe->transport, bytes, 2000), 0, "it takes more if it must");
  cr_assert_eq(transport_room(probe->transport), 0, "room in a full buffer");
  probe->written = room + 2000;
}

Test(transport_write, room) {
  struct support_probe probe = {.at_open = fill_room};
  support_probe_begin(&probe);
  cr_assert_eq(probe.sent, probe.written, "the first event sent %zu", probe.sent);
  fill_room(&probe);
  support_probe_expect_sent(&probe, 2 * probe.written);
  fill_room(&probe);
  support_probe_close(&probe);
  cr_assert_eq(transport_room(probe.transport), 0, "room after transport_close");
  end(&probe);
}

/* Write until there is no more room, and note the memory in use. */
static void write_all_room(struct support_probe *probe) {
  enum { LENGTH = 64 << 20, PIECE = 16 * 1024 + 9 };
  while (transport_room(probe->transport) > 0 && probe->written < LENGTH) {
    uint8_t piece[PIECE];
    size_t length = LENGTH - probe->written < PIECE ? LENGTH - probe->written : PIECE;
    support_fill(piece, probe->written, length);
    cr_assert_eq(transport_write(probe->transport, piece, length), 0, "no memory");
    probe->written += length;
  }
  size_t allocated = frames_allocated();
  if (allocated > probe->peak)
    probe->peak = allocated;
}

static void check_piece(struct support_probe *probe) {
  support_expect_filled(probe->piece, probe->received, probe->piece_length);
}

/* 64 MiB each way at once, in not much more memory than two buffers. */
Test(transport_write, much_both_ways) {
  struct support_probe probes[2] = {0};
  int pair[2];
  support_pair(pair);
  size_t before = frames_allocated();
  for (size_t i = 0; i < 2; i++) {
    probes[i] = (struct support_probe){
        .at_writable = write_all_room, .at_data = check_piece, .discard = true};
    support_probe_start(&probes[i], pair[i]);
  }
  for (size_t i = 0; i < 2; i++)
    await_data(&probes[i], 64 << 20);
  for (size_t i = 0; i < 2; i++) {
    size_t most = probes[i].peak - before;
    cr_assert_lt(most, 400000, "%zu bytes of memory", most);
    support_probe_free(&probes[i]);
  }
}

/* The socket takes little at a time, so that the buffer is never empty. */
Test(transport_write, memory_with_a_slow_peer) {
  struct support_probe probe = {.at_writable = write_all_room};
  int pair[2];
  support_pair(pair);
  cr_assert_eq(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int)), 0,
               "setsockopt");
  size_t before = frames_allocated();
  support_probe_start(&probe, pair[1]);
  for (size_t received = 0; received < 2 << 20;) {
    uint8_t bytes[1500];
    ssize_t length = support_receive(pair[0], bytes, sizeof bytes);
    cr_assert_gt(length, 0, "it ended");
    support_expect_filled(bytes, received, (size_t)length);
    received += (size_t)length;
  }
  cr_assert_lt(probe.peak - before, 200000, "%zu bytes of memory", probe.peak - before);
  support_probe_free(&probe);
  close(pair[0]);
}

/* Nobody reads: the transport asks for no more than the socket and one buffer take. */
Test(transport_write, back_pressure) {
  struct support_probe probe = {.at_writable = write_all_room};
  support_probe_begin(&probe);
  size_t calls = 0;
  for (int turns = 0; turns < 100; turns++) { /* until it asks for nothing in 100 turns */
    turns = probe.writable == calls ? turns : 0;
    calls = probe.writable;
    uv_run(support_loop(), UV_RUN_NOWAIT);
  }
  size_t written = probe.written;
  cr_assert_lt(written, 32 << 20, "it asked for %zu bytes", written);
  cr_assert_lt(written - probe.sent, 100000, "%zu bytes are kept", written - probe.sent);

  uint8_t *bytes = malloc(written);
  cr_assert_not_null(bytes, "no memory");
  support_fill(bytes, 0, written);
  support_expect(probe.peer, bytes, written);
  free(bytes);
  while (probe.writable == calls)
    support_turn();
  end(&probe);
}

/* --- The time of sending ---------------------------------------------------------------------- */

static void write_thrice(struct support_probe *probe) {
  write_text(probe, "one ");
  write_text(probe, "two ");
  write_text(probe, "three");
}

static void expect_one_system_call(const struct support_probe *probe, size_t length) {
  cr_assert_eq(probe->sent, length, "%zu bytes were sent, not %zu", probe->sent, length);
  cr_assert_eq(probe->system_calls, 1, "it took %zu system calls", probe->system_calls);
}

Test(transport_write, in_on_open) {
  struct support_probe probe = {.at_open = write_thrice};
  support_probe_begin(&probe);
  expect_one_system_call(&probe, 13);
  support_expect(probe.peer, "one two three", 13);
  end(&probe);
}

static void write_on_first_call(struct support_probe *probe) {
  if (probe->writable == 1)
    write_thrice(probe);
}

Test(transport_write, in_on_writable) {
  struct support_probe probe = {.at_writable = write_on_first_call};
  support_probe_begin(&probe);
  expect_one_system_call(&probe, 13);
  support_expect(probe.peer, "one two three", 13);
  end(&probe);
}

static void write_a_bit(struct support_probe *probe) {
  if (probe->received > 0)
    write_text(probe, "(writable)");
  probe->at_writable = NULL;
}

static void write_and_ask(struct support_probe *probe) {
  write_thrice(probe);
  cr_assert_eq(probe->sent, 0, "sent before on_data has returned");
  probe->at_writable = write_a_bit;
}

/* Bytes from on_data and from on_writable leave together. */
Test(transport_write, in_on_data) {
  struct support_probe probe = {.at_data = write_and_ask};
  support_probe_begin(&probe);
  probe.received = 1; /* so that write_a_bit knows */
  support_send(probe.peer, "x", 1);
  support_expect(probe.peer, "one two three(writable)", 23);
  expect_one_system_call(&probe, 23);
  end(&probe);
}

Test(transport_write, from_outside) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  uv_run(support_loop(), UV_RUN_NOWAIT);
  write_thrice(&probe);
  cr_assert_eq(probe.sent, 0, "sent before the next turn of the loop");
  uv_run(support_loop(), UV_RUN_NOWAIT);
  expect_one_system_call(&probe, 13);
  support_expect(probe.peer, "one two three", 13);
  end(&probe);
}

static void on_timer(uv_timer_t *timer) {
  struct support_probe *probe = timer->data;
  write_thrice(probe);
  cr_assert_eq(probe->sent, 0, "sent before the next turn of the loop");
  uv_close((uv_handle_t *)timer, NULL);
}

Test(transport_write, from_a_timer) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  static uv_timer_t timer;
  uv_timer_init(support_loop(), &timer);
  timer.data = &probe;
  uv_timer_start(&timer, on_timer, 1, 0);
  support_expect(probe.peer, "one two three", 13);
  expect_one_system_call(&probe, 13);
  end(&probe);
}

static void write_once(struct support_probe *probe) {
  if (probe->written > 0)
    return;
  probe->written = 5;
  write_text(probe, "hello");
}

Test(transport_write, wake) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  uv_run(support_loop(), UV_RUN_NOWAIT);
  size_t calls = probe.writable;
  probe.at_writable = write_once;
  transport_wake(probe.transport);
  transport_wake(probe.transport);
  cr_assert_eq(probe.writable, calls, "on_writable within transport_wake");
  uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert_gt(probe.writable, calls, "no on_writable in the next turn");
  support_expect(probe.peer, "hello", 5);

  /* Once it has nothing more to write, on_writable stops. */
  for (int turn = 0; turn < 3; turn++)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  calls = probe.writable;
  for (int turn = 0; turn < 10; turn++)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert_eq(probe.writable, calls, "on_writable without need");
  end(&probe);
}

/* After every event, on_writable asks for more. */
Test(transport_write, asked_after_data) {
  struct support_probe probe = {0};
  support_probe_begin(&probe);
  cr_assert_eq(probe.writable, 1, "%zu calls after on_open", probe.writable);
  support_send(probe.peer, "x", 1);
  await_data(&probe, 1);
  cr_assert_eq(probe.writable, 2, "%zu calls after on_data", probe.writable);
  end(&probe);
}

/* --- Observers -------------------------------------------------------------------------------- */

static void append(bool sent, const void *data, size_t length, void *user) {
  struct buffer *directions = user;
  cr_assert_gt(length, 0, "no bytes");
  cr_assert_eq(buffer_append(&directions[sent], data, length), 0, "no memory");
}

static void echo(struct support_probe *probe) {
  transport_write(probe->transport, probe->piece, probe->piece_length);
}

Test(transport_write, observer_sees_exactly_the_bytes) {
  enum { LENGTH = 500000 };
  uint8_t *bytes = malloc(LENGTH);
  cr_assert_not_null(bytes, "no memory");
  support_fill(bytes, 0, LENGTH);
  struct buffer directions[2] = {0};
  struct support_probe probe = {.at_data = echo, .discard = true};
  support_probe_begin(&probe);
  transport_observe(probe.transport, append, directions);
  support_send(probe.peer, bytes, LENGTH);
  support_expect(probe.peer, bytes, LENGTH);
  for (int sent = 0; sent < 2; sent++) {
    cr_assert_eq(directions[sent].length, LENGTH, "%zu bytes", directions[sent].length);
    support_expect_filled(directions[sent].bytes, 0, LENGTH);
    buffer_free(&directions[sent]);
  }
  free(bytes);

  transport_observe(probe.transport, NULL, NULL);
  support_send(probe.peer, "x", 1);
  support_expect(probe.peer, "x", 1);
  cr_assert(!directions[0].bytes && !directions[1].bytes, "it still observes");
  end(&probe);
}
