/* The gate of a transport: what passes waits until `make live` lets it pass. The test is that
 * `make live`, and one end of the connection; a transport, of a server, is the other end. */
#include "common/inner/gate.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/tests/failing.h"
#include "common/tests/support.h"
#include "common/tests/talker.h"

TestSuite(gate, .init = support_begin, .fini = support_end, .timeout = 60);

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static const char settings[] = "\0\0\0\4\0\0\0\0\0";
static const char ping_ack[] = "\0\0\10\6\1\0\0\0\0abcdefgh";
static const char data[] = "\0\0\5\0\1\0\0\0\1hello";
enum {
  PREFACE_LENGTH = sizeof preface - 1,
  SETTINGS_LENGTH = sizeof settings - 1,
  PING_LENGTH = sizeof ping_ack - 1,
  DATA_LENGTH = sizeof data - 1,
};

struct live {
  char folder[32];
  int listener;
  int trace; /* what H2_TRACE=live says */
  int gate;  /* what the gate says, and hears */
  struct support_probe probe;
};

static void read_line(int descriptor, char *line, size_t size) {
  size_t length = 0;
  while (support_receive(descriptor, line + length, 1) == 1 && line[length] != '\n')
    cr_assert_lt(++length, size, "a long line");
  line[length] = '\0';
}

static void expect_line(int descriptor, const char *expected) {
  char line[1024];
  read_line(descriptor, line, sizeof line);
  cr_assert_str_eq(line, expected, "'%s'", line);
}

/* The trace's next line has this. */
static void expect_shown(const struct live *live, const char *part) {
  char line[4096];
  read_line(live->trace, line, sizeof line);
  cr_assert_not_null(strstr(line, part), "no %s: %s", part, line);
}

static void order(const struct live *live, const char *text) {
  support_send(live->gate, text, strlen(text));
}

/* Listen as `make live`. */
static void begin_live(struct live *live) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  *live = (struct live){.folder = "/tmp/gate-XXXXXX"};
  cr_assert_not_null(mkdtemp(live->folder), "no folder");
  snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", live->folder);
  live->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  cr_assert_eq(bind(live->listener, (struct sockaddr *)&address, sizeof address), 0, "no name");
  cr_assert_eq(listen(live->listener, 5), 0, "no listener");
  setenv("H2_LIVE", address.sun_path, 1);
  setenv("H2_TRACE", "live", 1);
}

/* Begin, with a transport that has a gate, and give the first order, if any. */
static void begin(struct live *live, const char *first) {
  begin_live(live);
  support_probe_begin(&live->probe);
  live->trace = support_accept(live->listener);
  live->gate = support_accept(live->listener);
  expect_line(live->gate, "{\"gate\": 1}");
  expect_shown(live, "\"side\": \"server\"");
  if (first)
    order(live, first);
}

static void end(struct live *live) {
  char name[64];
  support_probe_free(&live->probe);
  close(live->probe.peer);
  close(live->trace);
  close(live->gate);
  close(live->listener);
  snprintf(name, sizeof name, "%s/socket", live->folder);
  unlink(name);
  rmdir(live->folder);
}

/* The client sends. */
static void send_bytes(const struct live *live, const char *bytes, size_t length) {
  support_send(live->probe.peer, bytes, length);
}

/* The transport has exactly these bytes, and no others. */
static void expect_arrived(struct live *live, const char *bytes, size_t length) {
  while (live->probe.data.length < length)
    support_turn();
  cr_assert_eq(live->probe.data.length, length, "%zu bytes", live->probe.data.length);
  cr_assert_arr_eq(live->probe.data.bytes, bytes, length, "other bytes");
  buffer_clear(&live->probe.data);
}

static void expect_nothing_sent(const struct live *live) {
  char byte;
  cr_assert(recv(live->probe.peer, &byte, 1, 0) < 0 && errno == EAGAIN, "something was sent");
}

static void write_bytes(const struct live *live, const char *bytes, size_t length) {
  cr_assert_eq(transport_write(live->probe.transport, bytes, length), 0, "no memory");
}

