/*
 * forbidden: names that a stranger's file may not use.
 *
 * A submission is linked with the sanitizers and with common/inner/probe.c, which watch it. Names
 * of theirs in its object (__real_malloc, __lsan_do_leak_check, __asan_default_options) can only
 * serve to go around them, and so can functions that find other functions (dlsym), that make
 * any system call (syscall), that end the program before its end (__cxa_finalize), or that give
 * memory which nobody counts (mmap). The compiler
 * itself puts some of the sanitizers' names into the object, and these are right; but none is
 * defined there.
 *
 * Other names switch off, for a part of the file, what the command line asks of the compiler: the
 * sanitizers (no_sanitize, __seg_gs), their checks (optimize("wrapv")), the probe's look at each
 * function (no_instrument_function). They leave nothing in the object. So the compiler itself
 * refuses them, wherever they come from: a macro, pieces put together, a pragma. So it does with
 * what gcc copies into its assembler file as it stands: the text of some attributes (section), and
 * of #ident.
 */
#ifndef GRADER_FORBIDDEN_H
#define GRADER_FORBIDDEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"

/* A header to compile before a stranger's file: with it, these other names are errors there, whose
 * message has the word "poisoned". */
extern const char forbidden_header[];

/* The attributes with a text that gcc copies into its assembler file; NULL ends them. */
extern const char *const forbidden_copying[];

/* The line in which a stranger's file has machine instructions (__asm__, __builtin_ia32_...), that
 * no sanitizer looks at, and how they begin; 0 if there is none. What its macros put together is
 * preprocessed.h's. The header refuses the spelling asm, and the headers that have functions for
 * single instructions; these spellings are in headers of the system too. So are directives: #ident;
 * those that take away the header's macros; and #line, for where a function stands says whose it
 * is. The source has no NUL. */
int forbidden_assembly(const struct buffer *source, const char **word);

/* Whether this object file, which a stranger's file has become, has such a name: put the first into
 * `name`. So have functions that run before the probe (ifunc, .preinit_array), and variables that
 * can run, for they may be machine instructions. */
bool forbidden_find(const struct buffer *object, char *name, size_t size);

#endif
