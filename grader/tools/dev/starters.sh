#!/bin/sh
# starters: derive labNN-name/X.c from each labNN-name/solution/X.c that is named, labNN-name/bonus/X.c from
# labNN-name/bonus/solution/X.c.
#
#   starters.sh [--force] SOLUTION.c...
#
# Leave a starter with somebody's work in it alone, and end with status 1: a starter that is neither as
# committed nor as last derived (build/starters keeps a copy). --force overwrites it.
set -u
tools=$(dirname "$0")
BUILD=${BUILD:-build}
force=
if [ "${1:-}" = --force ]; then
  force=1
  shift
fi
status=0

# Whether we can overwrite this file without losing work.
untouched() {
  [ ! -e "$1" ] || cmp -s "$1" "$BUILD/starters/$1" ||
    { git ls-files --error-unmatch "$1" && git diff --quiet HEAD -- "$1"; } >/dev/null 2>&1
}

for solution in "$@"; do
  lab=${solution%/solution/*}
  starter=$lab/${solution##*/}
  mkdir -p "$BUILD/starters/$lab"
  derived=$BUILD/starters/$starter.new
  if ! sh "$tools/starter.sh" "$solution" >"$derived"; then
    rm -f "$derived"
    status=1
  elif cmp -s "$derived" "$starter"; then
    mv "$derived" "$BUILD/starters/$starter"
  elif [ -n "$force" ] || untouched "$starter"; then
    cp "$derived" "$starter" && mv "$derived" "$BUILD/starters/$starter" && echo "  wrote $starter"
  else
    rm -f "$derived"
    echo "starters: $starter has somebody's work in it; to overwrite it: FORCE=1" >&2
    status=1
  fi
done
exit $status
