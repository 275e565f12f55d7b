/* explain: the part of tls.h that every program on the transport needs, with any SSL_CTX: what went
 * wrong, and the log of keys. */
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

/* --- Errors ----------------------------------------------------------------------------------- */

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
