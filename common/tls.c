/* tls: see tls.h. The handshake is in inner/handshake.c, errors and keys are in inner/explain.c. */
#include "common/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* In ALPN's form: each name comes after its length (RFC 7301, section 3.1). */
static const unsigned char H2[] = {2, 'h', '2'};

/* RFC 9113, section 9.2.2 prohibits most of the cipher suites of TLS 1.2. The remaining suites have
 * ephemeral keys and authenticated encryption; the suite that every HTTP/2 implementation must know
 * is among them. */
static const char CIPHERS_OF_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK";

/* --- Contexts --------------------------------------------------------------------------------- */

/* What server and client have in common. Returns NULL on failure. */
static SSL_CTX *new_context(const SSL_METHOD *method) {
  SSL_CTX *context = SSL_CTX_new(method);
  if (!context)
    return NULL;
  /* RFC 9113, section 9.2.1: neither compression nor renegotiation. */
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_cipher_list(context, CIPHERS_OF_1_2) == 1)
    return context;
  SSL_CTX_free(context);
  return NULL;
}

/* OpenSSL could not use `file`, which should contain a `kind`. The first error in its queue is the
 * cause; the later ones follow from it. */
static void explain_file(const char *file, const char *kind, char *error, size_t error_size) {
  unsigned long code = ERR_peek_error();
  const char *reason = ERR_reason_error_string(code);
  if (ERR_SYSTEM_ERROR(code))
    snprintf(error, error_size, "%s: %s", file, strerror(ERR_GET_REASON(code)));
  else
    snprintf(error, error_size, "%s: no %s in it: %s", file, kind,
             reason ? reason : "unknown error");
}

/* The client has sent `offered`: take "h2" out of it, or end the handshake with the alert
 * no_application_protocol. It is not called for a client that sends no ALPN. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned int offered_length, void *user) {
  unsigned char *found;
  (void)ssl;
  (void)user;
  if (SSL_select_next_proto(&found, chosen_length, H2, sizeof H2, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

/* Returns 0, or -1 with the reason in `error`. Load the key first: then OpenSSL compares it with
 * the certificate only when both are loaded, so a wrong key differs from an unreadable one. */
static int use_key(SSL_CTX *context, const char *key_file, const char *cert_file, char *error,
                   size_t error_size) {
  ERR_clear_error();
  if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1) {
    explain_file(key_file, "private key", error, error_size);
    return -1;
  }
  if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1) {
    explain_file(cert_file, "certificate", error, error_size);
    return -1;
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    snprintf(error, error_size, "%s: not the key of %s", key_file, cert_file);
    return -1;
  }
  return 0;
}

/* Free the unfinished context, and leave no errors in the queue for others. Returns NULL. */
static SSL_CTX *give_up(SSL_CTX *context) {
  SSL_CTX_free(context);
  ERR_clear_error();
  return NULL;
}

SSL_CTX *tls_server_context(const char *key_file, const char *cert_file, char *error,
                            size_t error_size) {
  SSL_CTX *context = new_context(TLS_server_method());
  if (!context) {
    snprintf(error, error_size, "TLS: cannot make an SSL_CTX");
    return give_up(context);
  }
  if (use_key(context, key_file, cert_file, error, error_size) != 0)
    return give_up(context);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
  /* A session that knows the client's certificate can resume only where it began: OpenSSL needs a
   * name for that place, and without it ends resumed handshakes with internal_error. */
  SSL_CTX_set_session_id_context(context, H2,
                                 sizeof H2); /* it only fails for a name that is too long */
  /* The clients keep the tickets, so OpenSSL's own cache is useless here. */
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return context;
}

/* Set whose certificate it must be; its subject says nothing (RFC 9110, section 4.3.4). Returns 0
 * or -1. Refuse an empty name, because OpenSSL would accept any host for it. */
static int expect_host(SSL_CTX *context, const char *host) {
  X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1)
    return 0;
  return *host && X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1 ? 0 : -1;
}

SSL_CTX *tls_client_context(const char *ca_file, const char *host, char *error, size_t error_size) {
  SSL_CTX *context = new_context(TLS_client_method());
  if (!context || expect_host(context, host) != 0 ||
      SSL_CTX_set_alpn_protos(context, H2, sizeof H2) != 0) { /* 0 means that it has worked */
    snprintf(error, error_size, "TLS: cannot make an SSL_CTX for the host '%s'", host);
    return give_up(context);
  }
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, ca_file) != 1) {
    explain_file(ca_file, "certificate", error, error_size);
    return give_up(context);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  return context;
}
