/*
 * noted: what a program of the labs does with libuv, with streams and with TLS, for the grader: it
 * fills in a part of struct probe (probe.h), and changes nothing. The linker's --wrap brings the
 * calls here first.
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "common/client.h"
#include "common/inner/probe.h"
#include "common/server.h"
#include "common/stream.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): these names are the linker's and the sanitizers'. */

void *__asan_region_is_poisoned(void *begin, size_t size) __attribute__((weak));

/* Libraries are not compiled with AddressSanitizer: let it report memory here that they would use
 * although it is freed. */
static void look(void *memory, size_t size) {
  const volatile char *octet =
      __asan_region_is_poisoned && memory ? __asan_region_is_poisoned(memory, size) : NULL;
  if (octet)
    (void)*octet;
}

/* --- libuv ------------------------------------------------------------------------------------ */

static void note_start(uv_timer_cb callback, uint64_t timeout, uint64_t repeat) {
  struct probe *probe = probe_now();
  uint64_t address = (uintptr_t)callback;
  int i = 0;
  if (!probe || !callback)
    return;
  while (i < PROBE_TIMERS && probe->timers[i].callback && probe->timers[i].callback != address)
    i++;
  if (i == PROBE_TIMERS)
    return;
  struct probe_timer *timer = &probe->timers[i];
  *timer = (struct probe_timer){address, timer->starts + 1, (int64_t)timeout, (int64_t)repeat};
}

int __real_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout,
                          uint64_t repeat) __attribute__((weak)); /* without --wrap */
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout,
                          uint64_t repeat);

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout,
                          uint64_t repeat) {
  note_start(callback, timeout, repeat);
  return __real_uv_timer_start(timer, callback, timeout, repeat);
}

int __real_uv_timer_again(uv_timer_t *timer) __attribute__((weak));
int __wrap_uv_timer_again(uv_timer_t *timer);

int __wrap_uv_timer_again(uv_timer_t *timer) {
  if (probe_now())
    probe_now()->again++;
  return __real_uv_timer_again(timer);
}

void __real_uv_stop(uv_loop_t *loop) __attribute__((weak));
void __wrap_uv_stop(uv_loop_t *loop);

void __wrap_uv_stop(uv_loop_t *loop) {
  if (probe_now())
    probe_now()->stops++;
  __real_uv_stop(loop);
}

void __real_uv_close(uv_handle_t *handle, uv_close_cb callback) __attribute__((weak));
void __wrap_uv_close(uv_handle_t *handle, uv_close_cb callback);

void __wrap_uv_close(uv_handle_t *handle, uv_close_cb callback) {
  static const unsigned unset = 0xbebebebe; /* AddressSanitizer fills new memory so */
  if (probe_now() && handle) {
    look(handle, sizeof *handle);
    probe_now()->closed_unset += handle->flags == unset;
  }
  __real_uv_close(handle, callback);
}

/* --- Streams ---------------------------------------------------------------------------------- */

void __real_stream_set_events(struct stream *stream, const struct stream_events *events, void *user)
    __attribute__((weak));
void __wrap_stream_set_events(struct stream *stream, const struct stream_events *events,
                              void *user);

void __wrap_stream_set_events(struct stream *stream, const struct stream_events *events,
                              void *user) {
  struct probe *probe = probe_now();
  if (probe && events) {
    probe->events_missing += user == NULL;
    probe->events_of_stream += user == stream;
  }
  __real_stream_set_events(stream, events, user);
}

static void note_body(size_t length) {
  struct probe *probe = probe_now();
  if (!probe)
    return;
  probe->body += (int64_t)length;
  probe->pieces++;
}

#define WRAP_BODY(name)                                                                            \
  int __real_##name(struct stream *stream, const void *data, size_t length) __attribute__((weak)); \
  int __wrap_##name(struct stream *stream, const void *data, size_t length);                       \
  int __wrap_##name(struct stream *stream, const void *data, size_t length) {                      \
    note_body(length);                                                                             \
    return __real_##name(stream, data, length);                                                    \
  }

