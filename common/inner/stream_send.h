/*
 * stream_send: pass to nghttp2 what the owner of a stream sends, and a client's request.
 *
 * An inner part of stream.h: see stream_state.h.
 */
#ifndef COMMON_STREAM_SEND_H
#define COMMON_STREAM_SEND_H

#include "common/inner/stream_state.h"

/* A client's request: all four pseudo-header fields, then `fields`, all copied; the rest is as in
 * client_request. Returns a stream that is on the list, or NULL. */
struct stream *stream_send_request(struct stream_list *list, const nghttp2_nv pseudo[static 4],
                                   const nghttp2_nv *fields, size_t count, int64_t body_length);

/* nghttp2 sends a DATA frame: for nghttp2_session_callbacks_set_send_data_callback. Its `user_data`
 * must be the stream_list. */
int stream_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header,
                     size_t length, nghttp2_data_source *source, void *user_data);

/* nghttp2 has sent a frame: for nghttp2_session_callbacks_set_on_frame_send_callback. */
int stream_send_on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame,
                              void *user_data);

#endif
