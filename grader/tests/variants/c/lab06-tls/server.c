/* Lab 6 in another way: it loads the certificate before the key, one by one, excludes old versions
 * one by one, and goes through the client's ALPN offers by hand. See ../server.h, and for the
 * handshake ../wire.c. */
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../server.h"

static int choose(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                  const unsigned char *offered, unsigned offered_length, void *user) {
  (void)ssl;
  (void)user;
  for (unsigned i = 0; i < offered_length; i += 1U + offered[i]) {
    if (offered[i] == 2 && i + 2 < offered_length && memcmp(offered + i + 1, "h2", 2) == 0) {
      *chosen = offered + i + 1;
      *length = 2;
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* The first certificate is the server's own, the others have signed it. Returns whether there was
 * one, and the server could use all. */
static bool use_certificates(SSL_CTX *context, const char *name) {
  BIO *file = BIO_new_file(name, "r");
  X509 *x509 = NULL;
  size_t count = 0;
  bool used = file;
  while (used && (x509 = PEM_read_bio_X509(file, NULL, NULL, NULL))) {
    used = count++ == 0 ? SSL_CTX_use_certificate(context, x509) == 1
                        : SSL_CTX_add1_chain_cert(context, x509) == 1;
    X509_free(x509);
  }
  BIO_free(file);
  return used && count > 0;
}

/* Returns NULL. */
static SSL_CTX *give_up(SSL_CTX *context, const char *what, const char *why) {
  fprintf(stderr, "server: %s: %s\n", what, why);
  SSL_CTX_free(context);
  return NULL;
}

static SSL_CTX *make_context(const char *key, const char *cert) {
  SSL_CTX *context = SSL_CTX_new(TLS_method());
  if (!context)
    return give_up(context, "OpenSSL", "no context");
  SSL_CTX_set_options(context, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
  if (!use_certificates(context, cert))
    return give_up(context, cert, "no certificates that could be used");
  if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
    return give_up(context, key, "not a key that goes with the certificate");
  SSL_CTX_set_alpn_select_cb(context, choose, NULL);
  return context;
}

static void answer(struct exchange_of_variant *exchange) {
  variant_route(exchange, variant_delay);
  printf("%s %s -> %s\n", exchange->method, exchange->path, exchange->status);
  fflush(stdout);
}

int main(int argc, char **argv) {
  variant_context = make_context;
  return variant_serve("server", argc, argv, answer);
}
