/*
 * certificate: make a private key and its certificate, for tests and for the grader. (For the labs,
 * `make certs` makes them with the openssl command.)
 */
#ifndef COMMON_CERTIFICATE_H
#define COMMON_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

struct certificate {
  const char *names; /* its hosts: "DNS:localhost,IP:127.0.0.1", as in subjectAltName; NULL: none */
  const char *key;   /* in PEM form; NULL: a new one on P-256 */
  long from, until;  /* when it is valid, in seconds from now; both 0: from yesterday to tomorrow */
  size_t comment;    /* bytes of a comment in it that nobody reads: a certificate may be large, */
  size_t repetitions;  /* and so may its chain: so many more certificates behind it in the file */
  const char *purpose; /* "clientAuth", as in extendedKeyUsage; NULL: any */
  const char *constraints; /* as in basicConstraints; NULL: "critical,CA:FALSE" if it has an
                            * `authority`, else "critical,CA:TRUE" */
  const char *extension;   /* one more: "keyUsage", or "1.2.3.4"; NULL: none */
  const char *value;       /* of that: "critical,digitalSignature", "critical,DER:0500" */

  /* The owner's common name, which says nothing; NULL: any. All signers of a chain need one. */
  const char *subject;

  /* NULL: it signs itself. Else the file for the last signer's certificate, whom a client may
   * trust. */
  const char *authority;

  /* What its signer's certificate is like; that one may have a signer, too, but no `authority`.
   * NULL: as usual, if it has an `authority`. */
  const struct certificate *signer;
  bool forged; /* the signature is not this signer's */
};

/* Write a key and its certificate, both in PEM form; only the owner can read the key file. Behind
 * the certificate come its signers', except the last one's, which is in `authority`. Nobody keeps
 * the signers' keys. Returns 0; or -1, and errno or OpenSSL's error queue says why. */
int certificate_write(const struct certificate *wanted, const char *key_file,
                      const char *cert_file);

#endif
