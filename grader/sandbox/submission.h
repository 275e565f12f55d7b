/*
 * submission: a student's file, taken as what it is: one regular file of moderate
 * size, and nothing else.
 *
 * It is opened without following symbolic links and without waiting for a pipe or a device, read
 * once, and only what was read is compiled, in a place of its own. What may be included is looked
 * at twice: here, by the names in the file; and by the compiler, which sees nothing but the
 * system's headers and those that the lab allows.
 */
#ifndef GRADER_SUBMISSION_H
#define GRADER_SUBMISSION_H

#include <stddef.h>

#include "common/buffer.h"

enum { SUBMISSION_SIZE = 1 << 20 }; /* bytes at most: a lab's program has ten thousand */

/* Read the file at this path, no part of which may be a link, into `content`, empty before.
 * Returns 0; or -1, and `why` is one line: "it is a symbolic link". */
int submission_read(const char *path, struct buffer *content, char *why, size_t size);

/* Find an #include of an absolute path, or of one with "..". Returns 0 if there is none; or -1,
 * and `why` is one line that names it. */
int submission_check_includes(const struct buffer *content, char *why, size_t size);

#endif
