/*
 * peer: the grader's end of one connection, played frame by frame. This header has its state, and
 * what it has seen. peer_send.h has what it sends, peer_expect.h what it waits for, peer_receive.h
 * how it connects and receives.
 *
 * A check writes both the right and the wrong answers of a peer, so it writes frames, not requests:
 * the peer sends nothing without the check, and refuses nothing. A peer does only three things by
 * itself, because every program may rely on them, and a check can switch off each: it acknowledges
 * SETTINGS of the other side, answers PING, and keeps the flow-control windows open.
 *
 * The functions peer_expect_... wait for a frame of the program, whatever comes before it: the
 * order of frames is mostly free. The check fails only when the expected frame can no longer come.
 * It then shows, as seen, the first frame since the last expectation that a program may not send at
 * any time.
 */
#ifndef GRADER_PEER_H
#define GRADER_PEER_H

#include <nghttp2/nghttp2.h>

#include "common/buffer.h"
#include "common/transport.h"
#include "grader/play/exchange.h"
#include "grader/play/hpack_writer.h"
#include "grader/play/legal.h"
#include "grader/wire/tls_notes.h"
#include "grader/wire/tls_records.h"

enum { PEER_STREAMS = 1024, PEER_LEAPS = 2 };

/* What the program has sent on a stream: a request if it is a client, a response if
 * it is a server. There are PEER_STREAMS, from stream 1 on; see peer_leave_out. */
struct peer_stream {
  struct buffer fields; /* "name: value\n" of its header block; of the final one, for a response */
  struct buffer body;
  size_t counted; /* the bytes of DATA that count for flow control: with padding */
  int32_t window; /* how much the peer may still send on it */
  bool opened;
  bool end_stream_pending; /* END_STREAM came with HEADERS, and CONTINUATION may still come */
  bool headers_complete;
  bool in_trailers; /* this header block comes after the body */
  bool returned;    /* by peer_expect_request */
  bool ended;       /* END_STREAM has arrived */
  bool reset;       /* RST_STREAM has arrived, with: */
  uint32_t error_code;
  long frame;       /* where it began in the recording, ... */
  long complete_at; /* where its header block became complete, ... */
  long over_at;     /* and where END_STREAM or RST_STREAM came */
};

struct peer {
  struct exchange *exchange;
  enum frame_sender program;   /* which side the program is: the other one is ours */
  bool is_reference;           /* it talks to the reference server; no recording */
  bool connected;              /* and the TLS handshake, if any, is complete */
  struct transport *transport; /* NULL once it is closed */
  unsigned connection;
  struct wire wire; /* for a capture of what goes through TLS */
  struct tls_notes notes;
  struct frame_decoder *decoder;
  nghttp2_hd_deflater *deflater;
  struct hpack_writer writer; /* in place of the deflater, ... */
  bool uses_writer;           /* ... on about half of the connections */
  bool is_plain;              /* its requests are those of request_make_plain */
  size_t next;                /* the recording's entry after the last expectation that held */
  bool hold_settings_ack;     /* do not acknowledge SETTINGS by itself */
  bool hold_windows;          /* do not open windows by itself */
  int32_t window;             /* how much may still be sent on the connection */
  int32_t initial_window;     /* of the program's streams, by its SETTINGS */
  bool settings_received;     /* from the program */
  bool goaway_sent;           /* to the program */
  bool settings_sent;         /* the same ... */
  bool settings_acknowledged; /* ... and acknowledged by it, */
  long acknowledged_at;       /* there in the recording */

  /* The program's SETTINGS, and its PING with these bytes, arrived before we sent our SETTINGS.
   * Acknowledge them after our SETTINGS, which must be the first frame. */
  bool settings_ack_due;
  bool ping_ack_due;
  uint8_t ping_octets[8];

  size_t pings_answered; /* by the program */
  struct legal legal;
  long illegal_at;     /* where in the recording its error is */
  bool protocol_error; /* GOAWAY(PROTOCOL_ERROR) has arrived */
  bool closed_by_program;
  char error[160];        /* in which way, as transport.h says it */
  size_t bytes_received;  /* above TLS */
  size_t bytes_unsent;    /* of what has been given to the transport ... */
  bool closes;            /* ... and it is closed once they are sent */
  size_t frames_received; /* the preface counts */
  size_t returned_count;  /* requests that peer_expect_request has returned */
  struct buffer value;    /* of peer_request_field */
  bool pads;              /* peer_send_padded */
  bool is_raw;            /* the check sends bytes by itself: no noise between them */
  bool is_slow;
  struct buffer slow; /* bytes to send one by one ... */
  size_t slow_sent;   /* ... and how many of them are sent */
  uv_timer_t slow_timer;
  struct peer_stream streams[PEER_STREAMS];
  struct {
    int32_t id;   /* from this stream on ... */
    size_t place; /* ... the streams have these places in `streams` */
  } leaps[PEER_LEAPS];
  size_t leap_count;
};

/* The stream of that (odd) id. Fails the check if a client cannot use it. */
struct peer_stream *peer_stream(struct peer *peer, int32_t stream_id);

/* The same; NULL if a client cannot use it. */
struct peer_stream *peer_find_stream(struct peer *peer, int32_t stream_id);

/* The client leaves out all streams from `from` to `to` (RFC 9113, section 5.1.1): it goes on with
 * `to`. At most PEER_LEAPS times, each further on. */
void peer_leave_out(struct peer *peer, int32_t from, int32_t to);

/* The value of a field that the program has sent, in a buffer that the next call overwrites; NULL
 * if there is no such field. */
const char *peer_field(struct peer *peer, int32_t stream_id, const char *name);

/* The first frame of that type from the program on this connection and that stream (0: any stream):
 * its entry in the recording, or -1. */
long peer_find_frame(const struct peer *peer, uint8_t type, int32_t stream_id);

/* The entry of the recording that came last. */
long peer_last_entry(const struct peer *peer);

/* Which side the grader plays. */
enum frame_sender peer_own_side(const struct peer *peer);

/* Whether bytes are still on their way to the program. */
bool peer_is_sending(const struct peer *peer);

/* Note in the recording that this side closes, once everything is sent. */
void peer_note_close(struct peer *peer);

#endif
