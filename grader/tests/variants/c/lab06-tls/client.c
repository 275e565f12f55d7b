/* Lab 6 in another way: it configures the SSL, not its context; see ../client.h, and for the
 * handshake ../wire.c. */
#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../client.h"

/* Require a certificate of this host: compare an address byte by byte; also send a name (SNI). */
static bool expect_host(SSL *ssl, const char *host) {
  unsigned char octets[sizeof(struct in6_addr)];
  X509_VERIFY_PARAM *verification = SSL_get0_param(ssl);
  if (inet_pton(AF_INET, host, octets) == 1)
    return X509_VERIFY_PARAM_set1_ip(verification, octets, sizeof(struct in_addr)) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static SSL *open_tls(const char *ca, const char *host) {
  static const unsigned char protocols[] = "\2h2";
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *ssl = NULL;
  if (context && SSL_CTX_load_verify_file(context, ca) == 1)
    ssl = SSL_new(context);
  SSL_CTX_free(context);
  if (ssl && SSL_set_alpn_protos(ssl, protocols, sizeof protocols - 1) == 0 &&
      SSL_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 && expect_host(ssl, host)) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    SSL_set_connect_state(ssl);
    return ssl;
  }
  fprintf(stderr, "client: %s: there is no certificate to trust in it\n", ca);
  SSL_free(ssl);
  return NULL;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to a socket whose peer may be gone */
  return variant_client(argc, argv, open_tls);
}
