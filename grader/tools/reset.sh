#!/bin/sh
# reset: put the starters of a lab back.
#
#   reset.sh labNN-name
#
# Keep the student's file beside the starter, as X.c.mine-1, -2, ... Derive the starter from the
# reference solution if it is here; else take it from grader/starters, which `make handout` makes; or
# from git: the file as it was first committed.
set -u
tools=$(dirname "$0")
starters=grader/starters
lab=${1:?usage: reset.sh labNN-name}
status=0

print_starter() {
  if [ -f "$lab/solution/$1" ]; then
    sh "$tools/dev/starter.sh" "$lab/solution/$1"
  elif [ -f "$starters/$lab/$1" ]; then
    cat "$starters/$lab/$1"
  else
    first=$(git log --diff-filter=A --format=%h -- "$lab/$1" 2>/dev/null | tail -n 1)
    [ -n "$first" ] && git show "$first:./$lab/$1"
  fi
}

# The programs of the lab, even if the student's file is gone.
programs() {
  {
    ls "$lab" "$lab/solution" "$starters/$lab" 2>/dev/null
    git ls-tree --name-only HEAD "$lab/" 2>/dev/null | sed 's,.*/,,'
  } | grep '\.c$' | sort -u
}

new=$(mktemp) || exit 1
trap 'rm -f "$new"' EXIT
for program in $(programs); do
  mine=$lab/$program
  if ! print_starter "$program" >"$new"; then
    echo "reset: $mine: there is no starter for it in $lab/solution, in $starters or in git" >&2
    status=1
  elif cmp -s "$new" "$mine"; then
    echo "$mine is the starter already"
  else
    n=1
    while [ -e "$mine.mine-$n" ]; do
      n=$((n + 1))
    done
    if [ ! -e "$mine" ]; then
      cp "$new" "$mine" && echo "$mine is the starter again"
    elif mv "$mine" "$mine.mine-$n" && cp "$new" "$mine"; then
      echo "$mine is the starter again; yours is $mine.mine-$n"
    fi || status=1
  fi
done
exit $status
