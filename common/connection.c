/* connection: see connection.h. */
#include "common/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/frame.h"
#include "common/inner/goaway.h"
#include "common/inner/pool.h"
#include "common/inner/strict.h"
#include "common/inner/watch.h"

enum {
  /* How many frames may wait for a client to read, besides one for each stream that it may have
   * open. Each takes some 200 bytes. */
  QUEUED_FRAMES = 500,
  DEFAULT_STREAMS = 100,
  FEED_SIZE = 16 * 1024,         /* how much to take from a client before looking at the queue */
  GOODBYE_ROOM = 20 * 1024,      /* more than a frame */
  TOO_MANY_CONTINUATIONS = -905, /* nghttp2 has a name for it from 1.61 on, and in Debian's 1.52 */
};

struct connection {
  struct transport *transport;
  struct transport_events events; /* with the config's handshake */
  struct goaway goaway;           /* a client's: among what arrives */
  nghttp2_session *session;
  struct strict *strict; /* a server's; NULL for a client */
  struct watch watch;    /* a server's */
  size_t queue_limit;    /* of frames */
  uint64_t sent_before;  /* bytes, when something last arrived */
  const struct connection_config *config;
  void *user;
  bool open;        /* on_open was called */
  bool goodbye;     /* connection_close was called */
  bool goodbye_due; /* but GOAWAY is not submitted yet */
  bool goaway_sent; /* one with an error code */
  bool over;        /* the transport was closed by give_up */
  char *error;      /* why the connection ends, if not by itself; NULL until then */
};

/* Only the first reason counts. If there is no memory for it, the end has no reason. */
static void set_error(struct connection *connection, const char *what, const char *why,
                      size_t why_length) {
  struct buffer text = {0}; /* glibc's asprintf may write beyond its end when memory runs out */
  if (connection->error)
    return;
  if (buffer_append_text(&text, what) != 0 ||
      (why_length > 0 &&
       (buffer_append_text(&text, ": ") != 0 || buffer_append(&text, why, why_length) != 0)))
    buffer_free(&text);
  connection->error = text.bytes;
}

/* nghttp2 itself failed, by one of its NGHTTP2_ERR_ codes. */
static void set_nghttp2_error(struct connection *connection, int code) {
  const char *why = nghttp2_strerror(code);
  set_error(connection, code == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? "not HTTP/2" : "nghttp2", why,
            strlen(why));
}

/*
 * When the peer breaks the protocol, nghttp2 ends the session with a GOAWAY that has the error code
 * and a text, and reports this in no other way: so look at the GOAWAY frame on its way out. (RFC
 * 9113, section 6.8: 9 bytes of frame header, last stream, error code, debug data.)
 */
static void look_at_goaway(struct connection *connection, const uint8_t *frame, size_t length) {
  enum { DEBUG_DATA = FRAME_HEADER_LENGTH + 8 };
  uint32_t code = goaway_error_code(frame);
  const char *name = frame_error_name(code);
  if (code == NGHTTP2_NO_ERROR)
    return;
  connection->goaway_sent = true;
  set_error(connection, name ? name : "unknown error", (const char *)frame + DEBUG_DATA,
            length - DEBUG_DATA);
}

/* The peer says by GOAWAY that this side has broken the protocol, or asks too much. */
static void set_peers_error(struct connection *connection, uint32_t code) {
  const char *name = frame_error_name(code);
  char text[80];
  if (code == NGHTTP2_NO_ERROR)
    return;
  snprintf(text, sizeof text, "the peer sent GOAWAY(%s)", name ? name : "unknown error");
  set_error(connection, text, "", 0);
}

/*
 * RFC 9113, section 6.9.2: INITIAL_WINDOW_SIZE that makes a window larger than 2^31-1 is a
 * connection error, but nghttp2 only resets the streams. Every RST_STREAM(FLOW_CONTROL_ERROR) is
 * nghttp2's own, and means that the peer counts wrong: so end the connection with it, as section
 * 5.4.1 allows. Also end it after too many other resets for which the client is to blame.
 */
