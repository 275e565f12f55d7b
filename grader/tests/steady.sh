#!/bin/bash
# `make steady`: one run in place of a hundred, with all cores busy; and it fails if points are missing.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

check "the solutions get all points while the machine is busy" sh grader/tools/dev/steady.sh 1

# A grader that is fair in every other grading only.
unfair() {
  PYTHONPATH=grader/mistakes:grader/tools/dev python3 - <<'END'
import steady
steady.grade = lambda mistake, seed: (3, {"ping"}) if seed % 2 else (4, {"get"})
print(steady.differences(None, 4))
END
}
mistakes=$(sh grader/tools/dev/steady.sh 2 mistakes 04 --each 2)
check "known mistakes get the same points every time" \
  [ "$(echo "$mistakes" | tail -n 1)" = "2 of 2 programs got the same points in 2 gradings" ]
check "it says which checks differ" \
  [ "$(unfair)" = "3 (2 times), 4 (2 times): get fails 2 times, ping fails 2 times" ]

cd "$work" || exit 1
mkdir -p build/grader
cat >build/grader/grade <<'END'
#!/bin/sh
echo run >>runs
echo "Total: 4 of 5 points"
[ "$(grep -c . runs)" -ne 2 ]
END
chmod +x build/grader/grade
printed=$(sh "$root/grader/tools/dev/steady.sh" 3)
status=$?
check "it fails if one run misses points" [ "$status" -ne 0 ]
check "it goes on after that run" [ "$(grep -c . runs)" -eq 3 ]
check "it counts the runs with all points" [ "$(echo "$printed" | tail -n 1)" = "2 of 3 runs had all points" ]
check_not "it refuses a word in place of the number" sh "$root/grader/tools/dev/steady.sh" many
# The processes that kept the machine busy are in the process group of this test.
busy() {
  pgrep -g "$(ps -o pgid= -p $$ | tr -d ' ')" -f 'busy [0-9]+$'
}
check_not "no busy process is left" busy
done_testing
