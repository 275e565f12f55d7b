#!/bin/bash
# `make starters` and `make reset` lose nobody's work.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
tools=$root/grader/tools
file=lab01-one/one.c
solution=lab01-one/solution/one.c

git() {
  command git -c user.name=a -c user.email=a@example.org -c commit.gpgsign=false "$@"
}
write_solution() {
  printf '%s\n' '/* BEGIN SOLUTION */' '/* STARTER' "$1" '*/' 'the solution' '/* END SOLUTION */' >$solution
}
is() {
  [ "$(cat "$1")" = "$2" ] || { cat "$1"; return 1; }
}
mkdir -p lab01-one/solution
git init -q .

# --- make starters ------------------------------------------------------------------------------------

write_solution first
check "starters writes a missing starter" sh "$tools/dev/starters.sh" $solution
check "the starter is the derived one" is $file first
write_solution second
check "starters replaces a starter that it derived before" sh "$tools/dev/starters.sh" $solution
check "the starter is that of the new solution" is $file second
rm -rf build
git add . && git commit -qm one
write_solution third
check "starters replaces a starter that is as committed" sh "$tools/dev/starters.sh" $solution
check "the starter is that of the newest solution" is $file third
echo 'my work' >$file
check_not "starters refuses to replace a student's work" sh "$tools/dev/starters.sh" $solution
check "the work is still there" is $file 'my work'
check "with --force, starters replaces the work" sh "$tools/dev/starters.sh" --force $solution
check "the starter is that of the solution now" is $file third
git rm -q --cached $file && git commit -qm two && rm -rf build
echo 'my work' >$file
check_not "starters refuses to replace a file that git does not know" sh "$tools/dev/starters.sh" $solution
check "the work in this file is still there" is $file 'my work'
echo third >$file
echo '/* STARTER' >>$solution
check_not "a bad solution is an error" sh "$tools/dev/starters.sh" --force $solution
check "it changes nothing" is $file third
write_solution third
rm -rf build .git
write_solution fourth
check_not "without git, starters refuses to replace a file that it did not derive" sh "$tools/dev/starters.sh" $solution

# --- make reset ---------------------------------------------------------------------------------------

git init -q .
git add . && git commit -qm one
echo 'my work' >$file
check "reset puts the starter back" sh "$tools/reset.sh" lab01-one
check "the starter is that of the solution" is $file fourth
check "reset keeps the student's file" is $file.mine-1 'my work'
check "reset works twice" sh "$tools/reset.sh" lab01-one
check "reset keeps no copy of an unchanged starter" [ ! -e $file.mine-2 ]
echo 'more work' >$file
check "reset works with new work" sh "$tools/reset.sh" lab01-one
check "reset keeps the next file under the next number" is $file.mine-2 'more work'
check "reset leaves the first copy alone" is $file.mine-1 'my work'
rm $file
check "reset works when the file is gone" sh "$tools/reset.sh" lab01-one
check "the starter is there again" is $file fourth

git rm -q --cached $file && git commit -qm two
echo 'as handed out' >$file && git add $file && git commit -qm three
echo 'committed work' >$file && git commit -qam four
rm -r lab01-one/solution
check "reset works without the solutions" sh "$tools/reset.sh" lab01-one
check "reset restores the file as first committed" is $file 'third'
rm $file
check "reset works without solutions and file" sh "$tools/reset.sh" lab01-one
check "the file is the same" is $file 'third'
rm -rf .git
echo 'my work' >$file
check_not "without solutions and git, reset is an error" sh "$tools/reset.sh" lab01-one
check "reset then changes nothing" is $file 'my work'
done_testing
