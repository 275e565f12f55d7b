/*
 * sock_diag: what the kernel says about TCP sockets of this machine, sock_diag(7).
 *
 * /proc/net/tcp says the same, but only after a walk through a table that is made for all the
 * connections that the machine could have: some milliseconds for each look.
 */
#ifndef GRADER_SOCK_DIAG_H
#define GRADER_SOCK_DIAG_H

#include <linux/inet_diag.h>
#include <stdbool.h>

/* Called for each socket that is found; `found` is the kernel's, and gone after the call. */
typedef void sock_diag_found(const struct inet_diag_msg *found, void *user);

/* One: the socket with the addresses in `request.id`. All: each socket of the family with the ports
 * and in the states of the request. */
enum sock_diag_which { SOCK_DIAG_ONE, SOCK_DIAG_ALL };

/* Returns false if the kernel does not answer, or knows no such one; true if it has none in a list
 * of all. */
bool sock_diag_ask(enum sock_diag_which which, struct inet_diag_req_v2 request,
                   sock_diag_found *call, void *user);

#endif
