/*
 * elf_symbols: the symbols of an object file or a program (the ELF format, elf(5)).
 *
 * The file may be a stranger's: whatever it says of places and sizes may be wrong.
 */
#ifndef GRADER_ELF_SYMBOLS_H
#define GRADER_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

/* Where the table of symbols is. The bytes stay the caller's. */
struct elf_symbols {
  const char *bytes;
  size_t length;
  size_t table; /* from the beginning of the file, as are */
  size_t names; /* the names */
  size_t count;
};

struct elf_symbol {
  uint32_t name;  /* see elf_symbols_name */
  uint64_t value; /* of a program's function: where it begins in memory */
  bool is_function;
  bool is_resolver; /* the loader calls it before everything else (STT_GNU_IFUNC) */
  bool is_data;     /* a variable */
  bool is_defined;  /* here, not in another file */
  uint16_t section; /* its number */
};

/* Find the table with this number, from 0, in a file of `length` bytes; a stranger's file may have
 * several. A table that does not lie within the file is none. Returns false if it is no ELF file of
 * this machine, or has no such table. */
bool elf_symbols_find(struct elf_symbols *symbols, size_t number, const void *bytes, size_t length);

/* The symbol with this index, from 0 to symbols->count - 1. Returns false if the file ends
 * before. */
bool elf_symbols_get(const struct elf_symbols *symbols, size_t index, struct elf_symbol *symbol);

/* Its name, ended by a zero; "" if it has none. */
const char *elf_symbols_name(const struct elf_symbols *symbols, const struct elf_symbol *symbol);

/* Whether it is a variable in a section that can run. */
bool elf_symbols_is_data_in_code(const struct elf_symbols *symbols,
                                 const struct elf_symbol *symbol);

/* Whether their file has functions that run before all constructors (.preinit_array). */
bool elf_symbols_run_early(const struct elf_symbols *symbols);

/* Append `suffix` to the name of every symbol that this object file defines for other files, except
 * to `kept`. The file is of elf_symbols_find's kind, and grows. Returns 0, or -1 if it is broken or
 * there is no memory. */
int elf_symbols_make_own(struct buffer *file, const char *suffix, const char *kept);

#endif
