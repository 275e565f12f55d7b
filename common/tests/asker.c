/* asker: see asker.h. */
#include "common/tests/asker.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/tests/support.h"

/* --- Events of a request ---------------------------------------------------------------------- */

static void note(struct asked *asked, char event) {
  size_t length = strlen(asked->order);
  cr_assert(!asked->closed, "an event after on_close: %c", event);
  if ((length == 0 || asked->order[length - 1] != event) && length + 1 < sizeof asked->order)
    asked->order[length] = event;
}

static void on_inform(struct stream *stream, void *user) {
  struct asked *asked = user;
  note(asked, 'I');
  asked->inform = stream_status(stream);
}

static void on_headers(struct stream *stream, void *user) {
  struct asked *asked = user;
  note(asked, 'H');
  asked->status = stream_status(stream);
  if (asked->at_headers)
    asked->at_headers(asked);
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct asked *asked = user;
  (void)stream;
  note(asked, 'D');
  asked->received += length;
  if (!asked->discards)
    cr_assert_eq(buffer_append(&asked->body, data, length), 0, "no memory");
}

static void on_end(struct stream *stream, void *user) {
  struct asked *asked = user;
  const char *trailer = stream_trailer(stream, "x-trailer");
  note(asked, 'E');
  snprintf(asked->trailer, sizeof asked->trailer, "%s", trailer ? trailer : "");
}

static void on_drain(struct stream *stream, void *user) {
  struct asked *asked = user;
  (void)stream;
  if (asked->at_drain)
    asked->at_drain(asked);
}

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct asked *asked = user;
  cr_assert(stream_is_closed(stream), "on_close, but it is open");
  note(asked, 'C');
  asked->stream = NULL;
  asked->closed = true;
  asked->error_code = error_code;
  asked->asker->closed_count++;
  asked->asker->refused_count += error_code == NGHTTP2_REFUSED_STREAM;
  if (asked->at_close)
    asked->at_close(asked);
}

static const struct stream_events events = {.on_inform = on_inform,
                                            .on_headers = on_headers,
                                            .on_data = on_data,
                                            .on_end = on_end,
                                            .on_drain = on_drain,
                                            .on_close = on_stream_close};

/* --- The client ------------------------------------------------------------------------------- */

static void on_open(struct client *client, void *user) {
  struct asker *asker = user;
  (void)client;
  cr_assert(!asker->open && !asker->closed, "on_open out of order");
  asker->open = true;
  if (asker->at_open)
    asker->at_open(asker);
}

static void on_close(struct client *client, const char *error, void *user) {
  struct asker *asker = user;
  cr_assert(!asker->closed, "on_close twice");
  cr_assert_eq(asker->closed_count, asker->count, "on_close before %zu streams had theirs",
               asker->count - asker->closed_count);
  cr_assert_null(client_request(client, "GET", "/", NULL, 0, 0), "a request after the end works");
  client_close(client); /* changes nothing */
  snprintf(asker->error, sizeof asker->error, "%s", error ? error : "");
  asker->closed = true;
  asker->client = NULL;
}

bool asker_try_connect(struct asker *asker, const char *text) {
  const struct client_config config = {.on_open = on_open, .on_close = on_close, .user = asker};
  struct url url;
  if (url_parse(&url, text) != 0)
    return false;
  asker->client = client_connect(support_loop(), &url, &config);
  url_free(&url);
  return asker->client;
}

void asker_connect_url(struct asker *asker, const char *text) {
  cr_assert(asker_try_connect(asker, text), "%s: no URL, or no memory", text);
}

void asker_connect(struct asker *asker, int port) {
  char text[64];
  snprintf(text, sizeof text, "http://localhost:%d/", port);
  asker_connect_url(asker, text);
}

struct asked *asker_try_request(struct asker *asker, const char *method, const char *path,
                                int64_t body_length) {
  cr_assert_lt(asker->count, ASKER_REQUESTS, "too many requests");
  struct asked *asked = &asker->asked[asker->count];
  asked->asker = asker;
  asked->stream = client_request(asker->client, method, path, NULL, 0, body_length);
  if (!asked->stream)
    return NULL;
  stream_set_events(asked->stream, &events, asked);
  asker->count++;
  return asked;
}

struct asked *asker_request(struct asker *asker, const char *method, const char *path,
                            int64_t body_length) {
  struct asked *asked = asker_try_request(asker, method, path, body_length);
  cr_assert_not_null(asked, "no stream");
  return asked;
}

struct asked *asker_get(struct asker *asker, const char *path) {
  return asker_request(asker, "GET", path, 0);
}

void asker_await(struct asked *asked, uint32_t error_code) {
  support_wait(&asked->closed);
  cr_assert_eq(asked->error_code, error_code, "%s, not %s",
               nghttp2_http2_strerror(asked->error_code), nghttp2_http2_strerror(error_code));
}

void asker_expect_close(struct asker *asker, const char *error) {
  support_wait(&asker->closed);
  cr_assert(strncmp(asker->error, error, strlen(error)) == 0, "'%s', not '%s'", asker->error,
            error);
}

void asker_leave(struct asker *asker) {
  client_close(asker->client);
  support_wait(&asker->closed);
  cr_assert_str_eq(asker->error, "", "%s", asker->error);
  asker_free(asker);
}

void asker_free(struct asker *asker) {
  client_free(asker->client);
  for (size_t i = 0; i < asker->count; i++)
    buffer_free(&asker->asked[i].body);
}
