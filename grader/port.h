/*
 * port: a TCP port on which nobody listens, for as long as it is held.
 */
#ifndef GRADER_PORT_H
#define GRADER_PORT_H

enum { PORT_FILLERS = 8 };

struct port {
  int number;
  int descriptor;
  int fillers[PORT_FILLERS]; /* the connections of port_fill */
  int filler_count;
};

/* Find a free port and hold it: connections to it are refused, and nobody else gets it. Returns 0 or -1. */
int port_hold(struct port *port);

/* Listen at the port that is held, and have its queue full: from now on connections are neither made nor refused. Returns 0
 * or -1. */
int port_fill(struct port *port);

void port_release(struct port *port);

#endif
