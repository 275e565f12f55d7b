/*
 * server_rules: what the contracts say alike of several servers: the command line, unknown methods,
 * and which requests get 404.
 */
#ifndef GRADER_SERVER_RULES_H
#define GRADER_SERVER_RULES_H

#include "grader/play/peer.h"

/* The server `name` must refuse wrong arguments; `option` is another one that takes a number, or
 * NULL. */
void server_rules_expect_usage(struct exchange *exchange, const char *name, const char *option);

/* Requests that are nearly GET /ping or GET /hello-world, on the streams from `stream_id` on: each
 * gets 404, "path not found" and its content-type. Returns the next free stream. */
int32_t server_rules_expect_not_found(struct peer *peer, int32_t stream_id);

/* A method that nobody has defined, in capital letters; at least 8 bytes. Returns `method`. */
const char *server_rules_unknown_method(struct exchange *exchange, char *method);

#endif
