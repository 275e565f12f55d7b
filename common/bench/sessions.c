/*
 * sessions: what an idle connection takes of memory in nghttp2 and in OpenSSL alone, without a
 * server around them.
 *
 *   sessions [--count N] [--key FILE --cert FILE]
 *
 * Makes N sessions of a server, each after one request and its answer; or, with a key, N
 * connections of TLS after the handshake and one record each way. Prints bytes for each: `blocks 14
 * asked 7000 resident 8000`. Asked is what the library has from malloc; resident is what that takes
 * of memory, with malloc's own part, and without pages that were never touched.
 */
#include <getopt.h>
#include <malloc.h>
#include <nghttp2/nghttp2.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/field.h"
#include "common/number.h"
#include "common/tls.h"

enum { ROOM = 32 * 1024 };

static long blocks, asked; /* what is allocated now */

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "sessions: %s\n", what);
  exit(EXIT_FAILURE);
}

/* --- Counting --------------------------------------------------------------------------------- */

static void count(const void *memory, long sign) {
  blocks += memory ? sign : 0;
  asked += sign * (long)malloc_usable_size((void *)memory);
}

static void *count_realloc(void *memory, size_t size) {
  count(memory, -1);
  void *grown = realloc(memory, size);
  count(grown, 1);
  return grown;
}

static void count_free(void *memory) {
  count(memory, -1);
  free(memory);
}

static void *nghttp2_alloc(size_t size, void *user) {
  (void)user;
  return count_realloc(NULL, size);
}

static void *nghttp2_zeros(size_t number, size_t size, void *user) {
  void *memory = nghttp2_alloc(number * size, user);
  return memory ? memset(memory, 0, number * size) : NULL;
}

static void *nghttp2_grow(void *memory, size_t size, void *user) {
  (void)user;
  return count_realloc(memory, size);
}

static void nghttp2_release(void *memory, void *user) {
  (void)user;
  count_free(memory);
}

static void *openssl_alloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return count_realloc(NULL, size);
}

static void *openssl_grow(void *memory, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return count_realloc(memory, size);
}

static void openssl_release(void *memory, const char *file, int line) {
  (void)file, (void)line;
  count_free(memory);
}

/* Of this process, without what is mapped from files. */
static long resident(void) {
  char line[128];
  long kilobytes = -1;
  FILE *file = fopen("/proc/self/status", "re");
  while (file && fgets(line, sizeof line, file) && kilobytes < 0)
    if (sscanf(line, "RssAnon: %ld", &kilobytes) != 1)
      kilobytes = -1;
  if (file)
    fclose(file);
  if (kilobytes < 0)
    fail("/proc/self/status");
  return kilobytes * 1024;
}

/* --- nghttp2 ---------------------------------------------------------------------------------- */

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *bytes, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *user) {
  static const char hello[] = "Hello World!";
  (void)session, (void)id, (void)size, (void)source, (void)user;
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  memcpy(bytes, hello, sizeof hello - 1);
  return sizeof hello - 1;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  const nghttp2_nv fields[] = {field_make(":status", "200"), field_make("content-length", "12"),
                               field_make("date", "Sun, 06 Nov 1994 08:49:37 GMT")};
  const nghttp2_data_provider body = {.read_callback = read_body};
  (void)user;
  return frame->hd.type == NGHTTP2_HEADERS
             ? nghttp2_submit_response(session, frame->hd.stream_id, fields, 3, &body)
             : 0;
}

