/*
 * port: a TCP port on which nobody listens while we hold it.
 */
#ifndef GRADER_PORT_H
#define GRADER_PORT_H

#include <stdbool.h>

struct port {
  int number;
  int descriptors[2]; /* on 127.0.0.1, and on ::1 where there is IPv6; -1: none */
};

/* Find a free port and hold it: the system refuses connections to it, and nobody else gets it.
 * Returns 0 or -1. */
int port_hold(struct port *port);

void port_release(struct port *port);

/* Whether nobody has this port now. */
bool port_is_free(int number);

#endif
