/*
 * lecture_ask: ask a server for several paths at once, on one connection, and say what comes back. A part of `lecture`,
 * the program that `make demo` shows things with.
 */
#ifndef GRADER_LECTURE_ASK_H
#define GRADER_LECTURE_ASK_H

#include <stddef.h>

#include "common/url.h"

/* GET each path and print a line for each answer as it is complete, "/ping: 200 pong". If the first of them is not
 * answered `patience` milliseconds (0: there is no end to it) after it was asked, its stream is cancelled, and the others go
 * on.
 * Returns 0; or -1, when it has said why. */
int lecture_ask(const struct url *url, char *const *paths, size_t count, long patience);

#endif
