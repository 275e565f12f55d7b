/* live: see live.h. */
#include "grader/predict/live.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEADLINE_MS = 20000, PIECE = 4096 };

static void fail(struct live *live, const char *what, const char *why) {
  if (!live->play->failed)
    fprintf(stderr, "predict: %s: %s\n", what, why);
  live->play->failed = true;
}

/* --- The server ------------------------------------------------------------------------------- */

void live_begin(struct live *live, struct play *play, SSL_CTX *tls) {
  char error[512];
  *live = (struct live){.play = play, .socket = -1, .config.tls = tls};
  int status = uv_loop_init(&live->loop);
  live->looping = status == 0;
  if (status != 0) {
    fail(live, "loop", uv_strerror(status));
    return;
  }
  live->server = reference_server_listen(&live->loop, &live->config, error, sizeof error);
  if (!live->server)
    fail(live, "the reference server", error);
}

/* server_close frees the server once it is done. */
static void on_server_close(void *user) {
  struct live *live = user;
  live->server = NULL;
}

void live_shut(struct live *live) {
  live->config.on_close = on_server_close;
  live->config.user = live;
  if (live->server)
    server_close(live->server);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void on_message(int sent, int version, int type, const void *bytes, size_t length, SSL *ssl,
                       void *user) {
  struct live *live = user;
  (void)version;
  (void)ssl;
  if (type != SSL3_RT_ALERT || length != 2)
    return;
  int alert = ((const unsigned char *)bytes)[1];
  if (alert != SSL_AD_CLOSE_NOTIFY)
    play_alert(live->play, sent ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER,
               SSL_alert_desc_string_long(alert));
}

static void on_key(const SSL *ssl, const char *line) {
  const struct live *live = SSL_get_app_data(ssl);
  pcap_secret(live->play->pcap, line);
}

static void begin_tls(struct live *live, SSL_CTX *context) {
  BIO *in = BIO_new(BIO_s_mem());
  BIO *out = BIO_new(BIO_s_mem());
  SSL_CTX_set_keylog_callback(context, on_key);
  live->tls = SSL_new(context);
  if (!live->tls || !in || !out) {
    BIO_free(in);
    BIO_free(out);
    fail(live, "TLS", strerror(ENOMEM));
    return;
  }
  SSL_set_bio(live->tls, in, out);
  SSL_set_app_data(live->tls, live);
  SSL_set_msg_callback(live->tls, on_message);
  SSL_set_msg_callback_arg(live->tls, live);
  SSL_set_connect_state(live->tls);
}

/* Take the next step of the handshake. A client whose offer was not chosen says nothing. */
static void shake_hands(struct live *live) {
  const unsigned char *protocol;
  unsigned int length;
  int result = SSL_do_handshake(live->tls);
  if (result == 1) {
    SSL_get0_alpn_selected(live->tls, &protocol, &length);
    live->agreed = length == 2 && memcmp(protocol, "h2", 2) == 0;
  } else if (SSL_get_error(live->tls, result) != SSL_ERROR_WANT_READ) {
    live->over = true;
  }
}

/* --- The client ------------------------------------------------------------------------------- */

/* A socket that is connected to the server, or -1. */
static int connect_socket(int port) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *addresses = NULL;
  char service[16];
  int found = -1;
  snprintf(service, sizeof service, "%d", port);
  if (getaddrinfo("localhost", service, &hints, &addresses) != 0)
    return -1;
  for (const struct addrinfo *at = addresses; at && found < 0; at = at->ai_next) {
    found = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
    if (found >= 0 && connect(found, at->ai_addr, at->ai_addrlen) != 0) {
      close(found);
      found = -1;
    }
  }
  freeaddrinfo(addresses);
  return found;
}

/* The client's last connection ends. */
static void disconnect(struct live *live) {
  if (live->socket >= 0)
    close(live->socket);
  SSL_free(live->tls);
  live->socket = -1;
  live->tls = NULL;
  play_next(live->play);
}

