/*
 * stream_state: the state of a stream, and of all streams of one connection.
 *
 * The inside of stream.h, in three files, of which each calls only those before it:
 *
 *   stream.c       a stream's life, from its beginning to on_close, and what it has received;
 *   stream_send.c  what its owner sends, and how nghttp2 gets it;
 *   stream_list.c  what the peer sends: nghttp2's callbacks for all streams of a connection.
 */
#ifndef COMMON_STREAM_STATE_H
#define COMMON_STREAM_STATE_H

#include "common/connection.h"
#include "common/date.h"
#include "common/inner/body.h"
#include "common/inner/response_rules.h"
#include "common/list.h"
#include "common/stream.h"

enum {
  STREAM_FIRST_FIELDS = 8, /* most messages have no more fields than these */
  STREAM_DIGITS = 20,      /* of any number */

  /* How much memory the fields of all open streams of a client may take: the server refuses a
   * request beyond that. A field takes FIELD, and STRING for each text that is not in HPACK's
   * static table. The texts themselves take at most twice the bytes of the header block: nghttp2
   * allocates that much for Huffman's code. A server that allows more than 100 streams gives each
   * of the others room of its own. */
  STREAM_LIST_FIELDS_LIMIT = 512 * 1024,
  STREAM_LIST_FIELDS_STREAMS = 100,
  STREAM_LIST_FIELDS_EACH = 4 * 1024,
  STREAM_LIST_FIELD = 32,
  STREAM_LIST_STRING = 105,
};

/* The streams that are open on one connection. */
struct stream_list {
  struct connection *connection;
  struct list streams;
  struct stream *receiving; /* whose header block is being received: blocks do not interleave */
  size_t fields_size;       /* what the fields that were received take of memory, at most, */
  size_t waiting;           /* and the bodies that wait to be sent: bounded */

  /* A server's: a request's header section is complete. NULL for a client. */
  void (*on_stream)(struct stream *stream, void *user);
  /* A client's: a stream that was never sent has been closed. From the next turn of the loop on,
   * call stream_finish_unsent until it returns false. NULL for a server. */
  void (*on_unsent)(void *user);
  void *user;
  size_t count;      /* of streams */
  size_t refused;    /* of these, how many stream_refuse was called for */
  struct date *date; /* of responses, for all connections of a server */
};

/* One field as it was received: nghttp2's own texts, shared with its HPACK table. */
struct stream_field {
  nghttp2_rcbuf *name;
  nghttp2_rcbuf *value;
};

struct stream {
  struct list link;
  struct stream_list *list; /* NULL once on_close was called: the connection may be gone */
  int32_t id;
  unsigned references; /* the list's own, and stream_keep's */
  bool closed;
  bool unsent;         /* closed, and nghttp2 will not report it any more */
  uint32_t error_code; /* if it is unsent */
  const struct stream_events *events;
  void *user;

  /* What is received. */
  const char *method, *path;   /* "" where there is none */
  struct stream_field *fields; /* `first_fields`, until they are too few */
  size_t field_count;
  size_t field_room;
  size_t header_count;     /* the fields after these are trailers */
  size_t header_list_size; /* of all fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts */
  size_t fields_size;      /* its part of list->fields_size */
  size_t blocks;           /* bytes of its header blocks that have ended */
  bool is_head;            /* a request's method is HEAD */
  bool headers_complete;
  bool headers_too_large;
  bool list_full;    /* the client's streams have no memory left for its fields */
  bool received_all; /* END_STREAM */
  bool malformed;    /* in a way that nghttp2 lets pass */
  bool paused;
  size_t unconsumed; /* bytes received while paused, for which the peer got no window yet */

  /* What is sent. */
  bool headers_submitted;
  bool bodyless;     /* END_STREAM was on HEADERS */
  bool ended;        /* no more will be written */
  bool refused;      /* stream_refuse was called */
  bool deferred;     /* nghttp2 waits to be told that there is more */
  bool wants_drain;  /* stream_write has returned 0 */
  int64_t body_left; /* of the announced length, or STREAM_LENGTH_UNKNOWN */
  struct body body;
  nghttp2_nv *trailers; /* one allocation with all texts; NULL for none */
  size_t trailer_count;

  /* The last members: a new stream leaves them as they are. */
  struct response_rules rules; /* a client's */
  struct stream_field first_fields[STREAM_FIRST_FIELDS];
  char status[STREAM_DIGITS], length[STREAM_DIGITS]; /* of the response, for nghttp2 to read */
};

/* A new stream on the list. Returns NULL when there is no memory. */
struct stream *stream_begin(struct stream_list *list, int32_t id);

/* Count the stream's fields against its client's limit of memory; its header blocks have `blocks`
 * bytes so far. Sets list_full if that is too much; then it takes no more fields. */
void stream_count_fields(struct stream *stream, size_t blocks);

/* Keep one field that was received. Returns 0, or -1 when there is no memory. */
int stream_add_field(struct stream *stream, nghttp2_rcbuf *name, nghttp2_rcbuf *value);

/* Let go of all fields that were received. */
void stream_forget_fields(struct stream *stream);

/* End one stream that was closed before it was sent. Returns false if there is none. */
bool stream_finish_unsent(struct stream_list *list);

/* The end: remove the stream from the list and call on_close; only those who keep it still have
 * it. */
void stream_finish(struct stream *stream, uint32_t error_code);

#endif
