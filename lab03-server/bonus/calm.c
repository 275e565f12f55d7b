/*
 * Bonus of lab 3: a server that ends the connection of a client that opens and cancels streams.
 *
 *   calm [--port N] [--work MS] [--limit N] [--window MS]
 *
 * 8000, 100, 20 and 1000 by default. Each request starts some work, which takes MS milliseconds;
 * then the response is "done". GET /busy says at once how many works go on. A client may cancel N
 * streams in each window of time.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/list.h"
#include "common/number.h"
#include "common/server.h"
#include "common/todo.h"

enum { LIMIT_MAX = 100 };

struct guard {
  struct list clients;
  size_t limit;
  uint64_t work, window; /* in milliseconds */
  int busy;              /* how many works go on */
};

/* One connection. */
struct client {
  struct list link; /* in guard->clients */
  struct guard *guard;
  struct connection *connection;
  size_t cancelled;          /* streams, since the beginning */
  uint64_t times[LIMIT_MAX]; /* when the last `limit` of them were, in a ring, */
  size_t next;               /* in which this is the oldest */
};

/* The work for one request, which the timer stands for. */
struct work {
  uv_timer_t timer;
  struct stream *stream;
  struct client *client;
};

/* The timer is closed. */
static void free_work(uv_handle_t *timer) {
  struct work *work = timer->data;
  free(work);
}

/* --- TODO 1: let go --------------------------------------------------------------------------- */

/* The stream is closed, so nobody waits for the work any more. */
static void stop_work(struct work *work) {
  work->client->guard->busy--;
  // Close the timer, and let libuv call free_work when it no longer needs the timer's memory:
  // uv_close. (A closed timer does not fire.)
  (void)free_work;
  todo(1, "let go of the work");
}

/* --- TODO 2: enough --------------------------------------------------------------------------- */

/* End the connection of this client. */
static void end_connection(struct client *client) {
  nghttp2_session *session = connection_session(client->connection);
  // GOAWAY with ENHANCE_YOUR_CALM, and no more frames: nghttp2_session_terminate_session.
  (void)session;
  todo(2, "end the connection");
}

/* --- TODO 3: which streams count -------------------------------------------------------------- */

/* Whether a stream that was closed with this code counts as cancelled. */
static bool counts(uint32_t error_code) {
  // Here only those count that the client has cancelled. But a client can also make the server
  // reset a stream, with another code, by a frame that is wrong. What do they have in common?
  todo_later(3, "count the streams that the client makes the server reset");
  return error_code == NGHTTP2_CANCEL;
}

/* --- TODO 4: a window of time ----------------------------------------------------------------- */

/* The client has cancelled a stream `now`, in milliseconds. Returns whether it has cancelled more
 * than guard->limit within guard->window. */
static bool is_too_much(struct client *client, uint64_t now) {
  struct guard *guard = client->guard;
  client->cancelled++;
  // Here all streams count since the beginning, so a browser that stays long enough is turned away.
  // Look at the last guard->limit times, which client->times keeps in a ring: times[next] is the
  // oldest. It was too much if there are so many, and the oldest is not yet guard->window ago. Then
  // put `now` in its place.
  (void)now;
  todo_later(4, "forget what was long ago");
  return client->cancelled > guard->limit;
}

/* --- Given: streams --------------------------------------------------------------------------- */

/* If the connection is lost, each of its streams counts. That is too late to matter. */
static void on_close(struct stream *stream, uint32_t error_code, void *user) {
  struct work *work = user;
  struct client *client = work->client;
  (void)stream;
  stop_work(work);
  if (!counts(error_code) || !is_too_much(client, uv_now(uv_default_loop())))
    return;
  printf("enough: %zu cancelled\n", client->cancelled);
  fflush(stdout);
  end_connection(client);
}

static void respond(struct stream *stream, const char *text) {
  stream_respond(stream, 200, NULL, 0, (int64_t)strlen(text));
  stream_end(stream, text, strlen(text));
}

static void on_work_done(uv_timer_t *timer) {
  struct work *work = timer->data;
  respond(work->stream, "done\n");
}

static struct client *find_client(const struct guard *guard, const struct connection *connection) {
  struct client *client = list_first(&guard->clients);
  while (client && client->connection != connection)
    client = list_next(&guard->clients, &client->link);
  return client;
}

static void on_stream(struct stream *stream, void *user) {
  static const struct stream_events events = {.on_close = on_close};
  struct guard *guard = user;
  struct client *client = find_client(guard, stream_connection(stream));
  if (strcmp(stream_path(stream), "/busy") == 0) {
    char text[32];
    snprintf(text, sizeof text, "%d\n", guard->busy);
    respond(stream, text);
    return;
  }
  struct work *work = client ? calloc(1, sizeof *work) : NULL;
  if (!work) {
    stream_close(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  guard->busy++;
  work->stream = stream;
  work->client = client;
  uv_timer_init(uv_default_loop(), &work->timer);
  work->timer.data = work;
  uv_timer_start(&work->timer, on_work_done, guard->work, 0);
  stream_set_events(stream, &events, work);
}

/* --- Given: clients, and the program ---------------------------------------------------------- */

static void on_connection(struct connection *connection, void *user) {
  struct guard *guard = user;
  struct client *client = calloc(1, sizeof *client);
  if (!client) {
    connection_close(connection);
    return;
  }
  client->guard = guard;
  client->connection = connection;
  list_add(&guard->clients, &client->link);
}

static void on_connection_close(struct connection *connection, const char *error, void *user) {
  struct client *client = find_client(user, connection);
  (void)error; /* clients come and go: that is no failure */
  if (client) {
    list_remove(&client->link);
    free(client);
  }
}

static int serve(struct guard *guard, int port) {
  char error[256] = "cannot wait for signals";
  uv_loop_t *loop = uv_default_loop();
  const struct server_config config = {.host = "localhost",
                                       .port = port,
                                       .on_stream = on_stream,
                                       .on_connection = on_connection,
                                       .on_connection_close = on_connection_close,
                                       .user = guard};
  struct server *server = server_listen(loop, &config, error, sizeof error);
  if (!server || server_close_on_signals(server) != 0) {
    fprintf(stderr, "calm: %s\n", error);
    server_free(server);
    return EXIT_FAILURE;
  }
  printf("listening on http://localhost:%d\n", server_port(server));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                          {"work", required_argument, NULL, 'w'},
                                          {"limit", required_argument, NULL, 'l'},
                                          {"window", required_argument, NULL, 't'},
                                          {0}};
  long port = 8000, work = 100, limit = 20, window = 1000;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'p': port = number_parse(optarg, 65535); break;
    case 'w': work = number_parse(optarg, 86400000); break;
    case 'l': limit = number_parse(optarg, LIMIT_MAX); break;
    case 't': window = number_parse(optarg, 86400000); break;
    default: port = -1;
    }
  }
  if (port < 0 || work < 0 || limit < 1 || window < 0 || optind != argc) {
    fprintf(stderr, "usage: calm [--port N] [--work MS] [--limit N] [--window MS]\n");
    return 2;
  }
  struct guard guard = {.limit = (size_t)limit, .work = (uint64_t)work, .window = (uint64_t)window};
  list_init(&guard.clients);
  return serve(&guard, (int)port);
}