static void await_held(const struct live *live) {
  while (!transport_is_held(live->probe.transport))
    support_turn();
}

/* Frame number `id` of this sender waits, and is SETTINGS. */
static void expect_settings_wait(const struct live *live, unsigned id, const char *sender) {
  char expected[128];
  snprintf(expected, sizeof expected,
           "{\"id\": %u, \"sender\": \"%s\", \"type\": \"SETTINGS\", \"stream\": 0,"
           " \"length\": 0}",
           id, sender);
  expect_line(live->gate, expected);
}

static void expect_passed(const struct live *live, unsigned id, const char *sender) {
  char expected[128];
  snprintf(expected, sizeof expected, "{\"passed\": %u, \"sender\": \"%s\"}", id, sender);
  expect_line(live->gate, expected);
}

/* --- Without holding -------------------------------------------------------------------------- */

Test(gate, only_for_live) {
  struct support_probe probe = {0};
  unsetenv("H2_TRACE");
  support_probe_begin(&probe);
  cr_assert_not(transport_is_held(probe.transport), "held");
  cr_assert_not(gate_is_patient(NULL), "NULL is patient");
  gate_close(NULL);
  support_probe_free(&probe);
  close(probe.peer);
}

/* In pieces of any length, both ways; the page hears of nothing. */
Test(gate, flow) {
  struct live live;
  char all[PREFACE_LENGTH + 3 * DATA_LENGTH];
  memcpy(all, preface, PREFACE_LENGTH);
  for (size_t i = 0; i < 3; i++)
    memcpy(all + PREFACE_LENGTH + i * DATA_LENGTH, data, DATA_LENGTH);
  begin(&live, "flow\n");
  for (size_t piece = 1; piece < sizeof all; piece++) {
    for (size_t done = 0; done < sizeof all; done += piece) {
      size_t part = piece < sizeof all - done ? piece : sizeof all - done;
      send_bytes(&live, all + done, part);
      expect_arrived(&live, all + done, part);
      write_bytes(&live, all + done, part);
      support_expect(live.probe.peer, all + done, part);
    }
  }
  char byte;
  cr_assert(recv(live.gate, &byte, 1, 0) < 0 && errno == EAGAIN, "it says something");
  end(&live);
}

/* Before the first order everything waits, and the page need not hear of it. */
Test(gate, begins_shut) {
  struct live live;
  begin(&live, NULL);
  send_bytes(&live, preface, PREFACE_LENGTH);
  char byte;
  while (recv(transport_descriptor(live.probe.transport), &byte, 1, MSG_PEEK) > 0)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert_eq(live.probe.received, 0, "it passes");
  order(&live, "flow\n");
  expect_arrived(&live, preface, PREFACE_LENGTH);
  expect_shown(&live, "preface");
  cr_assert_not(transport_is_held(live.probe.transport), "still held");
  end(&live);
}

/* Somebody has stopped `make live`: wait for a second, and go on. An order may still come. */
Test(gate, silence) {
  struct live live;
  uint64_t began = support_now();
  begin(&live, NULL);
  send_bytes(&live, preface, PREFACE_LENGTH);
  expect_arrived(&live, preface, PREFACE_LENGTH);
  cr_assert_geq(support_now() - began, 900, "after %lu ms", (unsigned long)(support_now() - began));
  order(&live, "hold\n");
  expect_line(live.gate, "{\"late\": true}");
  send_bytes(&live, settings, SETTINGS_LENGTH);
  expect_settings_wait(&live, 2, "client");
  order(&live, "hold\n"); /* not the first one: not late */
  order(&live, "pass client\n");
  expect_passed(&live, 2, "client");
  end(&live);
}

Test(gate, nonsense) {
  struct live live;
  char much[1000];
  memset(much, 'x', sizeof much);
  begin(&live, "flow\nhol\npass\n\npass nobody\n");
  support_send(live.gate, much, sizeof much);
  send_bytes(&live, preface, PREFACE_LENGTH);
  expect_arrived(&live, preface, PREFACE_LENGTH);
  order(&live, "\nhold\n");
  send_bytes(&live, settings, SETTINGS_LENGTH);
  expect_settings_wait(&live, 1, "client");
  end(&live);
}

