/* touched: see touched.h, proc_pid_pagemap(5) and dl_iterate_phdr(3). */
#include "common/inner/touched.h"

#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "common/inner/quick_start.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): these names are the linker's and the sanitizers'. */

/* __lsan::GetAllocatorGlobalRange: a variable that LeakSanitizer leaves out, and wants in one
 * piece. */
void _ZN6__lsan23GetAllocatorGlobalRangeEPmS0_(unsigned long *begin, unsigned long *end)
    __attribute__((weak));

enum { PIECES = 256, SEGMENTS = 8, STATES = 512 };

static const ElfW(Phdr) * own_headers;       /* of the program's segments */
static ElfW(Phdr) pieces[PIECES + SEGMENTS]; /* like segments; of each there is at least one */
static ElfW(Half) piece_count;               /* 0: nobody knows, and LeakSanitizer reads all */

/* A page was touched. If there is no more room, so was all since the last piece of its segment. */
static void add(const ElfW(Phdr) * segment, bool is_first, uintptr_t from, uintptr_t to) {
  bool follows =
      !is_first && pieces[piece_count - 1].p_vaddr + pieces[piece_count - 1].p_memsz == from;
  if (is_first || (!follows && piece_count < PIECES)) {
    pieces[piece_count] = *segment;
    pieces[piece_count++].p_vaddr = from;
  }
  pieces[piece_count - 1].p_memsz = to - pieces[piece_count - 1].p_vaddr;
}

/* Add the touched pages of a segment. Returns 0, or -1 if the kernel does not tell. */
static int add_touched(const ElfW(Phdr) * segment, int pagemap) {
  const uint64_t touched = 3ULL << 62; /* in memory, or swapped */
  uint64_t states[STATES];
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t end = segment->p_vaddr + segment->p_memsz;
  unsigned long whole = 0;
  unsigned long whole_end = 0;
  _ZN6__lsan23GetAllocatorGlobalRangeEPmS0_(&whole, &whole_end);
  ElfW(Half) before = piece_count;
  size_t known = 0;
  for (uintptr_t at = segment->p_vaddr & ~(page - 1), i = 0; at < end; at += page, i++) {
    if (i % STATES == 0) {
      ssize_t length = pread(pagemap, states, sizeof states, (off_t)(at / page * sizeof *states));
      known = length > 0 ? (size_t)length / sizeof *states : 0;
    }
    if (i % STATES >= known)
      return -1;
    if ((states[i % STATES] & touched) != 0 || (at + page > whole && at < whole_end))
      add(segment, piece_count == before, at, at + page);
  }
  return 0;
}

/* Only a program at a fixed address (-no-pie) has the addresses that its headers say. */
void touched_find(void) {
  unsigned long count = getauxval(AT_PHNUM);
  /* NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gives a number */
  own_headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
  piece_count = 0;
  if (own_headers == NULL || _ZN6__lsan23GetAllocatorGlobalRangeEPmS0_ == NULL ||
      (uintptr_t)own_headers != own_headers->p_vaddr)
    return;
  int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  int result = pagemap < 0 ? -1 : 0;
  int segments = 0;
  for (unsigned long i = 0; result == 0 && i < count; i++)
    if (own_headers[i].p_type == PT_LOAD && (own_headers[i].p_flags & PF_W) != 0)
      result = ++segments > SEGMENTS ? -1 : add_touched(&own_headers[i], pagemap);
  if (result != 0)
    piece_count = 0;
  if (pagemap >= 0)
    close(pagemap);
}

typedef int visit_call(struct dl_phdr_info *info, size_t size, void *user);

struct visit {
  visit_call *call;
  void *user;
};

/* LeakSanitizer calls this where the program stands still, so it runs as it is written. */
AS_WRITTEN static int show(struct dl_phdr_info *info, size_t size, void *user) {
  const struct visit *visit = user;
  if (!quick_start_shows(info))
    return 0;
  struct dl_phdr_info shown = *info;
  if (piece_count > 0 && info->dlpi_phdr == own_headers) {
    shown.dlpi_phdr = pieces;
    shown.dlpi_phnum = piece_count;
  }
  return visit->call(&shown, size, visit->user);
}

int __real_dl_iterate_phdr(visit_call *call, void *user) __attribute__((weak)); /* without --wrap */
int __wrap_dl_iterate_phdr(visit_call *call, void *user);

AS_WRITTEN int __wrap_dl_iterate_phdr(visit_call *call, void *user) {
  struct visit visit = {call, user};
  return __real_dl_iterate_phdr(show, &visit);
}
/* NOLINTEND(bugprone-reserved-identifier) */
