/* ask: see ask.h. */
#include "grader/lecture/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "common/buffer.h"
#include "common/client.h"

struct question {
  struct asking *asking;
  const char *path;
  struct stream *stream; /* NULL once it is closed */
  struct buffer body;
};

struct asking {
  struct question *questions;
  size_t count;
  size_t open;
  long limit; /* how long to wait, in milliseconds; 0: for ever */
  uv_timer_t patience;
  bool failed;
};

static void fail(struct asking *asking, const char *why) {
  fprintf(stderr, "lecture: %s\n", why);
  asking->failed = true;
}

static void on_data(struct stream *stream, const uint8_t *data, size_t length, void *user) {
  struct question *question = user;
  if (buffer_append(&question->body, data, length) == 0)
    return;
  fail(question->asking, "out of memory");
  stream_close(stream, NGHTTP2_INTERNAL_ERROR);
}

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct question *question = user;
  struct asking *asking = question->asking;
  if (error_code == NGHTTP2_NO_ERROR) {
    printf("%s: %d ", question->path, stream_status(stream));
    buffer_print(&question->body, stdout);
    putchar('\n');
  } else {
    printf("%s: no answer, %s\n", question->path, nghttp2_http2_strerror(error_code));
  }
  fflush(stdout); /* a server prints too: their order is that of the answers */
  question->stream = NULL;
  asking->open--;
  if (asking->open == 0)
    uv_timer_stop(&asking->patience);
}

static void on_patience_lost(uv_timer_t *timer) {
  struct asking *asking = timer->data;
  if (asking->questions[0].stream)
    stream_close(asking->questions[0].stream, NGHTTP2_CANCEL);
}

/* Start the timer only now, when the requests leave: the time to connect does not count. */
static void on_open(struct client *client, void *user) {
  struct asking *asking = user;
  (void)client;
  if (asking->limit > 0 && asking->open > 0)
    uv_timer_start(&asking->patience, on_patience_lost, (uint64_t)asking->limit, 0);
}

static void on_client_close(struct client *client, const char *error, void *user) {
  (void)client;
  if (error)
    fail(user, error);
}

/* Ask for all paths. Returns 0, or -1. */
static int ask(struct asking *asking, struct client *client, char *const *paths) {
  static const struct stream_events events = {.on_data = on_data, .on_close = on_stream_close};
  for (size_t i = 0; i < asking->count; i++) {
    struct question *question = &asking->questions[i];
    *question = (struct question){.asking = asking, .path = paths[i]};
    question->stream = client_request(client, "GET", paths[i], NULL, 0, 0);
    if (!question->stream)
      return -1;
    stream_set_events(question->stream, &events, question);
    asking->open++;
  }
  return 0;
}

int lecture_ask(const struct url *url, char *const *paths, size_t count, long patience) {
  struct asking asking = {
      .count = count, .limit = patience, .questions = calloc(count, sizeof *asking.questions)};
  const struct client_config config = {
      .on_open = on_open, .on_close = on_client_close, .user = &asking};
  uv_loop_t *loop = uv_default_loop();
  struct client *client = asking.questions ? client_connect(loop, url, &config) : NULL;
  if (!client || uv_timer_init(loop, &asking.patience) != 0) {
    client_free(client);
    free(asking.questions);
    fail(&asking, "out of memory");
    return -1;
  }
  asking.patience.data = &asking;
  if (ask(&asking, client, paths) != 0)
    fail(&asking, "cannot make this request");
  client_close(client);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&asking.patience, NULL);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
  for (size_t i = 0; i < count; i++)
    buffer_free(&asking.questions[i].body);
  free(asking.questions);
  return asking.failed ? -1 : 0;
}