/* --- Holding ---------------------------------------------------------------------------------- */

static const char preface_waits[] = "{\"id\": 1, \"sender\": \"client\", \"type\": \"preface\","
                                    " \"stream\": 0, \"length\": 24}";

/* What arrives waits before the transport. */
Test(gate, holds_what_arrives) {
  struct live live;
  begin(&live, "hold\n");
  char first[PREFACE_LENGTH + PING_LENGTH];
  memcpy(first, preface, PREFACE_LENGTH);
  memcpy(first + PREFACE_LENGTH, ping_ack, PING_LENGTH);
  send_bytes(&live, first, sizeof first);
  expect_line(live.gate, preface_waits);
  expect_line(live.gate, "{\"id\": 2, \"sender\": \"client\", \"type\": \"PING ACK\","
                         " \"stream\": 0, \"length\": 8}");
  expect_shown(&live, "preface");
  expect_shown(&live, "\"PING\"");
  cr_assert_eq(live.probe.received, 0, "it passes");
  send_bytes(&live, data, DATA_LENGTH);
  expect_line(live.gate, "{\"id\": 3, \"sender\": \"client\", \"type\": \"DATA\","
                         " \"stream\": 1, \"length\": 5}");
  order(&live, "pass server\npass client\n");
  expect_passed(&live, 1, "client");
  expect_arrived(&live, preface, PREFACE_LENGTH);
  order(&live, "pass client\n");
  expect_passed(&live, 2, "client");
  expect_arrived(&live, ping_ack, PING_LENGTH);
  order(&live, "flow\n");
  expect_passed(&live, 3, "client");
  expect_arrived(&live, data, DATA_LENGTH);
  end(&live);
}

/* What is more than a buffer stays in the socket. */
Test(gate, stops_reading) {
  enum { SIZE = 16384, FRAMES = 20, WHOLE = FRAME_HEADER_LENGTH + SIZE };
  struct live live;
  static char bytes[PREFACE_LENGTH + FRAMES * WHOLE];
  memcpy(bytes, preface, PREFACE_LENGTH);
  for (size_t i = 0; i < FRAMES; i++)
    memcpy(bytes + PREFACE_LENGTH + i * WHOLE, "\0\x40\0\0\0\0\0\0\1", FRAME_HEADER_LENGTH);
  begin(&live, "hold\n");
  send_bytes(&live, bytes, sizeof bytes);
  expect_line(live.gate, preface_waits);
  for (int i = 0; i < 200; i++)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  char said[8192];
  ssize_t length = recv(live.gate, said, sizeof said, 0);
  size_t lines = 0;
  for (ssize_t i = 0; i < length; i++)
    lines += said[i] == '\n';
  cr_assert(lines >= 4 && lines < 10, "%zu frames wait", lines);
  order(&live, "flow\n");
  expect_arrived(&live, bytes, sizeof bytes);
  end(&live);
}

/* A piece of a frame at the end passes; nobody can let it pass. */
Test(gate, piece_at_the_end) {
  struct live live;
  begin(&live, "hold\n");
  send_bytes(&live, preface, PREFACE_LENGTH);
  send_bytes(&live, data, 4);
  expect_line(live.gate, preface_waits);
  shutdown(live.probe.peer, SHUT_WR);
  order(&live, "pass client\n");
  support_probe_expect_close(&live.probe, "closed by the peer");
  cr_assert_eq(live.probe.data.length, PREFACE_LENGTH + 4, "%zu bytes", live.probe.data.length);
  end(&live);
}

