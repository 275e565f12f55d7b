/*
 * symbols: the names of a program's functions.
 */
#ifndef GRADER_SYMBOLS_H
#define GRADER_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbols;

/* Read the symbols of a program. Returns NULL if there are none: the file may be anything. */
struct symbols *symbols_read(const char *path);

/* The name of the function that begins at this address, or NULL. */
const char *symbols_name(const struct symbols *symbols, uint64_t address);

void symbols_free(struct symbols *symbols);

#endif
