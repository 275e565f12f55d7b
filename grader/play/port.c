/* port: see port.h. */
#include "grader/play/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket that is bound but does not listen refuses connections. Returns it, or -1. */
static int bind_to(const struct sockaddr *name, socklen_t size) {
  const int on = 1;
  int descriptor = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return -1;
  bool bound = (name->sa_family == AF_INET ||
                setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
               bind(descriptor, name, size) == 0;
  if (bound)
    return descriptor;
  int why = errno;
  close(descriptor);
  errno = why;
  return -1;
}

/* "localhost" may be either address. */
static int hold(struct port *port, int number) {
  struct sockaddr_in four = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)number)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  socklen_t size = sizeof four;
  port->descriptors[0] = bind_to((struct sockaddr *)&four, size);
  if (port->descriptors[0] < 0)
    return -1;
  bool named = getsockname(port->descriptors[0], (struct sockaddr *)&four, &size) == 0;
  port->number = ntohs(four.sin_port);
  six.sin6_port = four.sin_port;
  port->descriptors[1] = named ? bind_to((struct sockaddr *)&six, sizeof six) : -1;
  if (named && (port->descriptors[1] >= 0 || errno != EADDRINUSE))
    return 0;
  port_release(port);
  return -1;
}

void port_release(struct port *port) {
  for (int i = 0; i < 2; i++) {
    if (port->descriptors[i] >= 0)
      close(port->descriptors[i]);
    port->descriptors[i] = -1;
  }
}

int port_hold(struct port *port) {
  enum { TIMES = 10 };
  for (int i = 0; i < TIMES; i++)
    if (hold(port, 0) == 0)
      return 0;
  return -1;
}

bool port_is_free(int number) {
  struct port port;
  if (hold(&port, number) != 0)
    return false;
  port_release(&port);
  return true;
}
