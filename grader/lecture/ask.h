/*
 * ask: ask a server for several paths at once, on one connection, and print what comes back. A part
 * of the program `lecture`.
 */
#ifndef GRADER_LECTURE_ASK_H
#define GRADER_LECTURE_ASK_H

#include <stddef.h>

#include "common/url.h"

/* GET each path, and print a line for each answer when it is complete: "/ping: 200 pong". If the
 * first one has no answer `patience` milliseconds after it was asked (0: wait for ever), cancel its
 * stream; the others go on. Returns 0; or -1 after a message on standard error. */
int lecture_ask(const struct url *url, char *const *paths, size_t count, long patience);

#endif
