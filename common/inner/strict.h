/*
 * strict: errors and floods in what a client sends that nghttp2 1.52 passes over.
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
 *     more than calm.h and STRICT_CONTINUATIONS     ENHANCE_YOUR_CALM  section 10.5
 *       allow
 *
 * What is known of frames and streams also tells for what the client is waited for.
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
 * Look at the next bytes from the client, in any fragmentation, and hand them to the session; at
 * the first frame that is in error, end the session in its place
 * (nghttp2_session_terminate_session), as a connection error. Returns 0, or a negative code of
 * nghttp2's, of which nghttp2_session_mem_recv tells.
 */
int strict_receive(struct strict *strict, nghttp2_session *session, const uint8_t *bytes,
                   size_t length);

/* Before strict_receive: what time it is, and how many octets were sent since the last time. */
void strict_turn(struct strict *strict, uint64_t now, uint64_t sent);

/* Look at a frame that is sent to the client, of any type but DATA. Returns the error for which the
 * connection must end (so many of the client's streams had to be reset), or NO_ERROR. */
uint32_t strict_sent(struct strict *strict, const uint8_t *frame, size_t length);

/* The error code of the first GOAWAY of the client's that has one, or NO_ERROR. */
uint32_t strict_goaway(const struct strict *strict);

/* In what the client is at the moment. */
enum strict_place {
  STRICT_GREETING, /* its preface, or the header of the SETTINGS that belong to it */
  STRICT_BETWEEN,  /* no frame has begun that is not complete */
  STRICT_IN_DATA,  /* DATA */
  STRICT_IN_FRAME, /* any other frame, or a header block */
};

/* `*begun` becomes the moment, as strict_turn was told, at which that began. */
enum strict_place strict_place(const struct strict *strict, uint64_t *begun);

/* What the latest streams wait for, as connection_config has it: for owners who do not say so. */
unsigned strict_waits(const struct strict *strict, nghttp2_session *session);

/* NULL is allowed. */
void strict_free(struct strict *strict);

#endif
