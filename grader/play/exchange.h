/*
 * exchange: what one check looks at: a student's program, the peers it talks to, and every frame between them.
 *
 * A check reads from top to bottom, like the conversation it describes. Below, everything runs on one
 * libuv loop; each function that waits for something runs this loop until it is there, or until it can no longer
 * come: because the program has ended, because it sleeps and nothing moves any more (for QUIET_SECONDS),
 * or because LIMIT_SECONDS are over. Waiting is never for a fixed time, so a slow machine only makes it slower.
 *
 * What goes wrong is reported by exchange_fail, which does not return. Before it blames a frame, it looks for
 * more telling reasons: a TODO that is not done, a crash, a sanitizer's report.
 */
#ifndef GRADER_EXCHANGE_H
#define GRADER_EXCHANGE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/buffer.h"
#include "grader/base/check.h"
#include "grader/base/labs.h"
#include "grader/sandbox/program.h"
#include "grader/serve/reference_server.h"
#include "grader/wire/pcap.h"
#include "grader/wire/recording.h"

enum { EXCHANGE_PEERS = 64, EXCHANGE_ARGUMENTS = 40 };

struct peer;

/* How a check ended. */
enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_GRADER_FAULT };

/* What is told to the student about a check that failed. Empty texts are left out. */
struct finding {
  struct buffer what;     /* one sentence: what the program did wrong */
  struct buffer expected; /* the frame, or line of output, that should have come */
  struct buffer seen;     /* what came in its place */
  struct buffer report;   /* a sanitizer's first lines, or the end of stderr */
  long frame;             /* the entry of the recording that is wrong; -1 if none */
  unsigned connection;    /* what was looked at last: this connection (0: none yet) ... */
  int32_t stream;         /* ... and this stream of it; 0 if no single one */
  const char *section;    /* of RFC 9113, if it is another one than the check's; NULL if not */
  int todo;               /* the TODO where the program stopped; 0 if at none */
  char function[64];      /* the student's function in which it crashed; "" if in none */
  int todo_of_place;      /* the TODO that this function belongs to; 0 if to none */
  bool crashed;           /* the program did not end by itself: the frames tell little */
  bool waiting;           /* nothing moved any more, or it did not stop */
};

struct exchange {
  const struct check *check;
  const struct lab *lab;
  uv_loop_t loop;
  uv_timer_t tick; /* wakes the loop, so that limits are noticed */
  double deadline; /* recording_clock() at which all is given up ... */
  double touched;  /* ... and of the last exchange_touch */
  struct program *program;
  const char *sanitizer_options; /* further ones, for the programs that are started from now on */
  char *arguments[EXCHANGE_ARGUMENTS]; /* the command line, for the student to repeat; copies */
  size_t argument_count;
  SSL_CTX *tls; /* by which peers go through TLS; NULL: plain TCP */
  struct listener *listener;
  char url[64]; /* of the listener: "http://localhost:41234" */
  int port;     /* where the program listens, if it is a server */
  struct reference_config reference_config;
  struct server *reference; /* NULL until it is asked for */
  struct peer *peers[EXCHANGE_PEERS];
  size_t peer_count;
  size_t peers_accepted; /* how many of them exchange_accept has returned */
  bool holds;            /* who connects is not answered before exchange_accept_late: */
  struct transport *held;
  struct recording recording;
  struct pcap *pcap; /* NULL unless a capture is wanted */
  uint64_t random;
  bool out_of_memory; /* noticed where exchange_fault cannot be called */
  bool stopping;      /* the check is over: the program is made to end */
  enum verdict verdict;
  struct finding finding;
  jmp_buf stop; /* where exchange_fail goes */
};

/* --- For check.c only ------------------------------------------------------------------------------- */

int exchange_init(struct exchange *exchange, const struct check *check);
void exchange_free(struct exchange *exchange);

/* --- The program --------------------------------------------------------------------------------- */

/* Be a server on a free port: exchange->url. Must come before a program that is to connect to it. */
void exchange_listen(struct exchange *exchange);

