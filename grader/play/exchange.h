/*
 * exchange: everything that one check looks at: a student's program, the peers it talks to, and
 * every frame between them.
 *
 * A check reads from top to bottom, like the conversation it describes. Underneath, everything runs
 * on one libuv loop. Each function that waits for something runs this loop until that comes, or can
 * no longer come: because the program has ended, because it sleeps and nothing moves any more (for
 * QUIET_SECONDS), or because LIMIT_SECONDS are over. No function waits for a fixed time, so a slow
 * machine only makes a check slower: exchange_pause, too, counts only the time in which the program
 * sleeps.
 *
 * exchange_fail notes a failure and does not return. Before the check blames a frame (check_run.h),
 * it looks for better reasons: a TODO that is not done, a crash, a sanitizer's report.
 */
#ifndef GRADER_EXCHANGE_H
#define GRADER_EXCHANGE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <uv.h>

#include "common/buffer.h"
#include "grader/base/check.h"
#include "grader/base/finding.h"
#include "grader/base/labs.h"
#include "grader/play/chance.h"
#include "grader/play/printed.h"
#include "grader/play/ran.h"
#include "grader/sandbox/program.h"
#include "grader/serve/reference_server.h"
#include "grader/wire/pcap.h"
#include "grader/wire/recording.h"

enum { EXCHANGE_PEERS = 256, EXCHANGE_ARGUMENTS = 256 };

struct peer;

struct exchange {
  const struct check *check;
  const struct lab *lab;
  uv_loop_t loop;
  uv_timer_t tick; /* wakes the loop, so that limits are noticed */
  double ticked;   /* recording_clock() when the loop last woke up by itself */
  double began;    /* recording_clock() when the check did */
  double deadline; /* recording_clock() at which the check gives up ... */
  double touched;  /* ... and of the last exchange_touch ... */
  double given;    /* ... and of the last exchange_give */
  struct program *program;
  time_t started;                      /* when the program was; 0: no program was */
  const char *fails;                   /* the call in them to fail once; see common/inner/probe.h */
  const char *settings;                /* OpenSSL's settings for them, a file; NULL: none */
  char *arguments[EXCHANGE_ARGUMENTS]; /* the command line, for the student to repeat; copies */
  size_t argument_count;
  SSL_CTX *tls;     /* by which peers go through TLS; NULL: plain TCP */
  const char *host; /* where peer_listen listens, from the next call on; NULL: "localhost". "::1"
                     * is "127.0.0.1" where there is no IPv6 */
  struct listener *listener;
  char url[64]; /* of the listener: "http://localhost:41234" */
  int port;     /* where the program listens, if it is a server */
  struct reference_config reference_config;
  struct server *reference; /* NULL until a check needs it */
  struct peer *peers[EXCHANGE_PEERS];
  size_t peer_count;
  size_t peers_accepted; /* how many of them peer_accept has returned */
  bool (*is_sending)(const struct exchange *exchange); /* whether bytes are on their way to it */
  const char *handshake; /* what it is limited to: "with an RSA key"; NULL: nothing */
  const char *refusal; /* the sentence for a client that refuses the certificate; NULL: the usual */
  bool holds;          /* do not answer a new client before peer_accept_late: */
  struct transport *held;
  struct recording recording;
  struct printed printed; /* by the program that was started last */
  struct pcap *pcap;      /* NULL without a capture */
  struct chance chance;
  struct chance noise;    /* drawn from by itself, so that the other values stay the same */
  struct chance requests; /* the same, for how peers write header sections */
  struct chance zones;    /* the same, for the time zone of each start */
  int zone;           /* of the program that was started last: minutes to the east of GMT, ... */
  char zone_text[24]; /* ... and in its environment: "TZ=LAB-5:30" */
  bool out_of_memory; /* noticed where exchange_fault cannot be called */
  bool stopping;      /* the check is over: the program must end */
  enum verdict verdict;
  bool earned;           /* see exchange_earn */
  bool serves_malformed; /* the program has answered a request that it cannot have read */
  struct finding finding;
  struct ran ran; /* in the programs before the last one */
  jmp_buf stop;   /* where exchange_fail goes */
};

