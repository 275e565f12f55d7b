/*
 * submission: read a student's file: one regular file of moderate size, and nothing else.
 *
 * It opens the file without following symbolic links and without waiting for a pipe or a device,
 * and reads it once. Only what it has read is compiled, in a separate place. Two things check the
 * includes: this module, by the names in the file; and the compiler, which sees only the system's
 * headers and those that the lab allows.
 */
#ifndef GRADER_SUBMISSION_H
#define GRADER_SUBMISSION_H

#include <stddef.h>

#include "common/buffer.h"

enum { SUBMISSION_SIZE = 1 << 20 }; /* bytes at most: a lab's program has ten thousand */

/* Read the file at this path, no part of which may be a link, into the empty `content`. Returns 0;
 * or -1, and `why` is one line: "it is a symbolic link". */
int submission_read(const char *path, struct buffer *content, char *why, size_t size);

/* Find an #include of an absolute path, or of one with "..". Returns 0 if there is none; or -1,
 * and `why` is one line that names it. */
int submission_check_includes(const struct buffer *content, char *why, size_t size);

#endif
