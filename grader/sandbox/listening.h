/*
 * listening: which process listens at a port. A part of program.h.
 */
#ifndef GRADER_LISTENING_H
#define GRADER_LISTENING_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether it is known that no socket of this process listens at that TCP port. False where the
 * kernel does not show the sockets of the process. */
bool listening_is_not_by(pid_t pid, int port);

#endif
