#!/bin/bash
# The bonus: the solution has all its points, the starter none, and each known mistake breaks the rule that is meant for it.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/grader "$work"/build "$work"/lab02-x/bonus && cd "$work" || exit 1
cp -r "$root/grader/bonus" grader/
ln -s "$root/build/grader" build/grader
right=$root/lab02-requests/bonus/solution/hpack.txt
mine=lab02-x/bonus/hpack.txt

bonus() { python3 grader/bonus/bonus.py lab02-x >said 2>&1; }
says() { grep -qF -- "$1" said; }
full() { cp "$right" $mine && bonus && says "3 of 3" && ! says ✘; }
nothing() { cp "$root/lab02-requests/bonus/hpack.txt" $mine && bonus && says "0 of 3"; }

# mistake RULE SED...: the solution, changed; that rule does not hold, and not all points are given.
mistake() {
  rule=$1
  shift
  sed "$@" "$right" >$mine
  bonus
  ! cmp -s "$right" $mine && grep -q "✘ $rule " said && ! says "3 of 3"
}

check "the solution has all points" full
check "the starter has none" nothing
check "the second block's :path is that of the first" mistake fields 's/2f 62/2f 61/'
check "a length is wrong" mistake fields '0,/04 02/s//04 03/'
check ":authority is not put into the table" mistake authority -e 's/^41/01/' -e 's/^be/01 07 68 32 2e 74 65 73 74/'
check ":path is put into the table" mistake path 's/^04/44/'
check "authorization is only not indexed" mistake secret 's/^1f/0f/'
check "authorization is put into the table" mistake secret 's/^1f 08/57/'
check "the name of :path is written out" mistake short 's/^04 02 2f 62/00 05 3a 70 61 74 68 02 2f 62/'
check "the second block stands alone" mistake state 's/^be/01 07 68 32 2e 74 65 73 74/'
check "the dynamic table is counted from 61" mistake fields 's/^be/bd/'
check "the number of authorization's name is cut" mistake fields 's/^1f 08/1f/'
printf '82 8\n' >$mine
check_not "what is no hex is refused" bonus
check "and told with its line" says "hpack.txt:1:"
rm $mine
check_not "a file that is not there is told" bonus
full
mkdir none
"$root/build/grader/grade" --programs none --output build/grade --lab 02 >board 2>&1
check "the scoreboard shows the points" grep -q "In addition: 3 of 3" board
check "and results.json" grep -q '"lab02/bonus"' build/grade/results.json
done_testing
