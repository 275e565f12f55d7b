/*
 * hidden_socket: see hidden_socket.c. Nobody here calls these; Criterion does.
 */
#ifndef GRADER_HIDDEN_SOCKET_H
#define GRADER_HIDDEN_SOCKET_H

int nn_bind(int socket, const char *address);
int nn_connect(int socket, const char *address);

#endif
