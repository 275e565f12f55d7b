/* elf_symbols: see elf_symbols.h. */
#include "grader/base/elf_symbols.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 64 << 20 /* bytes: more than a compiler's file may have */ };

/* The header of a section, and where it is in the file. */
struct section {
  size_t place;
  ElfW(Shdr) header;
};

static bool is_inside(const struct elf_symbols *symbols, size_t offset, size_t size) {
  return offset <= symbols->length && symbols->length - offset >= size;
}

/* Copy `size` bytes from there. Returns whether they exist. */
static bool take(const struct elf_symbols *symbols, size_t offset, void *to, size_t size) {
  if (!is_inside(symbols, offset, size))
    return false;
  memcpy(to, symbols->bytes + offset, size);
  return true;
}

/* Where there are too many sections for the header, the first one has their number. */
static bool take_section(const struct elf_symbols *symbols, const ElfW(Ehdr) * header, size_t index,
                         ElfW(Shdr) * section) {
  ElfW(Shdr) first;
  if (!take(symbols, header->e_shoff, &first, sizeof first))
    return false;
  size_t count = header->e_shnum != 0 ? header->e_shnum : first.sh_size;
  return index < count &&
         take(symbols, header->e_shoff + index * sizeof *section, section, sizeof *section);
}

bool elf_symbols_find(struct elf_symbols *symbols, size_t number, const void *bytes,
                      size_t length) {
  static const unsigned char class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
  ElfW(Ehdr) header;
  ElfW(Shdr) table;
  ElfW(Shdr) names;
  *symbols = (struct elf_symbols){.bytes = bytes, .length = length};
  if (!take(symbols, 0, &header, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != class)
    return false;
  for (size_t i = 0; take_section(symbols, &header, i, &table); i++) {
    if (table.sh_type != SHT_SYMTAB || !is_inside(symbols, table.sh_offset, table.sh_size) ||
        !take_section(symbols, &header, table.sh_link, &names) ||
        !is_inside(symbols, names.sh_offset, names.sh_size) || number-- > 0)
      continue;
    symbols->table = table.sh_offset;
    symbols->count = table.sh_size / sizeof(ElfW(Sym));
    symbols->names = names.sh_offset;
    return true;
  }
  return false;
}

bool elf_symbols_get(const struct elf_symbols *symbols, size_t index, struct elf_symbol *symbol) {
  ElfW(Sym) entry;
  if (!take(symbols, symbols->table + index * sizeof entry, &entry, sizeof entry))
    return false;
  unsigned type = entry.st_info & 0xf;
  *symbol =
      (struct elf_symbol){.name = entry.st_name,
                          .value = entry.st_value,
                          .is_function = type == STT_FUNC,
                          .is_resolver = type == STT_GNU_IFUNC,
                          .is_data = type == STT_OBJECT || type == STT_TLS || type == STT_COMMON,
                          .section = entry.st_shndx,
                          .is_defined = entry.st_shndx != SHN_UNDEF};
  return true;
}

const char *elf_symbols_name(const struct elf_symbols *symbols, const struct elf_symbol *symbol) {
  size_t place = symbols->names + symbol->name;
  if (place >= symbols->length || !memchr(symbols->bytes + place, '\0', symbols->length - place))
    return "";
  return symbols->bytes + place;
}

/* With too many sections, the symbol has no number of one: then it may be in any. */
bool elf_symbols_is_data_in_code(const struct elf_symbols *symbols,
                                 const struct elf_symbol *symbol) {
  ElfW(Ehdr) header;
  ElfW(Shdr) section;
  return symbol->is_data && (symbol->section == SHN_XINDEX ||
                             (take(symbols, 0, &header, sizeof header) &&
                              take_section(symbols, &header, symbol->section, &section) &&
                              (section.sh_flags & SHF_EXECINSTR) != 0));
}

bool elf_symbols_run_early(const struct elf_symbols *symbols) {
  ElfW(Ehdr) header;
  ElfW(Shdr) section;
  if (!take(symbols, 0, &header, sizeof header))
    return false;
  for (size_t i = 0; take_section(symbols, &header, i, &section); i++)
    if (section.sh_type == SHT_PREINIT_ARRAY)
      return true;
  return false;
}

/* ---- names of its own ---- */

static bool find_section(const struct elf_symbols *symbols, size_t index, struct section *section) {
  ElfW(Ehdr) header;
  if (!take(symbols, 0, &header, sizeof header) ||
      !take_section(symbols, &header, index, &section->header))
    return false;
  section->place = header.e_shoff + index * sizeof section->header;
  return true;
}

/* Give the symbol its new name, at the end of `names`. */
static int rename_symbol(struct buffer *file, size_t place, struct buffer *names,
                         const char *suffix, const char *kept) {
  ElfW(Sym) entry;
  memcpy(&entry, file->bytes + place, sizeof entry);
  if (entry.st_shndx == SHN_UNDEF || entry.st_info >> 4 == STB_LOCAL)
    return 0;
  if (entry.st_name >= names->length || names->length > MOST_NAMES)
    return -1;
  char *name = strdup(names->bytes + entry.st_name);
  int result = name != NULL ? 0 : -1;
  if (name != NULL && strcmp(name, kept) != 0) {
    entry.st_name = (ElfW(Word))names->length;
    memcpy(file->bytes + place, &entry, sizeof entry);
    result = buffer_append_text(names, name);
    if (result == 0)
      result = buffer_append(names, suffix, strlen(suffix) + 1);
  }
  free(name);
  return result;
}

/* The same for all symbols of this table. The names move to the end of the file. */
static int rename_all(struct buffer *file, const struct elf_symbols *symbols,
                      const struct section *table, const char *suffix, const char *kept) {
  struct buffer names = {0};
  struct section old;
  if (!find_section(symbols, table->header.sh_link, &old) ||
      !is_inside(symbols, old.header.sh_offset, old.header.sh_size) ||
      !is_inside(symbols, table->header.sh_offset, table->header.sh_size))
    return -1;
  size_t count = table->header.sh_size / sizeof(ElfW(Sym));
  int result = buffer_append(&names, file->bytes + old.header.sh_offset, old.header.sh_size);
  if (result == 0) /* whatever the file says, the last one ends */
    result = buffer_append(&names, "", 1);
  for (size_t i = 0; result == 0 && i < count; i++)
    result =
        rename_symbol(file, table->header.sh_offset + i * sizeof(ElfW(Sym)), &names, suffix, kept);
  old.header.sh_offset = file->length;
  old.header.sh_size = names.length;
  if (result == 0) {
    memcpy(file->bytes + old.place, &old.header, sizeof old.header);
    result = buffer_append(file, names.bytes, names.length);
  }
  buffer_free(&names);
  return result;
}

int elf_symbols_make_own(struct buffer *file, const char *suffix, const char *kept) {
  struct elf_symbols symbols;
  struct section section;
  if (!elf_symbols_find(&symbols, 0, file->bytes, file->length))
    return -1;
  for (size_t i = 0; find_section(&symbols, i, &section); i++) {
    if (section.header.sh_type == SHT_SYMTAB &&
        rename_all(file, &symbols, &section, suffix, kept) != 0)
      return -1;
    symbols.bytes = file->bytes; /* they may have moved */
    symbols.length = file->length;
  }
  return 0;
}
