/*
 * Lab 1: open one HTTP/2 session, see the peer's settings, say goodbye.
 *
 *   session URL          for example: session http://localhost:8000
 *
 * nghttp2 knows the protocol but never touches a socket: you put bytes in and it calls you back,
 * you call it and it gives you bytes. The transport (common/transport.h) moves bytes and knows
 * nothing about HTTP/2. This program connects the two, as Node.js does inside http2.connect().
 */
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "common/frame.h"
#include "common/todo.h"
#include "common/transport.h"
#include "common/url.h"

/* Everything that this program knows. Every callback gets a pointer to it as its last argument,
 * `user`. */
struct client {
  const char *url;             /* as the user typed it, for messages */
  struct transport *transport; /* the bytes */
  nghttp2_session *session;    /* the protocol */
  bool settings_received;      /* the peer's SETTINGS have arrived ... */
  bool settings_acknowledged;  /* ... and the peer has acknowledged ours: the session is open */
  bool failed;
};

/* Say what went wrong, once: only the first failure counts, because the next ones follow from it.
 * */
static void fail(struct client *client, const char *why) {
  if (!client->failed)
    fprintf(stderr, "session: %s: %s\n", client->url, why);
  client->failed = true;
}

/* --- TODO 1: create the session --------------------------------------------------------------- */

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user);

/* Make client->session: a client's session that calls on_frame_recv for each frame that arrives,
 * with `client` as its last argument. Returns 0, or an nghttp2 error code. */
static int create_session(struct client *client) {
  /* BEGIN SOLUTION */
  /* STARTER
  (void)client;
  (void)on_frame_recv;
  todo(1, "create the session and register its callback");
  */
  nghttp2_session_callbacks *callbacks;
  int error = nghttp2_session_callbacks_new(&callbacks);
  if (error != 0)
    return error;
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
  error = nghttp2_session_client_new(&client->session, callbacks, client);
  nghttp2_session_callbacks_del(callbacks); /* the session has its own copy */
  return error;
  /* END SOLUTION */
}

/* --- TODO 2: send what the session has to send ------------------------------------------------ */

/* Move every frame that waits in the session to the transport. Call it after everything that may
 * have given the session something to send. */
static void send_frames(struct client *client) {
  /* BEGIN SOLUTION */
  /* STARTER
  // nghttp2_session_mem_send gives one piece at a time: its length, 0 when there is no more, or an
  // error code below 0. When the session wants neither to read nor to write any more, it is over:
  // close the transport.
  (void)client;
  todo(2, "write the session's frames to the transport");
  */
  for (;;) {
    const uint8_t *bytes;
    ssize_t length = nghttp2_session_mem_send(client->session, &bytes);
    if (length == 0)
      break;
    if (length < 0 || transport_write(client->transport, bytes, (size_t)length) != 0) {
      fail(client, length < 0 ? nghttp2_strerror((int)length) : "out of memory");
      transport_close(client->transport);
      return;
    }
  }
  if (!nghttp2_session_want_read(client->session) && !nghttp2_session_want_write(client->session))
    transport_close(client->transport);
  /* END SOLUTION */
}

/* --- TODO 3: the first frame ------------------------------------------------------------------ */

/* TCP is connected. RFC 9113, section 3.4: the client's preface comes first, and right after it a
 * SETTINGS frame, which may be empty. nghttp2 writes the preface by itself. */
static void on_open(struct transport *transport, void *user) {
  struct client *client = user;
  /* BEGIN SOLUTION */
  /* STARTER
  (void)transport;
  (void)client;
  (void)send_frames;
  todo(3, "submit the SETTINGS frame and send it");
  */
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  int error = nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings,
                                      sizeof settings / sizeof settings[0]);
  if (error != 0) {
    fail(client, nghttp2_strerror(error));
    transport_close(transport);
    return;
  }
  send_frames(client);
  /* END SOLUTION */
}

/* --- TODO 4: feed the session ----------------------------------------------------------------- */

/* Bytes have arrived, cut anywhere. The session puts them together, calls on_frame_recv for every
 * complete frame, and then has answers to send. */
static void on_data(struct transport *transport, const uint8_t *data, size_t length, void *user) {
  struct client *client = user;
  /* BEGIN SOLUTION */
  /* STARTER
  (void)transport;
  (void)client;
  (void)data;
  (void)length;
  todo(4, "feed the bytes to the session, then send what it answers");
  */
  ssize_t taken = nghttp2_session_mem_recv(client->session, data, length);
  if (taken < 0) {
    fail(client, nghttp2_strerror((int)taken));
    transport_close(transport);
    return;
  }
  send_frames(client);
  /* END SOLUTION */
}

