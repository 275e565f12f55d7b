/*
 * stream_list: what the peer sends, for all streams of one connection: the nghttp2 callbacks that
 * serve them.
 *
 * For server.c and client.c only; everybody else needs only stream.h.
 *
 * Order of calls: stream_list_set_callbacks and stream_list_set_options once for all connections.
 * For each connection: pass a struct stream_list from stream_list_init to connection_connect or
 * connection_accept as `user`; set `connection` in on_open; call stream_list_end in on_close, or
 * before connection_free.
 */
#ifndef COMMON_STREAM_LIST_H
#define COMMON_STREAM_LIST_H

#include "common/inner/stream_state.h"

enum {
  STREAM_LIST_HEADER_LIMIT = 64 * 1024, /* as SETTINGS_MAX_HEADER_LIST_SIZE counts */
};

/* Make it an empty list. A server's has `on_stream`, called when a request's header section is
 * complete, and a `date`, for its responses; both are NULL for a client. */
void stream_list_init(struct stream_list *list,
                      void (*on_stream)(struct stream *stream, void *user), void *user,
                      struct date *date);

/* A client's callback for header fields, in place of the one that is set by the next function. */
int stream_list_on_response_header(nghttp2_session *session, const nghttp2_frame *frame,
                                   nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
                                   void *user_data);

/* Set every callback that streams need. The owner may replace the two that follow, if its own
 * callbacks call them. */
void stream_list_set_callbacks(nghttp2_session_callbacks *callbacks);
int stream_list_on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame,
                              void *user_data);
int stream_list_on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code,
                                void *user_data);

/* Set the options that stream_pause needs. */
void stream_list_set_options(nghttp2_option *option);

/* What the streams wait for: see connection_config. */
unsigned stream_list_waits(const struct connection *connection, void *user);

/* The connection is lost: every stream gets its on_close with `error_code`, and leaves the list. */
void stream_list_end(struct stream_list *list, uint32_t error_code);

#endif
