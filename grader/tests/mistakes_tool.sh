#!/bin/bash
# grader/mistakes/mistakes.py says so where a mistake proves nothing, or the table of them does not hold.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
solution=lab01-session/solution/session.c
mkdir "$work/lab01"

# patch_of NAME CHECK SED: a patch of lab 1's solution.
patch_of() {
  printf 'Mistake: for a test\nCheck: %s\n\n' "$2" >"$work/lab01/$1.patch"
  sed "$3" "$solution" | diff -u --label "a/$solution" --label "b/$solution" "$solution" - >>"$work/lab01/$1.patch"
}
no_goaway='s/return nghttp2_session_terminate_session.*/(void)session, transport_close(client->transport);/'

patch_of test-caught goodbye "$no_goaway"
patch_of test-unlisted goodbye "$no_goaway"
patch_of test-listed-wrong goodbye "$no_goaway"
patch_of test-other-words goodbye "$no_goaway"
patch_of test-other-check http1 "$no_goaway"
patch_of test-no-mistake goodbye 's/^ \* Lab 1: /&no mistake; /'
patch_of test-warning goodbye 's/^int main.*/static int unused;\n&/'
patch_of test-no-program goodbye 's/^int main/int not_main/'
patch_of test-misfit goodbye "$no_goaway"
sed -i 's/^-.*terminate_session.*/-something else/' "$work/lab01/test-misfit.patch"
patch_of test-no-check goodbye "$no_goaway"
sed -i '/^Check: /d' "$work/lab01/test-no-check.patch"

goodbye='closes-without-goaway'

# row NAME CHECK CHECKS: of the table; what they say is what the first of them says.
row() {
  printf '"%s": {"mistake": "for a test", "check": "%s", "program": "session", "todo": 5,' "$1" "$2"
  printf ' "fails": [{"checks": [%s], "id": "%s"}]}' "$3" "${4:-$goodbye}"
}
{
  printf '{"lab01": {%s' "$(row test-caught goodbye '"goodbye"')"
  printf ', %s' "$(row test-other-words goodbye '"goodbye"' 'nothing')" \
    "$(row test-listed-wrong goodbye '"goodbye", "http1"')" \
    "$(row test-other-check http1 '"http1"')" "$(row test-no-mistake goodbye '"goodbye"')"
  printf '}}\n'
} >"$work/table.json"

python3 grader/mistakes/mistakes.py --in "$work" --table "$work/table.json" --tap --named 100 >"$work/out" 2>&1
status=$?

# says NAME TEXT: the mistake is refused with these words.
says() {
  cat "$work/out"
  grep -qF "# $work/lab01/$1.patch: $2" "$work/out" &&
    grep -Eq "^not ok [0-9]+ - [a-z0-9]* ?catches lab01/$1\$" "$work/out"
}

check "it fails if one of them is refused" test $status -eq 1
check "one that is caught and listed is fine" grep -q '^ok [0-9]* - goodbye catches lab01/test-caught$' "$work/out"
check "one that is not caught" says test-no-mistake "is not caught by goodbye; the checks that fail: none"
check "one that only another check catches" says test-other-check "is not caught by http1; the checks that fail: goodbye"
check "one that is not in the table" says test-unlisted "is not in the table as it is"
check "one that passes what it fails by the table" says test-listed-wrong "passes what it fails by the table: http1"
check "one that fails otherwise than by the table" says test-other-words "fails otherwise than in the table"
check "one that gives a warning" says test-warning "does not compile without a warning: "
check "one that does not compile" says test-no-program "does not compile without a warning: "
check "a patch that does not apply" says test-misfit "does not apply: "
check "a patch without its two lines" says test-no-check "does not begin with the two lines"
check "too few that are named" grep -q '^not ok 11 - the grader names 100 of 100 mistakes$' "$work/out"
check "a plan that counts them all" grep -qx '1..11' "$work/out"

rm "$work"/lab01/test-[a-bd-z]*.patch
tool() {
  python3 grader/mistakes/mistakes.py --in "$work" --table "$work/table.json" "$@"
}
check "the table can be written" tool --write 1
check "and holds then" tool lab01
check "with the checks that fail" grep -q '"goodbye",$' "$work/table.json"
check "with how they fail" grep -qF "\"id\": \"$goodbye\"" "$work/table.json"
check "with the program" grep -q '"program": "session"' "$work/table.json"
check "and the TODO that the mistake belongs to" grep -q '"todo": 5' "$work/table.json"
check_not "and no other check" grep -q '"http1"' "$work/table.json"
check "and by it the grader names the mistake" tool --named 100 1
check_not "a lab without any is refused" tool 99

# --- A new one, as README.md says ---------------------------------------------------------------------
# In a project of its own, since the mistake is made in the solution itself.

mkdir -p "$work/project/lab01-session/solution" "$work/new/lab01"
cp $solution "$work/project/$solution"
(
  cd "$work/project" || exit 1
  git init -q . && git add . && git -c user.name=a -c user.email=a@example.org -c commit.gpgsign=false commit -qm one &&
    sed -i "$no_goaway" $solution && {
    printf 'Mistake: it does not say goodbye\nCheck: goodbye\n\n'
    git diff lab01-session/solution
  } >"$work/new/lab01/no-goodbye.patch"
)
check "git's patch has a head of its own" grep -q '^diff --git' "$work/new/lab01/no-goodbye.patch"
check "a mistake that git diff has written is graded" python3 grader/mistakes/mistakes.py --in "$work/new" \
  --table "$work/new/table.json" --write 1
check "and its two lines are read" grep -qF '"mistake": "it does not say goodbye"' "$work/new/table.json"

done_testing
