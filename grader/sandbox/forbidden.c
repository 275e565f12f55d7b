/* forbidden: see forbidden.h. */
#include "grader/sandbox/forbidden.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "grader/base/elf_symbols.h"

/* ---- names ---- */

static const char *const beginnings[] = {"__real_", "__wrap_",      "__interceptor_",
                                         "__lsan_", "__sanitizer_", "__cyg_profile_func_",
                                         "__asan_", "__ubsan_",     NULL};

static const char *const whole_names[] = {
    "dlopen", "dlmopen", "dlsym", "dlvsym", "dladdr", "dladdr1", "dlinfo", "dl_iterate_phdr",
    "_dl_find_object", "_r_debug", "_dl_debug_state", "_DYNAMIC", "_rtld_global", "_rtld_global_ro",
    "__ehdr_start", "probe_fails",
    /* all system calls: also those that the C library makes only for itself */
    "syscall", "ptrace",
    /* run the handlers of the end before it, or after LeakSanitizer's look */
    "__cxa_finalize", "at_quick_exit", "__cxa_at_quick_exit",
    /* memory that no sanitizer counts, and the probe neither counts nor lets fail */
    "mmap", "mmap64", "__mmap", "mremap", "brk", "__brk", "sbrk", "__sbrk", "__libc_malloc",
    "__libc_calloc", "__libc_realloc", "__libc_memalign", "__libc_valloc", "__libc_pvalloc",
    "memalign", "valloc", "pvalloc", "__strdup", "__strndup", "__asprintf", "__getdelim", NULL};

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

/* ---- names in the source ---- */

/* The attributes with a text that gcc copies. */
#define COPYING(DO)                                                                                \
  DO(section)                                                                                      \
  DO(__section__)                                                                                  \
  DO(weakref)                                                                                      \
  DO(__weakref__)                                                                                  \
  DO(symver)                                                                                       \
  DO(__symver__) DO(patchable_function_entry) DO(__patchable_function_entry__)
#define QUOTE(name)  #name,
#define DEFINE(name) "#define " #name "(...) " COPIED
#define COPIED                                                                                     \
  "_Pragma(\"GCC error \\\"this attribute has its name poisoned: its text may be "                 \
  "instructions\\\"\")\n"

const char *const forbidden_copying[] = {COPYING(QUOTE) NULL};

/* Each in both of its spellings, where it has two. */
const char forbidden_header[] =
    "#pragma GCC system_header\n" /* no warning: clang has macros of some names */
    "#pragma GCC poison asm\n"
    "#pragma GCC poison no_sanitize __no_sanitize__\n"
    "#pragma GCC poison no_sanitize_address __no_sanitize_address__\n"
    "#pragma GCC poison no_sanitize_undefined __no_sanitize_undefined__\n"
    "#pragma GCC poison no_sanitize_thread __no_sanitize_thread__\n"
    "#pragma GCC poison no_sanitize_memory __no_sanitize_memory__\n"
    "#pragma GCC poison no_address_safety_analysis __no_address_safety_analysis__\n"
    "#pragma GCC poison disable_sanitizer_instrumentation __disable_sanitizer_instrumentation__\n"
    "#pragma GCC poison no_instrument_function __no_instrument_function__\n"
    "#pragma GCC poison optimize __optimize__\n"
    "#pragma GCC poison optnone __optnone__\n"
    "#pragma GCC poison _GLOBAL_OFFSET_TABLE_\n" /* the compiler's own code may need the name */
    "#pragma GCC poison __seg_fs __seg_gs address_space __address_space__\n"
    /* What gcc's headers, and clang's, of the processor's own functions define first. */
    "#pragma GCC poison _MMINTRIN_H_INCLUDED __MMINTRIN_H _MM3DNOW_H_INCLUDED\n"
    "#pragma GCC poison _XMMINTRIN_H_INCLUDED __XMMINTRIN_H\n"
    "#pragma GCC poison _EMMINTRIN_H_INCLUDED __EMMINTRIN_H\n"
    "#pragma GCC poison _IMMINTRIN_H_INCLUDED __IMMINTRIN_H\n"
    "#pragma GCC poison _X86INTRIN_H_INCLUDED __X86INTRIN_H __IA32INTRIN_H\n"
    "#pragma GCC poison _X86GPRINTRIN_H_INCLUDED __X86GPRINTRIN_H _CLZEROINTRIN_H_INCLUDED\n"
    /* gcc copies the text between the brackets into its assembler file, with all instructions that
     * stand there. Without brackets, headers of the system use the first of these names. */
    COPYING(DEFINE);

