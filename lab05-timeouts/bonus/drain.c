/*
 * Bonus of lab 5: a server that waits for nobody too long, and leaves without breaking anything
 * off.
 *
 *   drain [--port N] [--idle MS] [--header MS] [--work MS] [--grace MS]
 *
 * 8000, 60000, 10000, 0 and 5000 by default. Answers each request with 200, after MS milliseconds
 * of work. A connection without a stream and without a frame ends after --idle; one whose header
 * block is not complete after --header, too. SIGTERM or SIGINT drains the server: it ends when the
 * streams in progress are finished, but after --grace, or at a second signal, at once.
 *
 * It is built as the server of lab 3, on nghttp2; the library's own time-outs are switched off.
 */
#include <getopt.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "common/connection.h"
#include "common/field.h"
#include "common/list.h"
#include "common/listener.h"
#include "common/number.h"
#include "common/signals.h"
#include "common/todo.h"

struct server {
  long port, idle, header, work, grace; /* milliseconds, except the port */
  struct connection_config config;
  struct listener *listener;
  struct signals *signals;
  struct list clients;
  bool drains;         /* a signal has come */
  uv_timer_t deadline; /* runs while it drains */
};

/* One connected client. */
struct client {
  struct list link; /* in server->clients */
  struct server *server;
  struct connection *connection;
  size_t open;       /* streams */
  struct list works; /* for requests that have no response yet */
  bool in_block;     /* a header block has begun, and is not complete */
  uv_timer_t clock;  /* how long we wait for the client; does not run while it waits for us */
};

/* The work for one request, which the timer stands for. */
struct work {
  struct list link; /* in client->works */
  struct client *client;
  int32_t stream_id;
  uv_timer_t timer;
};

static nghttp2_session *session_of(const struct client *client) {
  return connection_session(client->connection);
}

/* --- TODO 1: a client that says nothing ------------------------------------------------------- */

/* The client has been idle for too long. */
static void on_idle(uv_timer_t *clock) {
  struct client *client = clock->data;
  // Nothing is wrong, so say goodbye: connection_close.
  (void)client;
  todo(1, "say goodbye to a client that is idle");
}

/* The client has connected, or sent a whole frame; or a stream has begun or ended. See whether
 * anything is still going on. */
static void look(struct client *client) {
  if (client->in_block)
    return; /* TODO 2: another time-out runs */
  // While a stream is open, the client waits for us, or sends: stop the clock. Otherwise start it
  // (again), with on_idle, for server->idle milliseconds.
  (void)on_idle;
  todo(1, "wait for a client that is idle, but not for ever");
}

/* --- TODO 2: half a header block -------------------------------------------------------------- */

/* The header block has taken too long. */
static void on_slow_block(uv_timer_t *clock) {
  struct client *client = clock->data;
  // While a header block is incomplete, no other frame may come on this connection: so end all of
  // it, with ENHANCE_YOUR_CALM. nghttp2_session_terminate_session, and connection_send.
  (void)client;
  todo(2, "end a connection whose header block does not end");
}

/* The first bytes of a header block have arrived. */
static void begin_block(struct client *client) {
  client->in_block = true;
  // Start the clock, with on_slow_block, for server->header milliseconds. No frame of this block
  // starts it again.
  (void)on_slow_block;
  todo_later(2, "limit the time for a header block");
}

/* --- TODO 3: the first GOAWAY ----------------------------------------------------------------- */

/* The server drains. Tell this client to open no more streams, and ask whether it has heard. */
static void give_notice(struct client *client) {
  // Here the last GOAWAY comes at once, and a request that is on its way is lost. Instead:
  // nghttp2_submit_shutdown_notice, nghttp2_submit_ping, connection_send.
  todo_later(3, "give notice before the last GOAWAY");
  connection_close(client->connection);
}

/* --- TODO 4: the last GOAWAY ------------------------------------------------------------------ */

/* The client has answered a PING of ours. So it knows of the first GOAWAY; and what it had sent
 * before has arrived. */
