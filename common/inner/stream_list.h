/*
 * stream_list: the streams that are open on one connection, and the nghttp2 callbacks that serve
 * them.
 *
 * For server.c, client.c and stream.c only; who uses streams needs stream.h alone.
 *
 * Order of calls: stream_list_set_callbacks and stream_list_set_options once for all connections.
 * For each: a zeroed struct stream_list with `on_stream`, `user` and `date` set is given to
 * connection_connect or connection_accept as `user`; `connection` is set in on_open;
 * stream_list_end is called in on_close, or before connection_free.
 */
#ifndef COMMON_STREAM_LIST_H
#define COMMON_STREAM_LIST_H

#include "common/connection.h"
#include "common/date.h"
#include "common/inner/body.h"
#include "common/stream.h"

enum {
  STREAM_LIST_HEADER_LIMIT = 64 * 1024, /* as SETTINGS_MAX_HEADER_LIST_SIZE counts */
  STREAM_LIST_FIRST_FIELDS = 8,         /* most messages have no more fields than these */
};

struct stream_list {
  struct connection *connection;
  struct stream *first;
  struct stream *receiving; /* whose header block is being received: blocks do not interleave */

  /* A server's: a request's header section is complete. NULL for a client. */
  void (*on_stream)(struct stream *stream, void *user);
  void *user;
  struct date *date; /* of responses, for all connections of a server */
};

/* One field as it was received: nghttp2's own texts, shared with its HPACK table. */
struct stream_field {
  nghttp2_rcbuf *name;
  nghttp2_rcbuf *value;
};

struct stream {
  struct stream_list *list; /* NULL once on_close was called: the connection may be gone */
  struct stream *previous;
  struct stream *next;
  int32_t id;
  unsigned references; /* the list's own, and stream_keep's */
  bool closed;
  const struct stream_events *events;
  void *user;

  /* What is received. */
  const char *method, *path;   /* "" where there is none */
  struct stream_field *fields; /* `first_fields`, until they are too few */
  struct stream_field first_fields[STREAM_LIST_FIRST_FIELDS];
  size_t field_count;
  size_t field_room;
  size_t header_count;     /* the fields after these are trailers */
  size_t header_list_size; /* of all fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts */
  bool headers_complete;
  bool headers_too_large;
  bool paused;
  size_t unconsumed; /* bytes received while paused, for which the peer got no window yet */

  /* What is sent. */
  bool headers_submitted;
  bool bodyless;     /* END_STREAM was on HEADERS */
  bool ended;        /* no more will be written */
  bool deferred;     /* nghttp2 waits to be told that there is more */
  bool wants_drain;  /* stream_write has returned 0 */
  int64_t body_left; /* of the announced length, or STREAM_LENGTH_UNKNOWN */
  struct body body;
  nghttp2_nv *trailers; /* one allocation with all texts; NULL for none */
  size_t trailer_count;
};

/* Set every callback that streams need. These two may be set anew by the owner, if it calls them. */
void stream_list_set_callbacks(nghttp2_session_callbacks *callbacks);
int stream_list_on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame,
                              void *user_data);
int stream_list_on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code,
                                void *user_data);

/* Set the options without which stream_pause does not work. */
void stream_list_set_options(nghttp2_option *option);

/* The source of every body, for nghttp2_submit_request and nghttp2_submit_response. */
nghttp2_data_provider stream_list_data_provider(struct stream *stream);

/* Whether these can be sent: nghttp2 itself does not look at what it is given. */
bool stream_list_can_send(const nghttp2_nv *fields, size_t count);

/* A client's request: all four pseudo-header fields, then `fields`, all copied; the rest is as in
 * client_request. Returns a stream that is on the list, or NULL. */
struct stream *stream_list_request(struct stream_list *list, const nghttp2_nv pseudo[static 4],
                                   const nghttp2_nv *fields, size_t count, int64_t body_length);

/* The last part of it: `fields` are all there are to be. */
struct stream *stream_list_submit_request(struct stream_list *list, const nghttp2_nv *fields,
                                          size_t count, int64_t body_length);

/* Let go of all fields that were received. */
void stream_list_forget_fields(struct stream *stream);

/* The connection is lost: every stream gets its on_close with `error_code`, and leaves the list. */
void stream_list_end(struct stream_list *list, uint32_t error_code);

#endif
