#!/bin/bash
# The reference server keeps 10,000 connections open at once, answers a request on each, and loses none. The program of
# `make bench` opens them: common/bench/hold.c. Runs alone: it takes all descriptors and most ports.
set -u
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
ulimit -n "$(ulimit -Hn)"
spare=200 # descriptors for other things than connections
seconds=120
count=10000
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt $((count + spare)) ]; then
  count=$(($(ulimit -n) - spare))
fi

exec 3< <(exec build/grader/serve --port 0 2>/dev/null)
server=$!
trap 'kill $server' EXIT
read -r _ _ url <&3
cat <&3 >/dev/null & # nobody else reads the log, which would fill the pipe

coproc hold { exec build/bench/hold --port "${url##*:}" --count $count 2>&1; }
read -r -t $seconds opened <&"${hold[0]}"
answered() {
  echo "$opened"
  [ "${opened% seconds *}" = "open $count" ]
}
all_open() {
  # shellcheck disable=SC2012  # their names are numbers
  [ "$(ls "/proc/$server/fd" | wc -l)" -ge $count ]
}
check "$count connections: the server answers a request on each" answered
check "all connections are open at once" all_open
requests=${hold[1]}
exec {requests}>&- # hold ends when its standard input ends
done_testing