static void on_ping_answer(struct client *client) {
  // connection_close sends GOAWAY with the last stream that has arrived, and closes the connection
  // when no stream is open any more.
  (void)client;
  todo_later(4, "say which stream was the last");
}

/* --- TODO 5: at once -------------------------------------------------------------------------- */

static void forget_client(struct client *client);

/* A second signal, or the deadline: end every connection now. */
static void end_at_once(struct server *server) {
  // For each client: connection_free, which calls no on_close; so forget_client yourself. It takes
  // the client off the list.
  (void)server;
  (void)forget_client;
  todo_later(5, "end every connection at once");
}

/* --- Given: streams --------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *timer) {
  free(timer->data);
}

static void end_work(struct work *work) {
  list_remove(&work->link);
  uv_close((uv_handle_t *)&work->timer, on_closed);
}

static void on_work_done(uv_timer_t *timer) {
  struct work *work = timer->data;
  const nghttp2_nv status = field_make(":status", "200");
  nghttp2_submit_response(session_of(work->client), work->stream_id, &status, 1, NULL);
  connection_send(work->client->connection);
  end_work(work);
}

/* The request on this stream is complete. Returns 0 or an error of nghttp2. */
static int begin_work(struct client *client, int32_t stream_id) {
  struct work *work = malloc(sizeof *work);
  if (!work)
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  work->client = client;
  work->stream_id = stream_id;
  list_add(&client->works, &work->link);
  uv_timer_init(uv_default_loop(), &work->timer);
  work->timer.data = work;
  uv_timer_start(&work->timer, on_work_done, (uint64_t)client->server->work, 0);
  return 0;
}

/* A header block begins: that of a request, or its trailers. */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct client *client = user;
  (void)session;
  begin_block(client);
  client->open += frame->headers.cat == NGHTTP2_HCAT_REQUEST ? 1 : 0;
  return 0;
}

/* A whole frame has arrived; of a header block, the last one. */
static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct client *client = user;
  uint8_t type = frame->hd.type, flags = frame->hd.flags;
  (void)session;
  client->in_block = false;
  look(client);
  if (type == NGHTTP2_PING && flags & NGHTTP2_FLAG_ACK && client->server->drains)
    on_ping_answer(client);
  if ((type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) && flags & NGHTTP2_FLAG_END_STREAM)
    return begin_work(client, frame->hd.stream_id);
  return 0;
}

/* A frame that nghttp2 refuses: a header block ends with it, too. */
static int on_invalid_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, int error,
                                 void *user) {
  struct client *client = user;
  (void)session;
  (void)frame;
  (void)error;
  client->in_block = false;
  look(client);
  return 0;
}

/* A stream is over, perhaps before its response. */
static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *user) {
  struct client *client = user;
  struct work *work = list_first(&client->works);
  (void)session;
  (void)error_code;
  while (work && work->stream_id != stream_id)
    work = list_next(&client->works, &work->link);
  if (work)
    end_work(work);
  client->open--;
  look(client);
  return 0;
}

/* --- Given: clients --------------------------------------------------------------------------- */

static void free_client(uv_handle_t *clock) {
  free(clock->data);
}

/* Its connection is gone. */
static void forget_client(struct client *client) {
  struct work *work;
  while ((work = list_first(&client->works)))
    end_work(work);
  list_remove(&client->link);
  uv_close((uv_handle_t *)&client->clock, free_client);
}

/* If the server drains, and the last client is gone, nothing keeps the loop. */
static void finish_if_empty(struct server *server) {
  if (!server->drains || list_first(&server->clients))
    return;
  signals_free(server->signals);
  uv_close((uv_handle_t *)&server->deadline, NULL);
}

static void on_close(struct connection *connection, const char *error, void *user) {
  struct client *client = user;
  struct server *server = client->server;
  (void)connection;
  (void)error; /* clients come and go: that is no failure */
  forget_client(client);
  finish_if_empty(server);
}

static void on_open(struct connection *connection, void *user) {
  struct client *client = user;
  client->connection = connection;
  look(client);
}

