#!/bin/bash
# The starters: grader/tools/dev/starter.sh derives starters and refuses bad markers; and every starter in
# labNN-*/ is the one derived from its solution, compiles without a warning and has the right layout.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
starter="sh grader/tools/dev/starter.sh"

# derives "what" SOLUTION STARTER: the text SOLUTION gives the text STARTER.
derives() {
  printf '%s\n' "$2" >"$work/solution.c"
  printf '%s\n' "$3" >"$work/expected.c"
  check "$1" diff -u "$work/expected.c" <($starter "$work/solution.c" 2>&1)
}

# refuses "what" LINE SOLUTION: an error on one line of stderr names file and line; stdout is empty.
is_refused() {
  ! $starter "$work/solution.c" >"$work/out" 2>"$work/err" && [ ! -s "$work/out" ] &&
    [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q "^$work/solution.c:$1: " "$work/err"
}
refuses() {
  printf '%s\n' "$3" >"$work/solution.c"
  check "refuses $1" is_refused "$2"
}

derives "the STARTER replaces its block, and keeps its own indentation" \
'int f(void) {
  /* BEGIN SOLUTION */
  /* STARTER
  todo(2, "submit it");
      far(1);
  */
  return g();
  /* END SOLUTION */
}' \
'int f(void) {
  todo(2, "submit it");
      far(1);
}'

derives "a block without STARTER disappears, with a blank line that nothing needs" \
'/*
 * f: all of it.
 */

/* BEGIN SOLUTION */
static int g(void) {
  return 1;
}
/* END SOLUTION */

int f(void) {
  /* BEGIN SOLUTION */
  int x = 1;
  /* END SOLUTION */

  h();

  /* BEGIN SOLUTION */
  i();
  /* END SOLUTION */
}' \
'/*
 * f: all of it.
 */

int f(void) {
  h();
}'

derives "/+ and +/ become the marks of a comment; // stays" \
'/* BEGIN SOLUTION */
/* STARTER
/+ Write
   this. +/
f(); // and that
*/
g();
/* END SOLUTION */' \
'/* Write
   this. */
f(); // and that'

derives "the STARTER may stand at the end of the block; a file may have several blocks" \
'a();
/* BEGIN SOLUTION */
b();
/* STARTER
c();
*/
/* END SOLUTION */
d();
    /* BEGIN SOLUTION */
    /* STARTER
    E();
    */
    e();
    /* END SOLUTION */
f(); /* END_STREAM, at the end of the stream; begin with the settings */' \
'a();
c();
d();
    E();
f(); /* END_STREAM, at the end of the stream; begin with the settings */'

# --- The same solution with some TODOs done, and without marks ---------------------------------------

printf '%s\n' 'a();' '/* BEGIN SOLUTION */' '/* STARTER' 'todo_later(1, "b");' '*/' 'b();' '/* END SOLUTION */' \
  '/* BEGIN SOLUTION */' 'c();' '/* STARTER' '/+ Why +/' '  todo(12, "c");' '*/' '/* END SOLUTION */' >"$work/two.c"
# gives TEXT ARGUMENT...
gives() {
  expected=$1
  shift
  diff -u <(printf '%s\n' "$expected") <($starter "$@" 2>&1)
}
check "--done 0 gives the starter" gives "$($starter "$work/two.c")" --done 0 "$work/two.c"
check "--done 1 keeps the block of TODO 1" gives 'a();
b();
/* Why */
  todo(12, "c");' --done 1 "$work/two.c"
check "--done 12 keeps all blocks" gives 'a();
b();
c();' --done 12 "$work/two.c"
check "--clean keeps all blocks, without marks" gives 'a();
b();
c();' --clean "$work/two.c"
printf '%s\n' '/* BEGIN SOLUTION */' 'b();' '/* END SOLUTION */' >"$work/none.c"
check "--done refuses a block without a TODO" gives "$work/none.c:1: the STARTER of this block has no todo(N, ...)" \
  --done 1 "$work/none.c"
status_is() {
  "${@:2}"
  [ $? -eq "$1" ]
}
check "--clean accepts a block without a TODO" gives 'b();' --clean "$work/none.c"
check "--done with a word is wrong usage" status_is 2 $starter --done many "$work/two.c"
check "a call without a file is wrong usage" status_is 2 $starter --clean

