/*
 * strict: errors in what a client sends that nghttp2 1.52 passes over.
 *
 * A server must answer some frames with an error that nghttp2 does not give, mostly because it
 * forgets a stream once it is closed: it cannot tell one that was never used from one that has
 * ended. So the frame headers are looked at here before nghttp2 gets them, and the little that
 * has to be known of each stream is kept: a few instructions a frame, and one octet for each of
 * the latest streams. All other errors are left to nghttp2.
 *
 * And a frame header is handed on in one piece: nghttp2 counts how often it is called while it
 * waits for CONTINUATION, takes that for the number of frames, and gives up at eight, so that a
 * header that arrives octet by octet is lost.
 *
 *     HEADERS on an identifier that was left out    PROTOCOL_ERROR     RFC 9113, section 5.1.1
 *     DATA on one                                   STREAM_CLOSED      section 6.1
 *     HEADERS or DATA after the client's own        STREAM_CLOSED      sections 5.1 and 6.1
 *       END_STREAM or RST_STREAM
 *     CONTINUATION that is too long                 FRAME_SIZE_ERROR   section 4.2
 *     PRIORITY on stream 0                          PROTOCOL_ERROR     section 6.3
 */
#ifndef COMMON_STRICT_H
#define COMMON_STRICT_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <stdint.h>

struct strict;

/* For a new connection from a client, before its preface. Returns NULL when there is no memory. */
struct strict *strict_new(void);

/*
 * Look at the next bytes from the client, in any fragmentation, and hand them to the session; at
 * the first frame that is in error, end the session in its place
 * (nghttp2_session_terminate_session), as a connection error. Returns 0, or a negative code of
 * nghttp2's, of which nghttp2_session_mem_recv tells.
 */
int strict_receive(struct strict *strict, nghttp2_session *session, const uint8_t *bytes,
                   size_t length);

/* NULL is allowed. */
void strict_free(struct strict *strict);

#endif
