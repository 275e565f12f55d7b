/*
 * port: a TCP port on which nobody listens, for as long as it is held.
 */
#ifndef GRADER_PORT_H
#define GRADER_PORT_H

struct port {
  int number;
  int descriptor;
};

/* Find a free port and hold it: connections to it are refused, and nobody else gets
 * it. Returns 0 or -1. */
int port_hold(struct port *port);

void port_release(struct port *port);

#endif