/* --- For check_run.c only --------------------------------------------------------------------- */

int exchange_init(struct exchange *exchange, const struct check *check);
void exchange_free(struct exchange *exchange);

/* --- The program ------------------------------------------------------------------------------ */

/* Start the lab's program `name` with these arguments; NULL ends them. An earlier program must have
 * ended; if by itself, this one has as much time as if the check began now. */
void exchange_start(struct exchange *exchange, const char *name, ...) __attribute__((sentinel));

/* The same with a list of arguments, for as many as the check likes. */
void exchange_start_with(struct exchange *exchange, const char *name, const char *const *arguments);

/* How many calls have been made to fail in the program (exchange->fails). */
int64_t exchange_failed_calls(const struct exchange *exchange);

/* Whether the call that should fail in the program (exchange->fails) has failed. False for a
 * program that does not make the call, or is without common/inner/probe.c. */
bool exchange_has_failed_call(const struct exchange *exchange);

/* The same; but a program that we have linked with the probe, and that is without it, fails the
 * check: it has switched the probe off if it has ended by itself; otherwise the check says that it
 * does not end. */
bool exchange_expect_failed_call(struct exchange *exchange);

/* This call has failed, and the program has gone on as if it had worked: fail the check. `seen`
 * says what it does. */
_Noreturn void exchange_fail_ignored_call(struct exchange *exchange, const char *call,
                                          const char *seen);

/* Start a server: "--port 0" comes before the arguments, or "--port N" for a port that is free now,
 * so that nobody knows a check by it. Returns when the server has said where it listens. */
void exchange_start_server(struct exchange *exchange, const char *name, ...)
    __attribute__((sentinel));

/* The same, always with "--port N": it must listen there. */
void exchange_start_server_at_port(struct exchange *exchange, const char *name, ...)
    __attribute__((sentinel));

/* Start a server without arguments: it listens at this port, or says that it cannot; nobody says
 * that the port is free, so the check must not need it. */
void exchange_expect_default_port(struct exchange *exchange, const char *name, int port);

/* Start a server for a port that somebody has, "--port N" and these arguments: it must say so, and
 * end with status 1. */
void exchange_expect_port_taken(struct exchange *exchange, const char *name, ...)
    __attribute__((sentinel));

/* Start it with these arguments, which are wrong usage: one line, and status 2. */
void exchange_expect_usage(struct exchange *exchange, const char *name, ...)
    __attribute__((sentinel));

/* The scheme of this lab's URLs: "http" or "https". */
const char *exchange_scheme(const struct exchange *exchange);

/* The host at which peer_listen listens: `host`, or "localhost". */
const char *exchange_host(const struct exchange *exchange);

/* From now on peers use TLS with this context: peers to which the program connects, from the next
 * peer_listen on; or peers that connect to the program. The exchange owns the context. NULL: plain
 * TCP. */
void exchange_use_tls(struct exchange *exchange, SSL_CTX *tls);

/* Send a signal to the program itself. Returns 0, or -1 if it has already ended. */
int exchange_signal(struct exchange *exchange, int signal);

/* Send SIGTERM, or another signal: the server must end with status 0, without a sanitizer's
 * report. */
void exchange_end_server(struct exchange *exchange);
void exchange_end_server_by(struct exchange *exchange, int signal);

/* Send SIGTERM, and wait for the end if it comes: then everything is there that the program has
 * printed and not flushed. For checks that have failed already. */
void exchange_let_server_end(struct exchange *exchange);

/* Wait for the program to end by itself. Returns whether it has. */
bool exchange_await_end(struct exchange *exchange);

/* The same; the check fails if the program has not ended. */
void exchange_wait_for_end(struct exchange *exchange);

/* The program must end (this waits for it) with that status, without a sanitizer's report. */
void exchange_expect_status(struct exchange *exchange, int status);

/* The program's standard output must be exactly this. `what` is the sentence of the failure. */
void exchange_expect_output(struct exchange *exchange, const char *what, const void *bytes,
                            size_t length);