/* So does what has come before a reset, and the reset is told. */
Test(gate, reset) {
  struct live live;
  begin(&live, "hold\n");
  send_bytes(&live, preface, PREFACE_LENGTH);
  expect_line(live.gate, preface_waits);
  support_reset(live.probe.peer);
  live.probe.peer = -1;
  for (int i = 0; i < 20; i++)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert_not(live.probe.closed, "it has ended: %s", live.probe.error);
  order(&live, "pass client\n");
  support_probe_expect_close(&live.probe, "read: Connection reset by peer");
  cr_assert_eq(live.probe.data.length, PREFACE_LENGTH, "%zu bytes", live.probe.data.length);
  end(&live);
}

/* What was written waits before the socket; also if it is more than one buffer. */
Test(gate, holds_what_is_written) {
  struct live live;
  begin(&live, "hold\n");
  write_bytes(&live, settings, SETTINGS_LENGTH);
  write_bytes(&live, data, DATA_LENGTH);
  expect_settings_wait(&live, 1, "server");
  expect_line(live.gate, "{\"id\": 2, \"sender\": \"server\", \"type\": \"DATA\","
                         " \"stream\": 1, \"length\": 5}");
  expect_shown(&live, "SETTINGS");
  expect_shown(&live, "DATA");
  expect_nothing_sent(&live);
  cr_assert_not(transport_is_stuck(live.probe.transport), "the peer takes nothing?");
  order(&live, "pass server\n");
  support_expect(live.probe.peer, settings, SETTINGS_LENGTH);
  expect_passed(&live, 1, "server");
  expect_nothing_sent(&live);
  order(&live, "flow\n");
  support_expect(live.probe.peer, data, DATA_LENGTH);
  end(&live);
}

/* The rest of a frame that has begun to pass passes, and the next one waits. */
Test(gate, holds_between_frames) {
  struct live live;
  begin(&live, "flow\n");
  send_bytes(&live, preface, PREFACE_LENGTH);
  expect_arrived(&live, preface, PREFACE_LENGTH);
  for (size_t begun = 1; begun < DATA_LENGTH; begun++) {
    send_bytes(&live, data, begun);
    expect_arrived(&live, data, begun);
    write_bytes(&live, data, begun);
    support_expect(live.probe.peer, data, begun);
    order(&live, "hold\n");
    await_held(&live);
    send_bytes(&live, data + begun, DATA_LENGTH - begun);
    expect_arrived(&live, data + begun, DATA_LENGTH - begun);
    send_bytes(&live, settings, SETTINGS_LENGTH);
    expect_settings_wait(&live, (unsigned)begun, "client");
    write_bytes(&live, data + begun, DATA_LENGTH - begun);
    write_bytes(&live, settings, SETTINGS_LENGTH);
    support_expect(live.probe.peer, data + begun, DATA_LENGTH - begun);
    expect_settings_wait(&live, (unsigned)begun, "server");
    expect_nothing_sent(&live);
    cr_assert_eq(live.probe.data.length, 0, "SETTINGS passes");
    order(&live, "flow\n");
    expect_passed(&live, (unsigned)begun, "client");
    expect_passed(&live, (unsigned)begun, "server");
    expect_arrived(&live, settings, SETTINGS_LENGTH);
    support_expect(live.probe.peer, settings, SETTINGS_LENGTH);
  }
  end(&live);
}

/* The other end holds: everything passes, but nobody may count the time. */
Test(gate, aside) {
  struct live live;
  begin(&live, "hold\n");
  send_bytes(&live, preface, PREFACE_LENGTH);
  expect_line(live.gate, preface_waits);
  order(&live, "aside\n");
  expect_arrived(&live, preface, PREFACE_LENGTH);
  cr_assert(transport_is_held(live.probe.transport), "no patience");
  end(&live);
}

/* --- Ends ------------------------------------------------------------------------------------- */

/* `make live` ends, or somebody kills it: everything passes, both ways. */
Test(gate, live_goes) {
  struct live live;
  begin(&live, "hold\n");
  send_bytes(&live, preface, PREFACE_LENGTH);
  write_bytes(&live, settings, SETTINGS_LENGTH);
  expect_line(live.gate, preface_waits);
  shutdown(live.gate, SHUT_RDWR);
  shutdown(live.trace, SHUT_RDWR);
  expect_arrived(&live, preface, PREFACE_LENGTH);
  support_expect(live.probe.peer, settings, SETTINGS_LENGTH);
  cr_assert_not(transport_is_held(live.probe.transport), "still held");
  end(&live);
}