void live_connect(struct live *live, SSL_CTX *tls, uint32_t window) {
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
  disconnect(live);
  live->play->tls = tls != NULL;
  live->agreed = tls == NULL;
  live->over = false;
  if (live->play->failed)
    return;
  if (play_begin(live->play, settings, 1, NULL, 0) != 0)
    fail(live, "the client", strerror(ENOMEM));
  else if ((live->socket = connect_socket(server_port(live->server))) < 0)
    fail(live, "connect to the reference server", strerror(errno));
  else if (tls)
    begin_tls(live, tls);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static void send_bytes(struct live *live, const void *bytes, size_t length) {
  if (live->tls && length > 0)
    pcap_bytes(live->play->pcap, live->play->connection, FRAME_FROM_CLIENT, bytes, length);
  while (length > 0) {
    ssize_t sent = send(live->socket, bytes, length, MSG_NOSIGNAL);
    if (sent < 0) {
      live->over = true;
      return;
    }
    bytes = (const char *)bytes + sent;
    length -= (size_t)sent;
  }
}

/* What OpenSSL has for the server. */
static void flush_tls(struct live *live) {
  char bytes[PIECE];
  int length;
  while (live->tls && (length = BIO_read(SSL_get_wbio(live->tls), bytes, sizeof bytes)) > 0)
    send_bytes(live, bytes, (size_t)length);
}

void live_push(struct live *live) {
  struct buffer all = {0};
  if (live->play->failed)
    return;
  if (live->tls && !live->agreed && !live->over)
    shake_hands(live);
  if (live->agreed && !live->over)
    play_take(live->play->client, &all);
  if (all.length > 0) {
    play_record(live->play, FRAME_FROM_CLIENT, (const uint8_t *)all.bytes, all.length);
    if (live->tls)
      SSL_write(live->tls, all.bytes, (int)all.length);
    else
      send_bytes(live, all.bytes, all.length);
  }
  flush_tls(live);
  buffer_free(&all);
}

static void take_frames(struct live *live, const uint8_t *bytes, size_t length) {
  play_record(live->play, FRAME_FROM_SERVER, bytes, length);
  nghttp2_session_mem_recv(live->play->client, bytes, length);
}

static void take_tls(struct live *live, const void *bytes, size_t length) {
  uint8_t plain[PIECE];
  int count;
  pcap_bytes(live->play->pcap, live->play->connection, FRAME_FROM_SERVER, bytes, length);
  BIO_write(SSL_get_rbio(live->tls), bytes, (int)length);
  if (!live->agreed)
    shake_hands(live);
  while ((count = SSL_read(live->tls, plain, sizeof plain)) > 0)
    take_frames(live, plain, (size_t)count);
}

/* What the server has sent, if anything. */
static void pull(struct live *live) {
  uint8_t bytes[PIECE];
  ssize_t length = recv(live->socket, bytes, sizeof bytes, MSG_DONTWAIT);
  if (length < 0 && errno == EAGAIN)
    return;
  if (length <= 0)
    live->over = true;
  else if (live->tls)
    take_tls(live, bytes, (size_t)length);
  else
    take_frames(live, bytes, (size_t)length);
}

void live_wait(struct live *live, bool closed) {
  uint64_t begin = uv_hrtime();
  while (!live->play->failed) {
    live_push(live);
    if (live->over || (!closed && live->agreed && live->play->ended == live->play->requests))
      return;
    uv_run(&live->loop, UV_RUN_NOWAIT);
    poll(&(struct pollfd){.fd = live->socket, .events = POLLIN}, 1, 1);
    pull(live);
    if (uv_hrtime() - begin > DEADLINE_MS * 1000000ull)
      fail(live, "the reference server", "no answer");
  }
}

void live_end(struct live *live) {
  disconnect(live);
  if (live->server)
    server_free(live->server);
  if (!live->looping)
    return;
  uv_run(&live->loop, UV_RUN_DEFAULT);
  uv_loop_close(&live->loop);
}
