/*
 * ask: request several paths at once, on one connection, and print the answers. A part of the
 * program `lecture`.
 */
#ifndef GRADER_LECTURE_ASK_H
#define GRADER_LECTURE_ASK_H

#include <stddef.h>

#include "common/url.h"

/* GET each path, and print a line for each answer when it is complete: "/ping: 200 pong". If the
 * first path has no answer `patience` milliseconds after its request (0: wait for ever), cancel its
 * stream; the others go on. Returns 0; or -1 after a message on standard error. */
int lecture_ask(const struct url *url, char *const *paths, size_t count, long patience);

#endif