/* What a client has sent before it left waits, and arrives before the end. */
Test(gate, client_goes) {
  struct live live;
  begin(&live, "hold\n");
  send_bytes(&live, preface, PREFACE_LENGTH);
  expect_line(live.gate, preface_waits);
  shutdown(live.probe.peer, SHUT_WR);
  order(&live, "pass server\npass client\n");
  expect_arrived(&live, preface, PREFACE_LENGTH);
  support_probe_expect_close(&live.probe, "closed by the peer");
  expect_passed(&live, 1, "client");
  support_expect_end(live.gate);
  end(&live);
}

/* A transport that has been closed has the time that the page takes. */
Test(gate, close_waits) {
  struct live live;
  begin(&live, "hold\n");
  write_bytes(&live, settings, SETTINGS_LENGTH);
  expect_settings_wait(&live, 1, "server");
  support_probe_close(&live.probe);
  for (uint64_t began = support_now(); support_now() - began < 6000;) /* STUCK_MS, and LINGER_MS */
    support_turn();
  expect_nothing_sent(&live);
  cr_assert_not(live.probe.closed, "it has lost its patience");
  order(&live, "pass server\n");
  support_expect(live.probe.peer, settings, SETTINGS_LENGTH);
  support_expect_end(live.probe.peer);
  close(live.probe.peer);
  live.probe.peer = -1;
  support_probe_expect_close(&live.probe, NULL);
  end(&live);
}

/* While somebody holds frames, no time-out of a server counts. */
Test(gate, time_stands_still) {
  struct live live;
  struct connection_config config = *talker_config();
  struct talker server = {.config = &config};
  config.timeouts.preface = 100;
  begin_live(&live);
  live.probe.peer = talker_meet_raw_client(&server);
  live.trace = support_accept(live.listener);
  live.gate = support_accept(live.listener);
  order(&live, "hold\n");
  for (uint64_t began = support_now(); support_now() - began < 500;)
    support_turn();
  char said[4096] = "";
  cr_assert_gt(recv(live.gate, said, sizeof said - 1, 0), 0, "nothing waits");
  cr_assert(strstr(said, "SETTINGS") && !strstr(said, "GOAWAY"), "%s", said);
  order(&live, "flow\n");
  talker_expect_close(&server, "timed out: no preface");
  talker_free(&server);
  end(&live);
}

/* There is no memory to keep what has arrived. */
Test(gate, without_memory_to_keep) {
  struct live live;
  begin(&live, NULL);
  failing_start(1);
  send_bytes(&live, preface, PREFACE_LENGTH);
  support_probe_expect_close(&live.probe, "no memory");
  cr_assert(failing_stop(), "nothing was allocated");
  end(&live);
}

/* Each allocation fails in turn: then what waits passes too early, but all arrives. */
Test(gate, without_memory) {
  struct live live;
  char both[DATA_LENGTH * 2];
  memcpy(both, data, DATA_LENGTH);
  memcpy(both + DATA_LENGTH, data, DATA_LENGTH);
  begin(&live, "flow\n");
  send_bytes(&live, preface, PREFACE_LENGTH);
  expect_arrived(&live, preface, PREFACE_LENGTH);
  bool failed = true;
  for (size_t n = 1; failed; n++) {
    order(&live, "hold\n");
    await_held(&live);
    send_bytes(&live, both, sizeof both);
    failing_start(n);
    for (uint64_t began = support_now(); !failing_happened() && support_now() - began < 50;)
      uv_run(support_loop(), UV_RUN_NOWAIT);
    failed = failing_stop();
    order(&live, "flow\n");
    while (transport_is_held(live.probe.transport))
      support_turn();
    expect_arrived(&live, both, sizeof both);
  }
  end(&live);
}