/* What hold.c sends: the preface, SETTINGS, a GET, and the acknowledgement of SETTINGS. */
static void make_session(nghttp2_session_callbacks *callbacks) {
  static const uint8_t received[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                    "\0\0\6\4\0\0\0\0\0\0\4\0\0\xff\0"
                                    "\0\0\x0e\1\5\0\0\0\1\x82\x86\x84\x41\x09localhost"
                                    "\0\0\0\4\1\0\0\0\0";
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
                                             {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  nghttp2_mem memory = {.malloc = nghttp2_alloc,
                        .free = nghttp2_release,
                        .calloc = nghttp2_zeros,
                        .realloc = nghttp2_grow};
  nghttp2_session *session;
  const uint8_t *frame;
  if (nghttp2_session_server_new3(&session, callbacks, NULL, NULL, &memory) != 0 ||
      nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2) != 0)
    fail("no session");
  while (nghttp2_session_mem_send(session, &frame) > 0)
    ;
  if (nghttp2_session_mem_recv(session, received, sizeof received - 1) != sizeof received - 1)
    fail("nghttp2 does not take the request");
  while (nghttp2_session_mem_send(session, &frame) > 0)
    ;
}

/* --- OpenSSL ---------------------------------------------------------------------------------- */

/* Move what one side has written to the other side. */
static void pass(BIO *from, BIO *to) {
  static char bytes[ROOM];
  int length = BIO_read(from, bytes, sizeof bytes);
  if (length > 0 && BIO_write(to, bytes, length) != length)
    fail("no memory");
}

static void say(SSL *from, SSL *to) {
  char byte = 'x';
  if (SSL_write(from, &byte, 1) != 1)
    fail("TLS does not write");
  pass(SSL_get_wbio(from), SSL_get_rbio(to));
  if (SSL_read(to, &byte, 1) != 1)
    fail("TLS does not read");
}

static void make_tls(SSL_CTX *of_server, SSL_CTX *of_client) {
  SSL *server = SSL_new(of_server);
  SSL *client = SSL_new(of_client);
  if (!server || !client)
    fail("no TLS");
  SSL_set_mode(server, SSL_MODE_RELEASE_BUFFERS);
  SSL_set_read_ahead(server, 0);
  SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(server);
  SSL_set_connect_state(client);
  for (int i = 0; i < 8 && !(SSL_is_init_finished(server) && SSL_is_init_finished(client)); i++) {
    SSL_do_handshake(client);
    pass(SSL_get_wbio(client), SSL_get_rbio(server));
    SSL_do_handshake(server);
    pass(SSL_get_wbio(server), SSL_get_rbio(client));
  }
  say(client, server);
  say(server, client);
  SSL_free(client);
  SSL_set_bio(server, NULL, NULL); /* it ends here, but its memory stays */
}

/* --- Both ------------------------------------------------------------------------------------- */

struct options {
  long count;
  const char *key, *cert;
};

static void make_all(const struct options *options) {
  static const unsigned char h2[] = {2, 'h', '2'};
  char error[256];
  SSL_CTX *of_server = NULL, *of_client = NULL;
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    fail("no memory");
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  if (options->key) {
    of_server = tls_server_context(options->key, options->cert, error, sizeof error);
    of_client = SSL_CTX_new(TLS_client_method());
    if (!of_server || !of_client || SSL_CTX_set_alpn_protos(of_client, h2, sizeof h2) != 0)
      fail("no TLS context");
    make_tls(of_server, of_client); /* the first one also fills what all share */
  }
  long first = resident(), first_blocks = blocks, first_asked = asked;
  for (long i = 0; i < options->count; i++) {
    if (options->key)
      make_tls(of_server, of_client);
    else
      make_session(callbacks);
  }
  printf("blocks %ld asked %ld resident %ld\n", (blocks - first_blocks) / options->count,
         (asked - first_asked) / options->count, (resident() - first) / options->count);
  nghttp2_session_callbacks_del(callbacks);
  SSL_CTX_free(of_server);
  SSL_CTX_free(of_client);
}

int main(int argc, char **argv) {
  static const struct option known[] = {{"count", required_argument, NULL, 'n'},
                                        {"key", required_argument, NULL, 'k'},
                                        {"cert", required_argument, NULL, 'c'},
                                        {0}};
  struct options options = {.count = 1000};
  int option;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
    case 'n': options.count = number_parse(optarg, 1000000); break;
    case 'k': options.key = optarg; break;
    case 'c': options.cert = optarg; break;
    default: options.count = -1;
    }
  }
  if (options.count <= 0 || optind != argc || !options.key != !options.cert) {
    fprintf(stderr, "usage: sessions [--count N] [--key FILE --cert FILE]\n");
    return 2;
  }
  if (CRYPTO_set_mem_functions(openssl_alloc, openssl_grow, openssl_release) != 1)
    fail("OpenSSL has allocated already");
  make_all(&options);
  return EXIT_SUCCESS;
}
