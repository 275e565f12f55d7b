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

const char identity_rsa_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC5RTFJpFSoOZWP\n"
                                "yFOHDTgupV3j9cD8ZUWwp0lIQkkpEHOxeh6iWU0PUspYJCWc+mQxiLXMTFkhV9FE\n"
                                "kEGrLNfOxYyobtcpetQI6BGZC6snMLG2WlJ3991Nr4J8+3w5GiUu3RPXKqhQrALy\n"
                                "tDK08I0gVlseNSemMH9VRl8wBoYSLWAPk2Y4TfO6zrK0oeZr96STsMZFY2nGVFDT\n"
                                "GX3B/pJD6zBLg+OKRiLKMS4dipHKCSe7+3siIr35pUOu215DVyE1vjtoeoiUSvTM\n"
                                "1YBN0Rjh6W+NYipiGOeoRU7LFRxgvMTOIwacXrIvUX6VtHmRdIq0O5O3WOMO3TAU\n"
                                "y0wratd5AgMBAAECggEAIJRKzQThQC3UH5MeIRcRhJ5eytnp5FhYr25TZCoH3HlA\n"
                                "pvpvDaR/eQzZeTNuC9M6MD22nmTknYjoS1LEwXmiv4EcsXfATVKEm8ZXZd7X643U\n"
                                "ClmKu/7xwxn0a877cr0mwb1toj4ll/4PjKdkbU4JuyCEaGT3gnFvysqTrYnQJLza\n"
                                "MFGkVhEzoVAyr6JLHvJf/q8brXMHtRYWiYE/4sNMkxlLMEtCswi9LD/nwXajcJ4W\n"
                                "UXTp+PhDZ6IYMh0MphoPfFKslJCbdQqXa23WDVLYW6N8iypfQ36nPA8u4saiaQUm\n"
                                "v8kCBfZXaFkaNAYgO/SpvuW7sQN26KD3M9N4jueJ6QKBgQDoc92NODbDxoAR6SCG\n"
                                "o+lcOc0R717PHf1i1fxGX9UgDyXxg3UjD2DmGfm4qg+zN2i7BnMkX6U8LFRk3fTv\n"
                                "IL9hbakiWIrQDe+wmg5LyKAPUPwO8WwXMJcGk7WCcOQ4bcyTPuXHZhcmCAOkqtOF\n"
                                "U4sKFRq1MU/YtuZpvel7YcU2HQKBgQDMCcKPvEWTb/ZwuoMwo5TMTFvwNhqGgd7I\n"
                                "8hFP84uiM2VrtNgSySqPmcSjCUSrp1Q+pfpZ+7fdZAjp1E3xg6DEEkWoquIA4dSv\n"
                                "vqmKFVOQdU7kCxvLjsL7Zg3OSSnxzoo9EUs5NwyBuy3wul4+bBL7U++erSZgB8Du\n"
                                "0SzHGvf4DQKBgAtrxfLuVCKCWkCHB8YVv518aYr8C9h5TL3Sbba3dq1AkUiwgMzc\n"
                                "MJKdrBtan7LaghbOVlHvMRsnwm3CSgqFvWF4FdtOJmPai3BN4W3vyY13GStSyVDK\n"
                                "XmFAWKa0DUKIgoipinill3WS5zrr+cCPPkGcj9dfOOEY+3Eul44sW5gxAoGBAJsj\n"
                                "5KrzxZdYb3LBblUCXHaGrPVVvg9+Gg6CeIVpMkfPepNNu2l1SgZMLgalWnCGV3kX\n"
                                "LOdUjTYqBNj+k5FKu2e6WPrpi9SN4fELMNAMbTCO8cBVbfn1/+21aFPsr5brq5LJ\n"
                                "XoAPilPuJf0/R7+A32H4LV9iWqZz3s/3fmuZ5ufVAoGBAJUjLN3BFJgmKxZijoTX\n"
                                "PqLpD3e+WjM60bgZopR74EjKyf8/zPRxFTE2iEM6cyioM7LNzaEH4yKOWLKiaYzT\n"
                                "XUjm0wtbwOTDJ/uv/zs4YDnYJLV19KgjGgQRbaYGsP47fIBgikV7z6e/h2hm+5A8\n"
                                "rooynUFWviJ3VhiFYkNjaa3M\n"
                                "-----END PRIVATE KEY-----\n";

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
