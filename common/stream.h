/*
 * stream: one HTTP/2 stream, which carries one request and its response (RFC 9113, section 8.1).
 *
 * It is duplex, and the same type on both sides: a server is handed one for every request
 * (server.h) and writes the response; a client makes one for every request and writes that. Both
 * are told by events what the peer sends, and can write before, while and after they read.
 *
 * A server's order of calls: stream_set_events (where there is anything to be told), stream_inform
 * any number of times, stream_respond once, then unless there is no body stream_write any number of
 * times, and stream_end or stream_trailers once. A client's: client_request (client.h) has sent the
 * header section; stream_set_events, and the rest is the same.
 *
 * Every function may be called from the stream's events and from anywhere else, such as a timer.
 * What is sent leaves when the event that is being handled returns, or in the next turn of the
 * loop.
 *
 * Threads: a stream belongs to the thread of its loop, as all on that loop does.
 *
 * A stream is gone when on_close has been called, unless somebody keeps it: see stream_keep.
 * Nothing here is forbidden on a closed stream: what would send returns -1 and does nothing, what
 * was received can still be read.
 */
#ifndef COMMON_STREAM_H
#define COMMON_STREAM_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;
struct stream;

enum {
  STREAM_LENGTH_UNKNOWN = -1,    /* stream_respond: the body ends where it ends */
  STREAM_HIGH_WATER = 64 * 1024, /* stream_write: more than this should not wait to be sent */
  STREAM_FIELDS_MAX = 60,        /* fields in one call */
};

/* What happens on a stream. The table must outlive it; every member may be NULL: what comes without
 * an on_data is dropped, and the peer may send more. */
struct stream_events {
  /* A client's: an informational response has come (status 1xx), of which there may be any number
   * before the real one. stream_status and stream_header speak of it until the call returns. */
  void (*on_inform)(struct stream *stream, void *user);

  /* A client's: the response has begun: its header section is complete. */
  void (*on_headers)(struct stream *stream, void *user);

  /* `length` bytes of the peer's body, at least one; `data` is valid until the call returns. */
  void (*on_data)(struct stream *stream, const uint8_t *data, size_t length, void *user);

  /* The peer has sent all, trailers included. For a request without a body it comes as soon as the
   * server's on_stream has returned, for a response without one after on_headers. */
  void (*on_end)(struct stream *stream, void *user);

  /* After stream_write has returned 0: now more is welcome. */
  void (*on_drain)(struct stream *stream, void *user);

  /* The last event, and it always comes. `error_code` is NO_ERROR if both sides had finished; what
   * RST_STREAM said, of either side; CANCEL if the connection was lost. */
  void (*on_close)(struct stream *stream, uint32_t error_code, void *user);
};

/* Have `events` called, with `user`, from now on; NULL for none. Bodies are then read and
 * dropped. */
void stream_set_events(struct stream *stream, const struct stream_events *events, void *user);

/* --- What the peer sent ----------------------------------------------------------------------- */

/* All texts end in NUL (HTTP allows none inside) and live as long as the stream. */

/* A request's :method and :path (with the query, as it came). For what is absent, "". */
const char *stream_method(const struct stream *stream);
const char *stream_path(const struct stream *stream);

/* A response's :status, or 0 while there is none. */
int stream_status(const struct stream *stream);

/* Whether the peer has sent all: END_STREAM has come. Inside a server's on_stream and a client's
 * on_headers it tells whether a body (or trailers) will follow; on_end comes after these. */
bool stream_received_all(const struct stream *stream);

/* The value of the first header field of that name (in lower case; ":authority" works too), or
 * NULL. A name may come several times, `cookie` above all (RFC 9113, section 8.2.3): walk the list
 * for that. */
const char *stream_header(const struct stream *stream, const char *name);

/* All header fields in the order received, pseudo-header fields (":path") first: `index` is less
 * than the count. */
size_t stream_header_count(const struct stream *stream);
const char *stream_header_name(const struct stream *stream, size_t index);
const char *stream_header_value(const struct stream *stream, size_t index);

/* The value of the first trailer field of that name, or NULL. They are there when on_end is
 * called. */
const char *stream_trailer(const struct stream *stream, const char *name);

/* All trailer fields in the order received: `index` is less than the count, which is 0 until
 * on_end. */
size_t stream_trailer_count(const struct stream *stream);
const char *stream_trailer_name(const struct stream *stream, size_t index);
const char *stream_trailer_value(const struct stream *stream, size_t index);

