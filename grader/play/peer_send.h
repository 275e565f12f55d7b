/*
 * peer_send: what a peer sends.
 */
#ifndef GRADER_PEER_SEND_H
#define GRADER_PEER_SEND_H

#include "grader/play/peer.h"
#include "grader/play/request.h"

/* Any bytes. */
void peer_send_bytes(struct peer *peer, const void *bytes, size_t length);

/* Bytes that are not HTTP/2: the recording has a note of them. */
void peer_send_other(struct peer *peer, const void *bytes, size_t length);

/* Any frame. These values make the frame header, right or wrong; `length` bytes of payload
 * follow. */
void peer_send_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream_id,
                     const void *payload, size_t length);

void peer_send_settings(struct peer *peer, const nghttp2_settings_entry *entries, size_t count);
void peer_send_settings_ack(struct peer *peer);
void peer_send_ping_ack(struct peer *peer); /* if one is due */
void peer_send_ping(struct peer *peer, const uint8_t *octets);
void peer_send_goaway(struct peer *peer, int32_t last_stream_id, uint32_t error_code);
void peer_send_reset(struct peer *peer, int32_t stream_id, uint32_t error_code);
void peer_send_window_update(struct peer *peer, int32_t stream_id, uint32_t increment);

/* HEADERS with these fields: name, value, name, value, ..., NULL. */
void peer_send_headers(struct peer *peer, int32_t stream_id, int end_stream, ...)
    __attribute__((sentinel));

/* The same block cut into HEADERS and one CONTINUATION, in the middle. */
void peer_send_headers_in_two(struct peer *peer, int32_t stream_id, int end_stream, ...)
    __attribute__((sentinel));

/* One DATA frame, whatever the windows say: at most 16,384 bytes. */
void peer_send_data(struct peer *peer, int32_t stream_id, const void *bytes, size_t length,
                    bool end_stream);

/* How many of `length` bytes of a body both windows, and the size of a frame, allow to be sent now
 * on that stream. */
size_t peer_allowance(struct peer *peer, int32_t stream_id, size_t length);

/* A body of any length in DATA frames, with END_STREAM; it waits for the program to open its
 * windows. */
void peer_send_body(struct peer *peer, int32_t stream_id, const void *bytes, size_t length);

/* From now on every HEADERS and DATA has padding, and HEADERS has the fields of a priority (RFC
 * 9113, sections 6.1 and 6.2): they change nothing but the flags and the length. */
void peer_send_padded(struct peer *peer);

/* From now on send one byte at a time, each when the program has read the previous one; until
 * peer_send_quickly. */
void peer_send_slowly(struct peer *peer);
void peer_send_quickly(struct peer *peer);

enum { PEER_MORE_SETTINGS = 3 };

/* Add a few settings that change nothing, so that nobody knows how long the frame is: at most
 * PEER_MORE_SETTINGS. Returns how many there are then. */
size_t peer_add_settings(struct peer *peer, nghttp2_settings_entry *entries, size_t count);

/* A client's preface, and SETTINGS after it. If `count` is 0: a few that change nothing. */
void peer_send_preface(struct peer *peer, const nghttp2_settings_entry *entries, size_t count);

/* A whole request without a body, or the header section of one; made by request.h. */
void peer_send_request(struct peer *peer, int32_t stream_id, bool end_stream, const char *method,
                       const char *path);

/* The same with one more field. */
void peer_send_request_with(struct peer *peer, int32_t stream_id, bool end_stream,
                            const char *method, const char *path, const char *name,
                            const char *value);

/* A CONNECT to the program itself, without a body: it has no :scheme and no :path (RFC 9113,
 * section 8.5). */
void peer_send_connect(struct peer *peer, int32_t stream_id);

/* A request that request_make has made. */
void peer_send_made(struct peer *peer, int32_t stream_id, bool end_stream,
                    const struct request *request);

/* FIN; or RST, at once. */
void peer_close(struct peer *peer);
void peer_abort(struct peer *peer);

/* Now and then, a frame of a type that nobody knows, which every program must ignore (RFC 9113,
 * section 4.1): so that nobody can tell the frames of a check by how many bytes arrive, or when.
 * `next_type` is the frame that comes next: not inside a header block. */
void peer_make_noise(struct peer *peer, uint8_t next_type);

#endif
