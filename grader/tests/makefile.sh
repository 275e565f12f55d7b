#!/bin/bash
# The Makefile, on a small stand-in for this project: what it builds, what it does when a file does not
# compile, and what it passes to the grader. And: no test passes that leaks memory or ends early.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

mkdir -p common/tests grader/{base,bonus,sandbox,words,predict,grade,serve,lecture,live,page,tests/hostile/sanitized} lab01-one/solution lab05-two/solution
cp "$root/Makefile" .
cp -r "$root/grader/tools" grader/
cp "$root/common/tests/leaks.c" common/tests/
# The real tool compiles a student's file; take the built one.
printf '#include <unistd.h>\nint main(int argc, char **argv) { (void)argc; return execv("%s/compile", argv); }\n' \
  "$(realpath "$root/build/grader")" >grader/sandbox/compile.c
for tool in guard make_filters; do
  echo 'int main(void) { return 0; }' >grader/sandbox/$tool.c
done

echo 'int stand_in(void);' >common/stand_in.h
printf '%s\n' '#include "common/stand_in.h"' 'int stand_in(void) {' '  return 1;' '}' >common/stand_in.c
# The linker's --wrap sends these to common/inner/probe.c.
for name in malloc:'size_t a':a calloc:'size_t a, size_t b':'a, b' realloc:'void *a, size_t b':'a, b' \
  dl_iterate_phdr:'void *a, void *b':'a, b' dlsym:'void *a, const char *b':'a, b'; do
  IFS=: read -r function parameters arguments <<<"$name"
  printf '%s\n' '#include <stddef.h>' "void *__real_$function($parameters) __attribute__((weak));" \
    "void *__wrap_$function($parameters) {" "  return __real_$function($arguments);" '}'
