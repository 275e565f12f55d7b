/*
 * certificate: make a private key and its certificate, for tests and for the grader. (For the labs,
 * `make certs` makes them with the openssl command.)
 */
#ifndef COMMON_CERTIFICATE_H
#define COMMON_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

struct certificate {
  const char *names; /* its hosts: "DNS:localhost,IP:127.0.0.1", as in subjectAltName */
  long from, until;  /* when it is valid, in seconds from now; both 0: from yesterday to tomorrow */
  size_t comment;    /* bytes of a comment in it that nobody reads: a certificate may be large, */
  size_t repetitions;    /* and so may its chain: so many more certificates behind it in the file */
  const char *authority; /* NULL: it signs itself; else the file for its signer's certificate */
  bool forged;           /* the signature is not this signer's */
  const char *purpose;   /* "clientAuth", as in extendedKeyUsage; NULL: any */
  const char *subject;   /* the owner's common name, which says nothing; NULL: any */
};

/* Write a key on P-256 and its certificate, both in PEM form; only the owner can read the key file.
 * Returns 0; or -1, and errno or OpenSSL's error queue says why. */
int certificate_write(const struct certificate *wanted, const char *key_file,
                      const char *cert_file);

#endif
