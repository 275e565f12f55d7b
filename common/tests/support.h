/*
 * support: shared by the tests of transport, listener and connection: a loop that never waits
 * for ever, plain sockets to talk to, and a note of all that happens to a transport.
 *
 * Everything runs in one thread: the functions that wait let the loop turn.
 */
#ifndef COMMON_TESTS_SUPPORT_H
#define COMMON_TESTS_SUPPORT_H

#include "common/buffer.h"
#include "common/transport.h"

/* --- The loop: one for each test, which has a process of its own ------------------------------ */

/* The .init and .fini of a suite. support_end waits until nothing is left on the loop, and fails
 * the test if a handle was forgotten. */
void support_begin(void);
void support_end(void);

uv_loop_t *support_loop(void);

/* Wait for the next event on the loop, whatever it is. Fails the test once
 * it has run for 20 seconds. */
void support_turn(void);

/* Turn until `*flag`. */
void support_wait(const bool *flag);

/* Turn until nothing more can happen. */
void support_drain(void);

/* Milliseconds since some moment. */
uint64_t support_now(void);

/* --- Sockets: TCP on 127.0.0.1, non-blocking -------------------------------------------------- */

/* Listen; the port goes into `*port`. */
int support_listen(int *port);

/* Take the next client; wait for it. */
int support_accept(int listening);

/* Connect to a port of 127.0.0.1; the loop does not turn meanwhile. */
int support_connect(int port);

/* Two ends of one connection. */
void support_pair(int pair[2]);

/* Bind a socket to a port, which goes into `*port`, but do not listen: nobody else gets the port,
 * and the kernel refuses connections to it. */
int support_refuse(int *port);

/* Send all of it. */
void support_send(int descriptor, const void *data, size_t length);

/* Receive at least one byte; or return 0 when the peer has closed, or -1 with errno set. */
ssize_t support_receive(int descriptor, void *data, size_t size);

/* Receive exactly these bytes. */
void support_expect(int descriptor, const void *data, size_t length);

/* Receive the end: FIN, and nothing before it. */
void support_expect_end(int descriptor);

/* Close the socket by RST. */
void support_reset(int descriptor);

/* --- A transport under observation ------------------------------------------------------------ */

struct support_probe;
typedef void (*support_hook)(struct support_probe *probe);

/* Zero it before use. Events out of order fail the test. */
struct support_probe {
  struct transport *transport;           /* NULL after the end */
  SSL_CTX *tls;                          /* NULL: plain */
  const char *host;                      /* to connect to; NULL for 127.0.0.1 */
  const struct transport_events *events; /* NULL for support_events */
  bool open;
  bool closing;       /* the test has called support_probe_close */
  bool closed;        /* on_close was called, */
  char error[640];    /* with this; "" for NULL */
  struct buffer data; /* the bytes that have arrived, unless `discard` is set */
  bool discard;
  const uint8_t *piece; /* the argument of on_data; NULL outside of at_data */
  size_t piece_length;
  size_t received;     /* the length of all of them */
  size_t writable;     /* calls of on_writable */
  size_t system_calls; /* that have sent something */
  size_t sent;         /* the bytes of them */
  /* The test's part of an event, after the note. May be NULL. */
  support_hook at_open;
  support_hook at_data;
  support_hook at_writable;
  support_hook at_close;
  int peer;       /* for the test's own use, */
  size_t written; /* and this, */
  size_t peak;    /* and this */
};

/* The events of a probe, which is their `user`. */
extern const struct transport_events support_events;

/* Connect to a port of its host. */
void support_probe_connect(struct support_probe *probe, int port);

/* Accept and start on one end of a pair. */
void support_probe_start(struct support_probe *probe, int descriptor);

/* The same on a pair of its own; the other end is `peer`. */
void support_probe_begin(struct support_probe *probe);

/* Call transport_close. */
void support_probe_close(struct support_probe *probe);

/* Call transport_free. */
void support_probe_drop(struct support_probe *probe);

/* Wait for the end, which must come with this error; NULL for none. */
void support_probe_expect_close(struct support_probe *probe, const char *error);

/* Wait until this much was sent. */
void support_probe_expect_sent(struct support_probe *probe, size_t length);

/* Drop the transport if it is still there, and free the bytes that arrived. */
void support_probe_free(struct support_probe *probe);

/* --- Bytes ------------------------------------------------------------------------------------ */

/* Fill in the bytes from `offset` on of an endless text, in which every place looks
 * different. */
void support_fill(void *bytes, size_t offset, size_t length);

/* Fail unless these bytes are that part of the text. */
void support_expect_filled(const void *bytes, size_t offset, size_t length);

#endif
