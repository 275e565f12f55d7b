#!/bin/sh
# cross: compile the solutions and the tests of common/ for another kind of machine.
#
#   cross PREFIX EMULATOR   such as aarch64-linux-gnu qemu-aarch64
#
# PREFIX-gcc and the libraries of that machine must be installed. The results are in build/cross: in
# programs/, for `make grade PROGRAMS=`, scripts that call the emulator; and common_tests, which prints
# TAP (common/tests/cross). All are without the sanitizers, which the emulator cannot run.
set -eu
prefix=$1
emulator=$(command -v "$2")
out=build/cross
export PKG_CONFIG_LIBDIR="/usr/lib/$prefix/pkgconfig:/usr/share/pkgconfig"
libraries=$(pkg-config --cflags --libs libnghttp2 openssl libuv jansson)
# To run out of memory, the tests use glibc's own functions, since AddressSanitizer's are missing.
flags='-std=gnu11 -D_GNU_SOURCE -I. -g -O1 -fno-omit-frame-pointer'
glibc='-D__interceptor_malloc=__libc_malloc -D__interceptor_calloc=__libc_calloc -D__interceptor_realloc=__libc_realloc'

rm -rf "$out"
mkdir -p "$out/objects"
for file in common/*.c common/inner/*.c; do
  case $file in
    */misuse.c | */probe.c) ;; # these need the sanitizers
    *) "$prefix-gcc" $flags -c "$file" -o "$out/objects/$(basename "$file" .c).o" ;;
  esac
done
tests=
for file in common/tests/*.c common/tests/cross/run.c; do
  [ "$file" = common/tests/leaks.c ] || tests="$tests $file" # AddressSanitizer's
done
"$prefix-gcc" $flags $glibc -Icommon/tests/cross $tests "$out"/objects/*.o $libraries -o "$out/common_tests"
for file in lab*/solution/*.c; do
  lab=${file%%/*}
  program=$(basename "$file" .c)
  mkdir -p "$out/programs/$lab"
  "$prefix-gcc" $flags "$file" "$out"/objects/*.o $libraries -o "$out/programs/$lab/$program.$prefix"
  printf '#!/bin/sh\nexec %s "$0.%s" "$@"\n' "$emulator" "$prefix" >"$out/programs/$lab/$program"
  chmod +x "$out/programs/$lab/$program"
done
