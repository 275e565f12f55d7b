/* trace_socket: see trace_socket.h. */
#include "common/inner/trace_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int trace_socket_open(void) {
  const char *name = getenv("H2_LIVE");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (!name || name[0] == '\0')
    name = "build/live/socket";
  if (strlen(name) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, name);
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return -1;
  if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0)
    return descriptor;
  int why = errno;
  close(descriptor);
  errno = why;
  return -1;
}

int trace_socket_send(int descriptor, const char *text, size_t length) {
  while (length > 0) {
    ssize_t sent = send(descriptor, text, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0)
      return -1;
    text += sent;
    length -= (size_t)sent;
  }
  return 0;
}