/* Give the peer no more window for now. It may send what the window still allows (64 KiB unless the
 * settings say otherwise), so on_data and on_end may still come: pausing bounds what comes, and no
 * other stream waits for this one. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* The rest of the peer's body is not wanted: no on_data and no on_end come from now on, and when
 * all that this side sends has been sent, RST_STREAM(NO_ERROR) says so (RFC 9113, section 8.1). So
 * a server ends an upload that is too large: stream_respond with 413, stream_end, and
 * stream_refuse, in any order. on_close comes with NO_ERROR. */
void stream_refuse(struct stream *stream);

/* --- What is sent ----------------------------------------------------------------------------- */

/* Send an informational response (103 Early Hints), before stream_respond. Returns 0; or -1 if
 * `status` is not 1xx, or 101, which HTTP/2 does not have, or as stream_respond does. */
int stream_inform(struct stream *stream, int status, const nghttp2_nv *fields, size_t count);

/*
 * Send the response's header section: :status, `fields`, and `date`, unless it is among them.
 * Fields are copied. `body_length` tells what body follows:
 *   0                      none: the response is complete;
 *   n                      n bytes exactly, which `content-length` announces, unless there is one
 *                          among the fields: that stands, unchecked;
 *   STREAM_LENGTH_UNKNOWN  any number.
 * A response of length 0, one to HEAD and one with status 204 or 304 has no body: it is complete at
 * once, and what is written is dropped (stream_write returns 0, and on_drain does not come); 204
 * and 304 have no content-length either. Call stream_end all the same: it does no harm.
 *
 * Returns 0; or -1, and nothing is sent: the stream is closed, it has been responded to, `status`
 * is not 200 to 599, there are more than STREAM_FIELDS_MAX fields, there is no memory; or a field
 * is such as HTTP/2 does not allow, so that the peer would reset the stream (RFC 9113, section
 * 8.2): a name that is empty, or has a blank or ':' or other signs that no token has; a value with
 * CR, LF or other control characters, or with a blank at either end; connection, keep-alive,
 * proxy-connection, transfer-encoding, upgrade, and te but for "trailers".
 */
int stream_respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                   int64_t body_length);

/*
 * Send `length` bytes of the body; they are copied. Returns
 *    1  more is welcome;
 *    0  taken, but STREAM_HIGH_WATER is reached, or four times that by all streams of the
 *       connection: wait for on_drain. Or there is no body (see stream_respond), and it was
 *       dropped: on_drain does not come, so do not produce one;
 *   -1  not taken: closed, not responded yet, ended, or no memory.
 * More than the announced length is not sent: the stream is closed with INTERNAL_ERROR, -1.
 */
int stream_write(struct stream *stream, const void *data, size_t length);

/* The same without a copy, for bytes that stay as they are until on_close: string literals,
 * tables. */
int stream_write_static(struct stream *stream, const void *data, size_t length);

/* Send the last `length` bytes (NULL and 0 for none) and END_STREAM. The peer's body may go on
 * after it, and on_data with it. Returns 0 or -1 as stream_write does; less than the announced
 * length closes the stream with INTERNAL_ERROR. */
int stream_end(struct stream *stream, const void *data, size_t length);

/* Send trailer fields and END_STREAM, after the body: in place of stream_end. Fields are copied.
 * Returns 0 or -1, as stream_end and stream_respond do. */
int stream_trailers(struct stream *stream, const nghttp2_nv *fields, size_t count);

/* Give the stream up, both ways: RST_STREAM with `error_code`. What waits to be sent is dropped; of
 * the events none follows but on_close. That comes when RST_STREAM has been sent, not before this
 * returns; and for a request that had not left yet, in the next turn of the loop. */
void stream_close(struct stream *stream, uint32_t error_code);

/* --- The stream itself ------------------------------------------------------------------------ */

/* Whether stream_close or on_close was called. */
bool stream_is_closed(const struct stream *stream);

/* Keep the stream's memory until stream_release, though it may be closed in the meantime. Each call
 * needs its stream_release. Returns `stream`. */
struct stream *stream_keep(struct stream *stream);
void stream_release(struct stream *stream);

/* Its identifier. */
int32_t stream_id(const struct stream *stream);

/* The connection it is on (connection.h), or NULL: from on_close on, also inside of it. */
struct connection *stream_connection(const struct stream *stream);

#endif