refuses "a file without a block" 1 'int x;'
refuses "a block without an end" 2 'int x;
/* BEGIN SOLUTION */
int y;'
refuses "an end without a block" 3 '/* BEGIN SOLUTION */
/* END SOLUTION */
/* END SOLUTION */'
refuses "a block in a block" 2 '/* BEGIN SOLUTION */
/* BEGIN SOLUTION */
/* END SOLUTION */
/* END SOLUTION */'
refuses "a STARTER outside a block" 3 '/* BEGIN SOLUTION */
/* END SOLUTION */
/* STARTER
x();
*/'
refuses "two STARTER comments in a block" 5 '/* BEGIN SOLUTION */
/* STARTER
x();
*/
/* STARTER
y();
*/
/* END SOLUTION */'
refuses "a STARTER in a STARTER" 3 '/* BEGIN SOLUTION */
/* STARTER
/* STARTER
*/
/* END SOLUTION */'
refuses "a STARTER that does not end before its block does" 4 '/* BEGIN SOLUTION */
/* STARTER
x();
/* END SOLUTION */'
refuses "a STARTER that does not end at all" 2 '/* BEGIN SOLUTION */
/* STARTER
x();'
refuses "a STARTER that ends at the end of a line" 3 '/* BEGIN SOLUTION */
/* STARTER
x(); */
/* END SOLUTION */'
refuses "a block comment in a STARTER" 3 '/* BEGIN SOLUTION */
/* STARTER
x(); /* y
*/
/* END SOLUTION */'
for marker in '/* BEGIN */' '/* END */' '/* BEGIN SOLUTON */' '/* begin solution */' '/*BEGIN SOLUTION*/' \
  '// BEGIN SOLUTION' '/* SOLUTION */' '/* STARTER x(); */' '/* STARTER: */' '// STARTER' \
  'x(); /* BEGIN SOLUTION */' '/* END SOLUTION */ x();' '/* BEGIN_SOLUTION */' '/* BEGIN SOLUTION */ '; do
  refuses "$marker" 4 "x();
/* BEGIN SOLUTION */
/* END SOLUTION */
$marker
/* END SOLUTION */"
done
check_not "it refuses a missing file" $starter "$work/nothing.c"

# --- The labs -----------------------------------------------------------------------------------------

# Whether a file is as committed.
committed() {
  git ls-files --error-unmatch "$1" >/dev/null 2>&1 && git diff --quiet HEAD -- "$1" 2>/dev/null
}

# Print the starter of the solution $1. The file itself may be a student's work: take the committed one,
# unless the solution has changed.
print_starter_of() {
  file=${1%%/*}/${1##*/}
  if committed "$1" && git cat-file -e "HEAD:./$file" 2>/dev/null; then
    git show "HEAD:./$file"
  else
    cat "$file"
  fi
}

same_as_derived() {
  diff -u --label "$2" --label "derived from $1" <(print_starter_of "$1") "$work/$2"
}

# shellcheck disable=SC2046
compiles_with() {
  "$1" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -I. -O1 \
    $(pkg-config --cflags libnghttp2 openssl libuv jansson) -c -o /dev/null -x c "$work/$2"
}

laid_out() {
  clang-format --dry-run -Werror --assume-filename="$2" <"$1"
}

derived=0
for lab in lab[0-9][0-9]-*/; do
  lab=${lab%/}
  for solution in "$lab"/solution/*.c; do
    [ -e "$solution" ] || continue
    derived=$((derived + 1))
    file=$lab/${solution##*/}
    mkdir -p "$work/$lab"
    $starter "$solution" >"$work/$file" 2>"$work/err"
    check "$solution has good markers" diff /dev/null "$work/err"
    check "$file is the one derived from its solution" same_as_derived "$solution" "$file"
    for compiler in gcc clang; do
      if command -v $compiler >/dev/null; then
        check "$file compiles without a warning under $compiler" compiles_with $compiler "$file"
      else
        skip "$file compiles without a warning under $compiler" "the compiler is not installed"
      fi
    done
    if ! command -v clang-format >/dev/null; then
      skip "$file has the layout of its solution" "clang-format is not installed"
    elif laid_out "$solution" "$solution" 2>/dev/null; then
      check "$file has the layout of its solution" laid_out "$work/$file" "$file"
    else
      skip "$file has the layout of its solution" "this clang-format would change the solution itself"
    fi
  done
done

# Students get labs without solutions: either all labs have one, or none.
solutions=$(find lab[0-9][0-9]-*/solution -name '*.c' 2>/dev/null | wc -l)
labs=$(find . -maxdepth 1 -name 'lab[0-9][0-9]-*' | wc -l)
with_solution=$(find lab[0-9][0-9]-*/solution -name '*.c' 2>/dev/null | cut -d/ -f1 | sort -u | wc -l)
if [ "$solutions" -eq 0 ]; then
  skip "the starters are those of the solutions" "there are no solutions here"
else
  check "every lab has a solution" [ "$with_solution" -eq "$labs" ]
  check "the test saw every solution" [ "$derived" -eq "$solutions" ]
fi
done_testing
