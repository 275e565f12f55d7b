/*
 * peer: the grader's end of one connection, played frame by frame.
 *
 * A check is the author of both the right and the wrong answers that a peer can give, so it writes frames,
 * not requests: nothing is sent that it does not ask for, and nothing is refused. Only these go without saying,
 * because every program may rely on them, and each can be switched off: SETTINGS of the other side are
 * acknowledged, PING is answered, and the flow-control windows are kept open.
 *
 * Functions that wait (peer_expect_...) wait for a frame of the program, whatever comes before it: the
 * order of frames is mostly free. Only when the expected one can no longer come, the check fails, and the
 * first frame since the last expectation that a program is not free to send at any time is shown in its place.
 */
#ifndef GRADER_PEER_H
#define GRADER_PEER_H

#include <nghttp2/nghttp2.h>

#include "common/buffer.h"
#include "common/transport.h"
#include "grader/play/exchange.h"
#include "grader/wire/tls_records.h"

enum { PEER_STREAMS = 512 };

/* What the program has sent on a stream: a request if it is a client, a response if it is a server. Up to stream
 * 1023. */
struct peer_stream {
  struct buffer fields; /* "name: value\n" of its header block; of the final one, for a response */
  struct buffer body;
  int32_t window; /* how much the peer may still send on it */
  bool opened;
  bool end_stream_pending; /* END_STREAM came with HEADERS, and CONTINUATION may still come */
  bool headers_complete;
  bool in_trailers; /* the header block that arrives comes after the body */
  bool returned;    /* by peer_expect_request */
  bool ended;       /* END_STREAM has come */
  bool reset;       /* RST_STREAM has come, with: */
  uint32_t error_code;
  long frame;       /* where it began in the recording, ... */
  long complete_at; /* where its header block became complete, ... */
  long over_at;     /* and where END_STREAM or RST_STREAM came */
};

struct peer {
  struct exchange *exchange;
  enum frame_sender program;   /* which side the program is: the other one is ours */
  bool is_reference;           /* it talks to the reference server, and is not recorded */
  bool connected;              /* and through with the TLS handshake, if there is one */
  struct transport *transport; /* NULL once it is closed */
  unsigned connection;
  struct wire wire; /* for a capture of what goes through TLS */
  struct frame_decoder *decoder;
  nghttp2_hd_deflater *deflater;
  size_t next;                /* the entry of the recording behind the last expectation that held */
  bool hold_settings_ack;     /* do not acknowledge SETTINGS by itself */
  bool hold_windows;          /* do not open windows by itself */
  int32_t window;             /* how much may still be sent on the connection */
  int32_t initial_window;     /* of the program's streams, by its SETTINGS */
  bool settings_received;     /* from the program */
  bool settings_sent;         /* to the program ... */
  bool settings_acknowledged; /* ... and acknowledged by it, */
  long acknowledged_at;       /* there in the recording */
  bool
      settings_ack_due; /* its SETTINGS came before ours were sent, which must be the first frame; ... */
  bool ping_ack_due; /* ... and so did its PING, with these octets */
  uint8_t ping_octets[8];
  size_t pings_answered; /* by the program */
  bool protocol_error;   /* GOAWAY(PROTOCOL_ERROR) has come */
  bool closed_by_program;
  char error[160];        /* in which way, as transport.h says it */
  size_t bytes_received;  /* above TLS */
  size_t bytes_unsent;    /* of what has been given to the transport ... */
  bool closes;            /* ... and it is closed once they are sent */
  size_t frames_received; /* the preface counts */
  size_t returned_count;  /* requests that peer_expect_request has returned */
  struct buffer value;    /* of peer_request_field */
  bool is_slow;
  struct buffer slow; /* octets to be sent one by one ... */
  size_t slow_sent;   /* ... and how many of them are gone */
  uv_timer_t slow_timer;
  struct peer_stream streams[PEER_STREAMS];
};

/* For exchange.c: take over an accepted transport; or connect to a port of localhost. NULL when there is no
 * memory. */
struct peer *peer_accept(struct exchange *exchange, struct transport *transport);
struct peer *peer_connect(struct exchange *exchange, int port, bool is_reference);
void peer_free(struct peer *peer);

