/*
 * gate: hold back the frames of a transport until the page of `make live` lets them pass; an inner
 * part of transport.
 *
 * Only a connection that H2_TRACE=live shows has a gate. It stands between the transport and its
 * channel, above TLS. Frames that were written wait here before they go into the socket. Frames
 * that have arrived wait before the transport gets them; when they are many, nothing more is read.
 * So the programs at both ends really wait.
 *
 * The gate has a connection of its own to `make live` (trace_socket.h). It says whose gate it is,
 * what begins to wait, and what has passed, a line each; the frames before one that has passed have
 * passed too:
 *
 *   {"gate": 1}                                 connection 1, as in the trace
 *   {"id": 7, "sender": "client", "type": "HEADERS", "stream": 1, "length": 38}
 *   {"passed": 7, "sender": "client"}
 *   {"late": true}                              the first order was "hold", and came too late
 *
 * and takes orders, a line each:
 *
 *   flow                        let everything pass
 *   aside                       the same, because the program at the other end holds the frames
 *   hold                        let nothing pass
 *   pass client, pass server    let the frame of this sender pass that has waited longest
 *
 * Until the first order, everything waits, for a second at most: then everything passes until an
 * order comes. When `make live` ends, everything passes.
 */
#ifndef COMMON_GATE_H
#define COMMON_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "common/frame.h"
#include "common/trace.h"

struct gate;

/* Make a gate for this side of the connection that `trace` shows; the trace must outlive it. It
 * shows the frames to the trace: those that wait, as soon as they do. After each order it calls
 * `on_change` from the loop: try again to read and to write. Returns NULL, and then nothing is
 * held: if the trace does not go to `make live`, if `make live` does not run, or without memory. */
struct gate *gate_open(uv_loop_t *loop, struct trace *trace, enum frame_sender side,
                       void (*on_change)(void *user), void *user);

/* Whether to call channel_read now. */
bool gate_wants_to_read(const struct gate *gate);

/* `length` is what channel_read has returned, with `data`, which has room for `size` bytes, and
 * `error`; or CHANNEL_AGAIN. Returns the same, as if channel_read had read what may pass: the end
 * comes when all before it has passed. With CHANNEL_AGAIN, wait for on_change too. */
ssize_t gate_read(struct gate *gate, void *data, ssize_t length, size_t size, char *error,
                  size_t error_size);

/* How many of these bytes may be written now: `data` begins with the first that has not been. If
 * none, wait for on_change. */
size_t gate_write(struct gate *gate, const void *data, size_t length);

/* `length` of them were written. */
void gate_written(struct gate *gate, const void *data, size_t length);

/* Whether frames of this sender wait here. */
bool gate_holds(const struct gate *gate, enum frame_sender sender);

/* Whether somebody holds frames, here or at the other end: then no time-out counts. NULL is
 * allowed: no. */
bool gate_is_patient(const struct gate *gate);

/* Close and free it; what waits is lost. NULL is allowed. */
void gate_close(struct gate *gate);

#endif
