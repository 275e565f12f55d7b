#!/bin/bash
# `make watch`: the command runs again at every save, however an editor saves.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'kill -- "-$watcher" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir lab
export RUNS=$work/runs

# ran N: whether the command has run N times, at the latest in thirty seconds.
ran() {
  for _ in $(seq 300); do
    [ "$(grep -c . "$RUNS")" -ge "$1" ] && break
    sleep 0.1
  done
  [ "$(grep -c . "$RUNS")" -eq "$1" ] || { cat "$RUNS"; return 1; }
}

watches() {
  : >"$RUNS"
  echo 1 >lab/x.c
  setsid sh "$root/grader/tools/watch.sh" lab -- sh -c 'cat lab/x.c >>"$RUNS"' >out 2>&1 &
  watcher=$!
  check "$1: it runs at once" ran 1
  echo 22 >lab/x.c
  check "$1: and when a file is written" ran 2
  echo 333 >lab/.x.c.new && mv lab/.x.c.new lab/x.c
  check "$1: and when it is replaced by another" ran 3
  touch lab/x.c
  check "$1: and when it is saved unchanged" ran 4
  check "$1: every time with what was saved" [ "$(tr '\n' ' ' <"$RUNS")" = "1 22 333 333 " ]
  kill -- "-$watcher"
  wait "$watcher" 2>/dev/null
}

if command -v inotifywait >/dev/null; then
  watches "with inotifywait"
else
  skip "with inotifywait" "it is not installed"
fi
# All commands but inotifywait.
mkdir bin
for command in sh stat cat sleep seq grep tr mv touch setsid; do
  ln -s "$(command -v $command)" bin/
done
PATH_KEPT=$PATH
PATH=$work/bin:$PATH
printf '#!/bin/sh\nexit 1\n' >bin/inotifywait
chmod +x bin/inotifywait
watches "with an inotifywait that fails"
PATH=$PATH_KEPT
sed 's/command -v inotifywait/false/' "$root/grader/tools/watch.sh" >polls
mkdir -p grader/tools && mv polls grader/tools/watch.sh
root=$work
watches "without it"
done_testing
