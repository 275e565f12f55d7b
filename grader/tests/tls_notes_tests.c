/* The handshake in words. Its octets are a stranger's. */
#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <string.h>

#include "common/buffer.h"
#include "grader/wire/tls_notes.h"

TestSuite(tls_notes, .timeout = 60);

static struct buffer said;

static void note(const char *text, void *user) {
  (void)user;
  cr_assert(buffer_append(&said, text, strlen(text)) == 0 && buffer_append(&said, "\n", 1) == 0);
}

/* What a server notes of one ClientHello with this content. */
static const char *notes_of(const uint8_t *hello, size_t length) {
  uint8_t record[512] = {22, 3, 1, 0, (uint8_t)(length + 4), 1, 0, 0, (uint8_t)length};
  struct tls_notes notes = {.is_client = false, .note = note};
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  SSL *ssl = SSL_new(context);
  BIO *in = BIO_new(BIO_s_mem());
  cr_assert(ssl && in && length < 252);
  memcpy(record + 9, hello, length);
  cr_assert(BIO_write(in, record, (int)length + 9) == (int)length + 9);
  SSL_set_bio(ssl, in, BIO_new(BIO_s_mem()));
  tls_notes_begin(&notes, ssl);
  buffer_clear(&said);
  (void)SSL_accept(ssl);
  SSL_free(ssl);
  SSL_CTX_free(context);
  return said.bytes ? said.bytes : "";
}

/* Version, random number, no session, one cipher suite, no compression, and these extensions:
 * SNI "ab", ALPN "h2" and "\x1b[", TLS 1.3 and 1.2. */
static const uint8_t hello[] = {
    3,  3,   0,   1,  2,    3,   4,  5,  6,  7,  8,  9,  10,  11,  12, 13, 14, 15,   16, 17,
    18, 19,  20,  21, 22,   23,  24, 25, 26, 27, 28, 29, 30,  31,  0,  0,  2,  0x13, 1,  1,
    0,  0,   35,  0,  0,    0,   7,  0,  5,  0,  0,  2,  'a', 'b', 0,  16, 0,  8,    0,  6,
    2,  'h', '2', 2,  0x1b, '[', 0,  43, 0,  5,  4,  3,  4,   3,   3,  0,  0,  0,    0};

Test(tls_notes, tells_what_a_client_offers) {
  const char *text = notes_of(hello, sizeof hello);
  static const char expected[] = "ClientHello: SNI ab, ALPN h2 and \\x1b[, TLS 1.2 and 1.3\n";
  cr_assert(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
  buffer_free(&said);
}

/* Each octet is read within its message only: AddressSanitizer looks. */
Test(tls_notes, reads_a_message_that_is_cut_or_wrong_anywhere) {
  for (size_t length = 0; length <= sizeof hello; length++) {
    uint8_t *cut = malloc(length + 1);
    memcpy(cut, hello, length);
    for (unsigned octet = 0; octet < 256; octet += 51) {
      if (length > 0)
        cut[length - 1] = (uint8_t)octet;
      (void)notes_of(cut, length);
    }
    free(cut);
  }
  buffer_free(&said);
}

Test(tls_notes, tells_of_a_hello_without_extensions) {
  const char *text = notes_of(hello, 41);
  static const char expected[] = "ClientHello: no SNI, no ALPN, TLS 1.2\n";
  cr_assert(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
  buffer_free(&said);
}
