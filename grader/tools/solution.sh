#!/bin/sh
# solution: show how a student's file differs from the reference solution, once the lab has full
# marks.
#
#   solution.sh [--force] labNN-name
#
# Grade the lab first, but not with --force. Leave out the markers that starters are derived from.
set -u
tools=$(dirname "$0")
force=
if [ "${1:-}" = --force ]; then
  force=yes
  shift
fi
lab=${1:?usage: solution.sh [--force] labNN-name}
number=${lab#lab}
number=${number%%-*}
BUILD=${BUILD:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

if [ ! -d "$lab/solution" ]; then
  echo "solution: $lab/solution is not here; your instructor has it" >&2
  exit 1
fi
if [ -z "$force" ] && ! "$BUILD/grader/grade" --programs "$BUILD/labs" --lab "$number" --strict \
  --output "$work/grade" >"$work/said" 2>&1; then
  grep '^Total: ' "$work/said" >&2
  echo "solution: lab $number does not have full marks yet. Hints: make hint LAB=$number." \
    "FORCE=1 shows the solution anyway." >&2
  exit 1
fi

color=never
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] && color=always
for file in "$lab"/solution/*.c; do
  name=$(basename "$file")
  sh "$tools/dev/starter.sh" --clean "$file" >"$work/$name" || exit 1
  diff -u --color=$color --label "yours: $lab/$name" --label "the solution" "$lab/$name" "$work/$name"
  [ $? -gt 1 ] && exit 1
done
exit 0
