/* certificate: see certificate.h. */
#include "common/certificate.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY = 24 * 60 * 60 };

/* Returns whether it could be added. */
static bool add_extension(X509 *x509, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  bool added = extension && X509_add_ext(x509, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

static bool add_comment(X509 *x509, size_t length) {
  if (length == 0)
    return true;
  char *comment = malloc(length + 1);
  if (!comment)
    return false;
  memset(comment, 'x', length);
  comment[length] = '\0';
  bool added = add_extension(x509, NID_netscape_comment, comment);
  free(comment);
  return added;
}

static bool fill_in(X509 *x509, const struct certificate *wanted, EVP_PKEY *key) {
  bool is_default = wanted->from == 0 && wanted->until == 0;
  const char *standard = wanted->authority ? "signed" : "test";
  const char *name = wanted->subject ? wanted->subject : standard;
  return X509_set_version(x509, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(x509), is_default ? -DAY : wanted->from) &&
         X509_gmtime_adj(X509_getm_notAfter(x509), is_default ? DAY : wanted->until) &&
         X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                    (const unsigned char *)name, -1, -1, 0) == 1 &&
         X509_set_pubkey(x509, key) == 1 &&
         add_extension(x509, NID_basic_constraints,
                       wanted->authority ? "critical,CA:FALSE" : "critical,CA:TRUE") &&
         add_extension(x509, NID_subject_alt_name, wanted->names) &&
         (!wanted->purpose || add_extension(x509, NID_ext_key_usage, wanted->purpose)) &&
         add_comment(x509, wanted->comment);
}

/* Sign it with the key of `issuer`. Returns whether that was possible. */
static bool sign(X509 *x509, const X509 *issuer, EVP_PKEY *key) {
  return X509_set_issuer_name(x509, X509_get_subject_name(issuer)) == 1 &&
         X509_sign(x509, key, EVP_sha256()) > 0;
}

/* Returns whether all of it was written. */
static bool write_key(EVP_PKEY *key, const char *name) {
  int descriptor = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
  if (!file) {
    if (descriptor >= 0)
      close(descriptor);
    return false;
  }
  bool written = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
  return fclose(file) == 0 && written;
}

static bool write_certificate(X509 *x509, const char *name, size_t repetitions) {
  FILE *file = fopen(name, "we");
  if (!file)
    return false;
  bool written = true;
  for (size_t i = 0; i <= repetitions && written; i++)
    written = PEM_write_X509(file, x509) == 1;
  return fclose(file) == 0 && written;
}

/* Sign it with a new key, which nobody keeps, or with the forger's, and write the new key's
 * certificate. Returns whether it was possible. */
static bool sign_by_authority(X509 *x509, const char *file, EVP_PKEY *forger) {
  const struct certificate wanted = {.names = "DNS:authority.test"};
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *authority = X509_new();
  bool is_signed =
      key && authority && fill_in(authority, &wanted, key) && sign(authority, authority, key) &&
      sign(x509, authority, forger ? forger : key) && write_certificate(authority, file, 0);
  X509_free(authority);
  EVP_PKEY_free(key);
  return is_signed;
}

int certificate_write(const struct certificate *wanted, const char *key_file,
                      const char *cert_file) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *x509 = X509_new();
  bool written =
      key && x509 && fill_in(x509, wanted, key) &&
      (wanted->authority ? sign_by_authority(x509, wanted->authority, wanted->forged ? key : NULL)
                         : sign(x509, x509, key)) &&
      write_key(key, key_file) && write_certificate(x509, cert_file, wanted->repetitions);
  X509_free(x509);
  EVP_PKEY_free(key);
  return written ? 0 : -1;
}
