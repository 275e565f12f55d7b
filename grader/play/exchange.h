/*
 * exchange: what one check looks at: a student's program, the peers it talks to, and
 * every frame between them.
 *
 * A check reads from top to bottom, like the conversation it describes. Below, everything runs on
 * one libuv loop; each function that waits for something runs this loop until it is there, or until
 * it can no longer come: because the program has ended, because it sleeps and nothing moves any
 * more (for QUIET_SECONDS), or because LIMIT_SECONDS are over. Waiting is never for a fixed time,
 * so a slow machine only makes it slower.
 *
 * What goes wrong is reported by exchange_fail, which notes it and does not return. Before the
 * check blames a frame (check_run.h), it looks for more telling reasons: a TODO that is not
 * done, a crash, a sanitizer's report.
 */
#ifndef GRADER_EXCHANGE_H
#define GRADER_EXCHANGE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/buffer.h"
#include "grader/base/check.h"
#include "grader/base/finding.h"
#include "grader/base/labs.h"
#include "grader/sandbox/program.h"
#include "grader/serve/reference_server.h"
#include "grader/wire/pcap.h"
#include "grader/wire/recording.h"

enum { EXCHANGE_PEERS = 64, EXCHANGE_ARGUMENTS = 40 };

struct peer;

struct exchange {
  const struct check *check;
  const struct lab *lab;
  uv_loop_t loop;
  uv_timer_t tick; /* wakes the loop, so that limits are noticed */
  double ticked;   /* recording_clock() when the loop last woke up by itself */
  double deadline; /* recording_clock() at which all is given up ... */
  double touched;  /* ... and of the last exchange_touch */
  struct program *program;
  const char *sanitizer_options; /* further ones, for the programs that are started from now on */
  const char *openssl_conf;      /* OpenSSL's configuration, for them; NULL: an empty one */
  const char *fails;             /* the call in them that fails, once; see common/inner/probe.h */
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
  size_t peers_accepted; /* how many of them peer_accept has returned */
  bool (*is_sending)(const struct exchange *exchange); /* whether bytes are on their way to it */
  bool holds; /* who connects is not answered before peer_accept_late: */
  struct transport *held;
  struct recording recording;
  struct pcap *pcap; /* NULL unless a capture is wanted */
  uint64_t random;
  bool out_of_memory; /* noticed where exchange_fault cannot be called */
  bool stopping;      /* the check is over: the program is made to end */
  enum verdict verdict;
  bool earned; /* see exchange_earn */
  struct finding finding;
  jmp_buf stop; /* where exchange_fail goes */
};

/* --- For check_run.c only --------------------------------------------------------------------- */

int exchange_init(struct exchange *exchange, const struct check *check);
void exchange_free(struct exchange *exchange);

/* --- The program ------------------------------------------------------------------------------ */

/* Start the lab's program `name` with these arguments; NULL ends them. If it is not the
 * first, the one before must have ended. */
void exchange_start(struct exchange *exchange, const char *name, ...) __attribute__((sentinel));

/* Whether the call in the program that was to fail (exchange->fails) has failed. Not
 * in a program that does not make it, or is not linked with common/inner/probe.c: of
 * these nothing can be asked. */
bool exchange_has_failed_call(const struct exchange *exchange);

/* The same for a program that is a server: "--port 0" comes before the arguments, and it has said
 * where it listens when this returns. */
void exchange_start_server(struct exchange *exchange, const char *name, ...)
    __attribute__((sentinel));

/* Of the URLs of this lab: "http" or "https". */
const char *exchange_scheme(const struct exchange *exchange);

/* From now on peers go through TLS, by this context: those that the program is to connect to, from
 * the next peer_listen on; or those that connect to it. It is the exchange's. NULL: plain TCP. */
void exchange_use_tls(struct exchange *exchange, SSL_CTX *tls);

/* SIGTERM, or another signal: the server ends with status 0, and without any report
 * of a sanitizer. */
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

/* A body as a program prints it: with a newline behind it, unless it ends in one or is empty. */
void exchange_append_body(struct buffer *output, const void *body, size_t length);

/* It ended with status 1 (with `other`, if that is not 0), and one line on standard error
 * that begins with the program's name. */
void exchange_expect_error(struct exchange *exchange, int other);

/* The same, with status 1, for an error that is about `what`, the URL or a file: it
 * is named in the line. */
void exchange_expect_error_about(struct exchange *exchange, const char *what);

/* --- Time and chance -------------------------------------------------------------------------- */

/* Run the loop until condition(argument) holds. Returns whether it does: false once
 * it can no longer come. */
bool exchange_await(struct exchange *exchange, bool (*condition)(void *argument), void *argument);

/* The program is sent something, in whatever way: for how long it has slept until
 * now counts no more. */
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

/* --- Credit ----------------------------------------------------------------------------------- */

/* All that this check is about was right. A program that stops at a TODO from here on, because
 * the rest is still to be written, passes it: so points come with each TODO. Anything else
 * that goes wrong is a failure as before. */
void exchange_earn(struct exchange *exchange);

/* --- Failure ---------------------------------------------------------------------------------- */

/* The check has failed, because of what the sentence says. Does not return. */
_Noreturn void exchange_fail(struct exchange *exchange, const char *what, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with what was expected and what was seen in its place (each may be NULL), and the index
 * of the frame in the recording that this is about (-1: none). */
_Noreturn void exchange_fail_at(struct exchange *exchange, long frame, const char *expected,
                                const char *seen, const char *what, ...)
    __attribute__((format(printf, 5, 6)));

/* The grader itself could not do its work ("out of memory"). Does not return. */
_Noreturn void exchange_fault(struct exchange *exchange, const char *why);

#endif
