#!/bin/bash
# 10,000 connections open at once on the reference server, a request on each, none lost. What `make bench` measures with
# does it: common/bench/hold.c. Runs alone: it takes all descriptors and most ports.
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
cat <&3 >/dev/null & # the log must not fill a pipe that nobody reads

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
check "$count connections: a request on each is answered" answered
check "and all are open at once" all_open
requests=${hold[1]}
exec {requests}>&- # the end of its standard input is the end of hold
done_testing
