/*
 * trace_socket: the way from H2_TRACE=live to `make live`, a Unix socket.
 *
 * Its name is $H2_LIVE, or build/live/socket, from the program's working directory. A program
 * connects once, and sends one line for each event; nothing comes back.
 */
#ifndef COMMON_INNER_TRACE_SOCKET_H
#define COMMON_INNER_TRACE_SOCKET_H

#include <stddef.h>

/* Connect. Returns the descriptor, or -1 with errno: ECONNREFUSED or ENOENT if nobody listens. */
int trace_socket_open(void);

/* Send everything; wait while the reader is slow. Returns 0, or -1 with errno: EPIPE when the
 * reader has gone, without a signal. */
int trace_socket_send(int descriptor, const char *text, size_t length);

#endif
