/* Bytes through TLS: the same promises as without TLS. */
#include "common/transport.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tests/certificates.h"
#include "common/tests/failing.h"
#include "common/tests/frames.h"
#include "common/tests/support.h"

static void begin(void) {
  support_begin();
  certificates_begin();
  certificates_write("one", NULL);
}

static void end(void) {
  support_end();
  certificates_end();
}

TestSuite(transport_tls, .init = begin, .fini = end, .timeout = 60);

/* A client and a server, both open. */
struct pair {
  struct support_probe client;
  struct support_probe server;
};

static void set_contexts(struct pair *pair) {
  pair->client.tls = certificates_client("one", "127.0.0.1");
  pair->server.tls = certificates_server("one");
}

/* Let the client connect to the port of `listening`, directly or through a proxy on `port`. */
static void meet(struct pair *pair, int port, int listening) {
  support_probe_connect(&pair->client, port);
  support_probe_start(&pair->server, support_accept(listening));
  support_wait(&pair->client.open);
  support_wait(&pair->server.open);
}

static void pair_begin(struct pair *pair) {
  int port;
  int listening = support_listen(&port);
  set_contexts(pair);
  meet(pair, port, listening);
  close(listening);
}

static void pair_end(struct pair *pair) {
  support_probe_free(&pair->client);
  support_probe_free(&pair->server);
}

/* --- Much ------------------------------------------------------------------------------------- */

enum { MUCH = 4 << 20 };

static void write_much(struct support_probe *probe) {
  while (transport_room(probe->transport) > 0 && probe->written < MUCH) {
    uint8_t piece[16 * 1024 + 9];
    size_t length = MUCH - probe->written < sizeof piece ? MUCH - probe->written : sizeof piece;
    support_fill(piece, probe->written, length);
    cr_assert_eq(transport_write(probe->transport, piece, length), 0, "no memory");
    probe->written += length;
  }
}

static void check_piece(struct support_probe *probe) {
  support_expect_filled(probe->piece, probe->received, probe->piece_length);
}

static void wait_for_much(struct support_probe *probe) {
  while (probe->received < MUCH && !probe->closed)
    support_turn();
  cr_assert_eq(probe->received, MUCH, "%zu bytes came: '%s'", probe->received, probe->error);
}

Test(transport_tls, four_mebibytes_both_ways) {
  const struct support_probe probe = {
      .at_writable = write_much, .at_data = check_piece, .discard = true};
  struct pair pair = {probe, probe};
  pair_begin(&pair);
  wait_for_much(&pair.client);
  wait_for_much(&pair.server);
  pair_end(&pair);
}

/* The sockets take little at a time, so that records leave in parts. */
Test(transport_tls, little_sockets) {
  const struct support_probe probe = {
      .at_writable = write_much, .at_data = check_piece, .discard = true};
  struct pair pair = {probe, probe};
  int port;
  int listening = support_listen(&port);
  setsockopt(listening, SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int));
  setsockopt(listening, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
  set_contexts(&pair);
  meet(&pair, port, listening);
  wait_for_much(&pair.client);
  wait_for_much(&pair.server);
  pair_end(&pair);
  close(listening);
}

/* The transport must pass on decrypted bytes, though the socket has nothing more to read. */
Test(transport_tls, nothing_is_kept_back) {
  struct pair pair = {0};
  pair_begin(&pair);
  static uint8_t bytes[200000];
  support_fill(bytes, 0, sizeof bytes);
  size_t total = 0;
  for (size_t length = 1; length < sizeof bytes; length = length * 3 + 7) {
    transport_write(pair.client.transport, bytes, length);
    total += length;
    while (pair.server.received < total)
      support_turn();
  }
  pair_end(&pair);
}

/* The chain of certificates is longer than the sockets hold, and the client does not read yet: the
 * server has to wait until it can write. */