/* --- TODO 5: look at each frame --------------------------------------------------------------- */

/* "SETTINGS_MAX_CONCURRENT_STREAMS: 100", one line for each setting in the frame. */
static void print_settings(const nghttp2_settings *settings) {
  for (size_t i = 0; i < settings->niv; i++) {
    const char *name = frame_setting_name((uint16_t)settings->iv[i].settings_id);
    if (name)
      printf("%s: %u\n", name, settings->iv[i].value);
  }
}

/* A whole frame has arrived. nghttp2 has already done what the protocol requires: it has applied
 * the settings, and the acknowledgement of SETTINGS, or the answer to a PING, waits in its queue.
 * */
static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  struct client *client = user;
  /* BEGIN SOLUTION */
  /* STARTER
  // SETTINGS: print_settings, and note that they have arrived; or, if frame->hd.flags has the ACK
  // flag, note that the peer has acknowledged ours. GOAWAY with an error code other than
  // NGHTTP2_NO_ERROR: fail. Once the session is open, end it: nghttp2_session_terminate_session.
  (void)session;
  (void)frame;
  (void)client;
  (void)print_settings;
  todo(5, "print the peer's settings, and end the session once it is open");
  */
  bool acknowledgement = frame->hd.flags & NGHTTP2_FLAG_ACK;
  if (frame->hd.type == NGHTTP2_SETTINGS && acknowledgement) {
    client->settings_acknowledged = true;
  } else if (frame->hd.type == NGHTTP2_SETTINGS) {
    print_settings(&frame->settings);
    client->settings_received = true;
  } else if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
    char why[64];
    snprintf(why, sizeof why, "the peer sent GOAWAY(%s)",
             nghttp2_http2_strerror(frame->goaway.error_code));
    fail(client, why);
  }

  /* Each side has heard the other: end the session. It is safe to do that twice. */
  if (client->settings_received && client->settings_acknowledged)
    return nghttp2_session_terminate_session(session, NGHTTP2_NO_ERROR);
  return 0;
  /* END SOLUTION */
}

/* --- TODO 6: the end -------------------------------------------------------------------------- */

/* The transport is gone. `error` says why; it is NULL if this program closed the transport because
 * the session was over: after our GOAWAY, after the peer's, or after the peer broke the protocol.
 * */
static void on_close(struct transport *transport, const char *error, void *user) {
  struct client *client = user;
  (void)transport;
  /* BEGIN SOLUTION */
  /* STARTER
  (void)error;
  (void)client;
  todo(6, "report the error, if there was one; else print: session closed");
  */
  if (error)
    fail(client, error);
  else if (!client->settings_received || !client->settings_acknowledged)
    fail(client, "the session ended before it was open: does the peer speak HTTP/2?");
  if (!client->failed)
    printf("session closed\n");
  /* END SOLUTION */
}

/* --- Given ------------------------------------------------------------------------------------ */

static const struct transport_events events = {
    .on_open = on_open, .on_data = on_data, .on_close = on_close};

/* Run the loop until the transport is closed. */
static void run(struct client *client, const struct url *url) {
  int error = create_session(client);
  if (error != 0) {
    fail(client, nghttp2_strerror(error));
    return;
  }
  uv_loop_t *loop = uv_default_loop();
  client->transport = transport_connect(loop, url->host, url->port, NULL, &events, client);
  if (client->transport)
    uv_run(loop, UV_RUN_DEFAULT);
  else
    fail(client, "out of memory");
  uv_loop_close(loop);
  nghttp2_session_del(client->session);
}

int main(int argc, char **argv) {
  if (argc != 2 || argv[1][0] == '-') {
    fprintf(stderr, "usage: session URL\n");
    return 2;
  }
  struct url url;
  if (url_parse(&url, argv[1]) != 0 || url.tls) {
    fprintf(stderr, "session: %s: not a URL that begins with http://\n", argv[1]);
    url_free(&url);
    return 2;
  }
  struct client client = {.url = argv[1]};
  run(&client, &url);
  url_free(&url);
  if (fflush(stdout) != 0)
    fail(&client, "cannot write to standard output");
  return client.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
