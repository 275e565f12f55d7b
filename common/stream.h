/*
 * stream: one HTTP/2 stream, which carries one request and its response (RFC 9113, section 8.1).
 *
 * A stream is duplex, and has the same type on both sides. A server gets one for every request
 * (server.h) and writes the response; a client makes one for every request and writes that. Events
 * tell both sides what the peer sends. Both can write before, while and after they read.
 *
 * A server's order of calls: stream_set_events (if the server wants events), stream_inform any
 * number of times, stream_respond once. Then, unless there is no body, stream_write any number of
 * times, and stream_end or stream_trailers once. A client's order: client_request (client.h) has
 * sent the header section; then stream_set_events, and the rest is the same.
 *
 * Call every function from the stream's events or from anywhere else, such as a timer. What you
 * send leaves when the current event returns, or in the next turn of the loop.
 *
 * Threads: a stream belongs to the thread of its loop, like everything on that loop.
 *
 * A stream is gone after on_close, unless somebody keeps it: see stream_keep. Every function is
 * allowed on a closed stream: those that send return -1 and do nothing; those that read still
 * return what was received.
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

/* What happens on a stream. The table must outlive it. Every member may be NULL: without on_data
 * the stream drops the body, and the peer may send more. */
struct stream_events {
  /* A client's: an informational response (status 1xx) has arrived; any number may come before the
   * final one. stream_status and stream_header return its values until the call returns. */
  void (*on_inform)(struct stream *stream, void *user);

  /* A client's: the header section of the response is complete. */
  void (*on_headers)(struct stream *stream, void *user);

  /* `length` bytes of the peer's body, at least one; `data` is valid until the call returns. */
  void (*on_data)(struct stream *stream, const uint8_t *data, size_t length, void *user);

  /* The peer has sent everything, including trailers. For a request without a body, this comes as
   * soon as the server's on_stream has returned; for a response without one, after on_headers. */
  void (*on_end)(struct stream *stream, void *user);

  /* Comes after stream_write has returned 0: now write more. */
  void (*on_drain)(struct stream *stream, void *user);

  /* The last event, which always comes. `error_code` is NO_ERROR if both sides had finished; the
   * code of the RST_STREAM that either side sent; CANCEL if the connection was lost. */
  void (*on_close)(struct stream *stream, uint32_t error_code, void *user);
};

/* Call `events`, with `user`, from now on. NULL: no events; the stream then reads bodies and drops
 * them. */
void stream_set_events(struct stream *stream, const struct stream_events *events, void *user);

/* --- What the peer sent ----------------------------------------------------------------------- */

/* All texts end in NUL (HTTP allows none inside) and live as long as the stream. */

/* A request's :method and :path (with the query, unchanged). "" if it is absent. */
const char *stream_method(const struct stream *stream);
const char *stream_path(const struct stream *stream);

/* A response's :status, or 0 while there is none. */
int stream_status(const struct stream *stream);

/* Whether the peer has sent everything: END_STREAM has arrived. Inside a server's on_stream and a
 * client's on_headers this says whether a body (or trailers) will follow; on_end comes later. */
bool stream_received_all(const struct stream *stream);

/* The value of the first header field of that name (in lower case; ":authority" works too), or
 * NULL. A name may occur several times, above all `cookie` (RFC 9113, section 8.2.3): then walk the
 * list. */
const char *stream_header(const struct stream *stream, const char *name);

/* All header fields in the order received, pseudo-header fields (":path") first: `index` is less
 * than the count. */
size_t stream_header_count(const struct stream *stream);
const char *stream_header_name(const struct stream *stream, size_t index);
const char *stream_header_value(const struct stream *stream, size_t index);

/* The value of the first trailer field of that name, or NULL. Trailers are complete when on_end
 * comes. */
const char *stream_trailer(const struct stream *stream, const char *name);

/* All trailer fields in the order received: `index` is less than the count, which is 0 until
 * on_end. */
size_t stream_trailer_count(const struct stream *stream);
const char *stream_trailer_name(const struct stream *stream, size_t index);
const char *stream_trailer_value(const struct stream *stream, size_t index);

/* Give the peer no more window for now. The peer may send what the window still allows (64 KiB
 * unless the settings say otherwise), so on_data and on_end may still come. A pause bounds what
 * arrives; no other stream waits for this one. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* Refuse the rest of the peer's body: no on_data and no on_end come from now on. When this side has
 * sent everything, RST_STREAM(NO_ERROR) tells the peer (RFC 9113, section 8.1). A server uses this
 * to end an upload that is too large: stream_respond with 413, stream_end, and stream_refuse, in
 * any order. on_close comes with NO_ERROR. */
