/* tls_notes: see tls_notes.h. The layout of the messages is that of RFC 8446, section 4. */
#include "grader/wire/tls_notes.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/octets.h"

enum { LONGEST_NAME = 100, HEADER = 4, RANDOM = 32 };

/* --- Octets with a length in front ------------------------------------------------------------ */

struct octets {
  const uint8_t *bytes;
  size_t length;
};

/* Take the next `length` octets; if there are fewer, take none, and nothing more will come. */
static struct octets take(struct octets *from, size_t length) {
  struct octets taken = {from->bytes, length};
  if (length > from->length)
    return *from = (struct octets){from->bytes, 0};
  from->bytes += length;
  from->length -= length;
  return taken;
}

/* The same, after a number of `size` octets, which is their length. */
static struct octets take_vector(struct octets *from, size_t size) {
  struct octets number = take(from, size);
  size_t length = 0;
  for (size_t i = 0; i < number.length; i++)
    length = length << 8 | number.bytes[i];
  return take(from, length);
}

/* They come from a stranger. */
static void append(struct buffer *text, struct octets octets) {
  size_t length = octets.length < LONGEST_NAME ? octets.length : LONGEST_NAME;
  (void)octets_append(text, octets.bytes, length, OCTETS_LINE);
}

static void append_text(struct buffer *text, const char *words) {
  (void)buffer_append(text, words, strlen(words));
}

/* --- ClientHello (RFC 8446, section 4.1.2) ---------------------------------------------------- */

/* The content of an extension; of length 0 if it is not there. */
static struct octets extension(struct octets extensions, unsigned wanted) {
  while (extensions.length > 0) {
    struct octets type = take(&extensions, 2);
    struct octets content = take_vector(&extensions, 2);
    if (type.length == 2 && (unsigned)(type.bytes[0] << 8 | type.bytes[1]) == wanted)
      return content;
  }
  return (struct octets){NULL, 0};
}

static void append_versions(struct buffer *text, struct octets list, const uint8_t *legacy) {
  struct octets versions = take_vector(&list, 1);
  const char *between = ", TLS ";
  if (versions.length == 0)
    versions = (struct octets){legacy, 2};
  /* The highest comes first. GREASE (RFC 8701) is none. */
  for (size_t i = versions.length - versions.length % 2; i > 0; i -= 2) {
    const uint8_t *version = versions.bytes + i - 2;
    char number[16];
    if (version[0] != TLS1_VERSION_MAJOR || version[1] < 1 || version[1] > 4)
      continue;
    snprintf(number, sizeof number, "1.%d", version[1] - 1);
    append_text(text, between);
    append_text(text, number);
    between = " and ";
  }
}

static void append_alpn(struct buffer *text, struct octets content) {
  struct octets protocols = take_vector(&content, 2);
  const char *between = ", ALPN ";
  if (protocols.length == 0)
    append_text(text, ", no ALPN");
  while (protocols.length > 0) {
    append_text(text, between);
    append(text, take_vector(&protocols, 1));
    between = " and ";
  }
}

static void append_name(struct buffer *text, struct octets content) {
  struct octets names = take_vector(&content, 2);
  (void)take(&names, 1); /* the type: there is only one */
  struct octets name = take_vector(&names, 2);
  append_text(text, name.length > 0 ? "SNI " : "no SNI");
  append(text, name);
}

static void describe_hello(struct buffer *text, struct octets hello) {
  struct octets version = take(&hello, 2);
  (void)take(&hello, RANDOM);
  (void)take_vector(&hello, 1); /* the session */
  (void)take_vector(&hello, 2); /* the cipher suites */
  (void)take_vector(&hello, 1); /* the compression methods */
  struct octets extensions = take_vector(&hello, 2);
  append_text(text, "ClientHello: ");
  append_name(text, extension(extensions, TLSEXT_TYPE_server_name));
  append_alpn(text, extension(extensions, TLSEXT_TYPE_application_layer_protocol_negotiation));
  if (version.length == 2)
    append_versions(text, extension(extensions, TLSEXT_TYPE_supported_versions), version.bytes);
}

/* --- Certificate (section 4.4.2) -------------------------------------------------------------- */

/* The first certificate of the message. NULL if there is none. */
static X509 *read_certificate(const SSL *ssl, struct octets message) {
  if (SSL_version(ssl) == TLS1_3_VERSION)
    (void)take_vector(&message, 1); /* the context */
  struct octets list = take_vector(&message, 3);
  struct octets first = take_vector(&list, 3);
  const unsigned char *bytes = first.bytes;
  return first.length > 0 ? d2i_X509(NULL, &bytes, (long)first.length) : NULL;
}

/* A host's name or an IP address; others are of no use here. */
static void append_general_name(struct buffer *text, const GENERAL_NAME *name) {
  char address[INET6_ADDRSTRLEN];
  int type;
  const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
  const unsigned char *bytes = ASN1_STRING_get0_data(value);
  size_t length = (size_t)ASN1_STRING_length(value);
  if (type == GEN_DNS)
    append(text, (struct octets){bytes, length});
  else if (type == GEN_IPADD && (length == 4 || length == 16) &&
           inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, address, sizeof address))
    append_text(text, address);
}

static void describe_certificate(struct buffer *text, const SSL *ssl, struct octets message) {
  X509 *certificate = read_certificate(ssl, message);
  GENERAL_NAMES *names =
      certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
  append_text(text, certificate ? "certificate for " : "no certificate");
  if (certificate && sk_GENERAL_NAME_num(names) <= 0)
    append_text(text, "no name");
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    append_text(text, i > 0 ? ", " : "");
    append_general_name(text, sk_GENERAL_NAME_value(names, i));
  }
  GENERAL_NAMES_free(names);
  X509_free(certificate);
}

/* --- OpenSSL tells ---------------------------------------------------------------------------- */

/* Whether OpenSSL sends an alert only because the other side has closed the connection in the
 * middle of the handshake: it calls that a "decode error", as if garbage had come. */
static bool is_at_end(void) {
  return ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/* Called for each message; `content` is the message without encryption. */
static void on_message(int sent, int version, int type, const void *content, size_t length,
                       SSL *ssl, void *user) {
  const struct tls_notes *notes = user;
  struct octets message = {content, length};
  struct buffer text = {0};
  (void)version;
  if (type == SSL3_RT_ALERT && sent && is_at_end())
    return;
  if (type == SSL3_RT_ALERT && length == 2 && message.bytes[1] != SSL_AD_CLOSE_NOTIFY) {
    append_text(&text, (sent != 0) == notes->is_client ? "alert of the client: "
                                                       : "alert of the server: ");
    append_text(&text, SSL_alert_desc_string_long(message.bytes[1]));
  } else if (type == SSL3_RT_HANDSHAKE && length > HEADER) {
    int what = *take(&message, HEADER).bytes;
    if (what == SSL3_MT_CLIENT_HELLO)
      describe_hello(&text, message);
    else if (what == SSL3_MT_CERTIFICATE)
      describe_certificate(&text, ssl, message);
  }
  if (text.length > 0)
    notes->note(text.bytes, notes->user);
  buffer_free(&text);
}

void tls_notes_begin(struct tls_notes *notes, SSL *ssl) {
  SSL_set_msg_callback(ssl, on_message);
  SSL_set_msg_callback_arg(ssl, notes);
}
