/* identity: see identity.h. */
#include "grader/play/identity.h"

#include <inttypes.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/tls.h"

void identity_path(struct exchange *exchange, char *path, const char *kind) {
  char directory[PATH_MAX];
  uint64_t number;
  const char *outcomes = getenv(CHECK_DIRECTORY);
  if (!outcomes || !realpath(outcomes, directory))
    exchange_fault(exchange, CHECK_DIRECTORY " is not set: run the grader itself");
  exchange_random_octets(exchange, &number, sizeof number);
  int length = snprintf(path, IDENTITY_PATH, "%s/%s.%016" PRIx64 ".%s", directory,
                        exchange->check->lab, number, kind);
  if (length >= IDENTITY_PATH)
    exchange_fault(exchange, "the path of the outcomes is too long");
}

/* A system that allows whatever OpenSSL can do: a program that leaves its lowest version to the
 * system takes TLS 1.0 then. */
static void allow_everything(struct exchange *exchange) {
  static const char settings[] =
      "openssl_conf = all\n"
      "[all]\nssl_conf = tls\n"
      "[tls]\nsystem_default = weak\n"
      "[weak]\nMinProtocol = TLSv1\nCipherString = DEFAULT:@SECLEVEL=0\n";
  static char path[IDENTITY_PATH]; /* a check is a process of its own */
  identity_path(exchange, path, "openssl.cnf");
  FILE *file = fopen(path, "we");
  bool written = file && fputs(settings, file) >= 0;
  if (!file || fclose(file) != 0 || !written || chmod(path, 0644) != 0)
    exchange_fault(exchange, "cannot write OpenSSL's settings");
  exchange->settings = path;
}

void identity_make(struct exchange *exchange, struct identity *identity,
                   const struct certificate *wanted) {
  static const struct certificate standard = {.names = "DNS:localhost,IP:127.0.0.1,IP:::1"};
  if (!exchange->settings)
    allow_everything(exchange);
  identity_path(exchange, identity->key, "key.pem");
  identity_path(exchange, identity->cert, "cert.pem");
  if (certificate_write(wanted ? wanted : &standard, identity->key, identity->cert) != 0)
    exchange_fault(exchange, "cannot make a certificate");
  (void)chmod(identity->key,
              0644); /* as root, the program is another user's; the key is for this check only */
}

static X509 *read_certificate(struct exchange *exchange, const char *cert) {
  FILE *file = fopen(cert, "re");
  X509 *x509 = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
  if (file)
    fclose(file);
  if (!x509)
    exchange_fault(exchange, "cannot read a certificate");
  return x509;
}

/* Append it to this file, which everybody may read. */
static void append_certificate(struct exchange *exchange, const char *cert, const char *path) {
  X509 *x509 = read_certificate(exchange, cert);
  FILE *file = fopen(path, "ae");
  bool written = file && PEM_write_X509(file, x509) == 1;
  X509_free(x509);
  if (!file || fclose(file) != 0 || !written || chmod(path, 0644) != 0)
    exchange_fault(exchange, "cannot write a certificate");
}

void identity_bundle(struct exchange *exchange, char *path, const char *const *certs,
                     size_t count) {
  size_t place = 1 + exchange_random(exchange, (uint32_t)count - 1);
  identity_path(exchange, path, "cert.pem");
  for (size_t i = 1; i < count; i++) {
    append_certificate(exchange, certs[i], path);
    if (i == place)
      append_certificate(exchange, certs[0], path);
  }
}

/* SSL_CERT_DIR is the program's directory (exchange.c); files there have a hash for a name. */
void identity_let_system_trust(struct exchange *exchange, const char *cert) {
  char path[PATH_MAX];
  X509 *x509 = read_certificate(exchange, cert);
  snprintf(path, sizeof path, "%s/%08lx.0", program_directory(exchange->program),
           X509_subject_name_hash(x509));
  X509_free(x509);
  append_certificate(exchange, cert, path);
}

SSL_CTX *identity_server(struct exchange *exchange, const struct identity *identity) {
  char error[512];
  SSL_CTX *context = tls_server_context(identity->key, identity->cert, error, sizeof error);
  if (!context)
    exchange_fault(exchange, error);
  return context;
}

SSL_CTX *identity_client(struct exchange *exchange) {
  static const unsigned char h2[] = {2, 'h', '2'};
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (!context || SSL_CTX_set_alpn_protos(context, h2, sizeof h2) != 0)
    exchange_fault(exchange, "cannot make an SSL_CTX");
  SSL_CTX_set_max_cert_list(context, 1L << 24); /* all that a handshake message can carry */
  return context;
}