/* What follows `word` at `place`, which may continue a line in the middle of it; NULL if another
 * word is there. */
static const char *behind(const char *place, const char *word) {
  for (; *word != '\0'; place++, word++) {
    for (; *place == '\\' && place[1 + strspn(place + 1, " \t\r")] == '\n';)
      place += 2 + strspn(place + 1, " \t\r");
    if (*place != *word)
      return NULL;
  }
  return place;
}

/* What follows blanks, comments and the ends of continued lines. */
static const char *behind_blanks(const char *place) {
  for (;;) {
    const char *from = place;
    place += strspn(place, " \t\v\f\r");
    if (*place == '\\' && place[1 + strspn(place + 1, " \t\r")] == '\n')
      place += 2 + strspn(place + 1, " \t\r");
    if (behind(place, "/*") != NULL && strstr(place + 2, "*/") != NULL)
      place = strstr(place + 2, "*/") + 2;
    if (place == from)
      return place;
  }
}

/* Whether one of these words, and no longer one, is there. */
static bool has_word(const char *place, const char *const *words, const char **rest) {
  for (; *words != NULL; words++) {
    *rest = behind(place, *words);
    if (*rest != NULL && !isalnum((unsigned char)**rest) && **rest != '_')
      return true;
  }
  return false;
}

/* Whether the directive behind '#' copies its text as instructions, or takes away a macro of the
 * header's. */
static bool is_forbidden_directive(const char *place) {
  static const char *const copying[] = {"ident", "sccs", NULL};
  static const char *const changing[] = {"define", "undef", NULL};
  const char *rest;
  place = behind_blanks(place);
  if (has_word(place, copying, &rest))
    return true;
  return has_word(place, changing, &rest) &&
         has_word(behind_blanks(rest), forbidden_copying, &rest);
}

/* Whether nothing but blanks and a comment is before this place in its line. (Bytes of 0x80 and
 * more are the mark at the beginning of a file in UTF-8.) */
static bool begins_line(const char *begin, const char *place) {
  while (place > begin && (strchr(" \t\v\f\r", place[-1]) != NULL || (place[-1] & 0x80) != 0))
    place--;
  if (place == begin || place[-1] == '\n')
    return true;
  return place[-1] == '/' && place - begin > 1 && (place[-2] == '*' || place[-2] == '\n');
}

/* Whether the directive behind '#' gives the lines that follow another file's name: #line, or
 * # 12 "common/stream.c" */
static bool names_file(const char *place) {
  static const char *const line[] = {"line", NULL};
  const char *rest;
  place = behind_blanks(place);
  if (has_word(place, line, &rest))
    return true;
  if (!isdigit((unsigned char)*place))
    return false;
  while (isdigit((unsigned char)*place))
    place = behind_blanks(place + 1);
  return *place == '"' || *place == 'R'; /* R"(common/stream.c)" */
}

int forbidden_assembly(const struct buffer *source, const char **word) {
  static const char *const words[] = {"__asm", "__builtin_ia32_"};
  static const char directive[] = "#ident, or a macro of such a name,";
  int line = 1;
  for (size_t i = 0; i < source->length; i++) {
    const char *place = source->bytes + i;
    for (size_t k = 0; *place == '_' && k < sizeof words / sizeof words[0]; k++) {
      *word = words[k];
      if (behind(place, *word) != NULL)
        return line;
    }
    const char *rest = *place == '#' ? place + 1 : behind(place, "%:");
    *word = directive;
    if (rest != NULL && is_forbidden_directive(rest))
      return line;
    *word = "#line";
    if (rest != NULL && begins_line(source->bytes, place) && names_file(rest))
      return line;
    line += *place == '\n';
  }
  return 0;
}

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

/* ---- the object ---- */

static bool find_in_table(const struct elf_symbols *symbols, char *name, size_t size) {
  struct elf_symbol symbol;
  for (size_t i = 0; i < symbols->count && elf_symbols_get(symbols, i, &symbol); i++) {
    snprintf(name, size, "%s", elf_symbols_name(symbols, &symbol));
    if (is_forbidden(name, symbol.is_defined) || symbol.is_resolver ||
        elf_symbols_is_data_in_code(symbols, &symbol))
      return true;
  }
  return false;
}

bool forbidden_find(const struct buffer *object, char *name, size_t size) {
  struct elf_symbols symbols;
  for (size_t i = 0; elf_symbols_find(&symbols, i, object->bytes, object->length); i++) {
    bool early = elf_symbols_run_early(&symbols);
    if (early)
      snprintf(name, size, ".preinit_array");
    if (early || find_in_table(&symbols, name, size))
      return true;
  }
  return false;
}
