/* lecture_loss: see loss.h. */
#include "grader/lecture/loss.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/client.h"
#include "common/server.h"
#include "common/url.h"
#include "grader/lecture/lossy.h"

enum { REQUESTS = 4, APART_MS = 10 };

struct experiment {
  uv_loop_t *loop;
  struct lossy *lossy;
  int asked; /* requests that have come to the server in this round */
  bool failed;
};

/* --- A server that answers one request after the other ---------------------------------------- */

struct answer {
  uv_timer_t timer;
  struct stream *stream;
  struct experiment *experiment;
  bool is_lost;
};

static void free_answer(uv_handle_t *timer) {
  struct answer *answer = timer->data;
  stream_release(answer->stream);
  free(answer);
}

static void on_time(uv_timer_t *timer) {
  struct answer *answer = timer->data;
  if (answer->is_lost)
    lossy_lose(answer->experiment->lossy);
  if (stream_respond(answer->stream, 200, NULL, 0, 4) == 0)
    stream_end(answer->stream, "pong", 4);
  uv_close((uv_handle_t *)timer, free_answer);
}

static void on_stream(struct stream *stream, void *user) {
  struct experiment *experiment = user;
  struct answer *answer = malloc(sizeof *answer);
  if (!answer) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  *answer = (struct answer){.stream = stream_keep(stream), .experiment = experiment};
  answer->is_lost = experiment->asked == 0;
  experiment->asked++;
  uv_timer_init(experiment->loop, &answer->timer);
  answer->timer.data = answer;
  uv_timer_start(&answer->timer, on_time, (uint64_t)APART_MS * (uint64_t)experiment->asked, 0);
}

/* --- Clients ---------------------------------------------------------------------------------- */

struct request {
  struct experiment *experiment;
  struct client *client;
  uint64_t begun;
  uint64_t ended;
};

static void on_end(struct stream *stream, void *user) {
  struct request *request = user;
  (void)stream;
  request->ended = uv_hrtime();
}

static void on_stream_close(struct stream *stream, uint32_t error_code, void *user) {
  struct request *request = user;
  (void)stream;
  if (error_code != NGHTTP2_NO_ERROR)
    request->experiment->failed = true;
  client_close(request->client); /* this waits for the other streams */
}

static void on_client_close(struct client *client, const char *error, void *user) {
  struct experiment *experiment = user;
  (void)client;
  if (error)
    experiment->failed = true;
}

static void ask(struct request *request, struct experiment *experiment, struct client *client) {
  static const struct stream_events events = {.on_end = on_end, .on_close = on_stream_close};
  *request = (struct request){.experiment = experiment, .client = client, .begun = uv_hrtime()};
  struct stream *stream = client ? client_request(client, "GET", "/", NULL, 0, 0) : NULL;
  if (stream)
    stream_set_events(stream, &events, request);
  else
    experiment->failed = true;
}

/* Ask four times, on one connection or on four, and print how long each has taken. */
static void run(struct experiment *experiment, const struct url *url, bool shared) {
  const struct client_config config = {.on_close = on_client_close, .user = experiment};
  struct request requests[REQUESTS];
  struct client *client = NULL;
  experiment->asked = 0;
  for (int i = 0; i < REQUESTS; i++) {
    if (!client || !shared)
      client = client_connect(experiment->loop, url, &config);
    ask(&requests[i], experiment, client);
  }
  for (int done = 0; done < REQUESTS && !experiment->failed;) {
    uv_run(experiment->loop, UV_RUN_ONCE);
    done = 0;
    for (int i = 0; i < REQUESTS; i++)
      done += requests[i].ended > 0;
  }
  for (int i = 0; i < REQUESTS && !experiment->failed; i++)
    printf("%s %d %s  %.1f ms\n", shared ? "stream" : "connection", shared ? 2 * i + 1 : i + 1,
           shared ? "of one connection" : "of four, its only stream",
           (double)(requests[i].ended - requests[i].begun) / 1e6);
}

int lecture_loss(uv_loop_t *loop, unsigned hold_ms) {
  char text[256];
  struct experiment experiment = {.loop = loop};
  const struct server_config config = {.on_stream = on_stream, .user = &experiment};
  struct server *server = server_listen(loop, &config, text, sizeof text);
  if (!server) {
    fprintf(stderr, "lecture: %s\n", text);
    return -1;
  }
  experiment.lossy = lossy_open(loop, server_port(server), hold_ms);
  struct url url = {0};
  experiment.failed = !experiment.lossy;
  if (experiment.lossy) {
    snprintf(text, sizeof text, "http://localhost:%d/", lossy_port(experiment.lossy));
    experiment.failed = url_parse(&url, text) != 0;
  }
  for (int shared = 1; shared >= 0 && !experiment.failed; shared--)
    run(&experiment, &url, shared);
  lossy_free(experiment.lossy);
  server_close(server);
  uv_run(loop, UV_RUN_DEFAULT);
  url_free(&url);
  if (experiment.failed)
    fprintf(stderr, "lecture: not every request got an answer\n");
  return experiment.failed ? -1 : 0;
}
