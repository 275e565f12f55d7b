/* connection: see connection.h. */
#include "common/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"
#include "common/inner/goaway.h"
#include "common/inner/pool.h"
#include "common/inner/strict.h"

struct connection {
  struct transport *transport;
  struct transport_events events; /* with the config's handshake */
  struct goaway goaway;           /* among what arrives */
  nghttp2_session *session;
  struct strict *strict; /* a server's; NULL for a client */
  const struct connection_config *config;
  void *user;
  bool open;    /* on_open was called */
  bool goodbye; /* GOAWAY was submitted */
  char *error;  /* why it ends, if not by itself; NULL until then */
};

/* The first reason is the one that counts. Where there is no memory for it, the end is told without. */
static void set_error(struct connection *connection, const char *what, const char *why,
                      size_t why_length) {
  if (connection->error)
    return;
  if (asprintf(&connection->error, "%s%s%.*s", what, why_length ? ": " : "", (int)why_length, why) <
      0)
    connection->error = NULL;
}

/* nghttp2 itself failed, by one of its NGHTTP2_ERR_ codes. */
static void set_nghttp2_error(struct connection *connection, int code) {
  const char *why = nghttp2_strerror(code);
  set_error(connection, code == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? "not HTTP/2" : "nghttp2", why,
            strlen(why));
}

/*
 * When the peer breaks the protocol, nghttp2 ends the session with a GOAWAY that has the error code
 * and a text in it, and tells nobody else: so look at the GOAWAY frame on its way out.
 * (RFC 9113, section 6.8: 9 octets of frame header, last stream, error code, debug data.)
 */
static void look_for_goaway(struct connection *connection, const uint8_t *frame, size_t length) {
  enum { TYPE = 3, DEBUG_DATA = FRAME_HEADER_LENGTH + 8 };
  if (length < DEBUG_DATA || frame[TYPE] != NGHTTP2_GOAWAY)
    return;
  uint32_t code = goaway_error_code(frame);
  const char *name = frame_error_name(code);
  if (code != NGHTTP2_NO_ERROR)
    set_error(connection, name ? name : "unknown error", (const char *)frame + DEBUG_DATA,
              length - DEBUG_DATA);
}

/* The peer says by GOAWAY that this side has broken the protocol, or that it is too much for it. */
static void look_for_peers_goaway(struct connection *connection, const uint8_t *data,
                                  size_t length) {
  uint32_t code = goaway_find(&connection->goaway, data, length);
  const char *name = frame_error_name(code);
  char text[80];
  if (code == NGHTTP2_NO_ERROR)
    return;
  snprintf(text, sizeof text, "the peer sent GOAWAY(%s)", name ? name : "unknown error");
  set_error(connection, text, "", 0);
}

/*
 * RFC 9113, section 6.9.2: INITIAL_WINDOW_SIZE that makes a window larger than 2^31-1 is a connection
 * error, but nghttp2 only resets the streams. Every RST_STREAM(FLOW_CONTROL_ERROR) is its own, and says that
 * the peer cannot count: so the connection ends with it, as section 5.4.1 allows.
 */
static void look_for_flow_control_error(struct connection *connection, const uint8_t *frame,
                                        size_t length) {
  static const uint8_t code[] = {0, 0, 0, NGHTTP2_FLOW_CONTROL_ERROR};
  enum { TYPE = 3, LENGTH = FRAME_HEADER_LENGTH + sizeof code };
  if (length == LENGTH && frame[TYPE] == NGHTTP2_RST_STREAM &&
      memcmp(frame + FRAME_HEADER_LENGTH, code, sizeof code) == 0)
    nghttp2_session_terminate_session(connection->session, NGHTTP2_FLOW_CONTROL_ERROR);
}

/* --- Transport events ----------------------------------------------------------------------------- */

static void on_writable(struct transport *transport, void *user) {
  struct connection *connection = user;
  nghttp2_session *session = connection->session;
  while (transport_room(transport) > 0) {
    const uint8_t *frame;
    ssize_t length = nghttp2_session_mem_send(session, &frame);
    if (length == 0)
      break;
    if (length < 0 || transport_write(transport, frame, (size_t)length) != 0) {
      set_nghttp2_error(connection, length < 0 ? (int)length : NGHTTP2_ERR_NOMEM);
      transport_close(transport);
      return;
    }
    look_for_goaway(connection, frame, (size_t)length);
    look_for_flow_control_error(connection, frame, (size_t)length);
  }
  if (!nghttp2_session_want_read(session) && !nghttp2_session_want_write(session))
    transport_close(transport);
}

/* Returns 0, or a negative code of nghttp2's. */
static int receive(struct connection *connection, const uint8_t *data, size_t length) {
  if (connection->strict)
    return strict_receive(connection->strict, connection->session, data, length);
  ssize_t taken = nghttp2_session_mem_recv(connection->session, data, length);
  return taken < 0 ? (int)taken : 0;
}

static void on_data(struct transport *transport, const uint8_t *data, size_t length, void *user) {
  struct connection *connection = user;
  look_for_peers_goaway(connection, data, length);
  int error = receive(connection, data, length);
  if (error == 0)
    return; /* the transport asks on_writable next */
  set_nghttp2_error(connection, error);
  if (error !=
      NGHTTP2_ERR_BAD_CLIENT_MAGIC) /* whoever does not speak HTTP/2 knows no GOAWAY either */
    nghttp2_session_terminate_session(connection->session, NGHTTP2_INTERNAL_ERROR);
  on_writable(transport, connection);
  transport_close(transport);
}

static void on_open(struct transport *transport, void *user) {
  struct connection *connection = user;
  const struct connection_config *config = connection->config;
  connection->transport = transport;
  connection->open = true;
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

/* Free all but the transport. */
static void free_session(struct connection *connection) {
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
  connection->config->on_close(connection, error, connection->user);
  free_session(connection);
}

/* --- What the owner calls ------------------------------------------------------------------------- */

static struct connection *connection_new(const struct connection_config *config, bool is_server,
                                         void *user) {
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
  connection->goaway.skip = is_server ? NGHTTP2_CLIENT_MAGIC_LEN : 0;
  int error = NGHTTP2_ERR_NOMEM;
  if (is_server)
    connection->strict = strict_new();
  if (!is_server)
    error = nghttp2_session_client_new3(&connection->session, config->callbacks, user,
                                        config->option, pool_nghttp2());
  else if (connection->strict)
    error = nghttp2_session_server_new3(&connection->session, config->callbacks, user,
                                        config->option, pool_nghttp2());
  if (error != 0) {
    strict_free(connection->strict);
    free(connection);
    return NULL;
  }
  return connection;
}

struct connection *connection_connect(uv_loop_t *loop, const struct url *url, SSL_CTX *tls,
                                      const struct connection_config *config, void *user) {
  struct connection *connection = connection_new(config, false, user);
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
  struct connection *connection = connection_new(config, true, user);
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
  int32_t last = nghttp2_session_get_last_proc_stream_id(connection->session);
  int error = nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR,
                                    NULL, 0);
  if (error != 0) {
    set_nghttp2_error(connection, error);
    transport_close(connection->transport);
    return;
  }
  transport_wake(connection->transport);
}

void connection_free(struct connection *connection) {
  if (!connection)
    return;
  transport_free(connection->transport);
  free_session(connection);
}
