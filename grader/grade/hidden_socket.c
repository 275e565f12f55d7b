/*
 * hidden_socket: where Criterion's socket is.
 *
 * Criterion's processes speak by a socket of nanomsg's in /tmp, whose name everybody knows. Here it
 * is put into the folder of this run (enclosure.h), whose name nobody does.
 */
#include "grader/grade/hidden_socket.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_SIZE = sizeof "ipc://" + 107 }; /* what the address of a UNIX socket has room for */

/* "ipc:///tmp/NAME" in the folder of this run; where that is too long, as it is. */
static const char *move(const char *address, char moved[ADDRESS_SIZE]) {
  const char *folder = getenv("TMPDIR");
  const char *name = strrchr(address, '/');
  if (!folder || !name || strncmp(address, "ipc://", strlen("ipc://")) != 0)
    return address;
  int length = snprintf(moved, ADDRESS_SIZE, "ipc://%s%s", folder, name);
  return length < ADDRESS_SIZE ? moved : address;
}

static int call_next(const char *function, int socket, const char *address) {
  char moved[ADDRESS_SIZE];
  int (*next)(int, const char *) = dlsym(RTLD_NEXT, function);
  return next ? next(socket, move(address, moved)) : -1;
}

int nn_bind(int socket, const char *address) {
  return call_next("nn_bind", socket, address);
}

int nn_connect(int socket, const char *address) {
  return call_next("nn_connect", socket, address);
}