WRAP_BODY(stream_write)
WRAP_BODY(stream_write_static)
WRAP_BODY(stream_end)

/* --- TLS -------------------------------------------------------------------------------------- */

long __real_SSL_CTX_ctrl(SSL_CTX *context, int command, long value, void *more)
    __attribute__((weak));
long __wrap_SSL_CTX_ctrl(SSL_CTX *context, int command, long value, void *more);

long __wrap_SSL_CTX_ctrl(SSL_CTX *context, int command, long value, void *more) {
  if (probe_now() && command == SSL_CTRL_SET_MIN_PROTO_VERSION)
    probe_now()->least_version = value;
  return __real_SSL_CTX_ctrl(context, command, value, more);
}

typedef enum tls_step take_step(SSL *ssl, char *error, size_t error_size);

static take_step *student_handshake;

static enum probe_handshake kind_of_end(const SSL *ssl, enum tls_step step) {
  const unsigned char *protocol;
  unsigned int length;
  if (step == TLS_WANT_READ || step == TLS_WANT_WRITE)
    return PROBE_RIGHT;
  if (step == TLS_DONE)
    return SSL_is_init_finished(ssl) ? PROBE_RIGHT : PROBE_DONE_EARLY;
  SSL_get0_alpn_selected(ssl, &protocol, &length);
  bool is_h2 = SSL_is_init_finished(ssl) && length == 2 && memcmp(protocol, "h2", 2) == 0;
  return is_h2 ? PROBE_REFUSED_H2 : PROBE_REFUSED;
}

static enum tls_step handshake_of_student(SSL *ssl, char *error, size_t error_size) {
  char untouched[PROBE_TEXT];
  snprintf(untouched, sizeof untouched, "%s", error);
  enum tls_step step = student_handshake(ssl, error, error_size);
  look(ssl, 1); /* it is still the transport's */
  struct probe *probe = probe_now();
  enum probe_handshake kind = kind_of_end(ssl, step);
  if (kind == PROBE_RIGHT || (probe->handshake != PROBE_RIGHT &&
                              !(probe->handshake == PROBE_REFUSED && kind != PROBE_REFUSED)))
    return step;
  probe->handshake = kind;
  snprintf(probe->handshake_error, sizeof probe->handshake_error, "%s",
           strncmp(error, untouched, sizeof untouched - 1) == 0 ? "" : error);
  return step;
}

/* Ours instead of the student's, if there is one. */
static take_step *watch_handshake(take_step *handshake) {
  if (!probe_now() || !handshake)
    return handshake;
  student_handshake = handshake;
  return handshake_of_student;
}

struct server *__real_server_listen(uv_loop_t *loop, const struct server_config *config,
                                    char *error, size_t error_size) __attribute__((weak));
struct server *__wrap_server_listen(uv_loop_t *loop, const struct server_config *config,
                                    char *error, size_t error_size);

struct server *__wrap_server_listen(uv_loop_t *loop, const struct server_config *config,
                                    char *error, size_t error_size) {
  struct server_config ours = *config; /* it is copied */
  ours.handshake = watch_handshake(config->handshake);
  return __real_server_listen(loop, &ours, error, error_size);
}

struct client *__real_client_connect(uv_loop_t *loop, const struct url *url,
                                     const struct client_config *config) __attribute__((weak));
struct client *__wrap_client_connect(uv_loop_t *loop, const struct url *url,
                                     const struct client_config *config);

struct client *__wrap_client_connect(uv_loop_t *loop, const struct url *url,
                                     const struct client_config *config) {
  struct client_config ours = *config;
  ours.handshake = watch_handshake(config->handshake);
  return __real_client_connect(loop, url, &ours);
}
/* NOLINTEND(bugprone-reserved-identifier) */
