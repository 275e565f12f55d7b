/*
 * certificate: make a private key and a self-signed certificate, for tests and for the grader. (For
 * the labs `make certs` does it, with the openssl command.)
 */
#ifndef COMMON_CERTIFICATE_H
#define COMMON_CERTIFICATE_H

#include <stddef.h>

struct certificate {
  const char *names; /* for whom: "DNS:localhost,IP:127.0.0.1", as in subjectAltName */
  long from, until;  /* when it is valid, in seconds from now; both 0: from yesterday to tomorrow */
  size_t comment;    /* octets of a comment in it that nobody reads: a certificate may be large, */
  size_t repetitions; /* and so may its chain: so many more certificates behind it in the file */
};

/* Write both in PEM form, a key on P-256 and its certificate; the key can be read by its owner
 * only. Returns 0, or -1 with errno or the error queue of OpenSSL saying why. */
int certificate_write(const struct certificate *wanted, const char *key_file,
                      const char *cert_file);

#endif
