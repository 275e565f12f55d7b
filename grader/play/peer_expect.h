/*
 * peer_expect: what the program must do and send on a connection. Each function waits for that, and
 * fails the check once it can no longer come.
 */
#ifndef GRADER_PEER_EXPECT_H
#define GRADER_PEER_EXPECT_H

#include "grader/play/peer.h"

/* --- The connection --------------------------------------------------------------------------- */

/* The program has connected: the next peer. */
struct peer *peer_accept(struct exchange *exchange);

/* The same for a program that must wait for its first answer: the peer answers only when the
 * program sleeps. Set exchange->holds before starting the program. */
struct peer *peer_accept_late(struct exchange *exchange);

/* Wait for the program's first request, on the next connection to accept. Returns whether it has
 * arrived: the program may end before. */
bool peer_await_request(struct exchange *exchange);

/* A new client of the program, which is a server; or of the reference server, to compare. It sends
 * nothing. */
struct peer *peer_connect(struct exchange *exchange);
struct peer *peer_connect_to_reference(struct exchange *exchange);

/* Exchange and acknowledge both sides' SETTINGS, with nothing unusual in them. */
void peer_handshake(struct peer *peer);

/* --- What the program must wait for ----------------------------------------------------------- */

/* Send nothing for a while (exchange_pause): `event`, words for a message, has not come yet, so the
 * program must not say goodbye, close the connection or end. */
void peer_expect_patience(struct peer *peer, const char *event);

/* --- What the program must send --------------------------------------------------------------- */

/* The connection is made; with TLS, the handshake is complete. The peer cannot send before that. */
void peer_expect_open(struct peer *peer);

/* The preface, and SETTINGS right after it (RFC 9113, section 3.4). */
void peer_expect_preface(struct peer *peer);

/* SETTINGS with the ACK flag. */
void peer_expect_settings_ack(struct peer *peer);

/* Send PING with any 8 bytes, and return when the program has answered it, so that it has read
 * everything sent before; or once it can no longer answer. */
void peer_settle(struct peer *peer);

/* The same, and the program must answer. */
void peer_expect_settled(struct peer *peer);

/* PING with the ACK flag and these 8 bytes. */
void peer_expect_ping_ack(struct peer *peer, const uint8_t *octets);

/* GOAWAY with NO_ERROR. */
/* Wait for a GOAWAY, with any code, or for the end of the connection. Returns whether it came. */
bool peer_await_goaway(struct peer *peer);
void peer_expect_goaway(struct peer *peer);

/* RST_STREAM on that stream with that code. */
void peer_expect_reset(struct peer *peer, int32_t stream_id, uint32_t error_code);

/* The program closes the connection. */
void peer_expect_close(struct peer *peer);

/* The header block of the next new stream is complete. Returns its id. */
int32_t peer_expect_request(struct peer *peer);

/* The request on that stream has ended (END_STREAM); its body is in peer_stream(...)->body. */
void peer_expect_end_of_request(struct peer *peer, int32_t stream_id);

/* The response on that stream has ended (END_STREAM); a reset instead fails the check. */
void peer_expect_response(struct peer *peer, int32_t stream_id);

/* The header section on that stream obeys RFC 9113, sections 8.2 and 8.3. */
void peer_expect_well_formed(struct peer *peer, int32_t stream_id);

/* A complete, well-formed response with this status and body, and the current date. */
void peer_expect_answer(struct peer *peer, int32_t stream_id, const char *status, const char *body);

/* The program refuses the request or its connection as RFC 9113, section 8.1.1 says: RST_STREAM or
 * GOAWAY with PROTOCOL_ERROR, or a response with status 400. `what` says what is wrong with the
 * request. */
void peer_expect_refusal(struct peer *peer, int32_t stream_id, const char *what);

/* Whether the program does so; wait until it does, or does something else. */
bool peer_refuses(struct peer *peer, int32_t stream_id);

/* The program has got everything it requested: it sends GOAWAY(NO_ERROR) and closes. */
void peer_expect_goodbye(struct peer *peer);

#endif