static void look_at_reset(struct connection *connection, const uint8_t *frame, size_t length) {
  static const uint8_t code[] = {0, 0, 0, NGHTTP2_FLOW_CONTROL_ERROR};
  uint32_t error = NGHTTP2_NO_ERROR;
  if (connection->strict)
    error = strict_sent(connection->strict, frame, length);
  if (length == FRAME_HEADER_LENGTH + sizeof code &&
      memcmp(frame + FRAME_HEADER_LENGTH, code, sizeof code) == 0)
    error = NGHTTP2_FLOW_CONTROL_ERROR;
  if (error != NGHTTP2_NO_ERROR)
    nghttp2_session_terminate_session(connection->session, error);
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* Move the next frame of the session to the transport. Returns whether there was one; if something
 * fails, close the transport. */
static bool send_frame(struct connection *connection) {
  const uint8_t *frame;
  ssize_t length = nghttp2_session_mem_send(connection->session, &frame);
  if (length == 0)
    return false;
  if (length < 0 || transport_write(connection->transport, frame, (size_t)length) != 0) {
    set_nghttp2_error(connection, length < 0 ? (int)length : NGHTTP2_ERR_NOMEM);
    transport_close(connection->transport);
    return false;
  }
  if (frame[3] == NGHTTP2_GOAWAY)
    look_at_goaway(connection, frame, (size_t)length);
  else if (frame[3] == NGHTTP2_RST_STREAM)
    look_at_reset(connection, frame, (size_t)length);
  return true;
}

/* End it with GOAWAY, now, for a reason that nghttp2 does not know. Do not wait for other output:
 * GOAWAY comes before DATA, but after other frames, of which there are not many more than
 * queue_limit. */
static void give_up(struct connection *connection, uint32_t error_code) {
  nghttp2_session_terminate_session(connection->session, error_code);
  while (!connection->goaway_sent && send_frame(connection))
    ;
  connection->over = true;
  transport_close(connection->transport);
}

/*
 * GOAWAY names the last stream that this side serves. So submit it only when it can leave at once:
 * otherwise more streams could arrive and be served while it waits, but it would not name them.
 */
static void say_goodbye(struct connection *connection) {
  nghttp2_session *session = connection->session;
  if (connection->strict && (transport_room(connection->transport) < GOODBYE_ROOM ||
                             nghttp2_session_get_outbound_queue_size(session) > 0))
    return;
  connection->goodbye_due = false;
  int32_t last = nghttp2_session_get_last_proc_stream_id(session);
  int error = nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
  if (error == 0)
    return;
  set_nghttp2_error(connection, error);
  transport_close(connection->transport);
}

/* --- Transport events ------------------------------------------------------------------------- */

static void on_writable(struct transport *transport, void *user) {
  struct connection *connection = user;
  nghttp2_session *session = connection->session;
  do {
    if (connection->goodbye_due)
      say_goodbye(connection);
  } while (transport_room(transport) > 0 && send_frame(connection));
  if (!connection->goodbye_due && !nghttp2_session_want_read(session) &&
      !nghttp2_session_want_write(session))
    transport_close(transport);
}

/* Both return 0, or a negative error code of nghttp2. They check from time to time how many frames
 * wait for a client to read. */
static int receive_from_client(struct connection *connection, const uint8_t *data, size_t length) {
  uint64_t sent = transport_sent(connection->transport);
  watch_received(&connection->watch, length);
  strict_turn(connection->strict, connection->watch.heard, sent - connection->sent_before);
  connection->sent_before = sent;
  for (size_t part; length > 0; data += part, length -= part) {
    part = length < FEED_SIZE ? length : FEED_SIZE;
    int error = strict_receive(connection->strict, connection->session, data, part);
    set_peers_error(connection, strict_goaway(connection->strict));
    if (error != 0)
      return error;
    if (nghttp2_session_get_outbound_queue_size(connection->session) > connection->queue_limit)
      return NGHTTP2_ERR_FLOODED;
  }
  return 0;
}

static int receive_from_server(struct connection *connection, const uint8_t *data, size_t length) {
  set_peers_error(connection, goaway_find(&connection->goaway, data, length));
  ssize_t taken = nghttp2_session_mem_recv(connection->session, data, length);
  return taken < 0 ? (int)taken : 0;
}

/* The peer's bytes broke the protocol or a limit. */
static void on_receive_error(struct connection *connection, int error) {
  bool is_flood = error == NGHTTP2_ERR_FLOODED || error == TOO_MANY_CONTINUATIONS;
  const char *why = nghttp2_strerror(error);
  if (is_flood)
    set_error(connection, "ENHANCE_YOUR_CALM", why, strlen(why));
  else
    set_nghttp2_error(connection, error);
  if (error == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
    transport_close(connection->transport); /* without HTTP/2 the peer knows no GOAWAY */
  else
    give_up(connection, is_flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_INTERNAL_ERROR);
}

static void on_data(struct transport *transport, const uint8_t *data, size_t length, void *user) {
  struct connection *connection = user;
  (void)transport; /* the transport calls on_writable next */
  int error = connection->strict ? receive_from_client(connection, data, length)
                                 : receive_from_server(connection, data, length);
  if (error != 0)
    on_receive_error(connection, error);
}

/* What the streams wait for, according to the owner, or else to nghttp2. */
static unsigned waits(const struct connection *connection) {
  if (connection->config->waits)
    return connection->config->waits(connection, connection->user);
  return strict_waits(connection->strict, connection->session);
}

/* Check whether the client makes progress. */
static void on_look(uv_timer_t *timer) {
  struct connection *connection = timer->data;
  if (!connection->open || connection->over)
    return; /* the transport has its own time-outs for the beginning and the end */
  if (transport_is_held(connection->transport)) {
    watch_rest(&connection->watch);
    return;
  }
  const struct watch_view view = {
      .strict = connection->strict,
      .waits = waits(connection),
      .is_stuck = transport_is_stuck(connection->transport),
      .has_window = nghttp2_session_get_remote_window_size(connection->session) > 0,
      .sent = transport_sent(connection->transport),
  };
  enum watch_verdict verdict = watch_look(&connection->watch, &view);
  if (verdict == WATCH_FINE)
    return;
  const char *why = watch_text(verdict);
  if (verdict == WATCH_IDLE) {
    connection_close(connection);
    return;
  }
  set_error(connection, "timed out", why, strlen(why));
  give_up(connection, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void on_open(struct transport *transport, void *user) {
  struct connection *connection = user;
  const struct connection_config *config = connection->config;
  connection->transport = transport;
  connection->open = true;
  if (connection->strict)
    watch_open(&connection->watch);
  int error = nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, config->settings,
                                      config->setting_count);
  if (error != 0) {
    set_nghttp2_error(connection, error);
    transport_close(transport);
    return;
  }
  if (config->on_open)
    config->on_open(connection, connection->user);
}

/* Free everything except the transport. */
static void free_session(struct connection *connection) {
  watch_end(&connection->watch);
  nghttp2_session_del(connection->session);
  strict_free(connection->strict);
  free(connection->error);
  free(connection);
}

static void on_close(struct transport *transport, const char *error, void *user) {
  struct connection *connection = user;
  (void)transport;
  if (connection->error)
    error = connection->error;
  else if (connection->open && !nghttp2_session_want_read(connection->session))
    error = NULL; /* both sides had finished: it does not matter who was first to close */
  connection->config->on_close(connection, error, connection->user);
  free_session(connection);
}

/* --- What the owner calls --------------------------------------------------------------------- */

/* How many streams a client may have open at once. */
static size_t max_streams(const struct connection_config *config) {
  for (size_t i = config->setting_count; i > 0; i--)
    if (config->settings[i - 1].settings_id == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
      return config->settings[i - 1].value;
  return DEFAULT_STREAMS;
}

/* Returns 0 or an error code of nghttp2. */
static int make_server_session(struct connection *connection, uv_loop_t *loop) {
  const struct connection_config *config = connection->config;
  connection->queue_limit = QUEUED_FRAMES + max_streams(config);
  connection->strict = strict_new(uv_now(loop));
  if (!connection->strict ||
      watch_begin(&connection->watch, loop, &config->timeouts, on_look, connection) != 0)
    return NGHTTP2_ERR_NOMEM;
  connection->events.handshake_timeout = connection->watch.timeouts.handshake;
  return nghttp2_session_server_new3(&connection->session, config->callbacks, connection->user,
                                     config->option, pool_nghttp2());
}

static struct connection *connection_new(const struct connection_config *config, uv_loop_t *loop,
                                         bool is_server, void *user) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (!connection)
    return NULL;
  connection->config = config;
  connection->user = user;
  connection->events = (struct transport_events){.on_open = on_open,
                                                 .on_data = on_data,
                                                 .on_writable = on_writable,
                                                 .on_close = on_close,
                                                 .handshake = config->handshake};
  int error = is_server ? make_server_session(connection, loop)
                        : nghttp2_session_client_new3(&connection->session, config->callbacks, user,
                                                      config->option, pool_nghttp2());
  if (error == 0)
    return connection;
  free_session(connection);
  return NULL;
}

struct connection *connection_connect(uv_loop_t *loop, const struct url *url, SSL_CTX *tls,
                                      const struct connection_config *config, void *user) {
  struct connection *connection = connection_new(config, loop, false, user);
  if (!connection)
    return NULL;
  connection->transport =
      transport_connect(loop, url->host, url->port, tls, &connection->events, connection);
  if (!connection->transport) {
    free_session(connection);
    return NULL;
  }
  return connection;
}

struct connection *connection_accept(struct transport *transport,
                                     const struct connection_config *config, void *user) {
  struct connection *connection = connection_new(config, transport_loop(transport), true, user);
  if (!connection) {
    transport_free(transport);
    return NULL;
  }
  connection->transport = transport;
  transport_start(transport, &connection->events, connection);
  return connection;
}

nghttp2_session *connection_session(const struct connection *connection) {
  return connection->session;
}

bool connection_has_cut_field(const struct connection *connection) {
  return connection->strict && strict_has_cut(connection->strict);
}

struct transport *connection_transport(const struct connection *connection) {
  return connection->transport;
}

void connection_send(struct connection *connection) {
  transport_wake(connection->transport);
}

void connection_close(struct connection *connection) {
  if (connection->goodbye)
    return;
  connection->goodbye = true;
  if (!connection->open) {
    transport_close(connection->transport);
    return;
  }
  if (connection->strict)
    watch_goodbye(&connection->watch);
  connection->goodbye_due = true;
  transport_wake(connection->transport);
}

void connection_free(struct connection *connection) {
  if (!connection)
    return;
  transport_free(connection->transport);
  free_session(connection);
}
