/*
 * misuse: report forbidden calls of nghttp2.
 *
 * nghttp2_session_mem_recv and nghttp2_session_mem_send call callbacks. If a callback calls one of
 * them for the same session, the program may crash, or nothing may happen, depending on what the
 * session is doing. So the programs of the labs are linked with --wrap, and such a call comes here
 * first: report it as the sanitizers do, and end the program. Programs linked without --wrap are
 * not affected.
 */
#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/inner/probe.h"

enum { SESSIONS = 8 };

/* NOLINTBEGIN(bugprone-reserved-identifier): these names are the linker's and the sanitizers'. */
ssize_t __real_nghttp2_session_mem_recv(nghttp2_session *session, const uint8_t *bytes,
                                        size_t length) __attribute__((weak)); /* without --wrap */
ssize_t __real_nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **bytes)
    __attribute__((weak));
ssize_t __wrap_nghttp2_session_mem_recv(nghttp2_session *session, const uint8_t *bytes,
                                        size_t length);
ssize_t __wrap_nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **bytes);

/* Of the sanitizers' library, where there is one. */
void __sanitizer_print_stack_trace(void) __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier) */

/* The sessions that are calling back right now: a callback may feed another session. */
static _Thread_local nghttp2_session *calling[SESSIONS];
static _Thread_local size_t depth;

static void enter(nghttp2_session *session, const char *function) {
  for (size_t i = 0; i < depth && i < SESSIONS; i++) {
    if (calling[i] != session)
      continue;
    fprintf(stderr, "nghttp2: runtime error: %s is called from within a callback of nghttp2\n",
            function);
    if (__sanitizer_print_stack_trace)
      __sanitizer_print_stack_trace();
    fflush(stderr);
    /* _exit lets LeakSanitizer look: one report is enough */
    (void)syscall(SYS_exit_group, PROBE_STATUS);
  }
  if (depth < SESSIONS)
    calling[depth] = session;
  depth++;
}

/* Forget the session: LeakSanitizer would take one that the program has lost for one in use. */
static void leave(void) {
  depth--;
  if (depth < SESSIONS)
    calling[depth] = NULL;
}

ssize_t __wrap_nghttp2_session_mem_recv(nghttp2_session *session, const uint8_t *bytes,
                                        size_t length) {
  enter(session, "nghttp2_session_mem_recv");
  static bool failed; /* from then on: how many pieces the bytes come in shall not matter */
  failed = failed || probe_fails("nghttp2_session_mem_recv");
  ssize_t taken =
      failed ? NGHTTP2_ERR_NOMEM : __real_nghttp2_session_mem_recv(session, bytes, length);
  leave();
  return taken;
}

ssize_t __wrap_nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **bytes) {
  enter(session, "nghttp2_session_mem_send");
  probe_sends();
  static bool failed; /* from then on: a program that only tries again never ends */
  failed = failed || probe_fails("nghttp2_session_mem_send");
  ssize_t length = failed ? NGHTTP2_ERR_NOMEM : __real_nghttp2_session_mem_send(session, bytes);
  leave();
  return length;
}
