/*
 * quick_start: what the sanitizers need not ask at the start of a program.
 *
 * AddressSanitizer asks the loader for each function that it knows. glibc lacks some fifty of them;
 * for each, the loader looks through all libraries twice, and writes a message. LeakSanitizer asks
 * for the segments of all libraries, and keeps those of the loader. The first text of each length
 * that a sanitizer keeps takes a hundred pages. The linker's --wrap brings both questions here and
 * to touched.c.
 */
#ifndef COMMON_QUICK_START_H
#define COMMON_QUICK_START_H

#include <link.h>
#include <stdbool.h>

/* A function that the sanitizers call where they do not run themselves: it runs as it is written. */
#define AS_WRITTEN __attribute__((no_sanitize("address", "undefined")))

/* Whether the sanitizers see this program or library now: at the start only the loader. */
bool quick_start_shows(const struct dl_phdr_info *info);

#endif
