/*
 * strict: find errors and floods of a client that nghttp2 1.52 does not notice.
 *
 * A server must answer some frames with an error that nghttp2 does not give, mostly because nghttp2
 * forgets a stream once it is closed: then an unused stream and an ended one look the same. So this
 * module looks at the frame headers before nghttp2 gets them, and remembers a little about each
 * stream: that takes a few instructions for each frame, and one byte for each of the latest
 * streams. nghttp2 handles all other errors.
 *
 * It also passes each frame header on in one piece. While nghttp2 waits for CONTINUATION, it takes
 * the number of its calls for the number of frames, and gives up at eight. So a header that arrives
 * byte by byte would be lost.
 *
 *     HEADERS on an identifier that was left out    PROTOCOL_ERROR     RFC 9113, section 5.1.1
 *     DATA on one                                   STREAM_CLOSED      section 6.1
 *     HEADERS or DATA after the client's own        STREAM_CLOSED      sections 5.1 and 6.1
 *       END_STREAM or RST_STREAM
 *     CONTINUATION that is too long                 FRAME_SIZE_ERROR   section 4.2
 *     a header block that ends inside a field       COMPRESSION_ERROR  section 4.3
 *       that is too long for nghttp2
 *     PRIORITY on stream 0                          PROTOCOL_ERROR     section 6.3
 *     more than calm.h and STRICT_CONTINUATIONS     ENHANCE_YOUR_CALM  section 10.5
 *       allow
 *
 * From the same knowledge, strict also says what the server waits for.
 */
#ifndef COMMON_STRICT_H
#define COMMON_STRICT_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many CONTINUATION frames a header block may have: eight and HEADERS carry 144 KiB. */
enum { STRICT_CONTINUATIONS = 8 };

struct strict;

/* For a new connection from a client, before its preface. `now` is in milliseconds, from any moment
 * on. Returns NULL when there is no memory. */
struct strict *strict_new(uint64_t now);

/*
 * Look at the next bytes from the client, in any fragmentation, and pass them to the session. At
 * the first wrong frame, do not pass it on but end the session (nghttp2_session_terminate_session),
 * as a connection error. Returns 0, or a negative error code of nghttp2_session_mem_recv.
 */
int strict_receive(struct strict *strict, nghttp2_session *session, const uint8_t *bytes,
                   size_t length);

/* Call it before strict_receive, with the current time and the number of bytes sent since the last
 * call. */
void strict_turn(struct strict *strict, uint64_t now, uint64_t sent);

/* Look at a frame that the server sends, of any type except DATA. Returns the error with which the
 * connection must end (because too many of the client's streams had to be reset), or NO_ERROR. */
uint32_t strict_sent(struct strict *strict, const uint8_t *frame, size_t length);

/* The error code of the client's first GOAWAY that has one, or NO_ERROR. */
uint32_t strict_goaway(const struct strict *strict);

/* Whether a field of the latest header block was shortened (long_fields.h). */
bool strict_has_cut(const struct strict *strict);

/* What the client is sending at the moment. */
enum strict_place {
  STRICT_GREETING, /* its preface, or the header of the SETTINGS that belong to it */
  STRICT_BETWEEN,  /* nothing: every frame that has begun is complete */
  STRICT_IN_DATA,  /* DATA */
  STRICT_IN_FRAME, /* any other frame, or a header block */
};

/* Sets `*begun` to the time, as strict_turn got it, at which that began. */
enum strict_place strict_place(const struct strict *strict, uint64_t *begun);

/* What the latest streams wait for, in the bits of connection_config: for owners without
 * `waits`. */
unsigned strict_waits(const struct strict *strict, nghttp2_session *session);

/* NULL is allowed. */
void strict_free(struct strict *strict);

#endif
