/* handshake: the part of tls.h that the transport needs for any SSL_CTX. Lab 6 makes one by
 * hand. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/tls.h"

/* --- Handshake -------------------------------------------------------------------------------- */

void tls_explain(const SSL *ssl, int code, char *error, size_t error_size) {
  int number = errno;
  unsigned long cause = ERR_peek_error();
  int reason = ERR_GET_LIB(cause) == ERR_LIB_SSL ? ERR_GET_REASON(cause) : 0;
  const char *text = ERR_reason_error_string(cause);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
    snprintf(error, error_size, "TLS: certificate verify failed: %s",
             X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING || (code == SSL_ERROR_SYSCALL && !number))
    snprintf(error, error_size, "TLS: closed by the peer");
  else if (code == SSL_ERROR_SYSCALL)
    snprintf(error, error_size, "TLS: %s", strerror(number));
  else if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST)
    snprintf(error, error_size, "TLS: the peer does not speak TLS");
  else if (reason > SSL_AD_REASON_OFFSET)
    snprintf(error, error_size, "TLS: the peer sent an alert: %s",
             SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
  else
    snprintf(error, error_size, "TLS: %s", text ? text : "unknown error");
}

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

enum tls_step tls_no_handshake(SSL *ssl, char *error, size_t error_size) {
  (void)ssl;
  snprintf(error, error_size, "TLS: there is no handshake: the events have none");
  return TLS_FAILED;
}

/* --- Keys ------------------------------------------------------------------------------------- */

/* One write, so that programs that share the file do not mix their lines. */
static void log_key(const SSL *ssl, const char *line) {
  static atomic_flag complained = ATOMIC_FLAG_INIT; /* other threads share it */
  const char *path = getenv("SSLKEYLOGFILE");
  (void)ssl;
  if (!path)
    return;
  int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  bool failed = file < 0 || dprintf(file, "%s\n", line) < 0;
  int error = errno;
  if (failed && !atomic_flag_test_and_set(&complained))
    fprintf(stderr, "SSLKEYLOGFILE: %s: %s\n", path, strerror(error));
  if (file >= 0)
    close(file);
}

void tls_log_keys(SSL_CTX *context) {
  const char *path = getenv("SSLKEYLOGFILE");
  if (path && *path)
    SSL_CTX_set_keylog_callback(context, log_key);
}
