/* elf_symbols: see elf_symbols.h. */
#include "grader/base/elf_symbols.h"

#include <elf.h>
#include <link.h>
#include <string.h>

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