done >>common/stand_in.c
program() {
  printf '%s\n' '#include "common/stand_in.h"' '#include <stdio.h>' 'int main(void) {' \
    "  printf(\"$1 %d\\n\", stand_in());" '  return 0;' '}'
}
program one >lab01-one/solution/one.c
program client >lab05-two/solution/client.c
program server >lab05-two/solution/server.c
cp lab01-one/solution/one.c lab01-one/
cp lab05-two/solution/*.c lab05-two/
cat >grader/grade/main.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (getenv("HANG")) {
    setpgid(0, 0);
    FILE *file = fopen("pid", "w");
    fprintf(file, "%d\n", getpid());
    fclose(file);
    pause();
  }
  printf("graded:");
  for (int i = 1; i < argc; i++)
    printf(" %s", argv[i]);
  printf("%s\n", isatty(1) ? " terminal" : "");
  return strcmp(argv[argc - 1], "--strict") == 0;
}
END
for program in lecture/main lecture/relay page/main words/main predict/main bonus/hpack bonus/grpc; do
  echo 'int main(void) { return 0; }' >grader/$program.c
done
printf '%s\n' '#include "grader/base/shared.h"' '#include <string.h>' \
  'int main(int n, char **v) { return n != 4 || strcmp(v[2], "99") != 0; }' >grader/serve/main.c
echo 'int shared(void);' >grader/base/shared.h
printf '%s\n' '#include "grader/base/shared.h"' '#include "common/stand_in.h"' \
  'int shared(void) { return stand_in(); }' >grader/base/shared.c
echo 'extern int source;' >grader/words/source.c
echo 'int main(void) { for (;;) { } }' >grader/tests/hostile/spins.c
echo 'int main(void) { char v[2] = ""; char *volatile p = v; p[2] = 1; return 0; }' \
  >grader/tests/hostile/sanitized/overflows.c
suite() {
  printf '%s\n' '#include <criterion/criterion.h>' '#include <stdlib.h>' '#include "common/stand_in.h"' \
    'TestSuite(stand_in, .timeout = 10);' \
    'Test(stand_in, is_one) {' '  cr_assert_eq(stand_in(), 1, "it is not");' '}' "$@"
}
suite >common/tests/stand_in_tests.c
mkdir common/tests/threads && echo 'int main(void) { return 0; }' >common/tests/threads/loops.c
suite | sed 's/stand_in()/shared()/; s,common/stand_in.h,grader/base/shared.h,' >grader/tests/stand_in_tests.c
printf 'echo "ok 1 - a script"\necho 1..1\n' >grader/tests/script.sh

# Run make as a user does: without the variables of the make that runs this test.
make() {
  env -u MAKEFLAGS -u MAKELEVEL -u CC -u CFLAGS -u WERROR make "$@" >"$work/out" 2>&1
  made=$?
  cat "$work/out"
  return $made
}
prints() {
  expected=$1
  shift
  "$@"
  grep -qxF -- "$expected" "$work/out"
}
last_line() {
  expected=$1
  shift
  "$@"
  [ "$(tail -n 1 "$work/out")" = "$expected" ]
}
has() {
  grep -q -- "$1" "$work/out" || { cat "$work/out"; return 1; }
}

# --- Building -----------------------------------------------------------------------------------------

check "make builds every program of the student" make
check "a lab's program runs" [ "$(build/labs/lab01-one/one)" = "one 1" ]
check "a lab may have two programs" [ "$(build/labs/lab05-two/client; build/labs/lab05-two/server)" = "client 1
server 1" ]
make >/dev/null
check "make prints nothing when there is nothing to do" [ ! -s out ]

echo 'int stand_in(void); int more(void);' >common/stand_in.h
make >/dev/null
check "a changed header rebuilds what includes it" has 'lab01-one/one.c'

echo 'int main(void) { return x; }' >lab01-one/one.c
echo >>lab05-two/client.c
check_not "make fails when a program does not compile" make
check "it shows the compiler's error" has "one.c:1:.*error: .x. undeclared"
check "it builds the other programs" has lab05-two/client.c
check "the old program is gone" [ ! -e build/labs/lab01-one/one ]
check "make keeps the compiler's error for the grader" grep -q 'error: .x.' build/labs/lab01-one/one.log
check_not "make fails again when nothing changed" make
check "it shows the error again" has "error: .x. undeclared"
check "make grade still grades" prints 'graded: --programs build/labs --output build/grade' make grade
echo 'int main(void) { int unused; return 0; }' >lab01-one/one.c
check "a warning is not an error for a student" make
check "make shows the warning" has 'warning: unused variable'
echo '#include "common/later.h"' >lab01-one/one.c
program one >>lab01-one/one.c
check_not "make fails when a header is missing" make
touch common/later.h
check "make works once the header is there" make
program one >lab01-one/one.c
check "make rebuilds a program that compiles again" make
check "its log is empty" [ ! -s build/labs/lab01-one/one.log ]

# --- A stranger's file --------------------------------------------------------------------------------

program other >lab01-one/one.c
touch -d 2001-01-01 lab01-one/one.c
make >/dev/null
check "make compares the content of a file, not its age" [ "$(build/labs/lab01-one/one)" = "other 1" ]
mv lab01-one/one.c kept.c
make grade >/dev/null
check "without the file, make removes the old program" [ ! -e build/labs/lab01-one/one ]
refused() { # what the file is, what the error says; the file exists
  check_not "$1 is refused" make LAB=1
  check "the error names it" has "one.c:1: error: .*$2"
  rm lab01-one/one.c
}
ln -s ../kept.c lab01-one/one.c
refused "a symbolic link" "symbolic link"
mkfifo lab01-one/one.c
refused "a named pipe" "not a regular file"
echo "#include \"$PWD/lab01-one/solution/one.c\"" >lab01-one/one.c
refused "an absolute path" "solution/one.c"
echo '#include "../lab05-two/client.c"' >lab01-one/one.c
refused "a path with .." "lab05-two/client.c"
echo '#define FILE "/etc/passwd"
#include FILE' >lab01-one/one.c
check_not "a program cannot include another file" make LAB=1
check "a macro cannot name one either" has 'one.c:.*error: /etc/passwd'
echo '#include "lab05-two/client.c"' >lab01-one/one.c
check_not "a program cannot include a file of another lab" make LAB=1
# shellcheck disable=SC2016
touch 'lab01-one/`touch broken`.c' 'lab01-one/$(touch broken).c'
mv kept.c lab01-one/one.c
check "make ignores a file name with shell commands" make LAB=1
check "make does not run the commands" [ ! -e broken ]
rm lab01-one/*touch*
program one >lab01-one/one.c
make >/dev/null

# --- Submissions --------------------------------------------------------------------------------------

handed="$work/handed in/O'Brien"
mkdir -p "$handed/lab05-two" "$handed/other"
program submitted >"$handed/one.c"
program submitted >"$handed/lab05-two/client.c"
printf 'all grade:\n\ttouch broken\n' >"$handed/GNUmakefile"
ln -s "$work/lab05-two/server.c" "$handed/lab05-two/server.c"
check "make grades SUBMISSION=DIR as a stranger's" \
  prints 'graded: --programs build/submission --output build/grade --strangers' make grade SUBMISSION="$handed"
check "it takes the files, in lab folders or not" [ "$(build/submission/lab01-one/one; build/submission/lab05-two/client)" = \
  "submitted 1
submitted 1" ]
check "it does not take a link" [ ! -e build/submission/lab05-two/server ]
check "it names the link" has 'server.c is not a regular file'
check "it takes no other file, and runs none" [ -z "$(find build/submission . -maxdepth 1 -name 'GNUmakefile' -o -maxdepth 1 -name broken)" ]
check "the student's own file stays" [ "$(build/labs/lab01-one/one)" = "one 1" ]
rm "$handed/one.c"
make grade SUBMISSION="$handed" >/dev/null
check "a file that is not in the next submission is gone" [ ! -e build/submission/lab01-one/one ]
mv "$handed/lab05-two" "$handed/linked" && ln -s linked "$handed/lab05-two"
check_not "it does not follow a folder that is a link" make grade SUBMISSION="$handed"
check "it says that nothing is there" has "no file of these labs is in it"
mkdir lab06-three && program server >lab06-three/server.c
program submitted >"$handed/one.c"
program submitted >"$handed/server.c"
check "grading goes on without a file whose lab is not clear" make grade SUBMISSION="$handed"
check "it asks for the lab" has 'server.c: of which lab'
check "no lab gets the file" [ -z "$(find build/submission -name 'server')" ]
check "LAB= names the lab" make grade SUBMISSION="$handed" LAB=5
check "this lab gets the file" [ "$(build/submission/lab05-two/server)" = "submitted 1" ]
mkdir -p build/grade "$work/nothing" && touch build/grade/results.json
check_not "an empty submission is an error" make grade SUBMISSION="$work/nothing"
check "the results of the previous submission are gone" [ ! -e build/grade/results.json ]
rm -r lab06-three
odd="$work/\$(shell touch odd)\"; x='y"
mkdir "$odd" && program submitted >"$odd/one.c"
check "make grades a folder with any name" make grade SUBMISSION="$odd"
check "the name is no command" [ ! -e odd ]
check "the file in it is taken" [ "$(build/submission/lab01-one/one)" = "submitted 1" ]

check_not "a lab that does not exist is refused" make grade LAB=9
check "the error names the lab" has "no lab '9'"

# --- Grading ------------------------------------------------------------------------------------------

for lab in 5 05 lab05 lab05-two; do
  check "LAB=$lab means lab 05" prints 'graded: --programs build/labs --output build/grade --lab 05' make grade LAB=$lab
done
check "make grade returns the status of the grader" not make grade CHECK=a.b SEED=7 STRICT=1
check "CHECK, SEED and STRICT reach the grader" has '^graded: --programs build/labs --output build/grade --check a.b --seed 7 --strict$'
echo 'lab01 = 3' >course.conf
check "course.conf reaches the grader" prints 'graded: --programs build/labs --output build/grade --course course.conf' make grade
check "COURSE names another file" prints 'graded: --programs build/labs --output build/grade --course /some file' make grade COURSE='/some file'
rm course.conf
check "PROGRAMS names another folder" prints 'graded: --programs /some/where --output build/grade --any-language' make grade PROGRAMS=/some/where
check "SOLUTION=1 builds the solutions" prints 'graded: --programs build/solutions --output build/grade' make grade SOLUTION=1
check "it builds each of them" [ "$(build/solutions/lab05-two/server)" = "server 1" ]
make grade SOLUTION=1 >/dev/null
check "nothing but the grader runs when nothing changed" [ "$(wc -l <out)" -eq 1 ]
if script -qec true /dev/null >/dev/null 2>&1; then
  check "the grader has the terminal" grep -q '^graded: .* terminal' <(script -qec 'make grade' /dev/null)
else
  skip "the grader has the terminal" "this machine cannot make a terminal"
fi
check "serve gets its options" make serve PORT=99 TLS=1

# Like Criterion, the grader leaves the process group that a terminal interrupts.
interrupt() {
  HANG=1 setsid env --default-signal=INT -u MAKEFLAGS -u MAKELEVEL make grade >out 2>&1 &
  for _ in $(seq 300); do
    [ -s pid ] && break
    sleep 0.1
  done
  kill -INT -- -$!
  for _ in $(seq 50); do
    [ -e "/proc/$(cat pid)" ] && ! grep -q '^State:.*zombie' "/proc/$(cat pid)/status" || return 0
    sleep 0.1
  done
  kill "$(cat pid)"
  return 1
}
check "the grader ends at Ctrl-C" interrupt

mkdir bin
printf '#!/bin/sh\necho "gdb: $*"\n' >bin/gdb
chmod +x bin/gdb
PATH=$work/bin:$PATH
check "gdb gets the program and its arguments" \
  prints 'gdb: -q --args build/labs/lab05-two/client -a b' make gdb LAB=5 PROGRAM=client ARGS='-a b'
check "gdb gets the only program of a lab" prints 'gdb: -q --args build/labs/lab01-one/one' make gdb LAB=1
check_not "in a lab with two programs, gdb needs a name" make gdb LAB=5
check "the error names the two" has 'which program?.* client server'

echo 'int main(void) { return x; }' >lab01-one/solution/one.c
check_not "a solution that does not compile is an error" make grade SOLUTION=1
check "make shows the error" has "error: .x. undeclared"
program one >lab01-one/solution/one.c

# --- Order, flags -------------------------------------------------------------------------------------

cp grader/tools/deps.sh deps.kept
printf 'sleep 0.5\necho "int late(void);" >common/late.h\n' >grader/tools/deps.sh
echo '#include "common/late.h"' >>lab01-one/one.c
check "make deps grade works with -j2" make -j2 deps grade
check "make deps runs before make grade" [ -x build/labs/lab01-one/one ]
check_not "make does not try the second goal when the first failed" make no-such-goal grade
mv deps.kept grader/tools/deps.sh
program one >lab01-one/one.c
rm common/late.h
check "make works after a header has gone" make

# A wrapper such as ccache may come first in PATH from one day to the next.
wrapped() {
  (PATH=$work/wrappers:$PATH && make "$@")
}
mkdir wrappers
printf '#!/bin/sh\nPATH="%s" exec gcc "$@"\n' "$PATH" >wrappers/gcc
chmod +x wrappers/gcc
echo >>lab01-one/one.c
check "make works with another gcc first in PATH" wrapped
check "the lab's program runs then" [ "$(build/labs/lab01-one/one)" = "one 1" ]
echo >>lab01-one/one.c
check "make works without it again" make

# --- Warnings -----------------------------------------------------------------------------------------

exported() {
  (export WERROR=-Werror && env -u MAKEFLAGS -u MAKELEVEL -u CC -u CFLAGS make "$@")
}
for file in common/stand_in.c lab01-one/solution/one.c grader/tests/stand_in_tests.c; do
  cp $file kept.c
  echo 'int warned(void); int warned(void) { int unused; return 0; }' >>$file
  check "a warning about $file does not stop the tests" make WERROR= test ONLY=grader_tests
  check "make shows the warning" has 'warning: unused variable'
  check "it does not stop grading" make grade SOLUTION=1
  check_not "it stops make test" make test
  check "it is an error then" has 'error: unused variable'
  check "it does not stop make WERROR= test" make WERROR= test
  check_not "it stops make WERROR=-Werror" make WERROR=-Werror test ONLY=grader_tests
  check_not "it stops make with WERROR=-Werror exported" exported test ONLY=grader_tests
  cp kept.c $file
done
cp grader/tools/dev/starters.sh starters.kept
printf 'echo "WERROR is $WERROR."\n' >grader/tools/dev/starters.sh
for said in '' -Werror; do
  check "the scripts of a recipe get WERROR=$said" prints "WERROR is $said." make WERROR=$said starters
done
mv starters.kept grader/tools/dev/starters.sh

make CFLAGS=-DNOTHING=1 >/dev/null
check "another flag makes make compile everything again" has common/stand_in.c
make CFLAGS=-DNOTHING=1 >/dev/null
check "but only once" [ ! -s out ]
make V=1 >/dev/null
check "V=1 shows the commands" has '^gcc .*-fsanitize=address,undefined'

make help >/dev/null
for goal in $(sed -e :more -e '/\\$/N' -e 's/\\\n//' -e tmore Makefile | sed -n 's/^\.PHONY: \([^$]*\)$/\1/p'); do
  case $goal in
    all | mistake-programs | FORCE) ;;
    *) check "make help mentions $goal" has "make $goal\b" ;;
  esac
done

# Users may set a variable that the Makefile uses and does not set.
for variable in $(grep -o '\$([A-Z]*)' Makefile | tr -d '$()' | sort -u); do
  case $variable in
    MAKE | PATH | MAKEFLAGS | MAKECMDGOALS | ALONE | MAKELEVEL | CURDIR) ;;
    *) grep -qE "^ *(override )?$variable +[:+?]?=" Makefile || check "make help mentions $variable" has "\b$variable\b" ;;
  esac
done
for variable in V CC CFLAGS; do
  check "make help mentions $variable" has "\b$variable="
done

cp "$root/grader/base/version.h" grader/base/
check "make version prints the version" prints "$(sed -n 's/^## \([0-9.]*\).*/\1/p' "$root/CHANGELOG.md" | head -n 1)" make version

