/* Lab 1 in another way: plain sockets, nghttp2_session_send, other settings in another order, a
 * PING and a WINDOW_UPDATE that nobody asked for; it says goodbye when the answer to the PING has
 * come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../wire.h"

struct session {
  struct wire wire;
  const char *url;
  bool opened; /* the server's SETTINGS have come */
  bool acknowledged;
  bool answered; /* the answer to the PING has come */
  bool failed;
};

static void fail(struct session *session, const char *why) {
  if (!session->failed)
    fprintf(stderr, "session: %s: %s\n", session->url, why);
  session->failed = true;
}

static const char *name_of(int32_t id) {
  static const char *const names[] = {"",
                                      "SETTINGS_HEADER_TABLE_SIZE",
                                      "SETTINGS_ENABLE_PUSH",
                                      "SETTINGS_MAX_CONCURRENT_STREAMS",
                                      "SETTINGS_INITIAL_WINDOW_SIZE",
                                      "SETTINGS_MAX_FRAME_SIZE",
                                      "SETTINGS_MAX_HEADER_LIST_SIZE",
                                      "",
                                      "SETTINGS_ENABLE_CONNECT_PROTOCOL",
                                      "SETTINGS_NO_RFC7540_PRIORITIES"};
  return id > 0 && id < 10 && *names[id] ? names[id] : NULL;
}

static void on_settings(struct session *session, const nghttp2_settings *settings) {
  if (settings->hd.flags & NGHTTP2_FLAG_ACK) {
    session->acknowledged = true;
    return;
  }
  session->opened = true;
  for (size_t i = 0; i < settings->niv; i++)
    if (name_of(settings->iv[i].settings_id))
      printf("%s: %u\n", name_of(settings->iv[i].settings_id), settings->iv[i].value);
}

static int on_frame(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *user) {
  struct session *session = user;
  if (frame->hd.type == NGHTTP2_SETTINGS)
    on_settings(session, &frame->settings);
  else if (frame->hd.type == NGHTTP2_PING && frame->hd.flags & NGHTTP2_FLAG_ACK)
    session->answered = true;
  else if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
    fail(session, nghttp2_http2_strerror(frame->goaway.error_code));
  if (session->opened && session->acknowledged && session->answered)
    return nghttp2_submit_goaway(nghttp2, 0, 0, NGHTTP2_NO_ERROR, (const uint8_t *)"bye", 3);
  return 0;
}

static void converse(struct session *session) {
  static const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100000},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 65536},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 32768},
  };
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0)
    abort();
  wire_set_callbacks(callbacks);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  if (nghttp2_session_client_new(&session->wire.session, callbacks, session) != 0)
    abort();
  nghttp2_session_callbacks_del(callbacks);
  if (nghttp2_submit_settings(session->wire.session, 0, settings, 4) != 0 ||
      nghttp2_submit_window_update(session->wire.session, 0, 0, 1 << 20) != 0 ||
      nghttp2_submit_ping(session->wire.session, 0, (const uint8_t *)"variant1") != 0)
    fail(session, "nothing can be submitted");
  wire_run(&session->wire);
  if (session->wire.error)
    fail(session, session->wire.error);
  else if (!session->opened || !session->acknowledged || !session->answered)
    fail(session, "the session never opened");
}

int main(int argc, char **argv) {
  static const char scheme[] = "http://";
  if (argc != 2) {
    fprintf(stderr, "usage: session URL\n");
    return 2;
  }
  struct session session = {.url = argv[1]};
  if (strncmp(argv[1], scheme, strlen(scheme)) != 0) {
    fail(&session, "not a URL of HTTP");
    return 2;
  }
  char host[256];
  snprintf(host, sizeof host, "%s", argv[1] + strlen(scheme));
  host[strcspn(host, "/?#")] = '\0';
  char *colon = strrchr(host, ':');
  if (colon)
    *colon = '\0';
  const char *error = NULL;
  session.wire.socket = wire_connect(host, colon ? colon + 1 : "80", &error);
  if (session.wire.socket < 0)
    fail(&session, error);
  else
    converse(&session);
  if (!session.failed)
    printf("session closed\n");
  return session.failed;
}
