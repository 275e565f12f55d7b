/* symbols: see symbols.h. */
#include "grader/words/symbols.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/base/elf_symbols.h"

struct symbols {
  struct elf_symbols all; /* its bytes are the whole file */
};

struct symbols *symbols_read(const char *path) {
  struct stat status;
  struct symbols *symbols = calloc(1, sizeof *symbols);
  int file = symbols ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
  void *bytes = MAP_FAILED;
  if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (file >= 0)
    close(file);
  if (bytes != MAP_FAILED && elf_symbols_find(&symbols->all, 0, bytes, (size_t)status.st_size))
    return symbols;
  symbols_free(symbols);
  return NULL;
}

/* A name in C has no dot: what follows it is the compiler's, or sandbox/compile.c's. */
static const char *without_suffix(const char *name) {
  char *dot = strchr(name, '.');
  if (dot)
    *dot = '\0'; /* in our copy of the file */
  return name;
}

const char *symbols_name(const struct symbols *symbols, uint64_t address) {
  struct elf_symbol symbol;
  for (size_t i = 0; i < symbols->all.count && elf_symbols_get(&symbols->all, i, &symbol); i++)
    if (symbol.value == address && symbol.is_function)
      return without_suffix(elf_symbols_name(&symbols->all, &symbol));
  return NULL;
}

void symbols_free(struct symbols *symbols) {
  if (symbols && symbols->all.bytes)
    munmap((void *)symbols->all.bytes, symbols->all.length); /* it was only read */
  free(symbols);
}
