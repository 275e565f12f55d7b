/*
 * certificates: files for tests of TLS, in a folder of their own.
 */
#ifndef COMMON_TESTS_CERTIFICATES_H
#define COMMON_TESTS_CERTIFICATES_H

#include <openssl/ssl.h>

#include "common/certificate.h"

/* Make the folder; remove the folder and everything in it. */
void certificates_begin(void);
void certificates_end(void);

/* The path of a file in the folder, in one of a few static buffers. */
const char *certificates_path(const char *name);

/* Write NAME.key and NAME.cert. `wanted` may be NULL: for localhost, 127.0.0.1 and ::1. */
void certificates_write(const char *name, const struct certificate *wanted);

/* Contexts of tls.h: a server with NAME's key and certificate, and a client of `host` that
 * trusts it. certificates_end frees them. */
SSL_CTX *certificates_server(const char *name);
SSL_CTX *certificates_client(const char *name, const char *host);

#endif
