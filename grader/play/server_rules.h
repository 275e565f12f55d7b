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

/* The same for OPTIONS, whose path is "*", and CONNECT, which has none (RFC 9113, sections 8.3.1
 * and 8.5). */
int32_t server_rules_expect_no_path_not_found(struct peer *peer, int32_t stream_id);

enum { SERVER_RULES_METHOD = 13 /* bytes */ };

/* A method of one to twelve capital letters, neither GET, HEAD nor CONNECT; `method` has
 * SERVER_RULES_METHOD bytes. Returns `method`. */
const char *server_rules_unknown_method(struct exchange *exchange, char *method);

/* Change the case of one letter or more. */
void server_rules_mix_case(struct exchange *exchange, char *text);

/* In which ways a path can look like a route's, and be another one. */
enum server_rules_path {
  SERVER_RULES_PERCENT,     /* a letter is written as %XX */
  SERVER_RULES_DOT,         /* "/." before it */
  SERVER_RULES_DOTS,        /* "/x/.." before it */
  SERVER_RULES_SLASHES,     /* "//" behind it */
  SERVER_RULES_PARAMETER,   /* ";x" behind it, or another separator */
  SERVER_RULES_PREFIX,      /* "/x" before it */
  SERVER_RULES_LETTER_LESS, /* a letter is missing, not the last */
  SERVER_RULES_ANAGRAM,     /* two letters have changed places */
  SERVER_RULES_OTHER_LETTER,
  SERVER_RULES_PATHS
};

/* Write into `path` what looks like `route` in this way. */
void server_rules_make_path(struct exchange *exchange, char *path, size_t size, const char *route,
                            enum server_rules_path kind);

#endif
