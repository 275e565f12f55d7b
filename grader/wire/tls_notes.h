/*
 * tls_notes: a TLS handshake in words, one note for each message that says why it fails: what the
 * client offers, whose certificate the server has, and the alert.
 */
#ifndef GRADER_TLS_NOTES_H
#define GRADER_TLS_NOTES_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* Who gets the notes. It must live as long as the SSL. */
struct tls_notes {
  bool is_client; /* we are, and the other side is the program */
  void (*note)(const char *text, void *user);
  void *user;
};

/* Before the handshake: note from now on "ClientHello: SNI localhost, ALPN h2, TLS 1.2 and 1.3",
 * "certificate for localhost, 127.0.0.1", "alert of the client: unknown CA". */
void tls_notes_begin(struct tls_notes *notes, SSL *ssl);

#endif
