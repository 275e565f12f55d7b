#!/bin/sh
# lint: look for defects in the C files and shell scripts of this project, with several tools.
#
#   FLAGS='-std=gnu11 -I. ...' lint.sh FILE...
#
# Hostile programs must be laid out like all others; nothing else is expected of them.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cores=$(nproc)
status=0

# Run a tool. Show what it says only if it fails.
step() {
  name=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    echo "  ok    $name"
  else
    echo "  FAIL  $name"
    grep -v '^[0-9]* warnings\{0,1\}.* generated\.$' "$work/said"
    status=1
  fi
}

# Run a command once for each C file, on all cores.
each() {
  xargs -P "$cores" -n 1 "$@" <"$work/sources"
}

for file in "$@"; do
  case $file in
    */hostile/*) ;;
    *.c) echo "$file" ;;
  esac
done >"$work/sources"

step clang-format clang-format --dry-run -Werror "$@"
# shellcheck disable=SC2086
for compiler in gcc clang; do
  step "$compiler -O2 -Werror" each "$compiler" ${FLAGS:-} -Werror -O2 -c -o /dev/null
done
# Newer headers deprecate what ours do not.
if newest=$(sh grader/tools/dev/newest_headers.sh "${BUILD:-build}/headers" 2>"$work/said"); then
  # shellcheck disable=SC2086
  step "gcc -Werror, newest headers" each gcc $newest ${FLAGS:-} -Werror -fsyntax-only
else
  echo "  skip  gcc -Werror, newest headers: $(cat "$work/said")"
fi
# cppcheck does not read the headers of other libraries, so define their macros here; in a file,
# because cppcheck cuts -D at a semicolon. It does not know _Noreturn either. Its varFuncNullUB is for
# systems where NULL is not a pointer; POSIX says that NULL is one.
cat >"$work/macros.h" <<'EOF'
#define _Noreturn __attribute__((noreturn))
#define Test(suite, name, ...) void suite##_##name(void)
#define TestSuite(...) struct criterion_suite
#define ReportHook(kind) void report_##kind
#define FOREACH_SET(element, set) for (element = set; element;)
#define json_array_foreach(array, i, value) for (i = 0; (value = json_array_get(array, i)); i++)
#define json_object_foreach(object, key, value) \
  for (key = json_next(object); (value = json_value(key)); key = json_next(object))
EOF
step cppcheck xargs cppcheck --quiet -j "$cores" --std=c11 --language=c -I. -D_GNU_SOURCE --inline-suppr \
  --enable=warning,performance,portability --suppress=varFuncNullUB --error-exitcode=1 \
  --include="$work/macros.h" <"$work/sources"
# shellcheck disable=SC2016
step clang-tidy each sh -c "exec clang-tidy --quiet \"\$1\" -- ${FLAGS:-}" clang-tidy
if command -v shellcheck >/dev/null; then
  # shellcheck disable=SC2046
  step shellcheck shellcheck -x -S warning $(grep -lE '^#!.*/(env )?(ba)?sh$|^# shellcheck shell=' \
    .ci/run grader/tools/*.sh grader/tools/dev/*.sh grader/tests/*.sh grader/class/autograders/*.sh \
    grader/class/autograders/*/run_autograder 2>/dev/null)
fi
exit $status
