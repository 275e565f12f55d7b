/*
 * nghttp2: the one defect that fuzzing has found in nghttp2 1.52 and that common/ cannot avoid.
 * When memory runs out just as nghttp2 puts a body into the queue of ready ones,
 * nghttp2_session_mem_send frees an item that the stream still points to, and returns
 * NGHTTP2_ERR_NOMEM; then nghttp2_session_del frees the item again. So this file keeps such a
 * session for ever and does not delete it: fuzzing still finds everything else.
 */
#include <dlfcn.h>
#include <nghttp2/nghttp2.h>

#include "common/fuzz/fuzz.h"

enum { MOST = 100000 };

static nghttp2_session
    *broken[MOST]; /* in a variable, so that LeakSanitizer sees that they are not lost */
static size_t count;

typedef ssize_t mem_send(nghttp2_session *session, const uint8_t **data);
typedef void del(nghttp2_session *session);

ssize_t nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **data) {
  static mem_send *real;
  if (!real)
    real = (mem_send *)dlsym(RTLD_NEXT, "nghttp2_session_mem_send");
  ssize_t length = real(session, data);
  if (length == NGHTTP2_ERR_NOMEM && count < MOST && (count == 0 || broken[count - 1] != session))
    broken[count++] = session;
  return length;
}

void nghttp2_session_del(nghttp2_session *session) {
  static del *real;
  if (!real)
    real = (del *)dlsym(RTLD_NEXT, "nghttp2_session_del");
  if (count == 0 || broken[count - 1] != session)
    real(session);
}
