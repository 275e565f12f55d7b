#!/bin/bash
# LeakSanitizer finds what a program has lost, and reads only the variables that it ever touched
# (common/inner/touched.h); at the start, the sanitizers ask for no function that glibc lacks
# (common/inner/quick_start.h).
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
folder=${BUILD:-build}/mistakes/touched # what is here is compiled like a student's program
mkdir -p "$folder" || exit 1
trap 'rm -rf "$folder"' EXIT
cat >"$folder/program.c" <<'END'
/* Keep memory in some far variables, lose as many blocks as the argument says, and let
 * LeakSanitizer look. Print what it says, and how many pages of the variables are in memory. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int __lsan_do_recoverable_leak_check(void);

enum { COUNT = 1 << 20, PAGE = 4096, PAGES = COUNT * 8 / PAGE };
static void *kept[COUNT] __attribute__((aligned(PAGE)));

static int count_pages(void) {
  static uint64_t states[PAGES];
  int file = open("/proc/self/pagemap", O_RDONLY);
  int count = 0;
  if (pread(file, states, sizeof states, (off_t)((uintptr_t)kept / PAGE * 8)) != sizeof states)
    return -1;
  for (int i = 0; i < PAGES; i++)
    count += states[i] >> 63;
  return count;
}

int main(int argc, char **argv) {
  int step = COUNT / atoi(argv[1]);
  for (int i = 0; i < COUNT; i += step)
    kept[i] = malloc(7);
  for (int i = argc > 2 ? atoi(argv[2]) : 0; i > 0; i--)
    kept[0] = malloc(8);
  int leaks = __lsan_do_recoverable_leak_check();
  printf("%s %d\n", leaks ? "lost" : "kept", count_pages());
  return 0;
}
END
make -s "$folder/program.log" >/dev/null || exit 1
export ASAN_OPTIONS=detect_leaks=1:exitcode=99

# says TEXT ARGUMENT...: whether the program prints that.
says() {
  text=$1
  shift
  said=$("$folder/program" "$@" 2>&1 | tail -1)
  [ "$said" = "$text" ] || { echo "$said"; return 1; }
}

if [ "$(getconf PAGESIZE)" -ne 4096 ]; then
  skip "only touched pages are read" "the test knows pages of 4096 bytes"
else
  check "what eight variables hold is not lost, and only their pages are read" says "kept 8" 8
fi
keeps() {
  "$folder/program" "$1" 2>&1 | grep '^kept'
}
check "what 1024 variables hold, more than there are pieces, is not lost either" keeps 1024
loses() {
  "$folder/program" 8 3 2>&1 | grep -q 'SUMMARY: AddressSanitizer: 23 byte(s) leaked in 3 allocation(s)'
}
check "what no variable holds is lost" loses

# The names for which the loader looks, one a line.
names() {
  LD_DEBUG=symbols "$folder/program" 8 2>&1 | sed -n 's/.*symbol=\([^; ]*\);.*/\1/p' | sort -u
}
names >"$folder/names"
asks() {
  grep -qx "$1" "$folder/names"
}
check "the sanitizers ask for functions of the C library" asks getaddrinfo
check_not "but not for those that it lacks" grep -E '^(xdr|crypt|__cxa_throw|__isoc99_.*printf)' "$folder/names"
libc=$(ldd "$folder/program" | sed -n 's/.*libc\.so[^ ]* => \([^ ]*\).*/\1/p')
lacks() {
  nm -D --defined-only "$libc" | grep -E ' (xdr|crypt|__cxa_throw|__pthread_mutex_(un)?lock|pthread_mutexattr_getrobust_np|__isoc99_v?(f|s|sn)?printf).*@@'
}
check_not "and it lacks them" lacks
done_testing
