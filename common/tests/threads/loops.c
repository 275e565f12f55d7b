/*
 * loops: several threads at once, each with a loop, a server and a client of its own, all of
 * them with a trace; for common/tests/threads.sh, which builds it with ThreadSanitizer.
 *
 * Prints how many bytes are still allocated after the first round of threads, and
 * after the last.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/certificate.h"
#include "common/client.h"
#include "common/server.h"

enum { THREADS = 4, ROUNDS = 3, REQUESTS = 50 };

/* The data of one thread. */
struct place {
  uv_loop_t loop;
  struct server *server;
  struct client *client;
  bool tls;
  size_t answered;
};

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "loops: %s\n", what);
  exit(EXIT_FAILURE);
}

static void on_stream(struct stream *stream, void *user) {
  (void)user;
  stream_respond(stream, 200, NULL, 0, 12);
  stream_end(stream, "Hello World!", 12);
}

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct place *place = user;
  place->answered += error_code == NGHTTP2_NO_ERROR && stream_status(stream) == 200;
}

static void on_client_close(struct client *client, const char *error, void *user) {
  struct place *place = user;
  (void)client;
  if (error)
    fail(error);
  server_close(place->server);
}

static void serve(struct place *place) {
  char error[256];
  struct server_config config = {.host = "127.0.0.1", .on_stream = on_stream};
  if (place->tls)
    config.tls = tls_server_context("key.pem", "cert.pem", error, sizeof error);
  place->server = server_listen(&place->loop, &config, error, sizeof error);
  if (!place->server)
    fail(error);
  SSL_CTX_free(config.tls);
}

static void ask(struct place *place) {
  static const struct stream_events events = {.on_close = on_stream_close};
  char text[64];
  char error[256];
  struct url url;
  struct client_config config = {.on_close = on_client_close, .user = place};
  snprintf(text, sizeof text, "http%s://127.0.0.1:%d/", place->tls ? "s" : "",
           server_port(place->server));
  if (url_parse(&url, text) != 0)
    fail("no URL");
  if (place->tls)
    config.tls = tls_client_context("cert.pem", url.host, error, sizeof error);
  place->client = client_connect(&place->loop, &url, &config);
  SSL_CTX_free(config.tls);
  url_free(&url);
  for (int i = 0; i < REQUESTS; i++)
    stream_set_events(client_request(place->client, "GET", "/", NULL, 0, 0), &events, place);
  client_close(place->client);
}

static void *run(void *user) {
  struct place *place = user;
  if (uv_loop_init(&place->loop) != 0)
    fail("no loop");
  serve(place);
  ask(place);
  uv_run(&place->loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&place->loop) != 0 || place->answered != REQUESTS)
    fail("not every request got an answer");
  return NULL;
}

static void run_round(void) {
  pthread_t threads[THREADS];
  struct place places[THREADS] = {0};
  for (int i = 0; i < THREADS; i++) {
    places[i].tls = i % 2;
    if (pthread_create(&threads[i], NULL, run, &places[i]) != 0)
      fail("no thread");
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
}

/* ThreadSanitizer's own count; malloc's if ThreadSanitizer is not linked in. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void) {
  return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                 : mallinfo2().uordblks;
}

int main(void) {
  const struct certificate certificate = {.names = "DNS:localhost,IP:127.0.0.1"};
  if (certificate_write(&certificate, "key.pem", "cert.pem") != 0)
    fail("no certificate");
  run_round();
  size_t first = allocated();
  for (int i = 1; i < ROUNDS; i++)
    run_round();
  printf("%zu %zu\n", first, allocated());
  return EXIT_SUCCESS;
}
