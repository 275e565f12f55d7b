#!/bin/bash
# The bonus: the solution gets all points, the starter none, and each known mistake breaks the rule meant for it.
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

# mistake RULE SED...: change the solution; it must break this rule and lose points.
mistake() {
  rule=$1
  shift
  sed "$@" "$right" >$mine
  bonus
  ! cmp -s "$right" $mine && grep -q "✘ $rule " said && ! says "3 of 3"
}

check "the solution gets all points" full
check "the starter gets no points" nothing
check "mistake: the second block has the :path of the first" mistake fields 's/2f 62/2f 61/'
check "mistake: a wrong length" mistake fields '0,/04 02/s//04 03/'
check "mistake: :authority is not in the table" mistake authority -e 's/^41/01/' -e 's/^be/01 07 68 32 2e 74 65 73 74/'
check "mistake: :path is in the table" mistake path 's/^04/44/'
check "mistake: authorization is without indexing, but not never-indexed" mistake secret 's/^1f/0f/'
check "mistake: authorization is in the table" mistake secret 's/^1f 08/57/'
check "mistake: the name of :path is a literal" mistake short 's/^04 02 2f 62/00 05 3a 70 61 74 68 02 2f 62/'
check "mistake: the second block does not use the table" mistake state 's/^be/01 07 68 32 2e 74 65 73 74/'
check "mistake: the dynamic table begins at 61" mistake fields 's/^be/bd/'
check "mistake: the index of authorization is cut off" mistake fields 's/^1f 08/1f/'
printf '82 8\n' >$mine
check_not "text that is not hexadecimal is an error" bonus
check "the error names the line" says "hpack.txt:1:"
rm $mine
check_not "a missing file is an error" bonus
full
mkdir none
"$root/build/grader/grade" --programs none --output build/grade --lab 02 >board 2>&1
check "the scoreboard shows the points of the bonus" grep -q "In addition: 3 of 3" board
check "results.json has the bonus" grep -q '"lab02/bonus"' build/grade/results.json
done_testing
