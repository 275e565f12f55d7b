/* handshake: the steps of a handshake, see tls.h. Lab 6 writes them by hand. */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "common/tls.h"

/* RFC 9113, section 3.2: over TLS, a connection is HTTP/2 only if ALPN says so. */
static enum tls_step check_protocol(const SSL *ssl, char *error, size_t error_size) {
  const unsigned char *chosen;
  unsigned int length;
  SSL_get0_alpn_selected(ssl, &chosen, &length);
  if (length == 2 && memcmp(chosen, "h2", 2) == 0)
    return TLS_DONE;
  snprintf(error, error_size, "TLS: %s h2 (ALPN)",
           SSL_is_server(ssl) ? "the client did not offer" : "the server did not choose");
  return TLS_FAILED;
}

enum tls_step tls_handshake_any(SSL *ssl, char *error, size_t error_size) {
  ERR_clear_error(); /* SSL_get_error looks at what is in the queue */
  errno = 0;
  int code = SSL_get_error(ssl, SSL_do_handshake(ssl));
  if (code == SSL_ERROR_NONE)
    return TLS_DONE;
  if (code == SSL_ERROR_WANT_READ)
    return TLS_WANT_READ;
  if (code == SSL_ERROR_WANT_WRITE)
    return TLS_WANT_WRITE;
  tls_explain(ssl, code, error, error_size);
  return TLS_FAILED;
}

enum tls_step tls_handshake(SSL *ssl, char *error, size_t error_size) {
  enum tls_step step = tls_handshake_any(ssl, error, error_size);
  return step == TLS_DONE ? check_protocol(ssl, error, error_size) : step;
}
