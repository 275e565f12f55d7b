#!/bin/bash
# grader/tools/dev/lint.sh finds calls that only newer headers deprecate; where it cannot get those
# headers, it says so. Its other tools do nothing here. And what only other kinds of machines compile is whole.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh

# Criterion's names in the tests of common/ that the header for other kinds of machines lacks.
missing=$(grep -ohE '\bcr_[a-z_]+' common/tests/*.c | sort -u |
  grep -vxF "$(sed -n 's/^#define \(cr_[a-z_]*\)(.*/\1/p' common/tests/cross/criterion/criterion.h)")
check "the tests of common/ use only what common/tests/cross has" [ -z "$missing" ]

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

mkdir -p bin old new grader/tools/dev
cp "$root/grader/tools/dev/lint.sh" grader/tools/dev/
for tool in clang clang-format clang-tidy cppcheck shellcheck; do
  printf '#!/bin/sh\n' >bin/$tool
done
chmod +x bin/*
echo 'int library(void);' >old/library.h
echo '__attribute__((deprecated)) int library(void);' >new/library.h
printf '%s\n' '#include <library.h>' 'int main(void) {' '  return library();' '}' >calls.c
echo 'echo -isystem new' >grader/tools/dev/newest_headers.sh

lint() {
  PATH=$work/bin:$PATH FLAGS='-isystem old -Wall' sh grader/tools/dev/lint.sh calls.c >out 2>&1
  status=$?
  cat out
  return $status
}
has() {
  grep -q -- "$1" out
}

check_not "lint fails for a call that newer headers deprecate" lint
check "the compiler's own headers pass" has 'ok    gcc -O2 -Werror'
check "it names the call" has 'calls.c:3:.*deprecated'
echo 'int library(void);' >new/library.h
check "lint passes without that call" lint
echo 'echo "newest_headers: no mirror" >&2; exit 1' >grader/tools/dev/newest_headers.sh
check "lint passes where it cannot get newer headers" lint
check "it says that it skipped them" has 'skip  gcc -Werror, newest headers: newest_headers: no mirror'
done_testing
