/* The names of a program's functions: this program's own. */
#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/words/symbols.h"

TestSuite(symbols, .timeout = 60);

/* Where this program begins in memory: the linker may have made it movable. */
extern const char __executable_start[]; /* NOLINT(bugprone-reserved-identifier): the linker's */

Test(symbols, names_a_function_by_its_address) {
  struct symbols *symbols = symbols_read("/proc/self/exe");
  cr_assert_not_null(symbols);
  uint64_t from = (uintptr_t)__executable_start;
  uint64_t address = (uintptr_t)symbols_read;
  const char *name = symbols_name(symbols, address);
  name = name ? name : symbols_name(symbols, address - from);
  cr_assert(name && strcmp(name, "symbols_read") == 0);
  cr_assert_null(symbols_name(symbols, address + 1));
  symbols_free(symbols);
}

/* A file with these bytes has no symbols, and does no harm. */
static void expect_none(const void *bytes, size_t length) {
  char path[] = "build/symbols-XXXXXX";
  int descriptor = mkstemp(path);
  FILE *file = fdopen(descriptor, "w");
  cr_assert(file && fwrite(bytes, 1, length, file) == length && fclose(file) == 0);
  struct symbols *symbols = symbols_read(path);
  unlink(path);
  cr_assert_null(symbols);
}

Test(symbols, stands_files_that_are_no_programs) {
  cr_assert_null(symbols_read("/nonexistent"));
  cr_assert_null(symbols_read("/dev/null"));
  cr_assert_null(symbols_read("build"));
  expect_none("", 0);
  expect_none("#!/bin/sh\n", 10);
}

Test(symbols, stands_programs_that_lie_about_themselves) {
  Elf64_Ehdr header;
  FILE *self = fopen("/proc/self/exe", "re");
  cr_assert(self && fread(&header, sizeof header, 1, self) == 1);
  fclose(self);
  expect_none(&header, sizeof header); /* the sections are behind its end */
  header.e_shoff = UINT64_MAX - 7;
  expect_none(&header, sizeof header);
  struct {
    Elf64_Ehdr header;
    Elf64_Shdr sections[2];
  } file = {.header = header};
  file.header.e_shoff = sizeof header;
  file.header.e_shnum = 2;
  file.sections[0] = (Elf64_Shdr){.sh_type = SHT_SYMTAB, .sh_offset = 8, .sh_size = UINT64_MAX - 8};
  expect_none(&file, sizeof file);
  file.sections[0].sh_size = 48;
  file.sections[0].sh_link = 7; /* there is none */
  expect_none(&file, sizeof file);
  file.sections[0].sh_link = 1;
  file.sections[1] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = 8, .sh_size = UINT64_MAX};
  expect_none(&file, sizeof file);
}
