#!/bin/bash
# grader/mistakes/mistakes.py reports mistakes that prove nothing, and rows of the table that are not true.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
solution=lab01-session/solution/session.c
mkdir "$work/lab01"

# patch_of NAME CHECK SED: write a patch of lab 1's solution.
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

# row NAME CHECK CHECKS: print a row of the table; each check fails with the words of the first.
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

# says NAME TEXT: the tool refuses the mistake with these words.
says() {
  cat "$work/out"
  grep -qF "# $work/lab01/$1.patch: $2" "$work/out" &&
    grep -Eq "^not ok [0-9]+ - [a-z0-9]* ?catches lab01/$1\$" "$work/out"
}

check "the tool fails if it refuses a mistake" test $status -eq 1
check "a mistake that its check catches and the table has passes" grep -q '^ok [0-9]* - goodbye catches lab01/test-caught$' "$work/out"
check "it refuses a mistake that no check catches" says test-no-mistake "is not caught by goodbye; the checks that fail: none"
check "it refuses a mistake that only another check catches" says test-other-check "is not caught by http1; the checks that fail: goodbye"
check "it refuses a mistake that is not in the table" says test-unlisted "is not in the table in this form"
check "it refuses a mistake that passes a check which the table says it fails" says test-listed-wrong "passes checks that it fails in the table: http1"
check "it refuses a mistake that fails in another way than in the table" says test-other-words "fails in another way than in the table"
check "it refuses a mistake with a warning" says test-warning "does not compile without a warning: "
check "it refuses a mistake that does not compile" says test-no-program "does not compile without a warning: "
check "it refuses a patch that does not apply" says test-misfit "does not apply: "
check "it refuses a patch without its two lines" says test-no-check "does not begin with the two lines"
check "it fails if the grader names too few mistakes" grep -q '^not ok 11 - the grader names 100 of 100 mistakes$' "$work/out"
check "its plan counts all tests" grep -qx '1..11' "$work/out"

rm "$work"/lab01/test-[a-bd-z]*.patch
tool() {
  python3 grader/mistakes/mistakes.py --in "$work" --table "$work/table.json" "$@"
}
check "--write writes the table" tool --write 1
check "the table is then true" tool lab01
check "the table has the checks that fail" grep -q '"goodbye",$' "$work/table.json"
check "the table says how they fail" grep -qF "\"id\": \"$goodbye\"" "$work/table.json"
check "the table has the program" grep -q '"program": "session"' "$work/table.json"
check "the table has the TODO of the mistake" grep -q '"todo": 5' "$work/table.json"
check_not "the table has no other check" grep -q '"http1"' "$work/table.json"
check "with this table the grader names the mistake" tool --named 100 1
check_not "the tool refuses a lab without mistakes" tool 99

# --- A new one, as README.md says ---------------------------------------------------------------------
# Work in a copy of the project, because the steps change the solution itself.

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
check "the patch that git diff writes has a header" grep -q '^diff --git' "$work/new/lab01/no-goodbye.patch"
check "the tool grades a patch that git diff has written" python3 grader/mistakes/mistakes.py --in "$work/new" \
  --table "$work/new/table.json" --write 1
check "the tool reads its two lines" grep -qF '"mistake": "it does not say goodbye"' "$work/new/table.json"

done_testing
