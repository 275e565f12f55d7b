/*
 * tls: make a correct SSL_CTX for a server and for a client, and take the steps of a handshake.
 *
 * HTTP/2 requires TLS 1.2 or later, ALPN with "h2", and some care with TLS 1.2 (RFC 9113, sections
 * 3.2 and 9.2). A context from here meets these requirements. Give it to server.h, client.h,
 * connection.h or transport.h, which make an SSL from it for each connection, and free it with
 * SSL_CTX_free: they keep their own references.
 *
 * With SSLKEYLOGFILE in the environment, a context appends the keys of every connection to that
 * file, which only its owner can read. With the file, Wireshark can show what was encrypted.
 */
#ifndef COMMON_TLS_H
#define COMMON_TLS_H

#include <openssl/ssl.h>
#include <stddef.h>

/*
 * For a server with this private key and this certificate, both in PEM form; after the certificate,
 * those that have signed it may follow. The server refuses a client that offers no "h2", with the
 * alert no_application_protocol. Clients can resume sessions by tickets. Returns NULL on failure
 * and puts one line that says why into `error` ("key.pem: No such file or directory", "key.pem: not
 * the key of cert.pem").
 */
SSL_CTX *tls_server_context(const char *key_file, const char *cert_file, char *error,
                            size_t error_size);

/*
 * For a client that trusts only a certificate that one in `ca_file` has signed (or that is itself
 * there, if it is self-signed), and only if it is the certificate of `host`, by its
 * subjectAltName: a name or an IP address as in url.h. The client offers "h2" and nothing else.
 * Returns NULL on failure and puts one line that says why into `error`.
 */
SSL_CTX *tls_client_context(const char *ca_file, const char *host, char *error, size_t error_size);

/* How far a handshake has come. */
enum tls_step {
  TLS_DONE,       /* it is complete, and both sides want to speak HTTP/2 */
  TLS_WANT_READ,  /* call again when the socket can be read, */
  TLS_WANT_WRITE, /* when it can be written */
  TLS_FAILED,     /* the connection is to be closed */
};

/*
 * Take the next step of the handshake, without blocking. When it is complete, check that ALPN has
 * chosen "h2": a client may meet a server that knows no ALPN, and OpenSSL never asks a server's
 * callback when the client sends none. On failure, `error` has one line that says why: "TLS:
 * certificate verify failed: self-signed certificate", "TLS: the server did not choose h2 (ALPN)",
 * "TLS: the peer sent an alert: no application protocol".
 */
enum tls_step tls_handshake(SSL *ssl, char *error, size_t error_size);

/* The same, whatever ALPN has chosen. */
enum tls_step tls_handshake_any(SSL *ssl, char *error, size_t error_size);

/* Fail, and say that there is no handshake. In lab 6, where you write it, this is what a transport
 * does that gets none. */
enum tls_step tls_no_handshake(SSL *ssl, char *error, size_t error_size);

/* Put into `error` one line about the call on `ssl` that has just failed, for which SSL_get_error
 * has returned `code`: SSL_ERROR_SSL or SSL_ERROR_SYSCALL. The error queue must have been empty
 * before that call. */
void tls_explain(const SSL *ssl, int code, char *error, size_t error_size);

/* Log the keys of the context's connections, if SSLKEYLOGFILE is set. The transport calls this for
 * every context. */
void tls_log_keys(SSL_CTX *context);

#endif
