/*
 * rfc9113: what RFC 9113 requires of a server, as a table: the bytes that a client sends, and how
 * the server must react.
 *
 * rfc9113_table.c   the table
 * rfc9113_bytes.c   turns a statement of the table into bytes
 * rfc9113_play.c    plays one row against a server, and judges what the server sent
 * rfc9113_server.c  runs the servers
 * rfc9113_tests.c   each row against each server
 *
 * A row sends a script of statements, separated by ';'. Most statements are one frame:
 *
 *     TYPE STREAM WORD...      DATA 1 END_STREAM 'abc'        type:0x42 0 x00ff
 *
 * The words, in their order, make up the payload:
 *
 *     END_STREAM PADDED ACK    a flag of this type, by its name
 *     flags:0xf0               any flags
 *     'abc'  x00ff  #5         bytes as text (%HH for odd ones), in hexadecimal, or 32 bits
 *     CANCEL                   an error code, 32 bits
 *     300*x00                  a word many times
 *     INITIAL_WINDOW_SIZE=0    in SETTINGS: a setting; x00ff=1 is an unknown one
 *     name=value               elsewhere: a header field (%HH for odd bytes), as HPACK's literal
 *                              without indexing; +name=value puts it into the dynamic table
 *     get  post                the pseudo-header fields of a good request
 *
 * A number before the statement ("300* DATA 1 'abc'") sends it many times. The other statements:
 *
 *     GET STREAM WORD...       a request: HEADERS STREAM END_STREAM END_HEADERS get WORD...
 *     POST STREAM WORD...      a request with a body: HEADERS STREAM END_HEADERS post WORD...
 *     OPEN FIRST COUNT         POST on COUNT streams, from FIRST on
 *     PREFACE, BYTES WORD...   the client's preface; bytes that are not a frame
 *     await EVENT              wait until the server has sent this event: see rfc9113_play.c
 *     got STREAM COUNT         wait for this many bytes of DATA (stream 0: on all streams), and
 *                              expect no more
 *
 * Before the script, client and server exchange the preface and SETTINGS, unless the script begins
 * with "bare;". After every script, the client sends a good request on stream 1001.
 */
#ifndef GRADER_TESTS_RFC9113_H
#define GRADER_TESTS_RFC9113_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buffer.h"

/* The server's reaction. Where section 5.4.1 lets a server treat a stream error as a connection
 * error, both are right. */
enum reaction {
  ANSWERED,         /* it answers the request on the stream, and the good one */
  IGNORED,          /* nothing; it answers the good request */
  EITHER,           /* ANSWERED or MALFORMED: the RFC leaves it open */
  MALFORMED,        /* RST_STREAM(PROTOCOL_ERROR), also after a response; or a response of 400 */
  STREAM_ERROR,     /* RST_STREAM with the code, once; it answers the good request */
  CONNECTION_ERROR, /* GOAWAY with the code, and it closes the connection */
  NOT_HTTP2,        /* the same, but GOAWAY may be missing (section 3.4) */
  FINISHED,         /* it answers the request on the stream; then it may close the connection */
};

struct rule {
  const char *section;
  const char *demand;
  const char *sent;
  enum reaction reaction;
  uint32_t code;
  uint32_t or_code;   /* a second code, where the RFC names two; else 0 */
  uint32_t stream;    /* the stream that the reaction is about; 0: stream 1 */
  const char *reason; /* not NULL: why this row asks only the reference server */
};

extern const struct rule rfc9113_rules[];
extern const size_t rfc9113_rule_count;

/* Append the bytes of a statement that sends something. Returns 0, or -1 if the statement makes no
 * sense. */
int rfc9113_bytes(const char *statement, struct buffer *bytes);

/* The servers, and the program of each. */
enum { RFC9113_REFERENCE, RFC9113_LAB03, RFC9113_LAB04, RFC9113_SERVERS };
extern const char *const rfc9113_programs[RFC9113_SERVERS];

/* Play one row against the server `which` on this port of localhost; send small pieces if
 * `piecemeal`. Fails the test if the server reacts differently. */
void rfc9113_play(const struct rule *rule, int which, int port, bool piecemeal);

struct rfc9113_server {
  pid_t pid;
  int output; /* the server's standard output */
  int port;   /* 0 if the server did not start */
};

/* Start a server on any free port, and wait until it listens. The server dies with its parent. */
void rfc9113_server_start(struct rfc9113_server *server, int which);

/* End a server by SIGTERM. Returns its exit status, or -1 if a signal killed it. */
int rfc9113_server_stop(struct rfc9113_server *server);

#endif
