/* touched: see touched.h, proc_pid_pagemap(5) and dl_iterate_phdr(3). */
#include "common/inner/touched.h"

#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): these names are the linker's and the sanitizers'. */

/* __lsan::GetAllocatorGlobalRange: a variable that LeakSanitizer leaves out, and wants in one
 * piece. */
void _ZN6__lsan23GetAllocatorGlobalRangeEPmS0_(unsigned long *begin, unsigned long *end)
    __attribute__((weak));

enum { PIECES = 256, STATES = 512 };

static ElfW(Phdr) pieces[PIECES]; /* like segments, of which the program itself has a few */
static ElfW(Half) piece_count;    /* 0: nobody knows, and LeakSanitizer reads all */

/* A page was touched. If there is no more room, so was all since the last piece. */
static void add(const ElfW(Phdr) * segment, uintptr_t from, uintptr_t to) {
  ElfW(Phdr) *last = piece_count > 0 ? &pieces[piece_count - 1] : NULL;
  bool follows = last != NULL && last->p_vaddr + last->p_memsz == from;
  if (!follows && piece_count < PIECES) {
    last = &pieces[piece_count++];
    *last = *segment;
    last->p_vaddr = from;
  }
  last->p_memsz = to - last->p_vaddr;
}

/* Look at the pages of a segment. Returns 0, or -1 if the kernel does not tell. */
static int add_touched(const ElfW(Phdr) * segment, int pagemap) {
  const uint64_t touched = 3ULL << 62; /* in memory, or swapped */
  uint64_t states[STATES];
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t end = segment->p_vaddr + segment->p_memsz;
  unsigned long whole = 0;
  unsigned long whole_end = 0;
  _ZN6__lsan23GetAllocatorGlobalRangeEPmS0_(&whole, &whole_end);
  size_t known = 0;
  for (uintptr_t at = segment->p_vaddr & ~(page - 1), i = 0; at < end; at += page, i++) {
    if (i % STATES == 0) {
      ssize_t length = pread(pagemap, states, sizeof states, (off_t)(at / page * sizeof *states));
      known = length > 0 ? (size_t)length / sizeof *states : 0;
    }
    if (i % STATES >= known)
      return -1;
    if ((states[i % STATES] & touched) != 0 || (at + page > whole && at < whole_end))
      add(segment, at, at + page);
  }
  return 0;
}

static const ElfW(Phdr) * own_headers(void) {
  /* NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gives a number */
  return (const ElfW(Phdr) *)getauxval(AT_PHDR);
}

/* Only a program at a fixed address (-no-pie) has the addresses that its headers say. */
void touched_find(void) {
  const ElfW(Phdr) *headers = own_headers();
  if (headers == NULL || _ZN6__lsan23GetAllocatorGlobalRangeEPmS0_ == NULL ||
      (uintptr_t)headers != headers->p_vaddr)
    return;
  int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap < 0)
    return;
  piece_count = 0;
  int result = 0;
  for (unsigned long i = 0; result == 0 && i < getauxval(AT_PHNUM); i++)
    if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_W) != 0)
      result = add_touched(&headers[i], pagemap);
  if (result != 0)
    piece_count = 0;
  close(pagemap);
}

typedef int visit_call(struct dl_phdr_info *info, size_t size, void *user);

struct visit {
  visit_call *call;
  void *user;
};

/* LeakSanitizer calls this where the program stands still, so it runs as it is written. */
__attribute__((no_sanitize("address", "undefined"))) static int show(struct dl_phdr_info *info,
                                                                     size_t size, void *user) {
  const struct visit *visit = user;
  struct dl_phdr_info shown = *info;
  if (piece_count > 0 && info->dlpi_phdr == own_headers()) {
    shown.dlpi_phdr = pieces;
    shown.dlpi_phnum = piece_count;
  }
  return visit->call(&shown, size, visit->user);
}

int __real_dl_iterate_phdr(visit_call *call, void *user) __attribute__((weak)); /* without --wrap */
int __wrap_dl_iterate_phdr(visit_call *call, void *user);

__attribute__((no_sanitize("address", "undefined"))) int __wrap_dl_iterate_phdr(visit_call *call,
                                                                                void *user) {
  struct visit visit = {call, user};
  return __real_dl_iterate_phdr(show, &visit);
}
/* NOLINTEND(bugprone-reserved-identifier) */
