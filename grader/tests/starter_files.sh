#!/bin/bash
# `make starters` and `make reset`: nobody's work is lost.
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
check "a starter that is not there is written" sh "$tools/dev/starters.sh" $solution
check "as derived" is $file first
write_solution second
check "a starter that was derived before is written anew" sh "$tools/dev/starters.sh" $solution
check "from the new solution" is $file second
rm -rf build
git add . && git commit -qm one
write_solution third
check "so is one that is as it was committed" sh "$tools/dev/starters.sh" $solution
check "from the newest" is $file third
echo 'my work' >$file
check_not "a student's work is left alone" sh "$tools/dev/starters.sh" $solution
check "really" is $file 'my work'
check "but with --force" sh "$tools/dev/starters.sh" --force $solution
check "it is written" is $file third
git rm -q --cached $file && git commit -qm two && rm -rf build
echo 'my work' >$file
check_not "so is work in a file that git does not know" sh "$tools/dev/starters.sh" $solution
check "that too" is $file 'my work'
echo third >$file
echo '/* STARTER' >>$solution
check_not "a bad solution is an error" sh "$tools/dev/starters.sh" --force $solution
check "and changes nothing" is $file third
write_solution third
rm -rf build .git
write_solution fourth
check_not "without git, a file that was not derived here is left alone" sh "$tools/dev/starters.sh" $solution

# --- make reset ---------------------------------------------------------------------------------------

git init -q .
git add . && git commit -qm one
echo 'my work' >$file
check "reset puts the starter back" sh "$tools/reset.sh" lab01-one
check "the starter is that of the solution" is $file fourth
check "and keeps the student's file" is $file.mine-1 'my work'
check "again" sh "$tools/reset.sh" lab01-one
check "nothing is kept when there is nothing to keep" [ ! -e $file.mine-2 ]
echo 'more work' >$file
check "a second time" sh "$tools/reset.sh" lab01-one
check "under the next number" is $file.mine-2 'more work'
check "and leaves the first" is $file.mine-1 'my work'
rm $file
check "also when the file is gone" sh "$tools/reset.sh" lab01-one
check "it is there" is $file fourth

git rm -q --cached $file && git commit -qm two
echo 'as handed out' >$file && git add $file && git commit -qm three
echo 'committed work' >$file && git commit -qam four
rm -r lab01-one/solution
check "without the solutions" sh "$tools/reset.sh" lab01-one
check "the file comes back as it was first committed" is $file 'third'
rm $file
check "without the file, too" sh "$tools/reset.sh" lab01-one
check "the same" is $file 'third'
rm -rf .git
echo 'my work' >$file
check_not "with neither it is an error" sh "$tools/reset.sh" lab01-one
check "and changes nothing" is $file 'my work'
done_testing