Test(transport_tls, handshake_waits_to_write) {
  const struct certificate large = {
      .names = "DNS:localhost", .comment = 64 * 1024, .repetitions = 15};
  certificates_write("large", &large);
  int pair[2];
  support_pair(pair);
  setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int));
  setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
  struct support_probe server = {.tls = certificates_server("large")};
  support_probe_start(&server, pair[1]);
  SSL *ssl = SSL_new(certificates_client("large", "localhost"));
  cr_assert_not_null(ssl, "no memory");
  SSL_set_max_cert_list(ssl, 8 << 20);
  SSL_set_fd(ssl, pair[0]);
  cr_assert_eq(SSL_connect(ssl), -1, "the handshake is complete at once");
  for (int turn = 0; turn < 100; turn++)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  cr_assert(!server.open && !server.closed, "it did not wait: '%s'", server.error);
  setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &(int){1 << 20}, sizeof(int));
  while (SSL_connect(ssl) != 1) {
    uv_run(support_loop(), UV_RUN_NOWAIT);
    cr_assert_not(server.closed, "'%s'", server.error);
  }
  support_wait(&server.open);
  support_probe_free(&server);
  close(pair[0]);
  SSL_free(ssl);
}

/* --- Piece by piece --------------------------------------------------------------------------- */

/* A proxy that passes on one byte at a time, in both directions, as fast as the loop turns. */
struct proxy {
  uv_idle_t idle;
  int sides[2];
};

static void hand_on(uv_idle_t *idle) {
  struct proxy *proxy = idle->data;
  for (int side = 0; side < 2; side++) {
    char byte;
    if (recv(proxy->sides[side], &byte, 1, MSG_DONTWAIT) == 1)
      cr_assert_eq(send(proxy->sides[!side], &byte, 1, MSG_NOSIGNAL), 1, "send: %s",
                   strerror(errno));
  }
}

Test(transport_tls, byte_by_byte) {
  static struct proxy proxy;
  struct pair pair = {0};
  int port[2];
  int outside = support_listen(&port[0]);
  int inside = support_listen(&port[1]);
  set_contexts(&pair);
  support_probe_connect(&pair.client, port[0]);
  proxy.sides[0] = support_accept(outside);
  proxy.sides[1] = support_connect(port[1]);
  uv_idle_init(support_loop(), &proxy.idle);
  proxy.idle.data = &proxy;
  uv_idle_start(&proxy.idle, hand_on);
  support_probe_start(&pair.server, support_accept(inside));
  support_wait(&pair.client.open);
  transport_write(pair.client.transport, "to the server", 13);
  while (pair.server.received < 13)
    support_turn();
  cr_assert_str_eq(pair.server.data.bytes, "to the server", "other bytes");
  transport_write(pair.server.transport, "and back", 8);
  while (pair.client.received < 8)
    support_turn();
  support_probe_close(&pair.client);
  support_probe_expect_close(&pair.server, "closed by the peer");
  uv_close((uv_handle_t *)&proxy.idle, NULL);
  pair_end(&pair);
  for (int i = 0; i < 2; i++)
    close(proxy.sides[i]);
  close(outside);
  close(inside);
}

/* --- The end ---------------------------------------------------------------------------------- */

Test(transport_tls, close_sends_all) {
  struct pair pair = {.server = {.at_data = check_piece, .discard = true}};
  pair_begin(&pair);
  write_much(&pair.client);
  size_t written = pair.client.written;
  support_probe_close(&pair.client);
  support_probe_expect_close(&pair.server, "closed by the peer");
  cr_assert_eq(pair.server.received, written, "%zu bytes", pair.server.received);
  support_probe_expect_close(&pair.client, NULL);
  pair_end(&pair);
}

/* An OpenSSL client on a blocking socket in its own thread is not necessary: these steps are
 * few, and the loop turns between them. */
static SSL *raw_client(struct support_probe *server, int *descriptor) {
  int pair[2];
  support_pair(pair);
  *descriptor = pair[0];
  server->tls = certificates_server("one");
  support_probe_start(server, pair[1]);
  SSL *ssl = SSL_new(certificates_client("one", "127.0.0.1"));
  cr_assert_not_null(ssl, "no memory");
  SSL_set_fd(ssl, pair[0]);
  while (SSL_connect(ssl) != 1) {
    uv_run(support_loop(), UV_RUN_NOWAIT);
    cr_assert_not(server->closed, "'%s'", server->error);
  }
  support_wait(&server->open);
  return ssl;
}

