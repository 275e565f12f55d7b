/* port: see port.h. */
#include "grader/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket that is bound but does not listen refuses connections. */
int port_hold(struct port *port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof name;
  port->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (port->descriptor < 0)
    return -1;
  if (bind(port->descriptor, (struct sockaddr *)&name, size) != 0 ||
      getsockname(port->descriptor, (struct sockaddr *)&name, &size) != 0) {
    close(port->descriptor);
    return -1;
  }
  port->number = ntohs(name.sin_port);
  port->filler_count = 0;
  return 0;
}

/* Whether one more connection was made; else it waits. -1 on failure. */
static int add_filler(struct port *port, const struct sockaddr_in *name) {
  struct tcp_info info;
  socklen_t size = sizeof info;
  int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (filler < 0)
    return -1;
  port->fillers[port->filler_count++] = filler;
  if (connect(filler, (const struct sockaddr *)name, sizeof *name) != 0 && errno != EINPROGRESS)
    return -1;
  return getsockopt(filler, IPPROTO_TCP, TCP_INFO, &info, &size) == 0
             ? info.tcpi_state == TCP_ESTABLISHED
             : -1;
}

int port_fill(struct port *port) {
  struct sockaddr_in name = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port->number),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (listen(port->descriptor, 0) != 0)
    return -1;
  int made = 1;
  while (made > 0 && port->filler_count < PORT_FILLERS)
    made = add_filler(port, &name);
  return made == 0 ? 0 : -1;
}

void port_release(struct port *port) {
  for (int i = 0; i < port->filler_count; i++)
    close(port->fillers[i]);
  port->filler_count = 0;
  close(port->descriptor);
  port->descriptor = -1;
}
