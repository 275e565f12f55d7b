/*
 * forbidden: names that a stranger's file may not use.
 *
 * A submission is linked with the sanitizers and with common/inner/probe.c, which watch it. Names
 * of theirs in its object (__real_malloc, __lsan_do_leak_check, __asan_default_options) can only
 * serve to go around them, and so can functions that find other functions (dlsym). The compiler
 * itself puts some of the sanitizers' names into the object, and these are right; but none is
 * defined there.
 */
#ifndef GRADER_FORBIDDEN_H
#define GRADER_FORBIDDEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"

/* Whether this object file, which a stranger's file has become, has such a name: put the first into
 * `name`. */
bool forbidden_find(const struct buffer *object, char *name, size_t size);

#endif
