/*
 * probe: let the grader look into a program of the labs, and make one call in it fail.
 *
 * From outside, the grader cannot see to the byte what a program keeps in memory, and cannot make
 * memory run out at a given line. Nothing says which callback has failed: nghttp2 only ends the
 * session. So the programs of the labs are linked with probe.c, which looks at nothing unless
 * PROBE_FILE is in the environment. Then it keeps a struct probe in that file, which others can map
 * or read at any time. If the file exists, it has PROBE_KEY bytes that nobody can guess, and text
 * that says what is to fail. The probe takes both out of it: so the program cannot know before it
 * happens, since its environment is the same in every check, but for a time zone by chance.
 *   NAME                the first call of the function NAME (probe.c has the list) fails as its
 *                       documentation says; of nghttp2_session_mem_send and _recv, every later one
 *                       too
 *   NAME in CALLBACK    the first one that the student's callback makes which was given to
 *                       nghttp2_session_callbacks_set_CALLBACK_callback, whatever its name is
 *   the second NAME     the second call of the function NAME
 *   each allocation     the student's file gets no memory the first time that it asks for some at a
 *                       place, from the moment that the grader has set `armed`: once at each place
 *   large allocations   nobody in the program gets a block of more than 1 MiB
 *
 * The probe reads this before anything in the student's file runs. In the grader, it
 * also keeps the program from executing another one, from starting processes, from trapping its own
 * system calls, from ending before LeakSanitizer has looked, and from going on after that.
 *
 * The student's own file is compiled with -finstrument-functions: each of its functions says when
 * it begins and when it ends.
 */
#ifndef COMMON_PROBE_H
#define COMMON_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_FILE "LAB_PROBE_FILE"

enum { PROBE_STATUS = 99 /* of a program that a sanitizer, or misuse.c, has ended */ };

enum { PROBE_KEY = sizeof(int64_t), PROBE_ORDER = 128 /* bytes of all that, at most */ };

enum { PROBE_FUNCTIONS = 48, PROBE_CALLS = 16, PROBE_RECENT = 16 };

/* A list for ALPN: none; h2 and nothing else; right in form, but more than that; right but for a
 * NUL behind it, which counts; wrong in form. */
enum probe_alpn { PROBE_ALPN_NONE, PROBE_ALPN_H2, PROBE_ALPN_MORE, PROBE_ALPN_NUL, PROBE_ALPN_BAD };

enum { PROBE_TIMERS = 8, PROBE_LIST = 16, PROBE_TEXT = 128 };

/* The timers with one callback. */
struct probe_timer {
  uint64_t callback; /* its address */
  int64_t starts;    /* calls of uv_timer_start, ... */
  int64_t timeout;   /* ... and what the last one got */
  int64_t repeat;
};

/* What the student's function `handshake` has returned: nothing, as it should be; TLS_DONE,
 * although the handshake is not complete; TLS_FAILED; or that, although OpenSSL's handshake is
 * complete and ALPN has chosen h2. */
enum probe_handshake { PROBE_RIGHT, PROBE_DONE_EARLY, PROBE_REFUSED, PROBE_REFUSED_H2 };

struct probe {
  int64_t blocks; /* allocated and not freed, by malloc and everything built on it ... */
  int64_t bytes;  /* ... and how many bytes they are; both are 0 without AddressSanitizer */
  int64_t failed; /* calls that were made to fail: 0 or 1, or one for each place or block */
  int64_t armed;  /* the grader writes 1 here */
  int64_t looked; /* the key, or 1 if there is none, once LeakSanitizer has looked for lost memory
                        and found none: the last thing at a right end */
  int64_t port;   /* the first one that the program asked for, by bind */
  int64_t submitted; /* calls of nghttp2_submit_response */
  int64_t settings;  /* calls of nghttp2_submit_settings */
  int64_t sends;     /* calls of nghttp2_session_mem_send after the first of those */

  /* What explains a failure. */
  int64_t user_data;           /* streams that were given user data ... */
  int64_t user_data_missing;   /* ... questions for that of a stream which has none ... */
  int64_t user_data_wrong;     /* ... and streams that were given the session's ... */
  int64_t user_data_same;      /* ... or the same as the request before */
  int64_t user_data_elsewhere; /* ... or that had others, or were closed */
  int64_t body_of_get;         /* GET requests with a data provider */
  int64_t read_too_much;       /* read callbacks that returned more than they were asked for */
  int64_t source_of_session;   /* data providers whose source.ptr is the session's user data ... */
  int64_t source_of_stream;    /* ... that of their stream ... */
  int64_t source_other;        /* ... something else ... */
  int64_t source_missing;      /* ... or NULL */
  int64_t refused;             /* calls of stream_respond that returned -1 */
  int64_t given_up;            /* calls of stream_close */

  int64_t stops;            /* calls of uv_stop */
  int64_t again;            /* calls of uv_timer_again */
  int64_t closed_unset;     /* handles given to uv_close that were never initialized */
  int64_t events_missing;   /* events that got NULL as their user ... */
  int64_t events_of_stream; /* ... or their stream */
  struct probe_timer timers[PROBE_TIMERS];

  /* The last response of stream_respond: its announced length, the bytes of the body that were
   * given after it, and the calls that gave them. */
  int64_t announced;
  int64_t body;
  int64_t pieces;

  /* The list that SSL_CTX_set_alpn_protos got last. */
  int64_t alpn; /* enum probe_alpn */

  /* SSL_select_next_proto: how often it found a protocol, and how often none; the list that it got
   * as ours, and its length. */
  int64_t selected;
  int64_t not_selected;
  int64_t list_length;
  unsigned char list[PROBE_LIST];

  char host[PROBE_TEXT]; /* that X509_VERIFY_PARAM_set1_host got last */

  int64_t least_version; /* of TLS, as it was set last; 0 if it was not */

  /* The first handshake that the student's function ended wrongly, or in failure: enum
   * probe_handshake, and what it wrote into `error`. A refusal of h2 replaces others. */
  int64_t handshake;
  char handshake_error[PROBE_TEXT];

  /* What the first failed callback returned to nghttp2; 0 if none has failed. `place` is the
   * student's function and where it is: "on_header lab02-requests/requests.c:153". */
  int64_t returned;
  char place[256];

  /* The student's functions, by their addresses: those that have begun, each once; those that have
   * not ended, main first; and those that have begun last. */
  uint64_t functions[PROBE_FUNCTIONS];
  uint64_t calls[PROBE_CALLS];
  uint64_t recent[PROBE_RECENT]; /* begun is where the next one goes, by its remainder */
  int64_t function_count;
  int64_t depth; /* of calls: more than PROBE_CALLS if some of them have no place there */
  int64_t begun; /* functions, all together */
  int64_t times[PROBE_FUNCTIONS]; /* how often each of `functions` has begun */

  /* The same when the first callback had failed. */
  uint64_t recent_failure[PROBE_RECENT];
  int64_t begun_failure;
};

/* Whether this call of that function must fail. Inside the programs only. */
bool probe_fails(const char *name);

/* nghttp2_session_mem_send is called. Inside the programs only. */
void probe_sends(void);

/* What the grader sees, for noted.c, which fills in a part of it; NULL if nobody asks. Inside the
 * programs only. */
struct probe *probe_now(void);

#endif
