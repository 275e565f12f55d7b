#!/bin/sh
# hint: print the next hint for a TODO of a lab. Each hint tells more than the one before.
#
#   hint.sh labNN-name [PROGRAM] [TODO]
#
# The hints are in labNN-name/hints.md, under a heading for each TODO:
#
#   ## TODO 3                  or, in a lab with several programs: ## client.c, TODO 3
#
#   1. The first one, which may
#      go on for several lines.
#   2. The second.
#
# Without TODO: the lowest one that is not done, by the calls of todo() in the file. If all are
# done: the one that the last `make grade` named; if it named none, nothing is left. build/hints
# remembers how many hints it has shown.
set -u
lab=${1:?usage: hint.sh labNN-name [PROGRAM] [TODO]}
program=${2:-}
todo=${3:-}
hints=$lab/hints.md
number=${lab#lab}
number=${number%%-*}
BUILD=${BUILD:-build}

if [ ! -f "$hints" ]; then
  echo "hint: there are no hints for $lab" >&2
  exit 1
fi

if [ -z "$todo" ]; then
  for source in "$lab"/${program:-*}.c; do
    todos=$("$BUILD/grader/todos" "$source") || exit 1
    todo=${todos%% *}
    [ -n "$todo" ] && program=$(basename "$source" .c) && break
  done
fi
if [ -z "$todo" ] && [ -f "$BUILD/grade/next/lab$number" ]; then
  read -r failed todo <"$BUILD/grade/next/lab$number" || todo=
  program=${program:-$failed}
fi
if [ -z "$todo" ]; then
  echo "Lab $number: every TODO is done. If make grade LAB=$number agrees, nothing is left."
  echo "make hint LAB=$number TODO=3 gives a hint anyway."
  exit 0
fi

# Find the heading: of the named program, of the lab's only program, or of any program.
heading() {
  for wanted in "## ${program:-?}.c, TODO $todo" "## TODO $todo"; do
    grep -qxF "$wanted" "$hints" && echo "$wanted" && return
  done
  grep -x "## [a-z]*\.c, TODO $todo" "$hints" | head -n 1
}

title=$(heading)
case $title in *.c,*) program=$(echo "$title" | sed 's/^## //; s/\.c,.*//') ;; esac
if [ -z "$title" ]; then
  echo "hint: there is no hint for TODO $todo in $hints" >&2
  exit 1
fi
shown=$BUILD/hints/$lab.$(echo "$title" | tr -cd 'a-zA-Z0-9')
mkdir -p "$BUILD/hints" || exit 1
step=$(($(cat "$shown" 2>/dev/null || echo 0) + 1))

repeat="make hint LAB=$number TODO=$todo"
case $title in *.c,*) repeat="$repeat PROGRAM=$program" ;; esac
# Print the hint as one paragraph, however the file breaks its lines.
whole='Your instructor has the solution.'
[ ! -d "$lab/solution" ] || whole="make solution LAB=$number FORCE=1 shows all of it."
awk -v title="$title" -v step="$step" -v lab="$number" -v repeat="$repeat" -v whole="$whole" '
$0 == title { inside = 1; next }
/^## / { inside = 0 }
inside && /^[0-9]+\. / { count++; sub(/^[0-9]+\. */, "") }
inside && count && NF { sub(/^ +/, ""); text[count] = text[count] (text[count] == "" ? "" : " ") $0 }
END {
  if (step > count) step = count
  sub(/^## /, "", title)
  printf "Lab %s, %s: hint %d of %d\n\n%s\n\n", lab, title, step, count, text[step]
  if (step < count) printf "Still stuck? `%s` again tells more.\n", repeat
  else printf "That was the last one. %s\n", whole
}' "$hints" | fold -s -w 79 | sed 's/ *$//' || exit 1
echo "$step" >"$shown"