/* Read until the end, which must come. */
static int read_to_the_end(SSL *ssl) {
  char byte;
  int result;
  ERR_clear_error();
  while ((result = SSL_read(ssl, &byte, 1)) != 1 &&
         SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  return SSL_get_error(ssl, result);
}

Test(transport_tls, close_notify_is_sent) {
  struct support_probe server = {0};
  int descriptor;
  SSL *ssl = raw_client(&server, &descriptor);
  support_probe_close(&server);
  int code = read_to_the_end(ssl);
  cr_assert_eq(code, SSL_ERROR_ZERO_RETURN, "no close_notify, but %d", code);
  SSL_shutdown(ssl);
  close(descriptor);
  support_probe_expect_close(&server, NULL);
  SSL_free(ssl);
}

/* The peer sends close_notify and waits for ours before it closes the socket. */
Test(transport_tls, close_notify_is_answered) {
  struct support_probe server = {0};
  int descriptor;
  SSL *ssl = raw_client(&server, &descriptor);
  SSL_write(ssl, "last", 4);
  SSL_shutdown(ssl);
  support_probe_expect_close(&server, "closed by the peer");
  cr_assert_str_eq(server.data.bytes, "last", "the last bytes are lost");
  close(descriptor);
  SSL_free(ssl);
  support_probe_free(&server);
}

Test(transport_tls, cut_off) {
  struct support_probe server = {0};
  int descriptor;
  SSL *ssl = raw_client(&server, &descriptor);
  SSL_write(ssl, "last", 4);
  shutdown(descriptor, SHUT_WR);
  support_probe_expect_close(&server, "closed by the peer, without close_notify");
  cr_assert_eq(server.received, 4, "the last bytes are lost");
  close(descriptor);
  SSL_free(ssl);
  support_probe_free(&server);
}

Test(transport_tls, garbage_after_the_handshake) {
  struct support_probe server = {0};
  int descriptor;
  SSL *ssl = raw_client(&server, &descriptor);
  support_send(descriptor, "\27\3\3\0\30ABCDEFGHIJKLMNOPQRSTUVWX", 29);
  support_probe_expect_close(&server, "TLS: decryption failed or bad record mac");
  close(descriptor);
  SSL_free(ssl);
  support_probe_free(&server);
}

/* Writing to a peer that is gone must not end the process by SIGPIPE. */
Test(transport_tls, peer_is_gone) {
  struct support_probe server = {.at_writable = write_much};
  int descriptor;
  SSL *ssl = raw_client(&server, &descriptor);
  support_reset(descriptor);
  support_probe_expect_close(&server, "read: Connection reset by peer");
  SSL_free(ssl);
  support_probe_free(&server);
}

/* A transport does not wait for ever for a peer that takes nothing, plain or not. */
static void expect_stuck(struct support_probe *server) {
  uint64_t began = uv_now(support_loop());
  support_probe_close(server);
  support_probe_expect_close(server, NULL);
  uint64_t took = uv_now(support_loop()) - began;
  cr_assert(took >= 4900 && took < 9000, "it took %d ms", (int)took);
  support_probe_free(server);
}

static void write_until_full(struct support_probe *probe) {
  static const char bytes[16384];
  while (transport_room(probe->transport) > 0)
    transport_write(probe->transport, bytes, sizeof bytes);
}

Test(transport_tls, peer_takes_nothing) {
  struct support_probe server = {.at_writable = write_until_full};
  int descriptor;
  SSL *ssl = raw_client(&server, &descriptor);
  for (int turn = 0; turn < 200; turn++)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  expect_stuck(&server);
  close(descriptor);
  SSL_free(ssl);
}

Test(transport_end, peer_takes_nothing) {
  struct support_probe server = {.at_writable = write_until_full};
  support_probe_begin(&server);
  for (int turn = 0; turn < 200; turn++)
    uv_run(support_loop(), UV_RUN_NOWAIT);
  expect_stuck(&server);
  close(server.peer);
}

/* --- Memory ----------------------------------------------------------------------------------- */

static SSL *raw_end(SSL_CTX *tls, int descriptor) {
  SSL *ssl = SSL_new(tls);
  cr_assert(ssl && SSL_set_fd(ssl, descriptor) == 1, "no memory");
  SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  return ssl;
}

/* Send one byte from one end to the other, which looks for more: then it keeps no buffer. */
static void pass(SSL *from, SSL *to) {
  char byte;
  cr_assert_eq(SSL_write(from, "x", 1), 1, "not written");
  while (SSL_read(to, &byte, 1) != 1)
    continue;
  cr_assert_eq(SSL_read(to, &byte, 1), -1, "more");
}

/* The memory of OpenSSL alone for the two ends of a connection: each release needs more. */
static size_t memory_of_openssl(SSL_CTX *client_tls, SSL_CTX *server_tls) {
  int descriptors[2];
  support_pair(descriptors);
  size_t before = frames_allocated();
  SSL *client = raw_end(client_tls, descriptors[0]);
  SSL *server = raw_end(server_tls, descriptors[1]);
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  for (int done = 0; done < 2;)
    done = (SSL_do_handshake(client) == 1) + (SSL_do_handshake(server) == 1);
  pass(client, server);
  pass(server, client);
  size_t allocated = frames_allocated() - before;
  SSL_free(client);
  SSL_free(server);
  close(descriptors[0]);
  close(descriptors[1]);
  return allocated;
}

/* If each end kept a buffer, of 16 KiB and more, they would need more than OURS. */
Test(transport_tls, memory_of_an_idle_connection) {
  enum { OURS = 16000 };
  struct pair pairs[8] = {0};
  pair_begin(&pairs[0]); /* OpenSSL allocates once */
  size_t before = frames_allocated();
  for (size_t i = 1; i < 8; i++) {
    pairs[i].client.tls = pairs[0].client.tls;
    pairs[i].server.tls = pairs[0].server.tls;
    int port;
    int listening = support_listen(&port);
    meet(&pairs[i], port, listening);
    close(listening);
    transport_write(pairs[i].client.transport, "x", 1);
    transport_write(pairs[i].server.transport, "x", 1);
    while (pairs[i].client.received < 1 || pairs[i].server.received < 1)
      support_turn();
  }
  size_t each = (frames_allocated() - before) / 7;
  memory_of_openssl(pairs[0].client.tls, pairs[0].server.tls); /* and once here */
  size_t openssl = memory_of_openssl(pairs[0].client.tls, pairs[0].server.tls);
  fprintf(stderr, "two ends of a connection: %zu bytes, of which OpenSSL has %zu\n", each, openssl);
  cr_assert_lt(each, openssl + OURS, "%zu bytes for two ends, OpenSSL has %zu", each, openssl);
  for (size_t i = 0; i < 8; i++)
    pair_end(&pairs[i]);
}

Test(transport_tls, without_memory) {
  struct pair ready = {0};
  pair_begin(&ready);
  SSL_CTX *tls = ready.server.tls;
  pair_end(&ready);
  size_t refused = 0;
  for (bool failed = true; failed; refused += failed) {
    int pair[2];
    support_pair(pair);
    failing_start(refused + 1);
    struct transport *transport = transport_accept(support_loop(), pair[1], tls);
    int error = errno;
    failed = failing_stop();
    if (!transport)
      cr_assert(failed && error == ENOMEM, "it refused, and errno is %d", error);
    transport_free(transport);
    support_expect_end(pair[0]);
    close(pair[0]);
  }
  cr_assert_geq(refused, 4, "only %zu allocations", refused);
}

/* Memory runs out in the handshake, at each allocation in turn: the connection may
 * be lost, with a reason, and no more. */
Test(transport_tls, handshake_without_memory) {
  struct pair ready = {0};
  pair_begin(&ready);
  pair_end(&ready);
  for (size_t n = 1; n < 400; n += 7) {
    struct pair pair = {.client.tls = ready.client.tls, .server.tls = ready.server.tls};
    int port;
    int listening = support_listen(&port);
    support_probe_connect(&pair.client, port);
    support_probe_start(&pair.server, support_accept(listening));
    close(listening);
    failing_start(n);
    while (!(pair.client.open && pair.server.open) && !pair.client.closed && !pair.server.closed)
      support_turn();
    failing_stop();
    pair_end(&pair);
  }
}
