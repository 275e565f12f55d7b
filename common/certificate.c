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

/* `name` as in OpenSSL's settings, or a number with dots. Returns whether it could be added. */
static bool add_extension(X509 *x509, const char *name, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &context, name, value);
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
  bool added = add_extension(x509, "nsComment", comment);
  free(comment);
  return added;
}

static bool add_extensions(X509 *x509, const struct certificate *wanted) {
  const char *constraints = wanted->authority ? "critical,CA:FALSE" : "critical,CA:TRUE";
  if (wanted->constraints)
    constraints = wanted->constraints;
  return add_extension(x509, "basicConstraints", constraints) &&
         (!wanted->names || add_extension(x509, "subjectAltName", wanted->names)) &&
         (!wanted->purpose || add_extension(x509, "extendedKeyUsage", wanted->purpose)) &&
         (!wanted->extension || add_extension(x509, wanted->extension, wanted->value)) &&
         add_comment(x509, wanted->comment);
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
         X509_set_pubkey(x509, key) == 1 && add_extensions(x509, wanted);
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

/* Write those of the chain from `first` down to `last`, and the first so many times more. */
static bool write_certificates(const STACK_OF(X509) * chain, int first, int last,
                               size_t repetitions, const char *name) {
  FILE *file = fopen(name, "we");
  if (!file)
    return false;
  bool written = true;
  for (int i = first; i >= last && written; i--)
    written = PEM_write_X509(file, sk_X509_value(chain, i)) == 1;
  for (size_t i = 0; i < repetitions && written; i++)
    written = PEM_write_X509(file, sk_X509_value(chain, first)) == 1;
  return fclose(file) == 0 && written;
}

/* NULL: it signs itself. */
static const struct certificate *signer_of(const struct certificate *wanted) {
  static const struct certificate standard = {.names = "DNS:authority.test"};
  return wanted->signer || !wanted->authority ? wanted->signer : &standard;
}

static EVP_PKEY *make_key(const char *pem) {
  if (!pem)
    return EVP_EC_gen("P-256");
  BIO *text = BIO_new_mem_buf(pem, -1);
  EVP_PKEY *key = text ? PEM_read_bio_PrivateKey(text, NULL, NULL, NULL) : NULL;
  BIO_free(text);
  return key;
}

/* Add the certificates of its signers to the chain, the last signer's first, and then its own.
 * Returns its key, which belongs to the caller, or NULL. */
static EVP_PKEY *make(const struct certificate *wanted, STACK_OF(X509) * chain) {
  const struct certificate *signer = signer_of(wanted);
  EVP_PKEY *signers = signer ? make(signer, chain) : NULL;
  EVP_PKEY *key = signer && !signers ? NULL : make_key(wanted->key);
  X509 *x509 = key ? X509_new() : NULL;
  const X509 *issuer = signers ? sk_X509_value(chain, sk_X509_num(chain) - 1) : x509;
  bool made = x509 && fill_in(x509, wanted, key) &&
              sign(x509, issuer, signers && !wanted->forged ? signers : key) &&
              sk_X509_push(chain, x509) > 0;
  EVP_PKEY_free(signers);
  if (made)
    return key;
  X509_free(x509);
  EVP_PKEY_free(key);
  return NULL;
}

int certificate_write(const struct certificate *wanted, const char *key_file,
                      const char *cert_file) {
  STACK_OF(X509) *chain = sk_X509_new_null();
  EVP_PKEY *key = chain ? make(wanted, chain) : NULL;
  int first = chain ? sk_X509_num(chain) - 1 : 0;
  bool written =
      key && write_key(key, key_file) &&
      write_certificates(chain, first, wanted->authority ? 1 : 0, wanted->repetitions, cert_file) &&
      (!wanted->authority || write_certificates(chain, 0, 0, 0, wanted->authority));
  sk_X509_pop_free(chain, X509_free);
  EVP_PKEY_free(key);
  return written ? 0 : -1;
}