void stream_refuse(struct stream *stream);

/* --- What is sent ----------------------------------------------------------------------------- */

/* Send an informational response (103 Early Hints), before stream_respond. Returns 0; or -1 if
 * `status` is not 1xx, or is 101, which HTTP/2 does not have, or if stream_respond would return
 * -1. */
int stream_inform(struct stream *stream, int status, const nghttp2_nv *fields, size_t count);

/*
 * Send the response's header section: :status, `fields`, and `date`, unless `fields` has one.
 * Copies the fields. `body_length` says what body follows:
 *   0                      none: the response is complete;
 *   n                      n bytes exactly, which `content-length` announces, unless there is one
 *                          among the fields: that stands, unchecked;
 *   STREAM_LENGTH_UNKNOWN  any number.
 * A response of length 0, a response to HEAD, and a response with status 204 or 304 have no body.
 * They are complete at once, and the stream drops what you write (stream_write returns 0, and
 * on_drain does not come). 204 and 304 have no content-length either. You may still call
 * stream_end: it does no harm.
 *
 * Returns 0; or -1, and sends nothing, if the stream is closed or already has a response, if
 * `status` is not 200 to 599, if there are more than STREAM_FIELDS_MAX fields, or if there is no
 * memory. It also returns -1 for a field that HTTP/2 does not allow, for which the peer would reset
 * the stream (RFC 9113, section 8.2): a name that is empty, or has a blank, ':' or another
 * character that no token has; a value with CR, LF or another control character, or with a blank at
 * either end; connection, keep-alive, proxy-connection, transfer-encoding, upgrade, and te except
 * "trailers". Capital letters of a name are no error: nghttp2 sends them in lower case, except with
 * NGHTTP2_NV_FLAG_NO_COPY_NAME, for which this returns -1.
 */
int stream_respond(struct stream *stream, int status, const nghttp2_nv *fields, size_t count,
                   int64_t body_length);

/*
 * Copy and send `length` bytes of the body. Returns
 *    1  write more;
 *    0  taken, but STREAM_HIGH_WATER is reached, or four times that by all streams of the
 *       connection: wait for on_drain. Or there is no body (see stream_respond), and the bytes were
 *       dropped: on_drain does not come, so produce no more;
 *   -1  not taken: the stream is closed, has no response yet or has ended, or there is no memory.
 * It never sends more than the announced length: then it closes the stream with INTERNAL_ERROR and
 * returns -1.
 */
int stream_write(struct stream *stream, const void *data, size_t length);

/* The same without a copy, for bytes that do not change until on_close: string literals, tables. */
int stream_write_static(struct stream *stream, const void *data, size_t length);

/* Send the last `length` bytes (NULL and 0 for none) and END_STREAM. The peer's body, and on_data,
 * may go on after that. Returns 0 or -1 as stream_write does; if less than the announced length was
 * sent, it closes the stream with INTERNAL_ERROR. */
int stream_end(struct stream *stream, const void *data, size_t length);

/* Send trailer fields and END_STREAM, after the body, instead of stream_end. Copies the fields.
 * Returns 0 or -1, as stream_end and stream_respond do. */
int stream_trailers(struct stream *stream, const nghttp2_nv *fields, size_t count);

/* Give up the stream, both ways: send RST_STREAM with `error_code`, and drop what waits to be sent.
 * The only event that follows is on_close. It comes when RST_STREAM has been sent, not before this
 * returns; for a request that had not left yet, in the next turn of the loop. */
void stream_close(struct stream *stream, uint32_t error_code);

/* --- The stream itself ------------------------------------------------------------------------ */

/* Whether stream_close or on_close has been called. */
bool stream_is_closed(const struct stream *stream);

/* Keep the stream's memory until stream_release, even if the stream is closed in the meantime. Each
 * call needs its own stream_release. Returns `stream`. */
struct stream *stream_keep(struct stream *stream);
void stream_release(struct stream *stream);

/* Its identifier. */
int32_t stream_id(const struct stream *stream);

/* The stream's connection (connection.h), or NULL: inside on_close, and after it. */
struct connection *stream_connection(const struct stream *stream);

#endif
