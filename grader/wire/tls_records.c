/* wire: see wire.h. */
#include "grader/wire/tls_records.h"

static void on_key(const SSL *ssl, const char *line) {
  const struct wire *wire = SSL_get_app_data(ssl);
  if (wire)
    pcap_secret(wire->pcap, line);
}

void wire_begin(struct wire *wire, SSL *ssl) {
  SSL_set_app_data(ssl, wire);
  SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), on_key);
}

static enum frame_sender other_side(const struct wire *wire) {
  return wire->own == FRAME_FROM_CLIENT ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
}

/* What was received, and not yet passed on. */
static void flush(struct wire *wire) {
  if (wire->received.length > 0)
    pcap_bytes(wire->pcap, wire->connection, other_side(wire), wire->received.bytes,
               wire->received.length);
  buffer_clear(&wire->received);
}

/* OpenSSL calls it before and after everything that it does with the socket; `bytes` are
 * `*processed` of them after a read or a write that has succeeded. */
static long on_socket(BIO *bio, int operation, const char *bytes, size_t length, int number,
                      long more, int result, size_t *processed) {
  struct wire *wire = (struct wire *)BIO_get_callback_arg(bio);
  (void)length;
  (void)number;
  (void)more;
  if (result <= 0 || !processed)
    return result;
  if (operation == (BIO_CB_READ | BIO_CB_RETURN)) {
    if (buffer_append(&wire->received, bytes, *processed) != 0)
      pcap_bytes(wire->pcap, wire->connection, other_side(wire), bytes, *processed);
    if (*processed != SSL3_RT_HEADER_LENGTH)
      flush(wire);
  }
  if (operation == (BIO_CB_WRITE | BIO_CB_RETURN)) {
    flush(wire);
    pcap_bytes(wire->pcap, wire->connection, wire->own, bytes, *processed);
  }
  return result;
}

void wire_watch(SSL *ssl) {
  struct wire *wire = SSL_get_app_data(ssl);
  BIO *bio = SSL_get_rbio(ssl); /* for both directions */
  if (!wire || wire->watching || !bio)
    return;
  wire->watching = true;
  pcap_open(wire->pcap, wire->connection, true);
  BIO_set_callback_ex(bio, on_socket);
  BIO_set_callback_arg(bio, (char *)wire);
}

void wire_end(struct wire *wire) {
  if (wire->watching)
    flush(wire);
  buffer_free(&wire->received);
}
