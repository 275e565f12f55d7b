/*
 * wire: the other end of a program's connection, frame by frame, for the checks of a bonus that are
 * about frames.
 *
 * It is a server (wire_listen, wire_accept) or a client (wire_connect). It sends what the check
 * says, and keeps every frame of the program in order. By itself it does only what every peer does:
 * it sends its preface and SETTINGS, and acknowledges SETTINGS and PING. Calls wait for the
 * program, up to a deadline.
 */
#ifndef GRADER_BONUS_WIRE_H
#define GRADER_BONUS_WIRE_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/frame.h"

enum { WIRE_ANY = -1 /* stream */ };

/* One frame, and when it came, in milliseconds. */
struct wire_entry {
  struct frame *frame;
  uint64_t time;
};

/* One connection. */
struct wire {
  int descriptor;
  bool is_server;   /* this side */
  bool closed;      /* by the program */
  bool is_silent;   /* it sends nothing by itself, */
  bool holds_pings; /* or answers no PING */
  uint64_t ends;    /* when the program closed it */
  struct frame_decoder *decoder;
  nghttp2_hd_deflater *deflater;
  struct wire_entry *entries; /* of the program, in their order */
  size_t count, room;
};

/* Listen on a free port of 127.0.0.1. Returns the socket, or -1. */
int wire_listen(int *port);

/* Wait for a client. Returns NULL if none comes. Free with wire_free. */
struct wire *wire_accept(int listener);

/* Connect to "http://localhost:4711". `silent`: send neither the preface nor anything else. Returns
 * NULL if nobody listens. */
struct wire *wire_connect(const char *address, bool silent);

/* Close it, and free it. NULL is allowed. */
void wire_free(struct wire *wire);

/* Milliseconds of a clock that only goes on. */
uint64_t wire_now(void);

/* How many milliseconds are left of a wait that began `since`. A program that has once let us wait
 * in vain has less time after that: something is wrong with it. */
int wire_time_left(uint64_t since);

/* --- Sending ---------------------------------------------------------------------------------- */

/* Send one frame. A program that is gone gets none. */
void wire_send(struct wire *wire, uint8_t type, uint8_t flags, int32_t stream_id, const void *bytes,
               size_t length);

/* The same for HEADERS with these fields. */
void wire_send_fields(struct wire *wire, uint8_t flags, int32_t stream_id, const nghttp2_nv *fields,
                      size_t count);

/* Compress these fields, for frames that the check cuts itself. Returns the length. */
size_t wire_compress(struct wire *wire, const nghttp2_nv *fields, size_t count, uint8_t *bytes,
                     size_t size);

/* A request without a body. */
void wire_request(struct wire *wire, int32_t stream_id, const char *method, const char *path);
void wire_reset(struct wire *wire, int32_t stream_id, uint32_t error_code);

/* --- What the program sends ------------------------------------------------------------------- */

/* Wait at most `ms` for more bytes. Returns whether some came. */
bool wire_read(struct wire *wire, int ms);

/* The first frame of this type on this stream (or WIRE_ANY) from the `from`th on. The first waits
 * for it, and returns -1 if the program closes, or the deadline is over. The second returns -1 if
 * it has not come. */
long wire_expect(struct wire *wire, unsigned type, int32_t stream_id, size_t from);
long wire_find(const struct wire *wire, unsigned type, int32_t stream_id, size_t from);

/* Wait until the program has sent END_STREAM or RST_STREAM on this stream. Returns whether it was
 * END_STREAM. */
bool wire_expect_end(struct wire *wire, int32_t stream_id);

/* How many frames of this type there are on this stream. */
size_t wire_count(const struct wire *wire, unsigned type, int32_t stream_id);

/* Wait until the program has answered two PINGs: then it has seen all that was sent, and what it
 * does about that at once has come. Returns false if it does not answer. */
bool wire_settle(struct wire *wire);

/* Wait until the program closes. Returns false if it does not. */
bool wire_expect_close(struct wire *wire);

/* The frames on a stream (or WIRE_ANY) from the `from`th on, in words: "HEADERS 103, DATA with
 * END_STREAM". The text is overwritten by the next call. */
const char *wire_words(const struct wire *wire, int32_t stream_id, size_t from);

#endif
