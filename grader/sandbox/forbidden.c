/* forbidden: see forbidden.h. */
#include "grader/sandbox/forbidden.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

/* ---- names ---- */

static const char *const beginnings[] = {"__real_", "__wrap_",      "__interceptor_",
                                         "__lsan_", "__sanitizer_", "__cyg_profile_func_",
                                         "__asan_", "__ubsan_",     NULL};

static const char *const whole_names[] = {"dlopen",          "dlmopen",  "dlsym",       "dlvsym",
                                          "dl_iterate_phdr", "_r_debug", "probe_fails", NULL};

/* What the compiler's instrumentation calls; but not what it cannot know of. */
static const char *const instruments[] = {"__asan_init",
                                          "__asan_version_mismatch_check",
                                          "__asan_report_load",
                                          "__asan_report_store",
                                          "__asan_report_exp_",
                                          "__asan_load",
                                          "__asan_store",
                                          "__asan_exp_",
                                          "__asan_stack_malloc_",
                                          "__asan_stack_free_",
                                          "__asan_option_detect_stack_use_after_return",
                                          "__asan_register_",
                                          "__asan_unregister_",
                                          "__asan_before_dynamic_init",
                                          "__asan_after_dynamic_init",
                                          "__asan_handle_no_return",
                                          "__asan_mem",
                                          "__asan_set_shadow_",
                                          "__asan_poison_stack_memory",
                                          "__asan_unpoison_stack_memory",
                                          "__asan_alloca",
                                          "__asan_shadow_memory_dynamic_address",
                                          "__ubsan_handle_",
                                          "__ubsan_vptr_type_cache",
                                          "__cyg_profile_func_",
                                          NULL};

static bool begins_with(const char *name, const char *const *list) {
  for (; *list != NULL; list++)
    if (strncmp(name, *list, strlen(*list)) == 0)
      return true;
  return false;
}

/* The name may have a version: "dlsym@GLIBC_2.34". */
static bool is_one_of(const char *name, const char *const *list) {
  for (; *list != NULL; list++)
    if (strlen(*list) == strcspn(name, "@") && strncmp(name, *list, strlen(*list)) == 0)
      return true;
  return false;
}

static bool is_forbidden(const char *name, bool defined) {
  if (is_one_of(name, whole_names))
    return true;
  return begins_with(name, beginnings) && (defined || !begins_with(name, instruments));
}

/* ---- the object: whatever it says of places and sizes may be wrong ---- */

/* Copy `size` bytes from there. Returns whether they exist. */
static bool take(const struct buffer *object, size_t offset, void *to, size_t size) {
  if (offset > object->length || object->length - offset < size)
    return false;
  memcpy(to, object->bytes + offset, size);
  return true;
}

/* Where there are too many sections for the header, the first one has their number. */
static bool take_section(const struct buffer *object, const ElfW(Ehdr) * header, size_t index,
                         ElfW(Shdr) * section) {
  ElfW(Shdr) first;
  if (!take(object, header->e_shoff, &first, sizeof first))
    return false;
  size_t count = header->e_shnum != 0 ? header->e_shnum : first.sh_size;
  return index < count &&
         take(object, header->e_shoff + index * sizeof *section, section, sizeof *section);
}

static bool find_in_table(const struct buffer *object, const ElfW(Shdr) * table,
                          const ElfW(Shdr) * names, char *name, size_t size) {
  ElfW(Sym) symbol;
  for (size_t at = 0; table->sh_size - at >= sizeof symbol; at += sizeof symbol) {
    if (!take(object, table->sh_offset + at, &symbol, sizeof symbol))
      return false;
    size_t place = names->sh_offset + symbol.st_name;
    if (place >= object->length)
      continue;
    snprintf(name, size, "%.*s", (int)strnlen(object->bytes + place, object->length - place),
             object->bytes + place);
    if (is_forbidden(name, symbol.st_shndx != SHN_UNDEF))
      return true;
  }
  return false;
}

bool forbidden_find(const struct buffer *object, char *name, size_t size) {
  ElfW(Ehdr) header;
  ElfW(Shdr) table;
  ElfW(Shdr) names;
  if (!take(object, 0, &header, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return false;
  for (size_t i = 0; take_section(object, &header, i, &table); i++)
    if (table.sh_type == SHT_SYMTAB && take_section(object, &header, table.sh_link, &names) &&
        find_in_table(object, &table, &names, name, size))
      return true;
  return false;
}