# Call scripts by their interpreter: they need not be executable then.
called_bare() {
  (cd "$root" && grep -nE '(^|[^[:alnum:]/]) *@?\+?@?"?(grader|common|\$tools)/[a-z_/]*\.(sh|py)' Makefile grader/tools/*.sh grader/tools/dev/*.sh |
    grep -vE '(sh|python3) "?(grader|common|\$tools)/|^[^:]*:[0-9]*:( *#|\t*@?sed)')
}
check_not "the Makefile calls scripts by their interpreters" called_bare

# --- Odd places ---------------------------------------------------------------------------------------

check "PROGRAMS may have any name" prints "graded: --programs O'Brien's \"Übung\" --output build/grade --any-language" \
  make grade PROGRAMS="O'Brien's \"Übung\""
odd="$work/O'Brien's \"Übung\""
mkdir "$odd"
cp -r Makefile common grader lab* "$odd"
in_odd() {
  (cd "$odd" && umask 077 && make "$@")
}
check "the project's folder may have any name, and umask may be 077" in_odd grade
check "make builds its programs" [ -x "$odd/build/labs/lab01-one/one" ]

{ printf '\357\273\277' && program one | sed 's/$/\r/'; } >lab01-one/one.c
check "a file with CR LF and a byte order mark compiles" make LAB=1
check "this program runs" [ "$(build/labs/lab01-one/one)" = "one 1" ]
program one >lab01-one/one.c

mkdir mac
printf '#!/bin/sh\necho Darwin\n' >mac/uname
chmod +x mac/uname
on_mac() {
  (PATH=$work/mac:$PATH && make "$@")
}
check_not "on macOS make stops at once" on_mac deps grade
check "it says why and what to do" has 'this is Darwin.*dev container.*virtual machine'
check "it says this in one line" [ "$(wc -l <out)" -eq 1 ]

# read_only COMMAND...: run a command in this folder, mounted read-only.
read_only() {
  # shellcheck disable=SC2016
  unshare --mount --map-root-user sh -c 'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"' sh "$@"
}
elsewhere=$(mktemp -d)
trap 'rm -rf "$work" "$elsewhere"' EXIT
made_read_only() {
  (cd "$odd" && read_only env -u MAKEFLAGS -u MAKELEVEL -u CC -u CFLAGS -u WERROR make "$@" >"$work/out" 2>&1)
}
rm -rf "$odd/build"
if (cd "$odd" && read_only true); then
  check_not "make fails in a read-only folder" made_read_only grade
  check "one line says why" has 'cannot be written; make BUILD=DIR'
  check "make works there with BUILD elsewhere" made_read_only grade SOLUTION=1 BUILD="$elsewhere/read-only"
else
  skip "make fails in a read-only folder" "unshare does not work here"
fi
check "make writes everything into BUILD" prints "graded: --programs $elsewhere/it/labs --output $elsewhere/it/grade" \
  in_odd grade BUILD="$elsewhere/it"
check "make writes nothing here" [ ! -e "$odd/build" ]
check_not "BUILD must not have a blank in its name" make grade BUILD="a b"
check "the error says so" has 'blank'
check_not "make clean does not remove another folder" make clean BUILD="$elsewhere"

# Wait until $2 is in the file $1, for half a minute at most.
comes() {
  for _ in $(seq 300); do
    grep -q -- "$2" "$1" 2>/dev/null && return 0
    sleep 0.1
  done
  cat "$1"
  return 1
}
rm -f pid
HANG=1 setsid env -u MAKEFLAGS -u MAKELEVEL make grade >first 2>&1 &
comes pid . >/dev/null
env -u MAKEFLAGS -u MAKELEVEL make grade >second 2>&1 &
check "a second grading in one tree waits, and says for whom" comes second '^process [0-9]* is grading in this tree'
kill "$(cat pid)"
check "it grades when the first has ended" comes second '^graded: '

setsid env -u MAKEFLAGS -u MAKELEVEL make watch LAB=1 >watched 2>&1 &
watcher=$!
check "make watch grades" comes watched '^Waiting for you'
check_not "make watch causes no warning of make" grep -q 'warning:' watched
kill -- "-$watcher"

# --- Testing ------------------------------------------------------------------------------------------

check "make test adds up all tests" last_line '3 passed, 0 failed' make test
check "ONLY=name runs one" last_line '1 passed, 0 failed' make test ONLY=script
check_not "an unknown name of a test is an error" make test ONLY=none
check "make test builds the hostile programs" [ -x build/tests/hostile/spins ]
check "it builds some of them with the sanitizers" not build/tests/hostile/overflows

# Criterion alone would pass each of these tests.
bad_test() {
  suite "$2" >"${3:-common}/tests/stand_in_tests.c"
  check_not "$1 fails make test" make test ONLY="${3:-common}_tests"
  check "make test counts it as failed" has '^[12] passed, 1 failed$'
}
bad_test "a leak" 'Test(stand_in, bad) {
  volatile char *lost = malloc(7);
  lost[0] = 1;
  lost = NULL;
  cr_assert_null((void *)lost, "lost");
}'
check "make test shows the leak" has 'LeakSanitizer: detected memory leaks'
bad_test "a leak in the grader's tests" 'Test(stand_in, bad) {
  volatile char *lost = malloc(7);
  lost[0] = 1;
}' grader
bad_test "a leak in a teardown" 'static void lose(void) {
  volatile char *lost = malloc(7);
  lost[0] = 1;
}
Test(stand_in, bad, .fini = lose) {
}'
bad_test "exit(0) half-way" 'Test(stand_in, bad) {
  exit(0);
}'
bad_test "undefined behaviour" 'Test(stand_in, bad) {
  volatile int i = 2147483647;
  i++;
}'
suite 'Test(stand_in, ends_with_3, .exit_code = 3) {
  exit(3);
}
Test(stand_in, aborts, .signal = 6) {
  abort();
}' >common/tests/stand_in_tests.c
check "a test that expects its own end passes" last_line '3 passed, 0 failed' make test ONLY=common_tests
done_testing
