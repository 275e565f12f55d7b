/*
 * hold: open many connections to a server and keep them idle, to measure the memory of one.
 *
 *   hold --port N [--count N] [--streams N] [--tls]
 *
 * Opens the connections, sends a GET for / on each, and reads the answer. With --streams, it sends
 * this many on each, with a flow-control window of 0, so that all stay open in the middle of their
 * response. Prints `open N seconds S` once the server has answered all, and holds the connections
 * until its standard input ends.
 *
 * It writes bytes without nghttp2, and blocks, so that it never takes most of the time. It does not
 * verify certificates: it talks only to a server on this machine that the bench started.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common/frame.h"
#include "common/number.h"

enum { STREAMS_MAX = 1000, TIMEOUT_S = 60 };

struct client {
  int descriptor;
  SSL *ssl; /* NULL for plain TCP */
};

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static int connect_to(long port) {
  const struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct timeval limit = {.tv_sec = TIMEOUT_S};
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (descriptor < 0 ||
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0)
    fail("hold: connect");
  return descriptor;
}

static SSL *start_tls(SSL_CTX *tls, int descriptor) {
  SSL *ssl = SSL_new(tls);
  if (!ssl || SSL_set_fd(ssl, descriptor) != 1 || SSL_connect(ssl) != 1)
    fail("hold: TLS");
  return ssl;
}

static void put(struct client *client, const void *bytes, size_t length) {
  bool sent = client->ssl ? SSL_write(client->ssl, bytes, (int)length) == (int)length
                          : send(client->descriptor, bytes, length, 0) == (ssize_t)length;
  if (!sent)
    fail("hold: write");
}

static void get(struct client *client, uint8_t *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t some = client->ssl ? SSL_read(client->ssl, bytes + at, (int)(length - at))
                               : recv(client->descriptor, bytes + at, length - at, 0);
    if (some <= 0)
      fail("hold: read");
    at += (size_t)some;
  }
}

/* The preface, SETTINGS with a window of `window`, and the requests: 82 86 84 are :method GET,
 * :scheme http and :path / in HPACK's static table, 41 is a literal :authority. */
static void ask(struct client *client, uint8_t window, long streams) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const uint8_t settings[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, window, 0};
  uint8_t request[] = "\0\0\x0e\1\5\0\0\0\0\x82\x86\x84\x41\x09localhost";
  uint8_t all[sizeof preface + sizeof settings + STREAMS_MAX * sizeof request];
  size_t length = sizeof preface - 1;
  memcpy(all, preface, length);
  memcpy(all + length, settings, sizeof settings);
  length += sizeof settings;
  for (long i = 0; i < streams; i++) {
    long id = 2 * i + 1;
    request[7] = (uint8_t)(id >> 8);
    request[8] = (uint8_t)id;
    memcpy(all + length, request, sizeof request - 1);
    length += sizeof request - 1;
  }
  put(client, all, length);
}

/* Read until this many streams have got `flag`, END_STREAM or END_HEADERS. */
static void await(struct client *client, uint8_t flag, long streams) {
  enum { DATA = 0, HEADERS = 1, SETTINGS = 4 };
  static const uint8_t acknowledgement[] = {0, 0, 0, 4, 1, 0, 0, 0, 0};
  while (streams > 0) {
    static uint8_t payload[1 << 16];
    uint8_t header[FRAME_HEADER_LENGTH];
    get(client, header, sizeof header);
    get(client, payload, (size_t)header[1] << 8 | header[2]);
    if (header[3] == SETTINGS && !(header[4] & 1))
      put(client, acknowledgement, sizeof acknowledgement);
    if ((header[3] == HEADERS || header[3] == DATA) && header[4] & flag)
      streams--;
  }
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static SSL_CTX *create_tls(void) {
  static const unsigned char h2[] = {2, 'h', '2'};
  SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
  if (!tls || SSL_CTX_set_alpn_protos(tls, h2, sizeof h2) != 0)
    fail("hold: TLS");
  SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
  return tls;
}

/* Allow as many descriptors as possible. */
static void raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    fail("hold: getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    fail("hold: setrlimit");
}

static void hold(long port, long count, long streams, SSL_CTX *tls) {
  struct client *clients = calloc((size_t)count, sizeof *clients);
  if (!clients)
    fail("hold");
  double start = seconds();
  for (long i = 0; i < count; i++) {
    clients[i].descriptor = connect_to(port);
    clients[i].ssl = tls ? start_tls(tls, clients[i].descriptor) : NULL;
    ask(&clients[i], streams ? 0 : 0xff, streams ? streams : 1);
  }
  for (long i = 0; i < count; i++)
    await(&clients[i], streams ? 4 : 1, streams ? streams : 1);
  printf("open %ld seconds %.3f\n", count, seconds() - start);
  fflush(stdout);
  while (getchar() != EOF)
    ;
  for (long i = 0; i < count; i++) {
    SSL_free(clients[i].ssl);
    close(clients[i].descriptor);
  }
  free(clients);
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                          {"count", required_argument, NULL, 'c'},
                                          {"streams", required_argument, NULL, 's'},
                                          {"tls", no_argument, NULL, 't'},
                                          {0}};
  long port = -1, count = 1, streams = 0;
  bool is_tls = false;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'p': port = number_parse(optarg, 65535); break;
    case 'c': count = number_parse(optarg, 1000000); break;
    case 's': streams = number_parse(optarg, STREAMS_MAX); break;
    case 't': is_tls = true; break;
    default: port = -1;
    }
  }
  if (port < 0 || count <= 0 || streams < 0 || optind != argc) {
    fprintf(stderr, "usage: hold --port N [--count N] [--streams N] [--tls]\n");
    return 2;
  }
  raise_limit();
  SSL_CTX *tls = is_tls ? create_tls() : NULL;
  hold(port, count, streams, tls);
  SSL_CTX_free(tls);
  return EXIT_SUCCESS;
}
