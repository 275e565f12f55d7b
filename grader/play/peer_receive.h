/*
 * peer_receive: how a peer gets its connection, and what it does by itself when frames arrive.
 */
#ifndef GRADER_PEER_RECEIVE_H
#define GRADER_PEER_RECEIVE_H

#include "grader/play/peer.h"

/* Be a server on a free port: exchange->url. Call it before starting a program that connects to
 * it. */
void peer_listen(struct exchange *exchange);

/* A new client of the program, which is a server. It waits for nothing: the program may refuse it,
 * which sets peer->closed_by_program. */
struct peer *peer_begin_to_connect(struct exchange *exchange);

/* The same to any port; and to the reference server, whose connections are not recorded. */
struct peer *peer_begin_to_connect_to(struct exchange *exchange, int port, bool is_reference);

/* Answer the program that connected while exchange->holds was set. */
void peer_take_held(struct exchange *exchange);

/* End and free all peers of the exchange. For check_run only, before exchange_free. */
void peer_free_all(struct exchange *exchange);

#endif
