/*
 * port: a TCP port on which nobody listens while we hold it.
 */
#ifndef GRADER_PORT_H
#define GRADER_PORT_H

#include <stdbool.h>

struct port {
  int number;
  int descriptor;
};

/* Find a free port and hold it: the system refuses connections to it, and nobody else gets it.
 * Returns 0 or -1. */
int port_hold(struct port *port);

void port_release(struct port *port);

/* Whether nobody has this port now. */
bool port_is_free(int number);

#endif
