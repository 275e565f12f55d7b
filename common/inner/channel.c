/* channel: see channel.h. */
#include "common/inner/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "common/tls.h"

/* --- OpenSSL's way to the socket -------------------------------------------------------------- */

/* A BIO like OpenSSL's own for sockets, with one difference: OpenSSL's uses write, so SIGPIPE ends
 * the process when the peer is gone. */

static int bio_write(BIO *bio, const char *data, int length) {
  struct channel *channel = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t sent = send(channel->descriptor, data, (size_t)length, MSG_NOSIGNAL);
  if (sent < 0 && BIO_sock_should_retry((int)sent))
    BIO_set_retry_write(bio);
  return (int)sent;
}

static int bio_read(BIO *bio, char *data, int size) {
  struct channel *channel = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  ssize_t received = recv(channel->descriptor, data, (size_t)size, 0);
  if (received < 0 && BIO_sock_should_retry((int)received))
    BIO_set_retry_read(bio);
  channel->peer_finished = received == 0;
  return (int)received;
}

/* Other requests of OpenSSL to a BIO; answer 0 to unknown ones. */
static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  const struct channel *channel = BIO_get_data(bio);
  switch (command) {
  case BIO_CTRL_EOF: return channel->peer_finished;
  case BIO_CTRL_FLUSH: return 1; /* nothing is kept back */
  default: return 0;
  }
}

/* Made once, and shared by all threads; NULL when there was no memory. */
static BIO_METHOD *made_method;

static void make_method(void) {
  BIO_METHOD *made =
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
  if (!made)
    return;
  BIO_meth_set_write(made, bio_write); /* these only store a pointer */
  BIO_meth_set_read(made, bio_read);
  BIO_meth_set_ctrl(made, bio_control);
  made_method = made;
}

/* --- Beginning and end ------------------------------------------------------------------------ */

int channel_use_tls(struct channel *channel, SSL_CTX *tls, const char *host) {
  tls_log_keys(tls);
  channel->ssl = SSL_new(tls);
  if (!channel->ssl)
    return -1;
  /* The bytes may have moved, and grown, before the next try; an idle connection keeps no
   * buffers. */
  SSL_set_mode(channel->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
  SSL_set_read_ahead(channel->ssl, 0); /* what is not decrypted yet stays in the socket */
  ERR_clear_error();
  if (host)
    SSL_set_connect_state(channel->ssl);
  else
    SSL_set_accept_state(channel->ssl);
  /* From OpenSSL 3.2 on these calls allocate, but return nothing: only the error queue shows a
   * failure. */
  if (ERR_peek_error() != 0)
    return -1;
  struct in6_addr address; /* an address: RFC 6066, section 3 does not allow it in SNI */
  if (!host || inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
    return 0;
  return SSL_set_tlsext_host_name(channel->ssl, host) == 1 ? 0 : -1;
}

int channel_open(struct channel *channel, int descriptor) {
  channel->descriptor = descriptor;
  /* The transport gathers frames before sending, so the kernel need not wait for more. A failure
   * only makes it slower. */
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (!channel->ssl)
    return 0;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_method);
  BIO *bio = made_method ? BIO_new(made_method) : NULL;
  if (!bio) {
    channel_close(channel);
    return -1;
  }
  BIO_set_data(bio, channel);
  BIO_set_init(bio, 1);
  SSL_set_bio(channel->ssl, bio, bio);
  return 0;
}

void channel_close(struct channel *channel) {
  SSL_free(channel->ssl);
  channel->ssl = NULL;
  if (channel->descriptor >= 0)
    close(channel->descriptor);
  channel->descriptor = -1;
}

/* --- Reading and writing ---------------------------------------------------------------------- */

static ssize_t read_plain(int descriptor, void *data, size_t size, char *error, size_t error_size) {
  ssize_t length = read(descriptor, data, size);
  if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
    return CHANNEL_AGAIN;
  if (length < 0)
    snprintf(error, error_size, "read: %s", strerror(errno));
  if (length == 0)
    snprintf(error, error_size, "closed by the peer");
  return length < 0 ? CHANNEL_FAILED : length;
}

ssize_t channel_read(struct channel *channel, void *data, size_t size, char *error,
                     size_t error_size) {
  if (!channel->ssl)
    return read_plain(channel->descriptor, data, size, error, error_size);
  size_t length;
  ERR_clear_error();
  errno = 0;
  channel->read_wants_write = false;
  int result = SSL_read_ex(channel->ssl, data, size, &length);
  if (result == 1)
    return (ssize_t)length;
  int code = SSL_get_error(channel->ssl, result);
  int reason = ERR_GET_REASON(ERR_peek_error());
  channel->read_wants_write = code == SSL_ERROR_WANT_WRITE;
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
    return CHANNEL_AGAIN;
  if (code == SSL_ERROR_ZERO_RETURN) {
    snprintf(error, error_size, "closed by the peer");
    return 0;
  }
  if (code == SSL_ERROR_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    snprintf(error, error_size, "closed by the peer, without close_notify");
    return 0;
  }
  if (code == SSL_ERROR_SYSCALL && errno != 0)
    snprintf(error, error_size, "read: %s", strerror(errno));
  else
    tls_explain(channel->ssl, code, error, error_size);
  return CHANNEL_FAILED;
}

static ssize_t write_plain(int descriptor, const void *data, size_t length) {
  ssize_t sent;
  do
    sent = send(descriptor, data, length, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0)
    return sent;
  return errno == EAGAIN || errno == EWOULDBLOCK ? CHANNEL_AGAIN : CHANNEL_FAILED;
}

ssize_t channel_write(struct channel *channel, const void *data, size_t length) {
  if (!channel->ssl)
    return write_plain(channel->descriptor, data, length);
  size_t sent;
  ERR_clear_error();
  channel->write_wants_read = false;
  int result = SSL_write_ex(channel->ssl, data, length, &sent);
  if (result == 1)
    return (ssize_t)sent;
  int code = SSL_get_error(channel->ssl, result);
  channel->write_wants_read = code == SSL_ERROR_WANT_READ;
  return code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE ? CHANNEL_AGAIN
                                                                     : CHANNEL_FAILED;
}

int channel_shut_down(struct channel *channel) {
  if (channel->ssl) {
    ERR_clear_error();
    int result = SSL_shutdown(channel->ssl);
    if (result < 0 && SSL_get_error(channel->ssl, result) == SSL_ERROR_WANT_WRITE)
      return CHANNEL_AGAIN;
    ERR_clear_error(); /* after a fatal error there is nothing left to say */
  }
  shutdown(channel->descriptor, SHUT_WR); /* if it fails, the next read shows why */
  return 0;
}

void channel_give_up(struct channel *channel) {
  enum { ROUNDS = 8 };
  char dropped[CHANNEL_RECORD];
  ERR_clear_error();
  if (SSL_is_init_finished(channel->ssl))
    SSL_shutdown(channel->ssl); /* it was complete, but not to our liking */
  ERR_clear_error();
  shutdown(channel->descriptor, SHUT_WR);
  for (int round = 0; round < ROUNDS; round++)
    if (recv(channel->descriptor, dropped, sizeof dropped, 0) <= 0)
      break;
}

int channel_events(const struct channel *channel, bool read, bool write) {
  int events = 0;
  if (read)
    events |= channel->read_wants_write ? UV_WRITABLE : UV_READABLE;
  if (write)
    events |= channel->write_wants_read ? UV_READABLE : UV_WRITABLE;
  return events;
}
