/* port: see port.h. */
#include "grader/play/port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket that is bound but does not listen refuses connections. */
static int hold(struct port *port, int number) {
  struct sockaddr_in name = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)number)};
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
  return 0;
}

void port_release(struct port *port) {
  close(port->descriptor);
  port->descriptor = -1;
}

int port_hold(struct port *port) {
  return hold(port, 0);
}

bool port_is_free(int number) {
  struct port port;
  if (hold(&port, number) != 0)
    return false;
  port_release(&port);
  return true;
}
