/* unread: see unread.h. */
#include "grader/unread.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

union address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

static unsigned port_of(const union address *address) {
  return ntohs(address->any.sa_family == AF_INET6 ? address->ipv6.sin6_port
                                                  : address->ipv4.sin_port);
}

/* The socket with these ports, in a list such as /proc/net/tcp:
 *   "0: 0100007F:1F90 0100007F:C350 01 00000000:0000001A ..."
 * addresses and ports in hexadecimal, the state, what waits to be sent, and what waits to be read. */
static long find(FILE *list, unsigned local, unsigned remote) {
  char line[512];
  while (fgets(line, sizeof line, list)) {
    unsigned its_local;
    unsigned its_remote;
    unsigned long unread;
    if (sscanf(line, " %*u: %*[^:]:%x %*[^:]:%x %*x %*x:%lx", &its_local, &its_remote, &unread) ==
            3 &&
        its_local == local && its_remote == remote)
      return (long)unread;
  }
  return -1;
}

long unread_bytes(int descriptor) {
  union address ours = {.ipv6 = {0}};
  union address theirs = {.ipv6 = {0}};
  socklen_t size = sizeof ours;
  if (getsockname(descriptor, &ours.any, &size) != 0)
    return -1;
  size = sizeof theirs;
  if (getpeername(descriptor, &theirs.any, &size) != 0)
    return -1;
  FILE *list = fopen(ours.any.sa_family == AF_INET6 ? "/proc/net/tcp6" : "/proc/net/tcp", "re");
  if (!list)
    return -1;
  long unread = find(list, port_of(&theirs), port_of(&ours));
  fclose(list);
  return unread;
}
