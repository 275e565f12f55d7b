/* trace_live: see trace_live.h. */
#include "common/inner/trace_live.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/inner/trace_socket.h"

enum {
  RUN = 100,         /* so many places must be free before frames are shown again */
  PATIENCE_MS = 100, /* for a reader that takes nothing */
};

static struct {
  int descriptor;
  double places;      /* free ones */
  double since;       /* the moment at which there were so many */
  bool full;          /* no place, until there are RUN */
  bool slow;          /* the reader has had its PATIENCE_MS */
  struct buffer rest; /* of a line that has been sent in part: the next thing to send */
} live;

int trace_live_open(void) {
  live.descriptor = trace_socket_open();
  live.places = TRACE_LIVE_BURST;
  return live.descriptor < 0 ? -1 : 0;
}

bool trace_live_admits(double milliseconds) {
  live.places += (milliseconds - live.since) / 1000 * TRACE_LIVE_RATE;
  live.since = milliseconds;
  if (live.places > TRACE_LIVE_BURST)
    live.places = TRACE_LIVE_BURST;
  live.full = live.places < (live.full ? RUN : 1);
  if (!live.full)
    live.places--;
  return !live.full;
}

/* Send what the reader takes. Returns how much that was, or -1 with errno. */
static ssize_t send_some(const char *text, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t sent = send(live.descriptor, text + done, length - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    struct pollfd writable = {.fd = live.descriptor, .events = POLLOUT};
    if (sent >= 0) {
      done += (size_t)sent;
      live.slow = false;
    } else if (errno == EAGAIN && (live.slow || poll(&writable, 1, PATIENCE_MS) == 0)) {
      live.slow = true;
      break;
    } else if (errno != EAGAIN && errno != EINTR) {
      return -1;
    }
  }
  return (ssize_t)done;
}

static long count_lines(const char *text, size_t length) {
  long lines = 0;
  for (size_t i = 0; i < length; i++)
    lines += text[i] == '\n';
  return lines;
}

/* End a line that was sent in part. Returns 0 if it has ended, 1 if not, -1 with errno. */
static int send_rest(void) {
  ssize_t sent = send_some(live.rest.bytes, live.rest.length);
  if (sent < 0)
    return -1;
  if ((size_t)sent < live.rest.length) {
    memmove(live.rest.bytes, live.rest.bytes + sent, live.rest.length - (size_t)sent);
    live.rest.length -= (size_t)sent;
    return 1;
  }
  buffer_clear(&live.rest);
  return 0;
}

static long fail(void) {
  int why = errno;
  close(live.descriptor);
  buffer_free(&live.rest);
  errno = why;
  return -1;
}

long trace_live_send(const char *text, size_t length) {
  int rest = send_rest();
  if (rest != 0)
    return rest < 0 ? fail() : count_lines(text, length);
  ssize_t sent = send_some(text, length);
  if (sent < 0)
    return fail();
  const char *next = text + sent;
  const char *end = text + length;
  bool in_line = sent > 0 && next < end && next[-1] != '\n';
  const char *after = in_line ? memchr(next, '\n', (size_t)(end - next)) : NULL;
  if (after && buffer_append(&live.rest, next, (size_t)(after + 1 - next)) != 0)
    return fail();
  if (after)
    next = after + 1;
  return count_lines(next, (size_t)(end - next));
}