/* For peer_send.c: say that this side closes, once all is sent. */
void peer_note_close(struct peer *peer);

/* Whether bytes are still on their way to the program. */
bool peer_is_sending(const struct peer *peer);

/* The first frame of that type that the program has sent on this connection, and on that stream (0: on any): its entry in the
 * recording, or -1. */
long peer_find_frame(const struct peer *peer, uint8_t type, int32_t stream_id);

/* The stream of that (odd) id. */
struct peer_stream *peer_stream(struct peer *peer, int32_t stream_id);

/* --- What the program must send ---------------------------------------------------------------------- */

/* The connection is there; with TLS, the handshake is complete. Nothing can be sent before that. */
void peer_expect_open(struct peer *peer);

/* The preface, and SETTINGS right behind it (RFC 9113, section 3.4). */
void peer_expect_preface(struct peer *peer);

/* SETTINGS with the ACK flag. */
void peer_expect_settings_ack(struct peer *peer);

/* Send PING with these 8 octets, and return when the program has answered it, and so has read all that was sent to it before;
 * or once it cannot any more. */
void peer_settle(struct peer *peer, const uint8_t *octets);

/* PING with the ACK flag and these 8 octets. */
void peer_expect_ping_ack(struct peer *peer, const uint8_t *octets);

/* GOAWAY with NO_ERROR. */
void peer_expect_goaway(struct peer *peer);

/* RST_STREAM on that stream with that code. */
void peer_expect_reset(struct peer *peer, int32_t stream_id, uint32_t error_code);

/* The program closes the connection. */
void peer_expect_close(struct peer *peer);

/* The header block of the next new stream is complete. Returns its id. */
int32_t peer_expect_request(struct peer *peer);

/* The request on that stream has ended (END_STREAM); its body is in peer_stream(...)->body. */
void peer_expect_end_of_request(struct peer *peer, int32_t stream_id);

/* The response on that stream has ended (END_STREAM), or a reset has come in its place: fails the check. */
void peer_expect_response(struct peer *peer, int32_t stream_id);

/* A complete response with this status and this body, and a date. */
void peer_expect_answer(struct peer *peer, int32_t stream_id, const char *status, const char *body);

/* The request or its connection is refused as RFC 9113, section 8.1.1 says: RST_STREAM or GOAWAY with
 * PROTOCOL_ERROR, or a response with status 400. `what` names what is wrong with it. */
void peer_expect_refusal(struct peer *peer, int32_t stream_id, const char *what);

/* The value of a field that the program has sent, in a buffer that is overwritten by the next call; NULL if there
 * is no such field. */
const char *peer_field(struct peer *peer, int32_t stream_id, const char *name);

/* --- What the peer sends --------------------------------------------------------------------------- */

/* Any bytes. */
void peer_send_bytes(struct peer *peer, const void *bytes, size_t length);

/* Any frame. The frame header is made of these, right or wrong; `length` octets of payload follow. */
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

/* One DATA frame, whatever the windows say: at most 16,384 octets. */
void peer_send_data(struct peer *peer, int32_t stream_id, const void *bytes, size_t length,
                    bool end_stream);

/* A body of any length in DATA frames, with END_STREAM; waits for the program to open its windows. */
void peer_send_body(struct peer *peer, int32_t stream_id, const void *bytes, size_t length);

/* Send what follows one octet at a time, each when the program has read the one before; until peer_send_quickly. */
void peer_send_slowly(struct peer *peer);
void peer_send_quickly(struct peer *peer);

/* A client's 24 octets, and SETTINGS behind them. */
void peer_send_preface(struct peer *peer, const nghttp2_settings_entry *entries, size_t count);

/* A whole request without a body, or the header section of one. */
void peer_send_request(struct peer *peer, int32_t stream_id, bool end_stream, const char *method,
                       const char *path);

/* Both sides' SETTINGS are exchanged and acknowledged, with nothing unusual in them. */
void peer_handshake(struct peer *peer);

/* The program has got all it asked for: it says GOAWAY(NO_ERROR) and closes. */
void peer_expect_goodbye(struct peer *peer);

/* FIN; or RST, at once. */
void peer_close(struct peer *peer);
void peer_abort(struct peer *peer);

#endif
