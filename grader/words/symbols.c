/* symbols: see symbols.h. A program is an ELF file; nothing that it says of itself is trusted. */
#include "grader/words/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct symbols {
  const unsigned char *bytes; /* the whole file */
  size_t length;
  const Elf64_Sym *table;
  size_t count;
  const char *names;
  size_t names_length;
};

/* That part of the file, or NULL if it has no such part. */
static const void *part(const struct symbols *symbols, uint64_t offset, uint64_t length) {
  bool inside = offset <= symbols->length && length <= symbols->length - offset;
  return inside && offset % sizeof(uint64_t) == 0 ? symbols->bytes + offset : NULL;
}

/* The names of the table's symbols; they end with a zero. */
static bool find_names(struct symbols *symbols, const Elf64_Shdr *section) {
  if (section->sh_offset > symbols->length || section->sh_size == 0 ||
      section->sh_size > symbols->length - section->sh_offset)
    return false;
  symbols->names = (const char *)symbols->bytes + section->sh_offset;
  symbols->names_length = section->sh_size;
  return symbols->names[symbols->names_length - 1] == '\0';
}

static bool find_table(struct symbols *symbols) {
  const Elf64_Ehdr *header = part(symbols, 0, sizeof *header);
  if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof(Elf64_Shdr))
    return false;
  const Elf64_Shdr *sections =
      part(symbols, header->e_shoff, (uint64_t)header->e_shnum * sizeof *sections);
  for (size_t i = 0; sections && i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_link >= header->e_shnum)
      continue;
    symbols->table = part(symbols, sections[i].sh_offset, sections[i].sh_size);
    symbols->count = sections[i].sh_size / sizeof *symbols->table;
    return symbols->table && find_names(symbols, &sections[sections[i].sh_link]);
  }
  return false;
}

struct symbols *symbols_read(const char *path) {
  struct stat status;
  struct symbols *symbols = calloc(1, sizeof *symbols);
  int file = symbols ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
  void *bytes = MAP_FAILED;
  if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (file >= 0)
    close(file);
  if (bytes != MAP_FAILED) {
    symbols->bytes = bytes;
    symbols->length = (size_t)status.st_size;
    if (find_table(symbols))
      return symbols;
  }
  symbols_free(symbols);
  return NULL;
}

const char *symbols_name(const struct symbols *symbols, uint64_t address) {
  for (size_t i = 0; i < symbols->count; i++) {
    const Elf64_Sym *symbol = &symbols->table[i];
    if (symbol->st_value == address && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
        symbol->st_name < symbols->names_length)
      return symbols->names + symbol->st_name;
  }
  return NULL;
}

void symbols_free(struct symbols *symbols) {
  if (symbols && symbols->bytes)
    munmap((void *)symbols->bytes, symbols->length); /* it was only read */
  free(symbols);
}
