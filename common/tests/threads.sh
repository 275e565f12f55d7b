#!/bin/bash
# Several threads, each with a loop of its own: no races, also in shared data, and a thread that has ended leaves
# no memory behind.
set -u
. grader/tools/dev/tap.sh
program=$PWD/build/tests/threads
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# All threads share each kind of trace. libuv closes descriptors unseen by ThreadSanitizer, which takes the next
# one with the same number for a race: so ignore calls from libraries.
export TSAN_OPTIONS=halt_on_error=1:exitcode=66:ignore_noninstrumented_modules=1
quiet() {
  H2_TRACE=$1 SSLKEYLOGFILE=keys timeout 120 "$program" >"$2" 2>stderr ||
    { tail -40 stderr; return 1; }
}
check "there is no race without a trace" quiet 0 none
check "there is no race with a ladder" quiet 1 ladder
check "there is no race with JSON" quiet all.json json
check "the JSON of all threads is one valid array" python3 -c '
import json
frames = json.load(open("all.json"))
connections = {frame["connection"] for frame in frames}
assert connections == set(range(1, 25)), connections'
for kind in none ladder json; do
  check "threads that have ended leave no memory behind ($kind)" awk '
    { first = $1; last = $2 } END { print first, last; exit !(NR == 1 && last <= first + 20000) }' "$kind"
done
done_testing
