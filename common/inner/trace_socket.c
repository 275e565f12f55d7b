/* trace_socket: see trace_socket.h. */
#include "common/inner/trace_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Close after a failure, and keep its errno. */
static int give_up(int descriptor) {
  int why = errno;
  close(descriptor);
  errno = why;
  return -1;
}

static int connect_to(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct ucred other;
  socklen_t size = sizeof other;
  if (strlen(name) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, name);
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0)
    return -1;
  if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0 ||
      getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &other, &size) != 0)
    return give_up(descriptor);
  if (other.uid == geteuid())
    return descriptor;
  errno = EPERM;
  return give_up(descriptor);
}

int trace_socket_open(void) {
  const char *chosen = getenv("H2_LIVE");
  const char *folder = getenv("XDG_RUNTIME_DIR");
  char name[128];
  if (chosen && chosen[0] != '\0')
    return connect_to(chosen);
  int descriptor = connect_to("build/live/socket");
  if (descriptor >= 0)
    return descriptor;
  if (folder && folder[0] == '/')
    snprintf(name, sizeof name, "%s/h2-live/socket", folder);
  else
    snprintf(name, sizeof name, "/tmp/h2-live-%u/socket", (unsigned)geteuid());
  return connect_to(name);
}
