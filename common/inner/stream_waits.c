/* stream_waits: for what the streams of a server's connection wait: see stream_list.h. */
#include "common/inner/stream_list.h"

/* Whether the client has yet to send something of its request's body, and it is its turn. A request
 * and a response that overlap are a conversation, in which both sides may be silent. */
static bool awaits_body(nghttp2_session *session, const struct stream *stream) {
  nghttp2_stream *known = nghttp2_session_find_stream(session, stream->id);
  bool is_talking = stream->headers_submitted && !stream->bodyless && !stream->ended;
  return known && !is_talking &&
         nghttp2_stream_get_state(known) != NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE &&
         nghttp2_session_get_stream_local_window_size(session, stream->id) > 0;
}

unsigned stream_list_waits(const struct connection *connection, void *user) {
  struct stream_list *list = user;
  nghttp2_session *session = connection_session(connection);
  struct stream *stream = list_first(&list->streams);
  unsigned waits = stream ? CONNECTION_HAS_STREAMS : 0;
  for (; stream; stream = list_next(&list->streams, &stream->link)) {
    if (awaits_body(session, stream))
      waits |= CONNECTION_AWAITS_BODY;
    if (stream->body.length > 0 &&
        nghttp2_session_get_stream_remote_window_size(session, stream->id) <= 0)
      waits |= CONNECTION_AWAITS_WINDOW;
  }
  return waits;
}
