/*
 * preprocessed: what a stranger's file is once its macros are expanded, and what may not be there.
 *
 * Headers of the system use some words that a stranger's file may not: __asm__ gives a function
 * another name there. So forbidden.h looks for them in the file as it stands, where a macro can put
 * them together from pieces (__as ## m__), or hide from the preprocessor what it would expand. Here
 * the compiler has done all that. Then these are left:
 *   __asm__                but not after a function's declaration with a mere name, nor as
 *                          <asm/swab.h> swaps bytes
 *   __builtin_ia32_...     single instructions
 *   section("...")         and the other attributes with a text that gcc copies
 *   #pragma GCC target     and its like, with which gcc 12 preprocesses a file otherwise when it
 *                          only preprocesses it
 */
#ifndef GRADER_PREPROCESSED_H
#define GRADER_PREPROCESSED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"

/* Whether one of them is in `text`, which the compiler has made of the file `source` (-E). Put the
 * word into `word`, and its line in the file into `line`, or the last one before it. */
bool preprocessed_find(const struct buffer *text, const char *source, char *word, size_t size,
                       int *line);

#endif