static void on_accept(struct transport *transport, void *user) {
  struct server *server = user;
  struct client *client = calloc(1, sizeof *client);
  if (!client) {
    transport_free(transport);
    return;
  }
  client->server = server;
  list_init(&client->works);
  list_add(&server->clients, &client->link);
  uv_timer_init(uv_default_loop(), &client->clock);
  client->clock.data = client;
  client->connection = connection_accept(transport, &server->config, client);
  if (!client->connection) /* out of memory: the others are still served */
    forget_client(client);
}

/* --- Given: the program ----------------------------------------------------------------------- */

static void on_deadline(uv_timer_t *timer) {
  struct server *server = timer->data;
  end_at_once(server);
  finish_if_empty(server);
}

static void on_signal(void *user) {
  struct server *server = user;
  if (server->drains) {
    end_at_once(server);
    finish_if_empty(server);
    return;
  }
  server->drains = true;
  listener_free(server->listener);
  uv_timer_start(&server->deadline, on_deadline, (uint64_t)server->grace, 0);
  struct client *client = list_first(&server->clients);
  for (; client; client = list_next(&server->clients, &client->link))
    give_notice(client);
  finish_if_empty(server);
}

static int serve(struct server *server) {
  char error[256] = "cannot wait for signals";
  uv_loop_t *loop = uv_default_loop();
  uv_timer_init(loop, &server->deadline);
  server->deadline.data = server;
  server->signals = signals_open(loop, on_signal, server);
  if (server->signals)
    server->listener = listener_open(loop, "localhost", (int)server->port, NULL, on_accept, server,
                                     error, sizeof error);
  if (!server->listener) {
    fprintf(stderr, "drain: %s\n", error);
    signals_free(server->signals);
    return EXIT_FAILURE;
  }
  printf("listening on http://localhost:%d\n", listener_port(server->listener));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static nghttp2_session_callbacks *create_callbacks(void) {
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    return NULL;
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame_recv);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  return callbacks;
}

/* Returns 0; or -1 for wrong usage. */
static int parse_arguments(struct server *server, int argc, char **argv) {
  enum { MOST = 86400000 };
  static const struct option options[] = {
      {"port", required_argument, NULL, 'p'},   {"idle", required_argument, NULL, 'i'},
      {"header", required_argument, NULL, 'h'}, {"work", required_argument, NULL, 'w'},
      {"grace", required_argument, NULL, 'g'},  {0}};
  int option;
  bool right = true;
  while (right && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (option) {
    case 'p': right = (server->port = number_parse(optarg, 65535)) >= 0; break;
    case 'i': right = (server->idle = number_parse(optarg, MOST)) >= 0; break;
    case 'h': right = (server->header = number_parse(optarg, MOST)) >= 0; break;
    case 'w': right = (server->work = number_parse(optarg, MOST)) >= 0; break;
    case 'g': right = (server->grace = number_parse(optarg, MOST)) >= 0; break;
    default: right = false;
    }
  }
  return right && optind == argc ? 0 : -1;
}

int main(int argc, char **argv) {
  static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
  static const unsigned never = CONNECTION_NEVER;
  struct server server = {.port = 8000, .idle = 60000, .header = 10000, .grace = 5000};
  if (parse_arguments(&server, argc, argv) != 0) {
    fprintf(stderr, "usage: drain [--port N] [--idle MS] [--header MS] [--work MS] [--grace MS]\n");
    return 2;
  }
  nghttp2_session_callbacks *callbacks = create_callbacks();
  if (!callbacks) {
    fprintf(stderr, "drain: out of memory\n");
    return EXIT_FAILURE;
  }
  server.config = (struct connection_config){
      .callbacks = callbacks,
      .settings = settings,
      .setting_count = 1,
      .on_open = on_open,
      .on_close = on_close,
      .timeouts = {never, never, never, never, never, never, never},
  };
  list_init(&server.clients);
  int status = serve(&server);
  nghttp2_session_callbacks_del(callbacks);
  return status;
}
