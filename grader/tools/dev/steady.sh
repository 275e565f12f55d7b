#!/bin/sh
# steady: grade the solutions N times while the machine is busy.
#
#   steady.sh N
#   steady.sh N mistakes [LAB]    known mistakes in place of the solutions: each must get the same points N times
#
# Meanwhile one process per core computes without end; the script always ends them. Each grading may
# take TIME_LIMIT seconds. The status is 0 only if every run got all points.
set -u
count=${1:?usage: steady.sh N [mistakes [LAB]]}
TIME_LIMIT=120
BUILD=${BUILD:-build}
case $count in
  *[!0-9]* | 0*)
    echo "steady: $count: not a number of runs" >&2
    exit 2
    ;;
esac
work=$(mktemp -d) || exit 1
busy=
trap 'kill $busy 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

for _ in $(seq "$(nproc)"); do
  # The process ends by itself once this script is gone.
  sh -c 'while kill -0 "$1" 2>/dev/null; do i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; done' busy $$ &
  busy="$busy $!"
done

if [ "${2:-}" = mistakes ]; then
  shift 2
  python3 grader/mistakes/steady.py --times "$count" "$@"
  exit
fi

full=0
run=1
while [ "$run" -le "$count" ]; do
  timeout "$TIME_LIMIT" "$BUILD/grader/grade" --programs "$BUILD/solutions" --seed "$run" --strict \
    --output "$work/grade" >"$work/said" 2>&1
  status=$?
  total=$(grep '^Total: ' "$work/said")
  echo "run $run of $count: ${total:-no score (status $status)}"
  if [ $status -eq 0 ]; then
    full=$((full + 1))
  else
    sed 's/^/    /' "$work/said"
  fi
  run=$((run + 1))
done
echo "$full of $count runs had all points"
[ "$full" -eq "$count" ]