/* Start the lab's program `name` with these arguments; NULL ends them. If it is not the first, the one before must
 * have ended. */
void exchange_start(struct exchange *exchange, const char *name, ...) __attribute__((sentinel));

/* The program has connected: the next peer, see peer.h. Fails the check if it does not connect. */
struct peer *exchange_accept(struct exchange *exchange);

/* The same for a program that is to wait for its first answer: it is not given one until it sleeps. exchange->holds must
 * have been set before the program was started. */
struct peer *exchange_accept_late(struct exchange *exchange);

/* The same for a program that is a server: "--port 0" comes before the arguments, and it has said where it listens
 * when this returns. */
void exchange_start_server(struct exchange *exchange, const char *name, ...)
    __attribute__((sentinel));

/* From now on peers go through TLS, by this context: those that the program is to connect to, from the next
 * exchange_listen on; or those that connect to it. It is the exchange's. NULL: plain TCP. */
void exchange_use_tls(struct exchange *exchange, SSL_CTX *tls);

/* A new client of the program that is a server, as exchange_connect makes it, but nothing is waited for: it may be
 * refused, peer->closed_by_program tells. */
struct peer *exchange_begin_to_connect(struct exchange *exchange);

/* A new client of the program that is a server; or of the reference server, to compare with. Nothing is sent. */
struct peer *exchange_connect(struct exchange *exchange);
struct peer *exchange_connect_to_reference(struct exchange *exchange);

/* SIGTERM, or another signal: the server ends with status 0, and without any report of a sanitizer. */
void exchange_end_server(struct exchange *exchange);
void exchange_end_server_by(struct exchange *exchange, int signal);

/* Wait for the program to end by itself. Returns whether it has. */
bool exchange_await_end(struct exchange *exchange);

/* The same; and that it has not is a failure. */
void exchange_wait_for_end(struct exchange *exchange);

/* It has ended (this waits for it) with that status, and without any report of a sanitizer. */
void exchange_expect_status(struct exchange *exchange, int status);

/* Its standard output was exactly this. `what` is the sentence that is told if it was not. */
void exchange_expect_output(struct exchange *exchange, const char *what, const void *bytes,
                            size_t length);

/* It ended with status 1 (with `other`, if that is not 0), and one line on standard error that begins with
 * the program's name. */
void exchange_expect_error(struct exchange *exchange, int other);

/* --- Time and chance ----------------------------------------------------------------------------- */

/* Run the loop until condition(argument) holds. Returns whether it does: false once it can no longer come. */
bool exchange_await(struct exchange *exchange, bool (*condition)(void *argument), void *argument);

/* The program is sent something, in whatever way: for how long it has slept until now counts no more. */
void exchange_touch(struct exchange *exchange);

/* It goes on, however slowly that is: all is given up no sooner than if the check began now. */
void exchange_extend(struct exchange *exchange);

/* Whether the program sleeps, and nothing is on its way to it. */
bool exchange_is_quiet(const struct exchange *exchange);

/* A number from 0 to `below` - 1, another one in each run; the run's seed repeats it. */
uint32_t exchange_random(struct exchange *exchange, uint32_t below);

/* Fill `octets` with `length` random ones. */
void exchange_random_octets(struct exchange *exchange, void *octets, size_t length);

/* Fill `text` with `length` random small letters and a NUL. Returns `text`. */
char *exchange_random_text(struct exchange *exchange, char *text, size_t length);

/* --- Failure ------------------------------------------------------------------------------------- */

/* The check has failed, because of what the sentence says. Does not return. */
_Noreturn void exchange_fail(struct exchange *exchange, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with what was expected and what was seen in its place (each may be NULL), and the index of the
 * frame in the recording that this is about (-1: none). */
_Noreturn void exchange_fail_at(struct exchange *exchange, long frame, const char *expected,
                                const char *seen, const char *what, ...)
    __attribute__((format(printf, 5, 6)));

/* The grader itself could not do its work ("out of memory"). Does not return. */
_Noreturn void exchange_fault(struct exchange *exchange, const char *why);

#endif
