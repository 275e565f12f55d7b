/*
 * trace_socket: the way from a program of this user to `make live`, a Unix socket.
 *
 * Its name is $H2_LIVE if that is set; otherwise build/live/socket, from the program's working
 * directory; otherwise h2-live/socket in $XDG_RUNTIME_DIR, or /tmp/h2-live-UID/socket: that one
 * leads to the `make live` that runs, wherever the program does. The other end must belong to the
 * same user, so that nobody else can collect the frames.
 */
#ifndef COMMON_INNER_TRACE_SOCKET_H
#define COMMON_INNER_TRACE_SOCKET_H

/* Connect. Returns the descriptor, or -1 with errno: ECONNREFUSED or ENOENT if nobody listens,
 * EPERM if another user does. */
int trace_socket_open(void);

#endif
