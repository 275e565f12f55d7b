/*
 * rfc9113: what RFC 9113 demands of a server, as a table: the bytes that a client sends, and the
 * reaction.
 *
 * rfc9113_table.c   the table
 * rfc9113_bytes.c   makes bytes of what the table says is sent
 * rfc9113_play.c    plays one row against a server, and judges what came back
 * rfc9113_server.c  runs the servers
 * rfc9113_tests.c   each row against each server
 *
 * What is sent is a script of statements with ';' between them. Most statements are one frame:
 *
 *     TYPE STREAM WORD...      DATA 1 END_STREAM 'abc'        type:0x42 0 x00ff
 *
 * whose payload is made of the words, in their order:
 *
 *     END_STREAM PADDED ACK    a flag of this type, by its name
 *     flags:0xf0               any flags
 *     'abc'  x00ff  #5         bytes as text (%HH for odd ones), in hexadecimal, or 32 bits
 *     CANCEL                   an error code, 32 bits
 *     300*x00                  a word many times
 *     INITIAL_WINDOW_SIZE=0    in SETTINGS: a setting; x00ff=1 is one that nobody knows
 *     name=value               elsewhere: a header field (%HH for odd bytes), as HPACK's literal
 *                              without indexing; +name=value puts it into the dynamic table
 *     get  post                the pseudo-header fields of a good request
 *
 * and a number before the statement ("300* DATA 1 'abc'") sends it many times. The others are
 *
 *     GET STREAM WORD...       a request: HEADERS STREAM END_STREAM END_HEADERS get WORD...
 *     POST STREAM WORD...      one that goes on: HEADERS STREAM END_HEADERS post WORD...
 *     OPEN FIRST COUNT         POST on COUNT streams, from FIRST on
 *     PREFACE, BYTES WORD...   the client's preface; bytes that are no frame
 *     await EVENT              wait until the server has sent this: see rfc9113_play.c
 *     got STREAM COUNT         wait for so many bytes of DATA (0: on all streams), and that
 *                              no more come
 *
 * Before the script the preface and SETTINGS are exchanged, unless it begins with "bare;". After
 * it, and whatever it was, a good request is sent on stream 1001.
 */
#ifndef GRADER_TESTS_RFC9113_H
#define GRADER_TESTS_RFC9113_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buffer.h"

/* What the server does. Where section 5.4.1 lets it treat a stream error as a connection error,
 * both are right. */
enum reaction {
  ANSWERED,         /* the request on the stream, and the good one */
  IGNORED,          /* nothing; the good request is answered */
  EITHER,           /* ANSWERED or MALFORMED: the RFC leaves it open */
  MALFORMED,        /* RST_STREAM(PROTOCOL_ERROR), also after a response; or a response of 400 */
  STREAM_ERROR,     /* RST_STREAM with the code, once; the good request is answered */
  CONNECTION_ERROR, /* GOAWAY with the code, and the connection is closed */
  NOT_HTTP2,        /* the same, but GOAWAY may be missing (section 3.4) */
  FINISHED,         /* the request on the stream is answered; then the server may leave */
};

struct rule {
  const char *section;
  const char *demand;
  const char *sent;
  enum reaction reaction;
  uint32_t code;
  uint32_t or_code;   /* where the RFC names two; else 0 */
  uint32_t stream;    /* which the reaction is about; 0: stream 1 */
  const char *reason; /* not NULL: only the reference server is asked, for this reason */
};

extern const struct rule rfc9113_rules[];
extern const size_t rfc9113_rule_count;

/* Append the bytes of a statement that sends something. Returns 0, or -1 if it makes no sense. */
int rfc9113_bytes(const char *statement, struct buffer *bytes);

/* The servers, and the program that each of them is. */
enum { RFC9113_REFERENCE, RFC9113_LAB03, RFC9113_LAB04, RFC9113_SERVERS };
extern const char *const rfc9113_programs[RFC9113_SERVERS];

/* Play one row against the server `which`, on this port of localhost; in small pieces if
 * `piecemeal`. Fails the test if the reaction is another. */
void rfc9113_play(const struct rule *rule, int which, int port, bool piecemeal);

struct rfc9113_server {
  pid_t pid;
  int output; /* its standard output */
  int port;   /* 0 if it did not start */
};

/* Start one, on any free port, and wait until it listens. It dies with its parent. */
void rfc9113_server_start(struct rfc9113_server *server, int which);

/* End it by SIGTERM. Returns its exit status, or -1 if it had to be killed or was. */
int rfc9113_server_stop(struct rfc9113_server *server);

#endif