/* The program has ended well: it must have printed nothing to standard error. */
void exchange_expect_silence(struct exchange *exchange);

/* A body as a program prints it: with a newline after it, unless it ends in one or is empty. */
void exchange_append_body(struct buffer *output, const void *body, size_t length);

/* The program must end with status 1 (with `other`, if that is not 0), and one line on standard
 * error that begins with the program's name. */
void exchange_expect_error(struct exchange *exchange, int other);

/* The same, with status 1, for an error about `what`, the URL or a file: the line must name it. */
void exchange_expect_error_about(struct exchange *exchange, const char *what);

/* Whether standard error names this error code after `what`: "REFUSED_STREAM", "7", "0x7". */
bool exchange_names_error(const struct exchange *exchange, const char *what, uint32_t error_code);

/* The line about `what` must name this error code, and no other: else `what_is_wrong` is the
 * sentence if it does not name it. */
void exchange_expect_named(struct exchange *exchange, const char *what, uint32_t error_code,
                           const char *expected, const char *what_is_wrong);

/* --- Time and chance -------------------------------------------------------------------------- */

/* Run the loop until condition(argument) holds. Returns whether it holds: false once it can no
 * longer become true. */
bool exchange_await(struct exchange *exchange, bool (*condition)(void *argument), void *argument);

/* Let a drawn time pass in which nothing comes to the program and the program sleeps: one that
 * takes quiet for an event acts now, before the event. Returns early, and true, once
 * condition(argument) holds; see exchange_await. */
bool exchange_pause(struct exchange *exchange, bool (*condition)(void *argument), void *argument);

/* The grader sends something to the program, in whatever way: forget how long the program has
 * slept. */
void exchange_touch(struct exchange *exchange);

/* The same, just before the check sends bytes or a signal: the program must wake up for that. */
void exchange_give(struct exchange *exchange);

/* The program makes progress, however slowly: give up no sooner than if the check began now. */
void exchange_extend(struct exchange *exchange);

/* Whether all the time is over that a check may take, with all its programs and extensions. */
bool exchange_is_over(const struct exchange *exchange);

/* For how many seconds the program has slept since it took what the check sent to it last: 0 as
 * long as it has not woken up for that, however long it had slept before. */
double exchange_idle(const struct exchange *exchange);

/* Whether the program sleeps, and nothing is on its way to it. */
bool exchange_is_quiet(const struct exchange *exchange);

/* A number from 0 to `below` - 1, different in each run; the run's seed repeats it. */
uint32_t exchange_random(struct exchange *exchange, uint32_t below);

/* Fill `order` with 0 to `count` - 1 in random order: whoever knows only the order in which a check
 * asks must not pass it. */
void exchange_shuffle(struct exchange *exchange, size_t *order, size_t count);

/* Fill `octets` with `length` random bytes. */
void exchange_random_octets(struct exchange *exchange, void *octets, size_t length);

/* Fill `text` with `length` random small letters and a NUL. Returns `text`. */
char *exchange_random_text(struct exchange *exchange, char *text, size_t length);

/* --- Credit ----------------------------------------------------------------------------------- */

/* Everything that this check is about was right. A program that stops at a TODO from here on,
 * because the rest is still to be written, passes the check, so that each TODO gives points. Any
 * other error is still a failure. */
void exchange_earn(struct exchange *exchange);

/* --- Failure ---------------------------------------------------------------------------------- */

/* Fail the check with this sentence. Does not return. */
_Noreturn void exchange_fail(struct exchange *exchange, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, with what was expected and what was seen instead (each may be NULL), and the index of
 * the wrong frame in the recording (-1: none). */
_Noreturn void exchange_fail_at(struct exchange *exchange, long frame, const char *expected,
                                const char *seen, const char *what, ...)
    __attribute__((format(printf, 5, 6)));

/* The grader itself could not do its work ("out of memory"). Does not return. */
_Noreturn void exchange_fault(struct exchange *exchange, const char *why);

#endif
